"""A stand-in for SuiteCRM's V8 API that is as strict as the real one, read in ``Api/V8`` of SuiteCRM 7.14.

It knows the modules Cases and Notes. What is not documented it does not do.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from tsbot.demo.contract import ContractServer, Reply, Request

MEDIA_TYPE = "application/vnd.api+json"
COMMON = ("name", "description", "assigned_user_id", "created_by", "date_entered")
ATTRIBUTES = {
    "Cases": frozenset((*COMMON, "status", "state", "priority", "type", "resolution", "account_name", "account_id", "work_log")),
    "Notes": frozenset((*COMMON, "parent_type", "parent_id", "filename", "filecontents")),
}
ENUMERATIONS = {
    "priority": ("P1", "P2", "P3"),
    "state": ("Open", "Closed"),
    "status": ("Open_New", "Open_Assigned", "Closed_Closed", "Open_Pending Input", "Closed_Rejected", "Closed_Duplicate"),
    "type": ("Administration", "Product", "User"),
}
"""``include/language/en_us.lang.php``. The real API takes anything; a value that is not here shows as nothing."""


class SuiteCrm(ContractServer):
    """One client may sign in. ``records`` are module and id to attributes."""

    def __init__(self, api_path: str = "/Api", lifetime: int = 3600, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.api_path = api_path
        self.lifetime = lifetime
        """Seconds that a token lasts."""
        self.client_id, self.client_secret = str(uuid.uuid4()), uuid.uuid4().hex
        self.records: dict[tuple[str, str], dict[str, str]] = {}
        self.deleted: set[tuple[str, str]] = set()
        """Not shown any more; their ids are not free again."""
        self.tokens: dict[str, float] = {}

    def delete(self, module: str, identity: str) -> None:
        """What a person may do in its pages."""
        del self.records[module, identity]
        self.deleted.add((module, identity))

    def answer(self, request: Request) -> Reply:
        """As ``Api/V8/Config/routes.php`` has it."""
        path = request.path.removeprefix(self.api_path)
        if path == request.path:
            return Reply(404)
        if path == "/access_token" and request.method == "POST":
            return self._token(request.json())
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self.tokens.get(token, 0.0) <= self.clock():
            return Reply(401, {"error": "access_denied", "message": "The resource owner or authorization server denied the request."})
        words = path.strip("/").split("/")
        if words[:2] != ["V8", "module"]:
            return Reply(404)
        try:
            return self._module(request, words[2:])
        except ValueError as error:
            return Reply(400, {"errors": {"status": 400, "title": None, "detail": str(error)}}, MEDIA_TYPE)

    def _token(self, body: Any) -> Reply:
        if not isinstance(body, dict) or body.get("grant_type") != "client_credentials":
            return Reply(400, {"error": "unsupported_grant_type"})
        if "scope" in body:
            return Reply(400, {"error": "invalid_scope"})
        if (body.get("client_id"), body.get("client_secret")) != (self.client_id, self.client_secret):
            return Reply(401, {"error": "invalid_client"})
        token = f"{uuid.uuid4().hex}.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self.tokens[token] = self.clock() + self.lifetime
        return Reply(200, {"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})

    def _module(self, request: Request, words: list[str]) -> Reply:
        if request.method == "GET" and len(words) == 2:
            return self._shown(200, *self._known(*words))
        if request.method == "GET" and len(words) == 1:
            found = [key for key in self.records if key[0] == words[0]]
            return Reply(200, {"data": [self._data(*key) for key in found]}, MEDIA_TYPE)
        if words or request.method not in ("POST", "PATCH"):
            return Reply(404)
        module, identity, attributes = self._validated(request)
        if request.method == "POST":
            if (module, identity) in self.records or (module, identity) in self.deleted:
                raise ValueError(f"Bean {module} with id {identity} is already exist")
            self.records[module, identity] = attributes
        else:
            self.records[self._known(module, identity)] |= attributes
        return self._shown(201, module, identity)

    def _validated(self, request: Request) -> tuple[str, str, dict[str, str]]:
        """What the parameter classes of the API let through."""
        body = request.json() if request.headers.get("content-type") == MEDIA_TYPE else None
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise ValueError('The required option "data" is missing.')  # noqa: TRY004 - all are answered alike
        module, identity, attributes = data.get("type"), data.get("id") or str(uuid.uuid4()), data.get("attributes") or {}
        if module not in ATTRIBUTES:
            raise ValueError(f"Module {module} does not exist")
        try:
            uuid.UUID(identity)
        except ValueError as error:
            raise ValueError(f'The option "id" with value "{identity}" is invalid.') from error
        for name, value in attributes.items():
            if name not in ATTRIBUTES[module] or not isinstance(value, str) or value not in ENUMERATIONS.get(name, (value,)):
                raise ValueError(f"Property {name} in {module} module is invalid")
        return module, identity, dict(attributes)

    def _known(self, module: str, identity: str) -> tuple[str, str]:
        if (module, identity) not in self.records:
            raise ValueError(f"{module} module with id {identity} is not found")
        return module, identity

    def _shown(self, status: int, module: str, identity: str) -> Reply:
        return Reply(status, {"data": self._data(module, identity)}, MEDIA_TYPE)

    def _data(self, module: str, identity: str) -> dict[str, Any]:
        return {"type": module.removesuffix("s"), "id": identity, "attributes": self.records[module, identity], "relationships": {}}
