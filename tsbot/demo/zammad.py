"""A stand-in for Zammad's REST API that is as strict as the real one (docs.zammad.org, and Zammad's controllers).

A search by query sees what was indexed, which is what was there at the last :meth:`Zammad.index`; a search by condition sees all.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from tsbot.demo.contract import ContractServer, Reply, Request

PRIORITIES = ("1 low", "2 normal", "3 high")
STATES = ("new", "open", "pending reminder", "pending close", "closed", "merged")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class Zammad(ContractServer):
    """One token with the right ``ticket.agent`` in all ``groups``."""

    def __init__(self, groups: tuple[str, ...] = ("Trust and Safety",), clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.groups = groups
        self.token = uuid.uuid4().hex
        self.tickets: dict[int, dict[str, Any]] = {}
        self.articles: list[dict[str, Any]] = []
        self._indexed: frozenset[int] = frozenset()

    def index(self) -> None:
        """Let the search by query see what is there now."""
        self._indexed = frozenset(self.tickets)

    def of(self, ticket: int) -> list[dict[str, Any]]:
        """Articles of a ticket."""
        return [one for one in self.articles if one["ticket_id"] == ticket]

    def answer(self, request: Request) -> Reply:
        """As Zammad's routes have it."""
        if request.headers.get("authorization") != f"Token token={self.token}":
            return Reply(401, {"error": "Authentication required"})
        path = request.path.removeprefix("/api/v1")
        if path == request.path:
            return Reply(404, {"error": "Not found"})
        body = request.json() if request.headers.get("content-type") == "application/json" else None
        match (request.method, *path.strip("/").split("/")):
            case ("GET", "users", "me"):
                return Reply(200, {"id": 3, "login": "tsbot"})
            case ("GET", "tickets", "search"):
                return self._search(request.query)
            case ("GET", "tickets", number):
                return self._one(number, 200)
            case ("PUT", "tickets", number):
                return self._update(number, body if isinstance(body, dict) else {})
            case ("POST", "tickets"):
                return self._create(body if isinstance(body, dict) else {})
            case ("GET", "ticket_articles", "by_ticket", number):
                return Reply(200, self.of(int(number))) if self._has(number) else _missing(number)
            case ("POST", "ticket_articles"):
                return self._add(body if isinstance(body, dict) else {})
        return Reply(404, {"error": "No route matches"})

    def _search(self, query: dict[str, str]) -> Reply:
        value = query.get("condition[ticket.title][value]")
        if value is not None and query.get("condition[ticket.title][operator]") == "contains":
            found = [one for one in self.tickets.values() if value in one["title"]]
        else:
            found = [self.tickets[number] for number in self._indexed if query.get("query", "") in self.tickets[number]["title"]]
        found = found[: int(query.get("limit", 50))]
        if query.get("expand") == "true":
            return Reply(200, found)
        return Reply(200, {"tickets": [one["id"] for one in found], "tickets_count": len(found), "assets": {}})

    def _create(self, body: dict[str, Any]) -> Reply:
        customer = str(body.get("customer_id", ""))
        if body.get("group") not in self.groups:
            return Reply(422, {"error": f"No lookup value found for 'group': {body.get('group')!r}"})
        if not customer.startswith("guess:") or not ADDRESS.fullmatch(customer.removeprefix("guess:")):
            return Reply(422, {"error": "Invalid email of customer"})
        if not body.get("title") or body.get("priority", PRIORITIES[1]) not in PRIORITIES:
            return Reply(422, {"error": "Attribute 'title' required!"})
        number = len(self.tickets) + 1
        article = body.get("article")
        if not isinstance(article, dict) or not article.get("body"):
            return Reply(422, {"error": "Need at least article: { body: \"some text\" }"})
        ticket = {name: body.get(name) for name in ("title", "group", "priority")}
        self.tickets[number] = {"id": number, "number": str(22000 + number), "state": "new", "customer": customer[6:], **ticket}
        self._keep(number, article)
        return self._one(str(number), 201)

    def _add(self, body: dict[str, Any]) -> Reply:
        if body.get("ticket_id") not in self.tickets:
            return _missing(body.get("ticket_id"))
        if not body.get("body"):
            return Reply(422, {"error": "Need at least an 'subject' or 'body' for a note."})
        return Reply(201, self._keep(body["ticket_id"], body))

    def _keep(self, ticket: int, article: dict[str, Any]) -> dict[str, Any]:
        names = ("subject", "body", "content_type", "type", "internal")
        kept = {"id": len(self.articles) + 1, "ticket_id": ticket} | {name: article.get(name) for name in names}
        self.articles.append(kept)
        return kept

    def _update(self, number: str, body: dict[str, Any]) -> Reply:
        if not self._has(number):
            return _missing(number)
        if body.get("state", STATES[0]) not in STATES or body.get("priority", PRIORITIES[0]) not in PRIORITIES:
            return Reply(422, {"error": "No lookup value found"})
        self.tickets[int(number)] |= {name: body[name] for name in ("state", "priority", "title") if name in body}
        return self._one(number, 200)

    def _one(self, number: str, status: int) -> Reply:
        return Reply(status, self.tickets[int(number)]) if self._has(number) else _missing(number)

    def _has(self, number: str) -> bool:
        return number.isdecimal() and int(number) in self.tickets


def _missing(number: object) -> Reply:
    return Reply(404, {"error": f"Couldn't find Ticket with 'id'={number}"})
