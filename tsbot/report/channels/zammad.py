"""Letters as tickets of Zammad (docs.zammad.org, "REST API"; read in Zammad's controllers).

One ticket for each thread: the first letter creates it, follow-ups become internal articles of it. Zammad takes no id from its client,
so before anything is created it is looked whether it is there: the ticket by a key in its title, the article by the report's id in
its last line. The look is a search by condition, which Zammad answers from its database; a search by query would ask an index that
is some seconds behind. Only one deliverer works at a time (:mod:`tsbot.report.lock`), so nobody creates between look and deed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tsbot.cases.flag import NAMESPACE
from tsbot.errors import DeliveryDeferredError
from tsbot.report.channels.http import Answer, Client, to_json
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import ZammadSettings

TITLE_CHARS = 250
"""Of the column for a ticket's title."""
MAX_TICKET = 8 << 20
"""Bytes of a ticket's articles that are read."""
CLOSED = frozenset(("closed", "merged"))
PRIORITIES = ("1 low", "2 normal", "3 high")


class ZammadChannel:
    """Creates tickets and articles in the group that the recipient names."""

    def __init__(self, settings: ZammadSettings, customer: str) -> None:
        self.settings = settings
        self.customer = settings.customer or customer
        self.base = settings.url.rstrip("/") + "/api/v1"
        self.client = Client("zammad", settings.timeout)

    def send(self, message: OutboundMessage) -> Receipt:
        """Create the thread's ticket, or add an article to it; whatever of that is there already is left as it is."""
        ticket = self._ticket(message)
        if ticket is None:
            return Receipt(str(self._create(message)))
        number = _number(ticket)
        if not self._has(number, message):
            self._post("/ticket_articles", {"ticket_id": number, **_article(message)}, "article")
        if changes := self._changes(ticket, message):
            self._ask("PUT", f"/tickets/{number}", "update", changes, 200)
        return Receipt(str(number))

    def check(self) -> None:
        """Ask who we are. Raises as :meth:`send`."""
        self._ask("GET", "/users/me", "read", None, 200)

    def _ticket(self, message: OutboundMessage) -> Mapping[str, Any] | None:
        """The thread's ticket: by its number where that is known, else by its key."""
        if message.external_id.isascii() and message.external_id.isdecimal():
            answer = self._ask("GET", f"/tickets/{message.external_id}?expand=true", "read", None, 200, 404)
            if answer.status == 200 and isinstance(answer.json(), dict) and answer.json().get("state") != "merged":
                return dict(answer.json())
        key = thread_key(message)
        asked = {"condition[ticket.title][operator]": "contains", "condition[ticket.title][value]": key, "expand": "true", "limit": "50"}
        found = self._ask("GET", f"/tickets/search?{urlencode(asked)}", "search", None, 200).json()
        if not isinstance(found, list):
            raise DeliveryDeferredError("zammad: the answer to search cannot be understood")
        # A server that does not know conditions answers with all there is.
        ours = [one for one in found if isinstance(one, dict) and str(one.get("title", "")).startswith(f"[{key}]")]
        return min((one for one in ours if one.get("state") != "merged"), key=_number, default=None)

    def _has(self, ticket: int, message: OutboundMessage) -> bool:
        articles = self._ask("GET", f"/ticket_articles/by_ticket/{ticket}", "articles", None, 200, limit=MAX_TICKET).json()
        if not isinstance(articles, list):
            raise DeliveryDeferredError("zammad: the answer to articles cannot be understood")
        return any(isinstance(one, dict) and _mark(message) in str(one.get("body", "")) for one in articles)

    def _create(self, message: OutboundMessage) -> int:
        ticket = {
            "title": f"[{thread_key(message)}] {message.private_subject or message.subject}"[:TITLE_CHARS],
            "group": message.recipient,
            "customer_id": f"guess:{self.customer}",
            "priority": self._priority(message),
            "article": _article(message),
        }
        return self._post("/tickets", ticket, "create")

    def _priority(self, message: OutboundMessage) -> str:
        return PRIORITIES[(message.priority >= self.settings.normal) + (message.priority >= self.settings.high)]

    def _changes(self, ticket: Mapping[str, Any], message: OutboundMessage) -> dict[str, str]:
        """What a follow-up changes of its ticket: it is opened again, and more urgent if it must be; never less."""
        changes = {"state": "open"} if ticket.get("state") in CLOSED else {}
        priority = self._priority(message)
        return changes | ({"priority": priority} if priority > str(ticket.get("priority") or "9") else {})

    def _post(self, path: str, body: Mapping[str, Any], step: str) -> int:
        """Create something; its number."""
        made = self._ask("POST", path, step, body, 200, 201).json()
        if not isinstance(made, dict) or not isinstance(made.get("id"), int):
            raise DeliveryDeferredError(f"zammad: the answer to {step} cannot be understood")
        return int(made["id"])

    def _ask(self, method: str, path: str, step: str, body: Mapping[str, Any] | None, *good: int, limit: int = 1 << 20) -> Answer:
        headers = {"Authorization": f"Token token={self.settings.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else to_json(body)
        answer = self.client.ask(method, self.base + path, headers=headers, body=content, limit=limit)
        self.client.expect(answer, step, *good)
        return answer


def thread_key(message: OutboundMessage) -> str:
    """What the title of a thread's ticket begins with, in square brackets: the same in every run, another for each group."""
    return f"TS-{message.case_id[:8]}-{uuid.uuid5(NAMESPACE, f'zammad|{message.case_id}|{message.recipient}').hex[:12]}"


def _mark(message: OutboundMessage) -> str:
    return f"Report: {message.id}"


def _article(message: OutboundMessage) -> dict[str, Any]:
    """An internal note in plain text: customers of the ticket system do not see it, and none of it is taken for HTML."""
    subject = message.private_subject or message.subject
    body = f"{message.text}\n{_mark(message)}\n"
    return {"subject": subject[:TITLE_CHARS], "body": body, "content_type": "text/plain", "type": "note", "internal": True}


def _number(ticket: Mapping[str, Any]) -> int:
    number = ticket.get("id")
    if not isinstance(number, int):
        raise DeliveryDeferredError("zammad: the answer to search cannot be understood")
    return number
