"""Running the console: its parts opened from the settings, and a web server that runs until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from fastapi import FastAPI

from tsbot.cases.browse import find_flags
from tsbot.cases.filing import read_flag
from tsbot.console import sessions
from tsbot.console.access import Matrix, load_matrix, shipped_matrix
from tsbot.console.address import public_url
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.people import FreshRights
from tsbot.console.reading import Limits
from tsbot.console.security import RateLimit
from tsbot.console.signin import oauth, wiki_login
from tsbot.console.signin.groups import WikiGroups
from tsbot.console.signin.oauth import OAuth
from tsbot.console.signin.wiki_login import WikiLogin
from tsbot.console.tracing.jobs import Jobs
from tsbot.dealings.asking import farm_of
from tsbot.errors import InputError, SettingsError, StoreError
from tsbot.hide.asked import from_flags
from tsbot.hide.suggest import suggest
from tsbot.hide.view import plain
from tsbot.http_client import is_safe
from tsbot.parts import Stop, plain_user_agent
from tsbot.settings import Settings, WikiSettings
from tsbot.store.database import Database
from tsbot.trace.early import Tell
from tsbot.trace.question import Tracer
from tsbot.wiki.accounts import account_status
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget, rate
from tsbot.wiki.history import Progress
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.revisions import PywikibotRevisions
from tsbot.wiki.session import own_session, prepare
from tsbot.wiki.sites import Sites

TIDY_SECONDS = 600.0
"""Sessions that have ended are deleted so often."""
PATIENCE = 10.0
"""Seconds that a wiki gets to say who may do what."""
BACKLOG = 1024
STOP_SECONDS = 10
"""What requests under way get when the server stops."""
OAUTH_LABEL, WIKI_LABEL = "signin-oauth", "signin-password"


@dataclass(frozen=True)
class Site:
    """The console, put together."""

    app: FastAPI
    console: Console
    url: str


def matrix_of(settings: Settings) -> Matrix:
    """The table of who may do what. Raises ``SettingsError``."""
    if not settings.console.matrix:
        return shipped_matrix()
    try:
        return load_matrix(settings.data_path / settings.console.matrix)
    except OSError as error:
        raise SettingsError(f"console.matrix cannot be read: {error.strerror}.") from error


def open_site(settings: Settings, database: Database, clock: Callable[[], float] = time.time) -> Site:
    """The console of the settings. Touches no wiki yet. Raises ``SettingsError``."""
    ours = settings.console
    ours.check()
    url, matrix = public_url(ours), matrix_of(settings)
    if ours.client_id:
        signins = {OAUTH_LABEL: oauth.BEGIN}
    elif ours.wiki_login:
        signins = {}
    else:
        raise SettingsError("Nobody could sign in: set console.client_id (OAuth), or console.wiki_login.")
    if ours.wiki_login:
        signins[WIKI_LABEL] = wiki_login.PAGE
    prepare(settings)
    sites = Sites(settings.wiki)
    ask = open_groups(settings, sites, matrix, clock)
    protocol = OAuth(ours, url + oauth.RETURN, plain_user_agent(settings))
    budget = Budget(rate(settings.wiki))
    reads = Api(sites, _plain(settings), budget)

    def histories(wiki: str, server_url: str) -> ApiHistories:
        return ApiHistories(reads, wiki, budget, time.sleep, server_url=server_url, concurrency=settings.wiki.concurrency)

    def hide_plan(wiki: str, rev_id: int) -> Mapping[str, Any]:
        """The plan for the flags on a revision, as JSON without texts."""
        with database.read() as connection:
            found = [read_flag(connection, database.key, identity) for identity in find_flags(connection, f"{wiki}:rev:{rev_id}")]
        flags = [flag for flag in found if flag is not None]
        if not flags:
            raise InputError("There is no flag on this revision.")
        server = next((flag.content.server_url for flag in flags if flag.content is not None), "")
        return plain(suggest(from_flags(flags), histories(wiki, server)))

    revisions = PywikibotRevisions(reads, settings.wiki.max_text_bytes)

    def tracer(progress: Progress, early: Tell) -> Tracer:
        return Tracer(settings, database, reads, budget, clock, time.sleep, progress, revisions, early)

    console = Console(
        settings=settings,
        database=database,
        rights=FreshRights(ask, matrix, clock),
        clock=clock,
        secure=url.startswith("https://"),
        signins=signins,
        limit=RateLimit(ours.requests_per_minute, 60.0, clock),
        hide_plan=hide_plan,
        limits=Limits(ours.reads_a_day, ours.reads_in_a_row, ours.rest_minutes * 60),
        revisions=revisions,
        account_status=lambda wiki, user, server_url: account_status(reads, wiki, user, server_url),
        histories=histories,
        farm=farm_of(settings, reads, budget, time.sleep),
        database_of=sites.database,
        traces=Jobs(tracer, clock),
    )
    console.pages.check()
    app = create_app(console)
    limit = RateLimit(ours.sign_ins_per_hour, 3600.0, clock)
    if ours.client_id:
        oauth.register(app, console, protocol, limit)
    if ours.wiki_login:
        login = open_login(settings, sites, url + wiki_login.PAGE)
        wiki_login.register(app, console, login, limit)
    return Site(app, console, url)


def open_groups(settings: Settings, sites: Sites, matrix: Matrix, clock: Callable[[], float]) -> WikiGroups:
    """What asks wikis for groups. People wait for the answers, which are few and kept for minutes: they are outside the budget."""
    ours = settings.console
    named = {"team": frozenset(ours.team), "admin": frozenset(ours.admins), "auditor": frozenset(ours.auditors)}
    if unknown := [name for name, people in named.items() if people and name not in matrix.roles]:
        raise SettingsError(f"console.matrix: [roles] lacks {unknown[0]}, which the settings give to people.")
    api = Api(sites, _plain(settings), Budget(None), own=own_session())
    return WikiGroups(api, ours.central_wiki, matrix, {name: people for name, people in named.items() if name in matrix.roles}, clock)


def open_login(settings: Settings, sites: Sites, return_url: str) -> WikiLogin:
    """What asks the wiki of ``console.wiki_login``. Raises ``SettingsError`` where a password could be read on the way."""
    ours = settings.console
    if not (ours.loopback or ours.tls):
        raise SettingsError("console.wiki_login: passwords need TLS, or a console that only this machine reaches.")
    if not is_safe(sites.base(ours.wiki_login)):
        raise SettingsError("console.wiki_login: the wiki's address is not https; passwords would go there in clear.")

    def open_api() -> Api:
        return Api(sites, _plain(settings), Budget(None), own=own_session(keep_cookies=True))

    return WikiLogin(ours.wiki_login, open_api, return_url)


def _plain(settings: Settings) -> WikiSettings:
    """Settings of requests that a person waits for: a wiki that lags is asked all the same, and one that hangs is not waited for long."""
    return msgspec.structs.replace(settings.wiki, maxlag=0, timeout=min(PATIENCE, settings.wiki.timeout))


class Server:
    """A web server in a thread of its own, so that signals stay with the command. ``port`` is the one that it listens on."""

    def __init__(self, site: Site, settings: Settings) -> None:
        ours = settings.console
        # What the server says of trouble may quote addresses and texts; ours is said by structlog.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            site.app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=ours.behind_proxy,
            forwarded_allow_ips=list(ours.trusted_proxies),
            ssl_certfile=_file(settings, ours.certificate),
            ssl_keyfile=_file(settings, ours.private_key),
            timeout_graceful_shutdown=STOP_SECONDS,
            lifespan="off",
        )
        try:
            config.load()
        except OSError as error:  # an ssl.SSLError is one
            raise SettingsError(f"console.certificate and console.private_key cannot be used ({type(error).__name__}).") from error
        self._site = site
        self._server = uvicorn.Server(config)
        self._socket = listen(*ours.address)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="console", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def run(self, stop: Stop) -> None:
        """Answer until ``stop`` is requested."""
        self.start()
        # What was loaded until now stays: looking at it again and again for what could be freed made one answer in six wait.
        gc.collect()
        gc.freeze()
        database, clock = self._site.console.database, self._site.console.clock
        tidied = clock()
        while not stop.wait(0.5) and self._thread.is_alive():
            if clock() - tidied > TIDY_SECONDS:
                tidied = clock()
                tidy(database, tidied)
        self.close()

    def close(self) -> None:
        """Let requests under way end, and stop."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS + 5.0)
        self._socket.close()


def tidy(database: Database, now: float) -> None:
    """Delete sessions that have ended. A database that is busy is left alone until the next time."""
    try:
        with database.write() as connection:
            sessions.forget_ended(connection, now)
    except StoreError as error:
        structlog.get_logger().warning("console.not_tidied", reason=error)


def _file(settings: Settings, name: str) -> str | None:
    return str(settings.data_path / Path(name).expanduser()) if name else None


def listen(host: str, port: int, what: str = "The console") -> socket.socket:
    """A listening socket: who comes before the server has begun waits. Raises ``InputError`` where the port is taken."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with contextlib.ExitStack() as stack:
            listening = stack.enter_context(socket.socket(family, kind, proto))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
            stack.pop_all()
    except OSError as error:
        raise InputError(f"{what} cannot listen on {host}, port {port}: {error.strerror or type(error).__name__}.") from error
    return listening
