"""What a browser carries while nobody is signed in yet: a sealed cookie for a few minutes, so that nothing has to be stored here.

The cookie binds what comes back (an OAuth code, a form) to the browser that it was begun in; sealing keeps the PKCE verifier to us.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from fastapi import Request
from fastapi.responses import Response

from tsbot.console.console import Console
from tsbot.errors import ForgedError, KeyFileError

SECONDS = 600.0
"""How long a sign-in may take."""
CONTEXT = "console|before"


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that was begun. ``time`` in seconds since the epoch."""

    way: str
    secret: str
    """What must come back: the OAuth state, or the form's token."""
    time: float
    verifier: str = ""
    """Of PKCE (RFC 7636)."""
    back: str = "/"


def cookie_name(console: Console) -> str:
    """Name of the cookie."""
    return "__Host-tsbot-begun" if console.secure else "tsbot-begun"


def remember(console: Console, answer: Response, begun: Begun) -> None:
    """Have the browser carry a sign-in that was begun."""
    sealed = console.database.key.seal_queue(msgspec.json.encode(begun), CONTEXT)
    value = base64.urlsafe_b64encode(sealed).decode()
    # Lax: a wiki leads back here.
    answer.set_cookie(
        cookie_name(console), value, max_age=int(SECONDS), path="/", secure=console.secure, httponly=True, samesite="lax"
    )


def recall(console: Console, request: Request, way: str) -> Begun:
    """The sign-in that this browser began. Raises ``ForgedError`` if there is none, or it has taken too long."""
    words = "This sign-in was not begun in this browser, or too long ago. Begin it again."
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(cookie_name(console), "").encode("ascii"))
        begun = msgspec.json.decode(console.database.key.unseal_queue(sealed, CONTEXT), type=Begun)
    except (binascii.Error, UnicodeEncodeError, KeyFileError, msgspec.MsgspecError) as error:
        raise ForgedError(words) from error
    if begun.way != way or not 0 <= console.clock() - begun.time <= SECONDS:
        raise ForgedError(words)
    return begun


def forget(console: Console, answer: Response) -> None:
    """The sign-in is over, well or not."""
    answer.delete_cookie(cookie_name(console), path="/", secure=console.secure, httponly=True, samesite="lax")
