"""The public page: a form that anybody can fill, and the private page that a link leads to. An application of its own.

It asks nobody but itself, and sets no cookie but for who signs in with the wiki (:mod:`tsbot.reception.signing`). Nothing leads from
here to the reviewers' pages, and nothing that was typed stands in an address. Every answer to a form has the text still in it if it could
not be taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import msgspec
import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.staticfiles import StaticFiles

from tsbot.cases.case import CaseState, read_case
from tsbot.console.limits import BodyLimit
from tsbot.console.security import RateLimit, SecurityHeaders
from tsbot.errors import CaseError, InputError, ReceptionError, StoreError, TooManyError
from tsbot.i18n.catalogue import right_to_left
from tsbot.i18n.voice import Said as Phrase
from tsbot.i18n.voice import Voice
from tsbot.reception import hearing as hearings
from tsbot.reception import mailing, signing
from tsbot.reception.desk import FrontDesk
from tsbot.reception.form import FIELDS, countries, fresh, once_of, said_of, vouched
from tsbot.reception.hearing import Hearing
from tsbot.reception.tokens import TOKEN, token_of
from tsbot.reception.unsealing import public_key
from tsbot.reception.urgency import Reading
from tsbot.reception.words import FIRST, called, day, languages, shipped_words, voice_for

HERE = Path(__file__).parent
MOST_BYTES = 32 * 1024 * 1024
"""Of a form: five million letters of any script, as browsers send them."""
PATIENCE = 45.0
"""Seconds that a report may take to be stored before its sender is told to try again."""
MOST_FILES = 20
ATTACHED = "\0attached"
"""Name, which no form can have, of the mark that files came along."""
READING = 1.5
"""Seconds that the page waits for the detector; after that, it shows emergency numbers first."""


class Front:
    """What the pages need."""

    def __init__(self, desk: FrontDesk) -> None:
        ours = desk.settings.reception
        self.desk = desk
        self.reports = RateLimit(ours.reports_per_hour, 3600.0, desk.clock)
        self.tries = RateLimit(ours.tries_per_hour, 3600.0, desk.clock)
        self.protocol = signing.protocol_of(desk.settings, mailing.origin(desk.settings))
        self.cookies = signing.Cookies(desk.database.key, ours.tls)

    @cached_property
    def environment(self) -> jinja2.Environment:
        """The templates."""
        return jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            undefined=jinja2.StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @cached_property
    def digests(self) -> dict[str, str]:
        """Of static files: their addresses change with their content."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in (HERE / "static").iterdir()}

    def page(self, template: str, voice: Voice, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as an answer."""

        def say(key: str, *parts: Any) -> Phrase:
            return voice.say(f"{FIRST}{key}", *parts)

        ours = self.desk.settings.reception
        html = self.environment.get_template(template).render(
            _=say, voice=voice, rtl=right_to_left(voice.language), languages=languages(shipped_words()),
            static=lambda name: f"/static/{name}?v={self.digests[name]}", exit_url=ours.exit_url,
            address=ours.address, with_key=bool(ours.pgp_key), called=lambda one: called(voice, one),
            day=lambda at: day(voice, at), **values,
        )  # fmt: skip
        return HTMLResponse(html, status)

    def form(
        self,
        request: Request,
        voice: Voice,
        typed: dict[str, str] | None = None,
        status: int = 200,
        problem: Phrase | None = None,
        *,
        out: bool = False,
    ) -> HTMLResponse:
        """The form, empty or with what was typed; ``out``: for who signs out just now."""
        values = dict.fromkeys(FIELDS, "") | (typed or {})
        choice = countries(voice.language, self.desk.directory.countries)
        country = values["country"]
        referral = self.desk.help(voice.language, country, None, self.desk.clock())
        return self.page(
            "form.html.j2", voice, status, typed=values, once=(typed or {}).get("once") or fresh(), problem=problem, countries=choice,
            referral=referral, opened=any(values[name] for name in FIELDS if name != "text"),
            signing=self.protocol is not None, signed="" if out else signing.signed(self, request),
        )  # fmt: skip


def create_app(desk: FrontDesk) -> FastAPI:
    """The application."""
    front = Front(desk)
    app = FastAPI(title="tsbot reception", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.front = front
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.get("/")
    def form(request: Request) -> Response:
        return front.form(request, _voice(request))

    @app.post("/")
    async def send(request: Request) -> Response:
        return await _send(front, request)

    @app.get("/read")
    def ask(request: Request) -> Response:
        return front.page("ask.html.j2", _voice(request), problem=None)

    @app.post("/read")
    async def read(request: Request) -> Response:
        fields = await _fields(request)
        return await run_in_threadpool(_private, front, request, fields)

    @app.get("/l/{token}")
    def private(request: Request, token: str) -> Response:
        return _private(front, request, {"token": token})

    @app.get("/key.asc")
    def key() -> Response:
        ours = desk.settings
        if not ours.reception.pgp_key:
            return PlainTextResponse("There is no key.", 404)
        return PlainTextResponse(public_key(ours.data_path / ours.reception.pgp_key), media_type="application/pgp-keys")

    @app.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    @app.exception_handler(404)
    def nothing(request: Request, _error: Exception) -> Response:
        voice = _voice(request)
        return front.page("problem.html.j2", voice, 404, words=voice.say(f"{FIRST}nothing-here"))

    @app.exception_handler(Exception)
    def surprise(request: Request, error: Exception) -> Response:
        structlog.get_logger().error("reception.trouble", error=type(error).__name__)
        voice = _voice(request)
        return front.page("problem.html.j2", voice, 500, words=voice.say(f"{FIRST}kept-down"))

    if front.protocol is not None:
        signing.register(app, front, front.protocol)
    app.add_middleware(BodyLimit, most=MOST_BYTES)
    app.add_middleware(SecurityHeaders, tls=desk.settings.reception.tls)
    return app


def _voice(request: Request, chosen: str = "") -> Voice:
    return voice_for(chosen or request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


async def _fields(request: Request) -> dict[str, str]:
    """What was typed. Files are no part of the form: what a program sends along is let go unopened, and is told."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await request.form(max_files=0, max_fields=50, max_part_size=MOST_BYTES)
        return {name: value for name, value in form.items() if isinstance(value, str)}
    parser = MultiPartParser(request.headers, request.stream(), max_files=MOST_FILES, max_fields=50, max_part_size=MOST_BYTES)
    parser.spool_max_size = MOST_BYTES  # never on disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:  # KeyError: there is no boundary
        raise HTTPException(400, "This form cannot be read.") from error
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    refused = any(not isinstance(value, str) for _, value in form.multi_items())
    await form.close()
    return fields | ({ATTACHED: "1"} if refused else {})


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


async def _send(front: Front, request: Request) -> Response:
    """Take a report. Whatever goes wrong, the text is still in the page that says so."""
    typed = await _fields(request)
    voice = _voice(request, typed.get("lang", ""))
    if typed.get("do") == "language":
        return front.form(request, voice, typed)
    if typed.get("do") == "sign-out":
        answer = front.form(request, voice, typed, out=True)
        front.cookies.end(answer, "reporter")
        return answer
    once = once_of(typed)
    typed["once"] = once
    try:
        front.reports.take(_from(request))
        said = vouched(said_of(typed), signing.signed(front, request))
        if typed.pop(ATTACHED, ""):
            said = msgspec.structs.replace(said, remarks=("attachments",))
        storing = front.desk.take(said, once=once, channel="web", language=voice.language)
        taken = await _stored(storing)
        reading = front.desk.reader.read(said.text, taken.id) if front.desk.reader is not None else None
    except TooManyError as error:
        return front.form(request, voice, typed, 429, voice.say(f"{FIRST}kept-many", max(1, round(error.wait / 60))))
    except ReceptionError as error:
        status = {"empty": 400, "mail": 400, "long": 413}.get(error.reason, 503)
        return front.form(request, voice, typed, status, voice.say(f"{FIRST}kept-{error.reason}"))
    except (StoreError, TimeoutError) as error:
        structlog.get_logger().warning("reception.not_stored", error=type(error).__name__)
        return front.form(request, voice, typed, 503, voice.say(f"{FIRST}kept-down"))
    seen = await _reading(reading)
    now = front.desk.clock()
    referral = front.desk.help(voice.language, said.country, seen.kind if seen else None, now)
    link = mailing.private_link(front.desk.settings, front.desk.database.key, taken.id)
    urgent = seen is None or seen.urgent or taken.urgent
    due = min(taken.check_in or now, now + front.desk.settings.reception.urgent_hours * 3600) if urgent else taken.check_in or now
    answer = front.page("got.html.j2", voice, hearing=taken, link=link, referral=referral, urgent=urgent, due=due, remarks=said.remarks)
    if front.protocol is not None:
        front.cookies.end(answer, "reporter")
    return answer


async def _stored(storing: Future[Hearing]) -> Hearing:
    """The report once it is stored. Whoever is told that it was not is told the truth: what is being stored already is waited for."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(storing), PATIENCE)
    except TimeoutError:
        if storing.cancelled():
            raise
        return await asyncio.wait_for(asyncio.wrap_future(storing), PATIENCE)


async def _reading(reading: Future[Reading] | None) -> Reading | None:
    """What the detector read, if it did in time."""
    if reading is None:
        return None
    with contextlib.suppress(Exception):  # the report is stored; who reads it later will see
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(reading)), READING)
    return None


def _private(front: Front, request: Request, fields: dict[str, str]) -> Response:
    """The private page, and what is done on it. Forms carry the token themselves, so that no address has more of it than the link."""
    voice = _voice(request, fields.get("lang", ""))
    desk = front.desk
    token = fields.get("token", "").strip()
    if "/" in token:  # somebody pasted the whole link
        token = urlsplit(token).path.rpartition("/")[2]
    try:
        front.tries.take(_from(request))
        with desk.database.read() as connection:
            found = hearings.by_token(connection, token, desk.clock()) if TOKEN.fullmatch(token) else None
    except TooManyError:
        return front.page("problem.html.j2", voice, 429, words=voice.say(f"{FIRST}slow-down"))
    except StoreError:
        return front.page("problem.html.j2", voice, 503, words=voice.say(f"{FIRST}kept-down"))
    if found is None:
        return front.page("ask.html.j2", voice, 404, problem=voice.say(f"{FIRST}no-link"))
    if not fields.get("lang") and not request.query_params.get("lang"):
        voice = voice_for(found.language)
    act = ACTS.get(fields.get("do", "")) if request.method == "POST" else None
    problem = did = None
    text = ""
    if act is not None:
        try:
            did = act(front, found, fields)
        except (InputError, CaseError, ReceptionError, StoreError, TimeoutError) as error:
            structlog.get_logger().info("reception.refused", error=type(error).__name__)
            down = isinstance(error, (StoreError, TimeoutError, ReceptionError))
            problem, text = voice.say(f"{FIRST}kept-{'down' if down else 'empty'}"), fields.get("text", "")
        if did == "ended":
            return front.page("problem.html.j2", voice, words=voice.say(f"{FIRST}ended"))
    return _show(front, voice, found.id, problem=problem, did=voice.say(f"{FIRST}{did}") if did else None, typed=text)


def _show(front: Front, voice: Voice, identity: str, **more: Any) -> Response:
    desk = front.desk
    try:
        with desk.database.read() as connection:
            found = hearings.get(connection, identity)
            case = read_case(connection, found.case_id)
            said = hearings.read_said(connection, desk.database.key, found)
            words = hearings.words(connection, desk.database.key, found)
        if any(word.ours and word.read is None for word in words):
            with desk.database.write() as connection:
                hearings.seen_by_person(connection, found, desk.clock())
    except (StoreError, InputError):
        return front.page("problem.html.j2", voice, 503, words=voice.say(f"{FIRST}kept-down"))
    if found.withdrawn is not None:
        state = "withdrawn"
    elif case.state is CaseState.CLOSED and found.appeal is None:
        state = "closed"
    else:
        state = "new" if case.state is CaseState.NEW else "open"
    referral = desk.help(voice.language, said.country if said else "", case.kind if found.urgent else None, desk.clock())
    token = token_of(desk.database.key, found.id)
    return front.page(
        "yours.html.j2", voice, hearing=found, state=state, said=said, words=words, referral=referral, token=token, **more
    )


def _add(front: Front, found: Hearing, fields: dict[str, str]) -> str:
    front.desk.add(found, fields.get("text", "")).result(PATIENCE)
    return "added"


def _withdraw(front: Front, found: Hearing, _fields: dict[str, str]) -> str:
    front.desk.withdraw(found).result(PATIENCE)
    return "state-withdrawn"


def _end(front: Front, found: Hearing, _fields: dict[str, str]) -> str:
    desk = front.desk
    desk.letterbox.put(lambda connection: hearings.end_link(connection, found, desk.clock())).result(PATIENCE)
    return "ended"


def _appeal(front: Front, found: Hearing, _fields: dict[str, str]) -> str:
    desk = front.desk
    desk.letterbox.put(lambda connection: hearings.appeal(connection, found, desk.terms, desk.clock())).result(PATIENCE)
    return "appealed"


ACTS: dict[str, Callable[[Front, Hearing, dict[str, str]], str]] = {
    "add": _add, "withdraw": _withdraw, "end": _end, "appeal": _appeal,
}  # fmt: skip
