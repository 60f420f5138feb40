"""Sign-in with MediaWiki's OAuth 2: authorization code with PKCE (RFC 6749, 7636).

Source: mediawiki.org, OAuth/For_Developers and Extension:OAuth (``rest.php/oauth2/authorize``, ``access_token``, ``resource/profile``). The
profile of a hidden user holds nothing but ``sub`` and ``blocked``. The access token is used once, for the profile, and forgotten; groups
come from the wikis (:mod:`tsbot.console.signin.groups`), because the profile has only those of one wiki.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from tsbot.console.console import Console
from tsbot.console.pages.account import let_in, local
from tsbot.console.security import RateLimit
from tsbot.console.sessions import same
from tsbot.console.signin import before
from tsbot.console.signin.before import Begun
from tsbot.errors import ForbiddenError, ForgedError, SignInFailedError
from tsbot.settings import ConsoleSettings, is_loopback_url

WAY = "oauth"
BEGIN, RETURN = "/sign-in/oauth", "/sign-in/oauth/return"
TIMEOUT = 15.0
"""Seconds for each step."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a sign-in says somebody is."""

    subject: str
    name: str


@dataclass(frozen=True)
class OAuth:
    """Our side of the protocol."""

    settings: ConsoleSettings
    return_url: str
    user_agent: str

    @property
    def origin(self) -> str:
        """Where the browser is sent."""
        parts = urlsplit(self.settings.oauth_url)
        return f"{parts.scheme}://{parts.netloc}"

    def begin(self, back: str, now: float) -> tuple[str, Begun]:
        """Where to send the browser, and what it must bring back."""
        begun = Begun(way=WAY, secret=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), back=back, time=now)
        with self._client() as client:
            # "openid" and the like have no meaning here: what a client may ask for is registered with it.
            url, _ = client.create_authorization_url(
                f"{self.settings.oauth_url}/authorize", state=begun.secret, code_verifier=begun.verifier
            )
        return str(url), begun

    def finish(self, code: str, verifier: str) -> Identity:
        """Exchange the code, and ask who it is. Raises ``SignInFailedError``, or ``ForbiddenError`` for somebody hidden or blocked."""
        try:
            with self._client() as client:
                client.fetch_token(f"{self.settings.oauth_url}/access_token", code=code, code_verifier=verifier)
                answer = client.get(f"{self.settings.oauth_url}/resource/profile")
                profile = answer.json() if answer.status_code == 200 else None
        # Messages of these quote addresses and what the other side wrote: their class is enough.
        except OAuthError as error:
            raise SignInFailedError("The wiki refuses this sign-in. Begin it again.") from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SignInFailedError(f"The wiki cannot be asked who you are ({type(error).__name__}). Try again in a minute.") from error
        return self._identity(profile)

    def _identity(self, profile: Any) -> Identity:
        if not isinstance(profile, dict) or not str(profile.get("sub") or "").isascii() or not str(profile.get("sub") or "").isdigit():
            raise SignInFailedError("The wiki does not say who you are. Try again in a minute.")
        name = profile.get("username")
        if profile.get("blocked") is not False or not isinstance(name, str) or not name:
            raise ForbiddenError("This account is blocked or hidden; it cannot be used here.")
        subject = str(int(profile["sub"]))
        return Identity(subject if self.settings.central_auth else f"{self.settings.central_wiki}:{subject}", name)

    def _client(self) -> OAuth2Client:
        public = not self.settings.client_secret
        return OAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret or None,
            token_endpoint_auth_method="none" if public else "client_secret_post",
            code_challenge_method="S256",
            redirect_uri=self.return_url,
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=not is_loopback_url(self.settings.oauth_url),  # a proxy has no business on loopback
            headers={"user-agent": self.user_agent},
        )


def register(app: FastAPI, console: Console, oauth: OAuth, limit: RateLimit) -> None:
    """Add the pages of this sign-in."""

    @app.get(BEGIN)
    def begin(request: Request, back: str = "/") -> Response:
        limit.take(address_of(request))
        url, begun = oauth.begin(local(back), console.clock())
        answer = RedirectResponse(url, status_code=303)
        before.remember(console, answer, begun)
        return answer

    @app.get(RETURN)
    def back_again(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
        limit.take(address_of(request))
        begun = before.recall(console, request, WAY)
        if not same(begun.secret, state):
            raise ForgedError("This sign-in was not begun in this browser, or too long ago. Begin it again.")
        if error or not code:
            refused = error == "access_denied"
            raise SignInFailedError("You did not allow the sign-in." if refused else "The wiki did not sign you in. Begin it again.")
        who = oauth.finish(code, begun.verifier)
        answer = let_in(console, who.subject, who.name, begun.back)
        before.forget(console, answer)
        return answer


def address_of(request: Request) -> str:
    """Where a request comes from, for counting; behind a proxy what that says (uvicorn reads ``X-Forwarded-For`` of trusted ones)."""
    return f"address|{request.client.host if request.client else ''}"
