"""pywikibot, held at the places that a long-running service needs.

Import this inside functions only, after :func:`tsbot.wiki.session.prepare`: importing pywikibot reads its configuration.

What is used of pywikibot: families and sites, its HTTP session with cookies, User-Agent, OAuth signing and certificates,
its password file. What is not: ``api.Request.submit`` and the login built on it, which ask for siteinfo, paraminfo and userinfo of each
wiki first (three requests for each of 900 wikis), sleep while they retry, repeat writes after a timeout, may prompt, and
print parts of unreadable answers to the terminal.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any, NoReturn, cast
from urllib.parse import urlencode, urlsplit

import pywikibot
import requests
import urllib3
from pywikibot import config, login
from pywikibot.comms import http
from pywikibot.exceptions import Error, NoUsernameError
from pywikibot.family import AutoFamily, Family
from pywikibot.site import APISite

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.answers import Answer, read
from tsbot.wiki.sites import is_loopback

LONGEST_URL = 2000
"""Longer requests are sent by POST. Reads go by GET while they can: Wikimedia serves those from the nearest data centre."""
MOST_BYTES = 32_000_000
"""No API answer is this long (MediaWiki ends one after 8 MB, a page is 2 MB)."""
WAIT_AFTER_LOGIN_FAILED = 300.0
"""Seconds: MediaWiki locks an account out for a while after a few failed logins."""

_login_lock = threading.Lock()


class _NoThrottle:
    """Stands in for pywikibot's Throttle, which sleeps and writes a file; :class:`tsbot.wiki.budget.Budget` is ours."""

    retry_after = 0

    def __call__(self, **_: object) -> None:
        """Do not wait."""

    def lag(self, _: float | None = None) -> None:
        """Do not wait."""

    def drop(self) -> None:
        """Nothing was registered in a file; pywikibot calls this when the process ends."""


class Site(APISite):  # type: ignore[misc]  # pywikibot has no types
    """A site that asks the wiki nothing until it is told to."""

    throttle = _NoThrottle()

    def login(self, autocreate: bool = False, user: str | None = None, *, cookie_only: bool = False) -> None:  # noqa: ARG002 - pywikibot's signature
        """Do nothing while the object is made (where pywikibot would ask who it is), else sign in."""
        if not cookie_only:
            sign_in(self)


class CookieJar(http.PywikibotCookieJar):  # type: ignore[misc]  # pywikibot has no types
    """pywikibot's jar, safe to read while another thread adds to it.

    Each request copies all cookies by iterating over nested dictionaries, which fails if one grows meanwhile.
    """

    def __iter__(self) -> Iterator[Cookie]:
        """All cookies as they are now."""
        with self._cookies_lock:
            return iter(list(super().__iter__()))


def configure(user_agent: str, timeout: float, simulate: bool | None) -> None:
    """Set what of pywikibot's configuration is ours to decide; the user's own file decides the rest."""
    config.user_agent_format = user_agent
    config.socket_timeout = (min(10.0, timeout), timeout)
    # Retrying is the queue's work: it knows what else there is to do meanwhile.
    config.max_retries = 0
    config.retry_wait = 1
    config.retry_max = 1
    config.minthrottle = 0
    config.put_throttle = 0
    if simulate is not None:
        config.simulate = simulate
    if not isinstance(http.cookie_jar, CookieJar):
        http.cookie_jar = http.session.cookies = CookieJar()
    # A service has nobody at the terminal; waiting there for a password would be waiting for ever.
    pywikibot.input = _nobody_to_ask


def _nobody_to_ask(*_: object, **__: object) -> NoReturn:
    raise NoUsernameError("pywikibot asks for input, and nobody is there to answer")


def simulating() -> bool:
    """Whether pywikibot is told to change nothing (``-simulate``)."""
    return bool(config.simulate)


def families() -> list[str]:
    """Names of all families that pywikibot knows, those of the user's configuration included."""
    return sorted(config.family_files)


def load_family(name: str) -> Family:
    """A family by name. Raises ``KeyError`` for an unknown one."""
    if name not in config.family_files:
        raise KeyError(name)
    return Family.load(name)


def make_site(family: Family, code: str, user: str | None) -> Site:
    """The site object of a family's wiki; asks nothing of the wiki."""
    return cast(Site, pywikibot.Site(code, family, user=user, interface=Site))


def auto_family(name: str, base: str) -> Family:
    """A family of one wiki with Wikimedia's script path at ``base`` (scheme and host)."""
    return AutoFamily(name, f"{base}/w/api.php")


def exchange(site: Site, parameters: Mapping[str, str], *, post: bool, timeout: float, own: requests.Session | None = None) -> Answer:
    """Send one API request and read the whole answer, within ``timeout`` seconds.

    ``own`` is an HTTP session with cookies of its own, which is nobody to the wiki at first: neither our account nor its OAuth grant.
    Raises ``WikiUnavailableError`` if no answer comes.
    """
    query = urlencode(parameters)
    url = site.base_url(site.apipath())
    headers = {"user-agent": http.user_agent(site)}
    # OAuth 1 signs bodies and addresses differently; pywikibot posts, and so do we.
    get = not post and len(url) + len(query) < LONGEST_URL and (own is not None or not site.is_oauth_token_available())
    if not get:
        headers["content-type"] = "application/x-www-form-urlencoded"
        if not post:
            headers["promise-non-write-api-action"] = "true"
    host = urlsplit(url).hostname or ""
    deadline = time.monotonic() + timeout
    address, body = (f"{url}?{query}", None) if get else (url, query)
    proxies = {"no_proxy": host} if is_loopback(host) else None  # a proxy has no business on loopback
    verify = site.verify_SSL_certificate()
    if own is not None:
        response = _fetch_as(own, address, body, headers, proxies, verify=verify, timeout=timeout)
    else:
        response = http.fetch(
            address,
            method="GET" if get else "POST",
            data=body,
            headers=headers,
            default_error_handling=False,
            stream=True,
            allow_redirects=False,
            proxies=proxies,
            verify=verify,
        )
    if isinstance(response, Exception):
        raise _no_answer(response) from response
    with contextlib.closing(response):
        content = _body(response, deadline)
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def _fetch_as(
    own: requests.Session,
    url: str,
    body: str | None,
    headers: Mapping[str, str],
    proxies: dict[str, str] | None,
    *,
    verify: bool,
    timeout: float,
) -> requests.Response | Exception:
    """As ``http.fetch`` does, in a session of its own."""
    request = requests.Request("GET" if body is None else "POST", url, data=body, headers=dict(headers))
    try:
        prepared = own.prepare_request(request)
        kept = own.merge_environment_settings(str(prepared.url), proxies or {}, True, verify, None)
        return own.send(prepared, timeout=(min(10.0, timeout), timeout), allow_redirects=False, **kept)
    except requests.RequestException as error:
        return error


def own_session(*, keep_cookies: bool) -> requests.Session:
    """An HTTP session that is not pywikibot's: nothing of our account's gets into it, nothing of it into ours."""
    session = requests.Session()
    session.auth = _NoAuth()
    if not keep_cookies:
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


class _NoAuth(requests.auth.AuthBase):
    """Sends no credentials, not even those of a ``.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


def _body(response: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    try:
        # read1 hands over what has come, where iter_content would wait for a chunk to fill.
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > MOST_BYTES:
                raise WikiUnavailableError("The wiki's answer does not end.", maybe_done=True)
            if time.monotonic() > deadline:
                raise WikiUnavailableError("The wiki's answer takes too long.", maybe_done=True)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _no_answer(error) from error
    return bytes(body)


def _no_answer(error: Exception) -> WikiUnavailableError:
    """Name the kind of failure only: messages of these exceptions quote the address with all it asks for."""
    refused = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
    return WikiUnavailableError(f"The wiki cannot be reached ({type(error).__name__}).", maybe_done=not refused)


LOGIN_ATTEMPTS = 3
SESSION_LOST = frozenset(("WrongToken", "NeedToken", "badtoken", "sessionfailure"))
"""What a wiki says when the answer to another request under way has replaced the session that the login token belongs to."""


def sign_in(site: Site) -> None:
    """Log in with the password that pywikibot's password file has for the site's user.

    A bot password goes by ``action=login``, an account's own by ``action=clientlogin`` (mediawiki.org, API:Login). Raises
    ``WikiUnavailableError`` if that fails: a wiki that does not know us is a wiki that does not answer.
    """
    if site.is_oauth_token_available():
        raise WikiUnavailableError("The OAuth grant in pywikibot's `authenticate` belongs to another account.", WAIT_AFTER_LOGIN_FAILED)
    with _login_lock:
        name, password = _password(site)
        if not http.cookie_jar.filename:
            load_cookies(str(site.username()))
        try:
            for _ in range(LOGIN_ATTEMPTS):
                if _is_signed_in(site):
                    return  # by another thread that had the lock before
                result = _log_in(site, name, password)
                if result not in SESSION_LOST:
                    break
        except (WikiRefusedError, KeyError, TypeError) as error:
            raise WikiUnavailableError(f"Logging in failed ({type(error).__name__}).", WAIT_AFTER_LOGIN_FAILED) from error
        if result in SESSION_LOST:
            raise WikiUnavailableError("Logging in failed: the wiki lost the session each time.")
        if result not in ("Success", "PASS"):
            raise WikiUnavailableError("The wiki refuses the login: wrong password, or it wants a second factor.", WAIT_AFTER_LOGIN_FAILED)
        with contextlib.suppress(OSError):  # saving spares the next run a login, no more
            http.cookie_jar.save(ignore_discard=True)


def _is_signed_in(site: Site) -> bool:
    answer = _ask(site, {"action": "query", "meta": "userinfo"})
    return bool(answer["query"]["userinfo"]["name"] == site.username())


def _log_in(site: Site, name: str, password: str) -> str:
    """Try once; what the wiki says of it."""
    answer = _ask(site, {"action": "query", "meta": "tokens", "type": "login"})
    token = str(answer["query"]["tokens"]["logintoken"])
    try:
        if "@" in name:
            answer = _ask(site, {"action": "login", "lgname": name, "lgpassword": password, "lgtoken": token})
            return str(answer["login"]["result"])
        form = {"username": name, "password": password, "logintoken": token, "rememberMe": "1"}
        answer = _ask(site, {"action": "clientlogin", "loginreturnurl": "https://example.org", **form})
        return str(answer["clientlogin"]["status"])
    except WikiRefusedError as error:
        if error.code not in SESSION_LOST:
            raise
        return error.code


def _password(site: Site) -> tuple[str, str]:
    try:
        manager = login.ClientLoginManager(site=site, user=site.username())
    except (OSError, ValueError, Error) as error:
        # The file's own messages could quote it.
        raise WikiUnavailableError(f"pywikibot's password file cannot be read ({type(error).__name__}).", WAIT_AFTER_LOGIN_FAILED) from None
    if not manager.password:
        raise WikiUnavailableError(
            "No password for the configured account: name pywikibot's `password_file` in user-config.py.", WAIT_AFTER_LOGIN_FAILED
        )
    return str(manager.login_name), str(manager.password)


def _ask(site: Site, parameters: Mapping[str, str]) -> dict[str, Any]:
    full = {**parameters, "format": "json", "formatversion": "2"}
    post = parameters["action"] != "query"
    return read(exchange(site, full, post=post, timeout=config.socket_timeout[1]), time.time())


def load_cookies(user: str) -> None:
    """Take up the login of an earlier run, if there is one; the file is the one that logins are saved to."""
    http.cookie_jar.load(user, ignore_discard=True)

