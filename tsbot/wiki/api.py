"""One request to the action API of one wiki, and its answer or the reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.settings import WikiSettings
from tsbot.wiki import answers
from tsbot.wiki.budget import Budget
from tsbot.wiki.session import api_user
from tsbot.wiki.sites import Sites

if TYPE_CHECKING:
    import requests

    from tsbot.wiki._framework import Site

Parameters = Mapping[str, str | int]
Data = dict[str, Any]


class Api:
    """Sends requests as the configured account, or anonymously. Thread-safe.

    A request is sent once. It is repeated only after a new login, when the wiki took us for somebody else. ``now`` gives
    seconds since the epoch. With ``own`` (:func:`tsbot.wiki.session.own_session`) requests are nobody's, whatever account is configured,
    or that of whoever signs in with it.
    """

    def __init__(
        self,
        sites: Sites,
        settings: WikiSettings,
        budget: Budget,
        now: Callable[[], float] = time.time,
        own: requests.Session | None = None,
    ) -> None:
        self.sites = sites
        self.account = api_user(settings) if own is None else None
        self._own = own
        self._settings = settings
        self._budget = budget
        self._now = now

    def get(self, wiki: str, parameters: Parameters, *, server_url: str = "", paid: bool = False) -> Data:
        """Read from a wiki. ``paid`` says that the caller took the request from the budget already.

        Raises ``UnknownWikiError``, ``WikiUnavailableError`` or ``WikiRefusedError``.
        """
        return self._call(wiki, parameters, server_url, post=False, paid=paid)

    def send(self, wiki: str, parameters: Parameters, *, server_url: str = "") -> Data:
        """Send a form that carries its own token, such as a login. Raises as :meth:`get` does."""
        return self._call(wiki, parameters, server_url, post=True, paid=False)

    def post(self, wiki: str, parameters: Parameters, *, server_url: str = "") -> Data:
        """Do something on a wiki, with a token of the session; for an account only. Raises as :meth:`get` does."""
        if self.account is None:
            raise WikiRefusedError("This needs an account: set wiki.account.", "notloggedin")
        try:
            answer = self.get(wiki, {"action": "query", "meta": "tokens", "type": "csrf"}, server_url=server_url)
        except WikiUnavailableError as error:
            raise WikiUnavailableError(str(error), error.retry_after) from error  # nothing was done yet
        token = str(answer.get("query", {}).get("tokens", {}).get("csrftoken", ""))
        return self._call(wiki, {**parameters, "token": token}, server_url, post=True, paid=False)

    def _call(self, wiki: str, parameters: Parameters, server_url: str, *, post: bool, paid: bool) -> Data:
        site = self.sites.site(wiki, server_url)
        full = {name: str(value) for name, value in parameters.items()} | {"format": "json", "formatversion": "2"}
        if self._settings.maxlag:
            full["maxlag"] = str(self._settings.maxlag)
        if self.account is not None:
            full["assertuser"] = self.account
        if not paid:
            self._budget.spend()
        try:
            return self._exchange(site, full, post=post)
        except WikiRefusedError as error:
            if error.code not in answers.NOT_US or self.account is None:
                raise
        structlog.get_logger().info("wiki.login", wiki=wiki)
        self._sign_in(site)
        self._budget.spend()
        try:
            return self._exchange(site, full, post=post)
        except WikiRefusedError as error:
            if error.code not in answers.NOT_US:
                raise
            raise WikiUnavailableError(f"The wiki does not take us for the configured account ({error.code}).") from error

    def _exchange(self, site: Site, parameters: Mapping[str, str], *, post: bool) -> Data:
        from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

        answer = _framework.exchange(site, parameters, post=post, timeout=self._settings.timeout, own=self._own)
        try:
            return answers.read(answer, self._now())
        except WikiUnavailableError as error:
            # The gateway counts us on all wikis together.
            if answer.status == 429:
                self._budget.penalise(error.retry_after or answers.ASK_AGAIN_AFTER_429)
            raise

    @staticmethod
    def _sign_in(site: Site) -> None:
        from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

        _framework.sign_in(site)
