"""Wikis on loopback that say who is in which group: CentralAuth's ``globaluserinfo``, ``list=users`` and ``action=clientlogin``.

Shapes as documented (mediawiki.org, API:Globaluserinfo, API:Users, API:Login; formatversion 2). ``metawiki``, ``enwiki`` and ``dewiki``
share one port, at ``/meta/w`` and so on.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CODES = ("meta", "en", "de")
IMPLICIT = ["*", "user", "autoconfirmed"]


@dataclass
class Wikis:
    """Accounts, as the wikis have them."""

    central: dict[int, dict[str, Any]] = field(default_factory=dict)
    local: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {code: [] for code in CODES})
    passwords: dict[str, str] = field(default_factory=dict)
    login_says: dict[str, Any] | None = None
    down: set[str] = field(default_factory=set)
    odd: Any = None
    """What is answered instead, whatever is asked."""
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    """Wiki, parameters, cookies."""
    sessions: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, number: int, name: str, *groups: str, **more: Any) -> None:
        """An account on one wiki."""
        self.local[code].append({"userid": number, "name": name, "groups": [*IMPLICIT, *groups], "rights": ["read"], **more})

    def attach(self, number: int, name: str, wikis: dict[str, list[str]], groups: tuple[str, ...] = (), **more: Any) -> None:
        """A global account, with local accounts in groups on these wikis."""
        for at, (code, local) in enumerate(wikis.items()):
            self.add(code, number * 10 + at, name, *local)
        merged = [
            {"wiki": f"{code}wiki", "url": "https://example.org", "method": "login", "editcount": 1, **({"groups": local} if local else {})}
            for code, local in wikis.items()
        ]
        account = {"id": number, "name": name, "home": "enwiki", "groups": list(groups), "rights": [], "merged": merged}
        self.central[number] = account | more

    def answer(self, code: str, query: dict[str, str], session: str) -> dict[str, Any]:
        if self.odd is not None:
            return self.odd
        match query.get("action"):
            case "query":
                return {"batchcomplete": True, "query": self.query(code, query, session)}
            case "clientlogin":
                return {"clientlogin": self.login(query, session)}
            case "logout":
                if query.get("token") == "csrf-token":
                    self.sessions.pop(session, None)
                return {}
        return {"error": {"code": "badvalue", "info": ""}}

    def query(self, code: str, query: dict[str, str], session: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        meta = query.get("meta", "").split("|")
        if "globaluserinfo" in meta:
            found["globaluserinfo"] = self.central.get(int(query["guiid"]), {"missing": True})
        if "tokens" in meta:
            found["tokens"] = {"logintoken": f"login-{session}", "csrftoken": "csrf-token"}
        if "userinfo" in meta:
            name = self.sessions.get(session)
            user = next((one for one in self.local[code] if one["name"] == name), None)
            found["userinfo"] = {"id": 0, "name": "127.0.0.1", "anon": True} if user is None else {"id": user["userid"], **user}
        if query.get("list") == "users":
            by_id = query.get("ususerids")
            user = next((one for one in self.local[code] if str(one["userid"]) == by_id or one["name"] == query.get("ususers")), None)
            nobody = {"userid": int(by_id), "missing": True} if by_id else {"name": query.get("ususers"), "missing": True}
            found["users"] = [user or nobody]
        return found

    def login(self, query: dict[str, str], session: str) -> dict[str, Any]:
        if self.login_says is not None:
            return self.login_says
        if query.get("logintoken") != f"login-{session}":
            return {"status": "FAIL", "messagecode": "authpage-cannot-login", "message": "Session lost."}
        name = query["username"]
        if self.passwords.get(name) != query["password"]:
            return {"status": "FAIL", "messagecode": "wrongpassword", "message": f"Incorrect password for {name}."}
        self.sessions[session] = name
        return {"status": "PASS", "username": name}


class Handler(BaseHTTPRequestHandler):
    wikis: Wikis

    def do_GET(self) -> None:
        self.serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self.serve(self.rfile.read(int(self.headers["content-length"])).decode())

    def serve(self, query: str) -> None:
        code = self.path.split("/")[1]
        fields, cookies = dict(parse_qsl(query, keep_blank_values=True)), self.headers.get("cookie", "")
        self.wikis.requests.append((code, fields, cookies))
        if code in self.wikis.down:
            self.send_response(503)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        session = next((c.partition("=")[2] for c in cookies.split("; ") if c.startswith("session=")), "")
        fresh = session or f"s{len(self.wikis.requests)}"
        body = json.dumps(self.wikis.answer(code, fields, fresh)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("set-cookie", f"session={fresh}; path=/")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


class Running:
    """The wikis, listening; ``fresh`` forgets all accounts."""

    def __init__(self) -> None:
        self.handler = type("OneHandler", (Handler,), {"wikis": Wikis()})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def fresh(self) -> Wikis:
        self.handler.wikis = Wikis()  # type: ignore[attr-defined]
        return self.handler.wikis  # type: ignore[attr-defined, no-any-return]

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
