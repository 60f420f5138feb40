"""Signing in and out."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from tsbot.console import sessions
from tsbot.console.console import Console


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""

    @app.get("/sign-in")
    def sign_in(request: Request, back: str = "/") -> Response:
        return console.pages.page("sign_in.html.j2", request, ways=console.signins, back=local(back))

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await console.form(request)
        with console.database.write() as connection:
            sessions.sign_out(connection, request.cookies.get(console.cookie, ""))
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(console.cookie, path="/", secure=console.secure, httponly=True, samesite="lax")
        return answer


def let_in(console: Console, subject: str, name: str, back: str) -> Response:
    """Begin a session for who a sign-in says it is, and go where they wanted."""
    with console.database.write() as connection:
        cookie = sessions.sign_in(connection, console.database.key, subject, name, console.clock())
    answer = RedirectResponse(local(back), status_code=303)
    # Lax: the sign-in leads back here from the wiki.
    answer.set_cookie(console.cookie, cookie, path="/", secure=console.secure, httponly=True, samesite="lax")
    return answer


def local(address: str) -> str:
    """An address on this site; anything else becomes the start page, so that a sign-in leads nowhere else."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable() else "/"
