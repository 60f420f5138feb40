"""Letters as cases of SuiteCRM, by its V8 API (docs.suitecrm.com, "JSON API"; read in SuiteCRM 7.14, ``Api/V8``).

One case there for each thread here: the first letter creates it under the letter's own id, a UUID, which SuiteCRM takes from its
client; follow-ups become notes of it, under their own ids. An id that exists already is answered 400, so a letter that was taken
before this program died is found instead of doubled. SuiteCRM answers 400 to whatever goes wrong, also to what passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.channels.http import Answer, Client, to_json
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import SuiteCrmSettings

MEDIA_TYPE = "application/vnd.api+json"
MARGIN = 60.0
"""Seconds before its end at which a token is renewed."""
NAME_CHARS = 255
"""Of the column for a case's name."""
FINAL = {
    "is invalid": "an attribute or value that it does not know",
    "required option": "something missing",
    "does not exist": "no such module",
    "denied": "not allowed",
    "already exist": "it was there, and somebody deleted it",
}
"""Words of SuiteCRM's answers that asking again will not change, and ours for them. Everything else may pass."""


class SuiteCrmChannel:
    """Creates cases and notes. Keeps a token for as long as it lasts (an hour)."""

    def __init__(self, settings: SuiteCrmSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.clock = clock
        self.base = settings.url.rstrip("/") + settings.api_path.rstrip("/")
        self.client = Client("suitecrm", settings.timeout)
        self._token = ""
        self._until = 0.0

    def send(self, message: OutboundMessage) -> Receipt:
        """Create the thread's case, or add a note to it."""
        case = self._read("Cases", message.external_id) if message.external_id else None
        if case is None:  # the first letter, or somebody deleted the case there
            self._create("Cases", message.id, self._case(message))
            return Receipt(message.id)
        note = {"name": _name(message), "description": message.text, "parent_type": "Cases", "parent_id": message.external_id}
        self._create("Notes", message.id, note)
        if changes := self._changes(case, message):
            self._call("PATCH", "/V8/module", "update", _record("Cases", message.external_id, changes), 200, 201)
        return Receipt(message.external_id)

    def check(self) -> None:
        """Sign in and ask for one case. Raises as :meth:`send`."""
        self._call("GET", "/V8/module/Cases?page%5Bsize%5D=1", "read", None, 200)

    def _case(self, message: OutboundMessage) -> dict[str, str]:
        state = {"status": "Open_New", "state": "Open", "type": "User"}
        return {"name": _name(message), "priority": self._priority(message), "description": message.text, **state}

    def _priority(self, message: OutboundMessage) -> str:
        return "P1" if message.priority >= self.settings.p1 else "P2" if message.priority >= self.settings.p2 else "P3"

    def _changes(self, case: Mapping[str, Any], message: OutboundMessage) -> dict[str, str]:
        """What a follow-up changes of its case: it is opened again, and more urgent if it must be; never less."""
        changes = {"state": "Open", "status": "Open_New"} if case.get("state") == "Closed" else {}
        priority = self._priority(message)
        return changes | ({"priority": priority} if priority < str(case.get("priority") or "P9") else {})

    def _create(self, module: str, identity: str, attributes: Mapping[str, str]) -> None:
        """Create a record; that it exists already is as good."""
        answer = self._call("POST", "/V8/module", "create", _record(module, identity, attributes), 200, 201, 400)
        if answer.status != 400:
            if _identity(answer) != identity:
                raise DeliveryDeferredError("suitecrm: the answer to create cannot be understood")
            return
        if self._read(module, identity) is None:
            raise _refusal(answer, "create")

    def _read(self, module: str, identity: str) -> Mapping[str, Any] | None:
        """A record's attributes; None if there is none of that id."""
        answer = self._call("GET", f"/V8/module/{module}/{quote(identity, safe='')}", "read", None, 200, 400)
        if answer.status == 200 and _identity(answer) == identity:
            attributes = answer.json()["data"].get("attributes")
            return attributes if isinstance(attributes, dict) else {}
        if answer.status == 400 and "is not found" in _detail(answer):
            return None
        if answer.status == 400:
            raise _refusal(answer, "read")
        raise DeliveryDeferredError("suitecrm: the answer to read cannot be understood")

    def _call(self, method: str, path: str, step: str, body: bytes | None, *good: int) -> Answer:
        """Ask with a token, once more with a new one if it is not taken."""
        for fresh in (False, True):
            headers = {"Authorization": f"Bearer {self._sign_in(fresh)}", "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
            answer = self.client.ask(method, self.base + path, headers=headers, body=body)
            if answer.status != 401:
                break
        self.client.expect(answer, step, *good)
        return answer

    def _sign_in(self, fresh: bool) -> str:
        """A token (OAuth2, RFC 6749, 4.4). No ``scope``: with one, SuiteCRM gives no token."""
        if self._token and not fresh and self.clock() < self._until:
            return self._token
        names = {"client_id": self.settings.client_id, "client_secret": self.settings.client_secret}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        body = to_json({"grant_type": "client_credentials", **names})
        answer = self.client.ask("POST", f"{self.base}/access_token", headers=headers, body=body)
        if answer.status == 400:  # wrong credentials, or a client that is not set up for this grant: the letter is not to blame
            raise DeliveryDeferredError("suitecrm: 400 at token")
        self.client.expect(answer, "token", 200)
        said = answer.json()
        token, lasts = (said.get("access_token"), said.get("expires_in")) if isinstance(said, dict) else (None, None)
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and isinstance(lasts, int)):
            raise DeliveryDeferredError("suitecrm: the answer to token cannot be understood")
        self._token, self._until = token, self.clock() + min(lasts, 86400) - MARGIN
        return token


def _record(module: str, identity: str, attributes: Mapping[str, str]) -> bytes:
    return to_json({"data": {"type": module, "id": identity, "attributes": dict(attributes)}})


def _name(message: OutboundMessage) -> str:
    return (message.private_subject or message.subject)[:NAME_CHARS]


def _identity(answer: Answer) -> str | None:
    said = answer.json()
    data = said.get("data") if isinstance(said, dict) else None
    identity = data.get("id") if isinstance(data, dict) else None
    return identity if isinstance(identity, str) else None


def _detail(answer: Answer) -> str:
    said = answer.json()
    errors = said.get("errors") if isinstance(said, dict) else None
    detail = errors.get("detail") if isinstance(errors, dict) else None
    return detail if isinstance(detail, str) else ""


def _refusal(answer: Answer, step: str) -> DeliveryDeferredError | DeliveryRefusedError:
    """The error for a 400. What SuiteCRM says may quote the letter, so only what we know of it is named."""
    detail = _detail(answer).lower()
    for words, ours in FINAL.items():
        if words in detail:
            return DeliveryRefusedError(f"suitecrm: 400 at {step} ({ours})")
    return DeliveryDeferredError(f"suitecrm: 400 at {step}")
