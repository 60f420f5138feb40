"""The API as an application of its own below the console: errors are JSON, and configured wikis may call it from their pages."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from tsbot import __version__
from tsbot.console.access import Act
from tsbot.console.api import cases, marks, models, statistics, trace
from tsbot.console.api.bearer import given, visit
from tsbot.console.console import Console
from tsbot.errors import (
    CaseError,
    ForgedError,
    InputError,
    RightsUnknownError,
    SignInNeededError,
    StoreError,
    TooManyError,
    TsbotError,
    WikiError,
)

PREFIX = "/api/v1"
STATUS: tuple[tuple[type[TsbotError], int], ...] = (
    (SignInNeededError, 401),
    (ForgedError, 401),
    (RightsUnknownError, 503),
    (TooManyError, 429),
    (InputError, 422),
    (CaseError, 409),
    (StoreError, 503),
    (WikiError, 503),
)
"""HTTP status of our errors; the first that fits. All others are 403."""
RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": models.Error, "description": "What was sent is no JSON."},
    401: {"model": models.Error, "description": "No token, or one that is not valid."},
    403: {"model": models.Error, "description": "You may not, or it does not exist."},
    409: {"model": models.Error, "description": "The case has changed, somebody else works on it, or a second person must approve."},
    422: {"model": models.Error, "description": "What was sent cannot be used."},
    429: {"model": models.Error, "description": "Too many requests."},
    503: {"model": models.Error, "description": "Wiki or database do not answer now."},
}


def create_api(console: Console) -> FastAPI:
    """The application to mount at :data:`PREFIX`."""
    api = FastAPI(
        title="tsbot", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, responses=RESPONSES, redirect_slashes=False
    )
    for module in (cases, marks, statistics, trace):
        module.register(api, console)

    @api.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> dict[str, Any]:
        let_in = visit if given(request) else Console.visit
        let_in(console, request, Act.SEE_QUEUE, instead=Act.TRACE)
        return _described(api)

    @api.exception_handler(TsbotError)
    def ours(_request: Request, error: TsbotError) -> Response:
        status = next((code for sort, code in STATUS if isinstance(error, sort)), 403)
        structlog.get_logger().info("console.refused", status=status, error=type(error).__name__)
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        if isinstance(error, TooManyError):
            headers["retry-after"] = f"{error.wait + 0.5:.0f}"
        return problem(status, type(error).__name__.removesuffix("Error"), str(error), headers)

    @api.exception_handler(RequestValidationError)
    def wrong(_request: Request, error: RequestValidationError) -> Response:
        # Where and what, but not the value: it may be a text.
        places = {".".join(map(str, one["loc"])): str(one["msg"]) for one in error.errors()}
        malformed = any(one["type"] == "json_invalid" for one in error.errors())
        told = "; ".join(f"{place}: {words}" for place, words in list(places.items())[:5])
        return problem(400 if malformed else 422, "Invalid", told[:500].encode("ascii", "replace").decode())

    @api.exception_handler(HTTPException)
    def http(_request: Request, error: HTTPException) -> Response:
        words = {404: "There is nothing at this address.", 405: "This cannot be done here."}.get(error.status_code, "This cannot be used.")
        return problem(error.status_code, f"Http{error.status_code}", words, dict(error.headers or {}))

    @api.exception_handler(Exception)
    def surprise(_request: Request, error: Exception) -> Response:
        structlog.get_logger().error("console.trouble", error=type(error).__name__)
        return problem(500, "Fault", "Something went wrong here; nothing was done.")

    api.add_middleware(
        CORSMiddleware,
        allow_origins=list(console.settings.console.wiki_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
        allow_credentials=False,
        expose_headers=["retry-after"],
        max_age=600,
    )
    return api


def problem(status: int, name: str, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"error": name, "message": words}, status, headers)


def _described(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with what it cannot know of the token."""
    found = dict(api.openapi())
    found["servers"] = [{"url": PREFIX}]
    components = {**found.get("components", {}), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    return found | {"components": components, "security": [{"token": []}]}
