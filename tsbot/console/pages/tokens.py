"""Personal tokens: make one, see which there are, revoke one."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from tsbot.console import preferences, tokens
from tsbot.console.access import Act
from tsbot.console.console import Console, Visit
from tsbot.errors import InputError

PAGE = "/tokens"


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""

    def page(request: Request, visit: Visit, status: int = 200, *, made: str = "", problem: str = "") -> Response:
        with console.database.read() as connection:
            found = tokens.tokens_of(connection, visit.person)
            prefs = preferences.read(connection, visit.person.id)
        scopes = [scope for scope in tokens.SCOPES if visit.rights.may(scope)]
        living = [token for token in found if token.lives(visit.now)]
        values = {"living": living, "scopes": scopes, "made": made, "problem": problem, "most_days": tokens.LONGEST_DAYS}
        return console.pages.page("tokens.html.j2", request, status, visit=visit, prefs=prefs, **values)

    @app.get(PAGE)
    def show(request: Request) -> Response:
        return page(request, console.visit(request, Act.MANAGE_TOKENS))

    @app.post(PAGE)
    async def make(request: Request) -> Response:
        chosen = [value for name, value in (await request.form()).multi_items() if name == "scope" and isinstance(value, str)]
        _, fields = await console.form(request)
        return await run_in_threadpool(made, request, fields, chosen)  # asks the wikis, which takes its time

    def made(request: Request, fields: dict[str, str], chosen: list[str]) -> Response:
        visit = console.visit(request, Act.MANAGE_TOKENS, anew=True)
        allowed = [scope for scope in tokens.SCOPES if scope.value in chosen and visit.rights.may(scope)]
        days = fields.get("days", "")
        try:
            with console.database.write() as connection:
                number = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 0
                token = tokens.make(connection, visit.person, fields.get("label", ""), allowed, number, visit.now)
        except InputError as error:
            return page(request, visit, 422, problem=str(error))
        return page(request, visit, made=token)

    @app.post(PAGE + "/{token_id}/revoke")
    async def revoke(request: Request, token_id: str) -> Response:
        # Whoever is signed in may end what is theirs, whatever else they may not do any more.
        session, _ = await console.form(request)
        with console.database.write() as connection:
            tokens.revoke(connection, session.person, token_id, console.clock())
        return RedirectResponse(PAGE, status_code=303)
