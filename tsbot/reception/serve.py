"""Running the reception: the public page, the mail intake, the reader and what sends mail, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from tsbot.console.serve import BACKLOG, STOP_SECONDS, listen
from tsbot.detect.detector import Detector
from tsbot.detect.live import LiveDetector
from tsbot.errors import SettingsError
from tsbot.parts import Stop, Wikis, open_deliverer
from tsbot.reception.desk import FrontDesk, terms_of
from tsbot.reception.letterbox import Letterbox
from tsbot.reception.mailing import directory_of
from tsbot.reception.reader import Reader
from tsbot.reception.unsealing import opener
from tsbot.reception.web import create_app
from tsbot.report.deliver import DeliveryThread
from tsbot.settings import Settings
from tsbot.store.database import Database


class Page:
    """The web server of the public page, in a thread of its own. ``port`` is the one that it listens on."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        ours = settings.reception
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what it says of trouble may quote addresses and texts
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=ours.behind_proxy,
            forwarded_allow_ips=list(ours.trusted_proxies),
            ssl_certfile=_file(settings, ours.certificate),
            ssl_keyfile=_file(settings, ours.private_key),
            timeout_graceful_shutdown=STOP_SECONDS,
            backlog=BACKLOG,
            lifespan="off",
        )
        try:
            config.load()
        except OSError as error:
            raise SettingsError(f"reception.certificate and reception.private_key cannot be used ({type(error).__name__}).") from error
        self._server = uvicorn.Server(config)
        self._socket = listen(*ours.bind, what="The reception")
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="reception", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Let requests under way end, and stop."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS + 5.0)
        self._socket.close()


class Reception:
    """All of it, put together from the settings. Raises ``SettingsError`` and ``DirectoryError``."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        wikis: Wikis | None,
        *,
        load: Callable[[], Detector] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.letterbox = Letterbox(database)
        load = load or (lambda: LiveDetector(settings.detect.thresholds, settings.detect.identify))
        self.reader = Reader(database, self.letterbox, load, terms_of(settings), clock, settings.detect.max_passage_chars)
        self.delivery = DeliveryThread(open_deliverer(settings, database, wikis)) if wikis is not None else None
        self.desk = FrontDesk(database, settings, self.letterbox, lambda: directory_of(settings), clock, self.reader)
        if wikis is not None:
            self.desk.database_of = wikis.sites.database
        if self.delivery is not None:
            self.desk.wake = self.delivery.wake
        ours = settings.reception
        self.mailroom = None
        if ours.mail_listen:
            from tsbot.reception.mailroom import Mailroom  # noqa: PLC0415 - a library that only this needs

            self.mailroom = Mailroom(self.desk, opener(settings.data_path / ours.pgp_key if ours.pgp_key else None))
        self.page = Page(create_app(self.desk), settings)

    def start(self) -> None:
        """Begin."""
        self.letterbox.start()
        self.reader.start()
        if self.delivery is not None:
            self.delivery.start()
        if self.mailroom is not None:
            self.mailroom.start()
        self.page.start()
        structlog.get_logger().info("reception.open", count=len(self.desk.directory.countries))

    def run(self, stop: Stop) -> None:
        """Take reports until ``stop`` is requested."""
        self.start()
        while not stop.wait(0.5) and self.page.alive:
            pass
        self.close()

    def close(self) -> None:
        """Let what is under way end, and stop."""
        if self.mailroom is not None:
            self.mailroom.close()
        self.page.close()
        self.reader.stop()
        self.letterbox.stop()
        if self.delivery is not None:
            self.delivery.stop()


def _file(settings: Settings, name: str) -> str | None:
    return str(settings.data_path / Path(name).expanduser()) if name else None
