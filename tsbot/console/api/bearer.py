"""The door of the API: a personal token in ``Authorization: Bearer``. Cookies are not looked at, so no other site can use a session."""

from __future__ import annotations

from fastapi import Request

from tsbot.console import tokens
from tsbot.console.access import EVERYWHERE, Act
from tsbot.console.console import Console, Visit
from tsbot.console.sessions import Session
from tsbot.errors import ForbiddenError, SignInNeededError

LONGEST = 200
"""Characters of an ``Authorization`` header; ours are shorter."""


def given(request: Request) -> str:
    """The token of a request; empty if there is none."""
    scheme, _, value = request.headers.get("authorization", "")[:LONGEST].partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def visit(
    console: Console, request: Request, act: Act, wiki: str = EVERYWHERE, *, anew: bool = False, instead: Act | None = None
) -> Visit:
    """Let somebody in as :meth:`Console.visit` does, whose token is for ``act``, or else ``instead``.

    Raises ``SignInNeededError`` without a token, ``ForgedError`` for one that is not valid, ``ForbiddenError``, ``RightsUnknownError`` or
    ``TooManyError``.
    """
    token = given(request)
    if not token:
        raise SignInNeededError("This needs a personal token in the header `Authorization: Bearer`. Make one in the console.")
    now = console.clock()
    with console.database.read() as connection:
        person, found = tokens.find(connection, console.database.key, token, now)
    if console.limit is not None:
        console.limit.take(person.id)
    if found.used is None or now - found.used > tokens.TOUCH_SECONDS:
        with console.database.write() as connection:
            tokens.touch(connection, found, now)
    rights = console.rights_of(person, anew=anew)
    allowed = act in found.scopes and rights.may(act, wiki)
    if not allowed and (instead not in found.scopes or not rights.may(instead)):
        raise ForbiddenError("You may not do this, or it does not exist.")
    # A session that no cookie names: nothing can be done with its form token.
    return Visit(Session(person, "", found.created, now), rights, now)
