"""Signing in with the wiki, for who wishes to say that an account is theirs. Nobody needs to, and it is no account here.

The sign-in opens in a page of its own, so that nothing that is being typed is lost or stored. What comes of it is a sealed cookie of an
hour, for this host only, which the next report takes along and ends: by it we write to the person through their wiki. The protocol is the
console's (RFC 6749, 7636) with another client; the two share no cookie, no origin and no session.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from tsbot.console.sessions import same
from tsbot.console.signin.before import Begun
from tsbot.console.signin.oauth import OAuth
from tsbot.errors import ConsoleError, KeyFileError, TooManyError
from tsbot.parts import plain_user_agent
from tsbot.reception.words import FIRST, voice_for
from tsbot.settings import Settings
from tsbot.store.crypto import MasterKey

if TYPE_CHECKING:
    from tsbot.reception.web import Front

BEGIN, RETURN, END = "/sign-in", "/sign-in/return", "/sign-out"
SECONDS, KEPT = 600.0, 3600.0
"""How long a sign-in may take, and how long it is remembered."""
T = TypeVar("T", bound=msgspec.Struct)


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Who a wiki says somebody is. ``time`` in seconds since the epoch."""

    name: str
    time: float


@dataclass(frozen=True)
class Cookies:
    """What a browser carries: sealed, so that neither it nor who looks into it learns anything."""

    key: MasterKey
    secure: bool

    def name(self, what: str) -> str:
        """Name of a cookie."""
        return f"__Host-tsbot-{what}" if self.secure else f"tsbot-{what}"

    def give(self, answer: Response, what: str, value: msgspec.Struct, seconds: float) -> None:
        """Have the browser carry something."""
        sealed = base64.urlsafe_b64encode(self.key.seal_queue(msgspec.json.encode(value), f"reception|{what}")).decode()
        # Lax: a wiki leads back here.
        answer.set_cookie(self.name(what), sealed, max_age=int(seconds), path="/", secure=self.secure, httponly=True, samesite="lax")

    def read(self, request: Request, what: str, kind: type[T]) -> T | None:
        """What it carries; None for nothing, or what is not ours."""
        try:
            sealed = base64.urlsafe_b64decode(request.cookies.get(self.name(what), "").encode("ascii"))
            return msgspec.json.decode(self.key.unseal_queue(sealed, f"reception|{what}"), type=kind)
        except (binascii.Error, UnicodeEncodeError, KeyFileError, msgspec.MsgspecError):
            return None

    def end(self, answer: Response, what: str) -> None:
        """Have the browser forget it."""
        answer.delete_cookie(self.name(what), path="/", secure=self.secure, httponly=True, samesite="lax")


def protocol_of(settings: Settings, origin: str) -> OAuth | None:
    """Our side of the protocol; None where no client is registered for the page."""
    ours = settings.reception
    if not ours.client_id:
        return None
    client = msgspec.structs.replace(settings.console, client_id=ours.client_id, client_secret=ours.client_secret)
    return OAuth(client, origin + RETURN, plain_user_agent(settings))


def signed(front: Front, request: Request) -> str:
    """The account that a wiki says is that of who asks; empty for none."""
    if front.protocol is None:
        return ""
    found = front.cookies.read(request, "reporter", Signed)
    return found.name if found is not None and 0 <= front.desk.clock() - found.time <= KEPT else ""


def register(app: FastAPI, front: Front, protocol: OAuth) -> None:
    """Add the pages of the sign-in."""
    clock = front.desk.clock

    @app.get(BEGIN)
    def begin(request: Request) -> Response:
        voice = voice_for(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        try:
            front.tries.take(request.client.host if request.client else "")
        except TooManyError:
            return front.page("problem.html.j2", voice, 429, words=voice.say(f"{FIRST}slow-down"))
        url, begun = protocol.begin(voice.language, clock())
        answer = RedirectResponse(url, status_code=303)
        front.cookies.give(answer, "reporting", begun, SECONDS)
        return answer

    @app.get(RETURN)
    def back(request: Request, code: str = "", state: str = "") -> Response:
        begun = front.cookies.read(request, "reporting", Begun)
        voice = voice_for(begun.back if begun else "", request.headers.get("accept-language", ""))
        refused = front.page("problem.html.j2", voice, 400, words=voice.say(f"{FIRST}sign-in-failed"))
        front.cookies.end(refused, "reporting")
        fresh = begun is not None and 0 <= clock() - begun.time <= SECONDS
        if begun is None or not fresh or not code or not same(begun.secret, state):
            return refused
        try:
            who = protocol.finish(code, begun.verifier)
        except ConsoleError as error:
            structlog.get_logger().info("reception.not_signed_in", error=type(error).__name__)
            return refused
        # An address without the code: that has done its work, and the history need not have it.
        answer = RedirectResponse(f"{BEGIN}/done?lang={voice.language}", status_code=303)
        front.cookies.end(answer, "reporting")
        front.cookies.give(answer, "reporter", Signed(name=who.name, time=clock()), KEPT)
        return answer

    @app.get(f"{BEGIN}/done")
    def done(request: Request) -> Response:
        voice = voice_for(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        name = signed(front, request)
        if not name:
            return front.page("problem.html.j2", voice, 400, words=voice.say(f"{FIRST}sign-in-failed"))
        return front.page("signed.html.j2", voice, name=name)

    @app.post(END)
    def end() -> Response:
        answer = RedirectResponse("/", status_code=303)
        front.cookies.end(answer, "reporter")
        return answer
