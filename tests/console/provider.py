"""An OAuth 2 provider built with Authlib that answers as MediaWiki's endpoints do, on loopback.

``/w/rest.php/oauth2/authorize``, ``access_token`` and ``resource/profile`` (mediawiki.org, OAuth/For_Developers). Whoever comes to
authorize is signed in on the wiki already, as ``provider.user``.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge

BASE = "/w/rest.php/oauth2"


@dataclass
class Client(ClientMixin):
    """The console, as registered with the wiki."""

    client_id: str
    secret: str
    redirect_uri: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_post" if self.secret else "none")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """An authorization code."""

    code: str
    client_id: str
    redirect_uri: str
    user: dict[str, Any]
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return ""


@dataclass
class Provider:
    """What the wiki knows."""

    user: dict[str, Any] = field(default_factory=dict)
    """The profile of who is signed in on the wiki."""
    client: Client = field(default_factory=lambda: Client("console-client", "", ""))
    allow: bool = True
    expired: bool = False
    """Whether access tokens end at once."""
    broken: str = ""
    """Path of an endpoint that answers with a page of HTML."""
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], float]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{BASE}"


class Request(OAuth2Request):
    """A request as Authlib wants it. The check for TLS is for servers that the world can reach."""

    def __init__(self, method: str, uri: str, fields: dict[str, str], headers: Any) -> None:
        super().__init__(method, uri.replace("http://127.0.0.1", "https://127.0.0.1"), headers=headers)
        self.payload = BasicOAuth2Payload(fields)
        self._fields = fields

    @property
    def args(self) -> dict[str, str]:
        return self._fields

    @property
    def form(self) -> dict[str, str]:
        return self._fields


def grant_of(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_post", "none"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            challenge = (data.get("code_challenge", ""), data.get("code_challenge_method", "plain"))
            provider.codes[code] = Code(code, request.client.client_id, data.get("redirect_uri", ""), request.user, *challenge)

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = provider.codes.get(code)
            return found if found and found.client_id == client.client_id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.user

    return Grant


class Server(AuthorizationServer):
    """Authlib's server, over ``http.server``."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider
        self.register_grant(grant_of(provider), [CodeChallenge(required=True)])
        self.register_token_generator("default", BearerTokenGenerator(lambda *_args, **_more: generate_token(42)))

    def query_client(self, client_id: str) -> Client | None:
        return self.provider.client if client_id == self.provider.client.client_id else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        until = 0.0 if self.provider.expired else time.time() + token["expires_in"]
        self.provider.tokens[token["access_token"]] = (request.user, until)

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        return status, (json.dumps(body) if isinstance(body, dict) else body or "").encode(), dict(headers)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    provider: Provider
    server_of: Server

    def do_GET(self) -> None:
        self.serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self.serve(self.rfile.read(int(self.headers["content-length"])).decode())

    def serve(self, query: str) -> None:
        fields = dict(parse_qsl(query, keep_blank_values=True))
        path = urlsplit(self.path).path
        self.provider.requests.append((path, fields))
        request = Request(self.command, f"http://127.0.0.1:{self.provider.port}{self.path}", fields, self.headers)
        if self.provider.broken and path.endswith(self.provider.broken):
            self.answer(200, b"<!doctype html><title>A page</title>", {"content-type": "text/html"})
        elif path == f"{BASE}/authorize":
            grant = self.server_of.get_consent_grant(request, end_user=self.provider.user)
            user = self.provider.user if self.provider.allow else None
            self.answer(*self.server_of.create_authorization_response(request, grant_user=user, grant=grant))
        elif path == f"{BASE}/access_token":
            self.answer(*self.server_of.create_token_response(request))
        elif path == f"{BASE}/resource/profile":
            self.profile()
        else:
            self.answer(404, b"", {})

    def profile(self) -> None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        user, until = self.provider.tokens.get(token, ({}, 0.0))
        if scheme != "Bearer" or until <= time.time():
            body = {"error": "access_denied", "message": "The resource owner or authorization server denied the request."}
            self.answer(401, json.dumps(body).encode(), {"content-type": "application/json"})
        else:
            self.answer(200, json.dumps(user).encode(), {"content-type": "application/json"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


class Running:
    """A provider that listens."""

    def __init__(self) -> None:
        self.provider = Provider()
        handler = type("OneHandler", (Handler,), {"provider": self.provider, "server_of": Server(self.provider)})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.provider.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
