"""A scripted MediaWiki on loopback, and pywikibot configured to talk to it and to nothing else.

The stub speaks the part of the action API that tsbot uses, as documented (formatversion 2), and misbehaves on request:
``stub.faults`` holds what happens to the next requests instead of an answer.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tsbot.settings import Settings, WikiSettings
from tsbot.wiki import session
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.sites import Sites

CONTACT = "operator@example.org"
PASSWORD = "bot-password-0123456789abcdef"


@dataclass
class Fault:
    """What the stub does instead of answering."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    drip: float = 0.0
    """Seconds between the bytes of the body."""
    drop: bool = False
    short: int = 0
    """Bytes announced and not sent."""


def api_error(code: str, *, status: int = 200, **headers: str) -> Fault:
    """An error as the API words it; ``info`` repeats things that must not get into our messages."""
    body = {"error": {"code": code, "info": "about the page SECRET TITLE"}, "servedby": "stub"}
    return Fault(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Stub:
    """The wikis ``aawiki``, ``bbwiki`` and ``ccwiki``, on one port at ``/aa/w`` and so on; other paths are ``/w``."""

    port: int = 0
    revisions: dict[int, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    global_users: dict[str, dict[str, Any]] | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    recent: list[dict[str, Any]] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    knows_leids: bool = True
    result_limit: int = 10_000_000
    rights: tuple[str, ...] = ()
    mails: list[dict[str, str]] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    hook: Callable[[dict[str, str]], None] | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    methods: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    logins: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, rev_id: int, text: str | None = "text", *, parent: int = 0, page: int = 1, model: str = "wikitext", **more: Any) -> None:
        """A revision; ``text=None`` hides its text."""
        self.revisions[rev_id] = {"parent": parent, "page": page, "text": text, "model": model, **more}

    # --- the API ---

    def answer(self, query: dict[str, str], user: str | None) -> dict[str, Any]:
        asserted = query.get("assertuser")
        if asserted and user != asserted:
            return {"error": {"code": "assertnameduserfailed", "info": "You are no longer logged in."}}
        match query.get("action"):
            case "query":
                return self._query(query, user)
            case "login":
                ok = query.get("lgpassword") == PASSWORD and query.get("lgtoken") == "login-token"
                return {"login": {"result": "Success", "lgusername": "TsBot"} if ok else {"result": "Failed", "reason": "Incorrect."}}
            case "emailuser":
                if query.get("token") != "csrf-token":
                    return {"error": {"code": "badtoken", "info": ""}}
                if query["target"] == "Nomail":
                    return {"error": {"code": "noemail", "info": ""}}
                self.mails.append(query)
                return {"emailuser": {"result": "Success"}}
        return {"error": {"code": "badvalue", "info": ""}}

    def _query(self, query: dict[str, str], user: str | None) -> dict[str, Any]:
        result: dict[str, Any] = {"query": {}}
        for meta in query.get("meta", "").split("|"):
            if meta == "tokens":
                result["query"]["tokens"] = {"logintoken": "login-token", "csrftoken": "csrf-token"}
            elif meta == "userinfo":
                result["query"]["userinfo"] = {"id": 1, "name": user or "127.0.0.1", "rights": list(self.rights)}
            elif meta == "siteinfo":
                result["query"]["general"] = {"wikiid": "zzwiki"}
            elif meta == "globaluserinfo":
                if self.global_users is None:
                    result["warnings"] = {"query": {"warnings": 'Unrecognized value for parameter "meta": globaluserinfo.'}}
                else:
                    result["query"]["globaluserinfo"] = self.global_users.get(query["guiuser"], {"missing": True})
        if query.get("prop") == "revisions":
            self._revisions(query, result)
        match query.get("list"):
            case "users":
                name = query["ususers"]
                result["query"]["users"] = [{"name": name, **self.users.get(name, {"missing": True})}]
            case "blocks":
                result["query"]["blocks"] = self.blocks
            case "recentchanges":
                start = int(query.get("rccontinue", "0"))
                result["query"]["recentchanges"] = self.recent[start : start + 2]
                if start + 2 < len(self.recent):
                    result["continue"] = {"rccontinue": str(start + 2), "continue": "-||"}
            case "logevents":
                found = [entry for entry in self.logs if not self.knows_leids or str(entry["logid"]) == query.get("leids")]
                result["query"]["logevents"] = found[: int(query["lelimit"])]
        return result

    def _revisions(self, query: dict[str, str], result: dict[str, Any]) -> None:
        ids = [int(rev_id) for rev_id in query["revids"].split("|")]
        high = "apihighlimits" in self.rights
        if len(ids) > (500 if high else 50):
            raise AssertionError("too many values: the caller must know the limit")
        bad = {str(rev_id): {"revid": rev_id, "missing": True} for rev_id in ids if rev_id not in self.revisions}
        if bad:
            result["query"]["badrevids"] = bad
        size = 0
        pages: dict[int, dict[str, Any]] = {}
        for rev_id in sorted(ids):
            revision = self.revisions.get(rev_id)
            if revision is None or rev_id < int(query.get("rvcontinue", "0")):
                continue
            size += len(revision["text"] or "")
            if size > self.result_limit:
                result["continue"] = {"rvcontinue": str(rev_id), "continue": "||"}
                result["warnings"] = {"result": {"warnings": "This result was truncated."}}
                break
            page = pages.setdefault(
                revision["page"], {"pageid": revision["page"], "ns": 3, "title": f"User talk:P{revision['page']}", "revisions": []}
            )
            slot = {"contentmodel": revision["model"], "contentformat": "text/x-wiki"}
            slot |= {"texthidden": True} if revision["text"] is None else {"content": revision["text"]}
            entry = {"revid": rev_id, "parentid": revision["parent"], "slots": {"main": slot}}
            entry |= {name: value for name, value in revision.items() if name in ("user", "timestamp", "comment", "size", "userhidden")}
            page["revisions"].append(entry)
        result["query"]["pages"] = list(pages.values())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def do_GET(self) -> None:
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["content-length"])).decode())

    def _serve(self, query_string: str) -> None:
        stub = self.stub
        query = dict(parse_qsl(query_string, keep_blank_values=True)) | {"_path": urlsplit(self.path).path}
        with stub.lock:
            stub.requests.append(query)
            stub.methods.append(self.command)
            stub.agents.add(self.headers["user-agent"])
            fault = stub.faults.popleft() if stub.faults else None
        if stub.hook is not None:
            stub.hook(query)
        headers: dict[str, str] = {}
        if fault is None:
            cookie = next((c for c in (self.headers["cookie"] or "").split("; ") if c.startswith("session=")), "")
            answer = stub.answer(query, "TsBot" if cookie.removeprefix("session=") in stub.sessions else None)
            if answer.get("login", {}).get("result") == "Success":
                stub.logins += 1
                stub.sessions.add(f"s{stub.logins}")
                headers["set-cookie"] = f"session=s{stub.logins}; path=/"
            else:
                # As Wikimedia does: a cookie with each answer, so that the jar grows.
                headers["set-cookie"] = f"seen-{len(stub.requests)}=1; path=/c{len(stub.requests) % 50}"
            fault = Fault(body=json.dumps(answer).encode(), headers={"content-type": "application/json"})
        if fault.hang:
            time.sleep(fault.hang)
        if fault.drop:
            self.close_connection = True
            return
        with contextlib.suppress(ConnectionError):
            self.send_response(fault.status)
            for name, value in (fault.headers | headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(fault.body) + fault.short))
            self.end_headers()
            self.close_connection = self.close_connection or bool(fault.short)
            if fault.drip:
                for byte in fault.body:
                    self.wfile.write(bytes((byte,)))
                    time.sleep(fault.drip)
            else:
                self.wfile.write(fault.body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *args: Any) -> None:
        """A client that left is no error here."""


@pytest.fixture(scope="session")
def _server() -> Iterator[_Server]:
    handler = type("Handler", (_Handler,), {"stub": Stub()})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def _pywikibot(_server: _Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """pywikibot is one per process: configured here once, writing below a temporary folder only."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("PYWIKIBOT_DIR", raising=False)
        patch.delenv("PYWIKIBOT_NO_USER_CONFIG", raising=False)
        patch.chdir(home)
        session.prepare(Settings(data_dir=str(home / "data"), wiki=WikiSettings(contact=CONTACT)))
    from pywikibot import config
    from pywikibot.comms import http

    families = home / "families"
    families.mkdir()
    (families / "stub_family.py").write_text(
        "from pywikibot import family\n"
        "class Family(family.Family):\n"
        "    name = 'stub'\n"
        f"    langs = {{code: '127.0.0.1:{_server.server_port}' for code in ('aa', 'bb', 'cc')}}\n"
        "    def protocol(self, code): return 'http'\n"
        "    def scriptpath(self, code): return f'/{code}/w'\n"
        "    def dbName(self, code): return f'{code}wiki'\n"
    )
    password = home / "user-password.py"
    password.write_text(f"('TsBot', BotPassword('tsbot', {PASSWORD!r}))\n")
    password.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        # Another test may have imported pywikibot before us, from another folder.
        patch.setattr(config, "base_dir", str(home))
        patch.setattr(config, "password_file", str(password))
        patch.setitem(config.family_files, "stub", str(families / "stub_family.py"))
        yield home
        http.session.close()


@pytest.fixture
def pywikibot_home(_pywikibot: Path) -> Path:
    return _pywikibot


@pytest.fixture
def stub(_server: _Server, _pywikibot: Path) -> Iterator[Stub]:
    """A fresh wiki."""
    from pywikibot.comms import http

    fresh = Stub(port=_server.server_port)
    _server.RequestHandlerClass.stub = fresh  # type: ignore[attr-defined]
    http.cookie_jar.clear()
    yield fresh


@pytest.fixture
def settings() -> WikiSettings:
    return WikiSettings(contact=CONTACT, families=("stub",), domains=("127.0.0.1", "wikipedia.org"), timeout=5.0)


@pytest.fixture
def make_api(stub: Stub, settings: WikiSettings) -> Callable[..., Api]:
    """``make_api(account=..., timeout=...)``: an Api with these settings changed."""

    def make(budget: Budget | None = None, **changes: Any) -> Api:
        import msgspec

        changed = msgspec.structs.replace(settings, **changes)
        return Api(Sites(changed), changed, budget or Budget(None))

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture(name="api_error")
def _api_error() -> Callable[..., Fault]:
    return api_error
