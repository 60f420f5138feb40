"""What people set for themselves, and the map of the keyboard."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from tsbot.console import preferences
from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.office import seat
from tsbot.console.pages.flash import read_flash
from tsbot.console.preferences import KEYS
from tsbot.console.reading import reading
from tsbot.console.words import languages
from tsbot.errors import InputError
from tsbot.i18n.catalogue import own_name


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""

    @app.get("/preferences")
    def page(request: Request) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE)
        spoken = {code: own_name(code) for code in languages(console.pages.catalogue)}
        with console.database.read() as connection:
            read = reading(connection, taken.visit.person.id, taken.now, preferences.limits(console.limits, taken.prefs))
        return console.pages.page(
            "preferences.html.j2", request, visit=taken.visit, prefs=taken.prefs, spoken=spoken, keys=KEYS, house=console.limits,
            flash=read_flash(request), read=read,
        )  # fmt: skip

    @app.get("/keys")
    def keys(request: Request) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE)
        return console.pages.page("keys.html.j2", request, visit=taken.visit, prefs=taken.prefs, keys=KEYS)

    @app.post("/preferences")
    async def change(request: Request) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(_change, request, fields)

    def _change(request: Request, fields: dict[str, str]) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE)
        chosen = {act: fields.get(f"key_{act}", "").strip().lower() or key for act, key in KEYS.items()}
        if len(set(chosen.values())) < len(chosen):
            raise InputError("Two acts cannot have the same key.")
        number = fields.get("a_day", "").strip()
        if number and not (number.isascii() and number.isdigit() and len(number) < 6 and 1 <= int(number) <= console.limits.a_day):
            raise InputError(f"The limit is a number from 1 to {console.limits.a_day}, that of the house.")
        code = fields.get("language", "")
        values: dict[str, object] = {
            "language": code if code in languages(console.pages.catalogue) else "",
            "blur": fields.get("blur") == "1",
            "grey": fields.get("grey") == "1",
            "keys_on": fields.get("keys_on") == "1",
            "keys": {act: key for act, key in chosen.items() if key != KEYS[act]},
            "a_day": int(number) if number else None,
        }
        try:
            with console.database.write() as connection:
                preferences.write(connection, taken.visit.person.id, values)
        except msgspec.ValidationError:
            raise InputError("A key is one character.") from None
        return RedirectResponse("/preferences?did=saved", status_code=303)
