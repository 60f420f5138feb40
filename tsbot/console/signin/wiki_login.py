"""Sign-in with the user name and password of a wiki that has no OAuth (``action=clientlogin``; mediawiki.org, API:Login).

Off unless the settings name the wiki. The password goes to the wiki, in an HTTP session that is made for this and ended there afterwards,
and nowhere else: it is neither stored nor logged, and no message repeats it. Tries are counted per address and per name before the wiki is
asked, which counts them too.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from tsbot.console.console import Console
from tsbot.console.pages.account import let_in, local
from tsbot.console.security import CSRF_FIELD, RateLimit
from tsbot.console.sessions import same
from tsbot.console.signin import before
from tsbot.console.signin.before import Begun
from tsbot.console.signin.oauth import Identity, address_of
from tsbot.errors import ForgedError, SignInFailedError, WikiError, WikiRefusedError
from tsbot.wiki.api import Api

WAY = "wiki"
PAGE = "/sign-in/wiki"
LONGEST = 1024
"""Characters of a name or password; MediaWiki takes no longer ones."""


class Login(Protocol):
    """Asks a wiki whether a password is right."""

    def __call__(self, name: str, password: str) -> Identity:
        """Raises ``SignInFailedError``."""


@dataclass(frozen=True)
class WikiLogin:
    """Asks one wiki."""

    wiki: str
    open_api: Callable[[], Api]
    """Makes an ``Api`` with an HTTP session of its own that keeps cookies."""
    return_url: str
    """Where a wiki that wants a second page would lead; it must be one of ours."""

    def __call__(self, name: str, password: str) -> Identity:
        """Who it is. Raises ``SignInFailedError``."""
        api = self.open_api()
        try:
            return self._log_in(api, name, password)
        except WikiRefusedError as error:
            raise SignInFailedError(f"The wiki refuses the sign-in ({error.code}).") from None
        except (WikiError, KeyError, TypeError, ValueError, AttributeError) as error:
            # "from None": nothing that holds the form may travel with an error.
            raise SignInFailedError(f"The wiki cannot be asked now ({type(error).__name__}). Try again in a minute.") from None

    def _log_in(self, api: Api, name: str, password: str) -> Identity:
        answer = api.get(self.wiki, {"action": "query", "meta": "tokens", "type": "login"})
        token = str(answer["query"]["tokens"]["logintoken"])
        form = {"username": name, "password": password, "logintoken": token, "loginreturnurl": self.return_url}
        said = api.send(self.wiki, {"action": "clientlogin", **form})["clientlogin"]
        match said.get("status"):
            case "PASS":
                return self._who(api)
            case "UI" | "REDIRECT":
                raise SignInFailedError("The wiki asks for more than a password (a second factor), which cannot be given here.")
        raise SignInFailedError("The wiki does not accept this name and password.")

    def _who(self, api: Api) -> Identity:
        answer = api.get(self.wiki, {"action": "query", "meta": "userinfo|tokens", "uiprop": "blockinfo", "type": "csrf"})
        user = answer["query"]["userinfo"]
        with contextlib.suppress(WikiError, KeyError):  # the session also ends when its cookies are gone
            api.send(self.wiki, {"action": "logout", "token": str(answer["query"]["tokens"]["csrftoken"])})
        identity = int(user["id"])
        if identity <= 0 or user.get("anon"):
            raise SignInFailedError("The wiki does not say who you are. Try again in a minute.")
        if "blockid" in user and not user.get("blockpartial"):
            raise SignInFailedError("This account is blocked; it cannot be used here.")
        return Identity(f"{self.wiki}:{identity}", str(user["name"]))


def register(app: FastAPI, console: Console, login: Login, limit: RateLimit) -> None:
    """Add the page of this sign-in."""

    @app.get(PAGE)
    def form(request: Request, back: str = "/") -> Response:
        begun = Begun(way=WAY, secret=secrets.token_urlsafe(32), back=local(back), time=console.clock())
        answer = console.pages.page("wiki_login.html.j2", request, begun=begun, field=CSRF_FIELD)
        before.remember(console, answer, begun)
        return answer

    @app.post(PAGE)
    async def posted(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise ForgedError("This form was sent from another site; nothing was done.")
        given = {name: "" if isinstance(value, UploadFile) else value for name, value in (await request.form()).items()}
        return await run_in_threadpool(signed_in, request, given)

    def signed_in(request: Request, given: dict[str, str]) -> Response:
        begun = before.recall(console, request, WAY)
        if not same(begun.secret, given.get(CSRF_FIELD, "")):
            raise ForgedError("This form is not valid any more; nothing was done. Go back and reload.")
        name, password = given.get("name", "").strip()[:LONGEST], given.get("password", "")[:LONGEST]
        limit.take(address_of(request))
        limit.take(f"name|{console.database.key.index('sign-in', name.casefold()).hex()}")
        if not name or not password:
            raise SignInFailedError("Give your user name and your password on the wiki.")
        who = login(name, password)
        answer = let_in(console, who.subject, who.name, begun.back)
        before.forget(console, answer)
        return answer
