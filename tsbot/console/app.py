"""The console as an ASGI application: its parts, put together in one place.

Every page is a module with a ``register(app, console)``; what it may show is decided by :meth:`Console.visit`, which every route calls
first and which fails closed. A test walks all routes with all roles.
"""

from __future__ import annotations

from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tsbot.console.api.app import PREFIX, create_api
from tsbot.console.console import Console
from tsbot.console.limits import BodyLimit
from tsbot.console.pages import account, acts, case, gadget, queue, settings, tokens, trace
from tsbot.console.render import is_part
from tsbot.console.security import SecurityHeaders
from tsbot.errors import (
    AnswerGoneError,
    CaseError,
    ConsoleError,
    ForbiddenError,
    ForgedError,
    InputError,
    PartyError,
    RestNeededError,
    RightsUnknownError,
    SignInNeededError,
    StoreError,
    TooManyError,
    TsbotError,
    WikiError,
)

STATIC = Path(__file__).with_name("static")
STATUS: tuple[tuple[type[TsbotError], int], ...] = (
    (ForbiddenError, 403),
    (ForgedError, 403),
    (RightsUnknownError, 503),
    (TooManyError, 429),
    (RestNeededError, 429),
    (AnswerGoneError, 404),
    (PartyError, 403),
    (InputError, 400),
    (CaseError, 409),
    (StoreError, 503),
    (WikiError, 503),
    (ConsoleError, 400),
)
"""HTTP status of our errors; the first that fits."""


def create_app(console: Console) -> FastAPI:
    """The application. Touches nothing outside until it is asked something."""
    app = FastAPI(title="tsbot console", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for module in (queue, case, acts, trace, settings, account, tokens, gadget):
        module.register(app, console)
    app.mount(PREFIX, create_api(console), name="api")

    @app.exception_handler(SignInNeededError)
    def sign_in_first(request: Request, _error: SignInNeededError) -> Response:
        if is_part(request):
            # The page stays as it is, with what was typed into it; only this part says so.
            return HTMLResponse(console.pages.problem(request, "Your session has ended. Sign in again, in another tab.", 401), 401)
        back = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/sign-in?back={back}", status_code=303)

    @app.exception_handler(RestNeededError)
    def rest(request: Request, error: RestNeededError) -> Response:
        page = console.pages.render("rest.html.j2", request, again=error.again, resting=error.resting, limits=console.limits)
        return HTMLResponse(page, 429)

    @app.exception_handler(TsbotError)
    def ours(request: Request, error: TsbotError) -> Response:
        status = next((code for sort, code in STATUS if isinstance(error, sort)), 500)
        structlog.get_logger().info("console.refused", status=status, error=type(error).__name__)
        headers = {"retry-after": f"{error.wait:.0f}"} if isinstance(error, TooManyError) else {}
        return HTMLResponse(console.pages.problem(request, str(error), status), status, headers)

    @app.exception_handler(404)
    def nothing(request: Request, _error: Exception) -> Response:
        return HTMLResponse(console.pages.problem(request, "There is nothing at this address.", 404), 404)

    @app.exception_handler(Exception)
    def surprise(request: Request, error: Exception) -> Response:
        # What went wrong may hold private matter: its class is all that is told.
        structlog.get_logger().error("console.trouble", error=type(error).__name__)
        return HTMLResponse(console.pages.problem(request, "Something went wrong here; nothing was done.", 500), 500)

    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, form_targets=console.form_targets, tls=console.secure)
    return app
