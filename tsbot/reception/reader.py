"""A thread that reads what came in with the detector; what is left unread by an earlier process is read first.

The page waits for it a moment. Whatever happens to it, reports are stored: reading comes after that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import structlog
from sqlalchemy import Connection

from tsbot.detect.detector import Detector
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import Hearing, Terms
from tsbot.reception.letterbox import Letterbox
from tsbot.reception.urgency import Reading, note, read
from tsbot.store.database import Database

MOST = 32
POLL_SECONDS = 5.0
HOUR = 3600.0


class Reader:
    """Reads reports beside the pages."""

    def __init__(
        self,
        database: Database,
        letterbox: Letterbox,
        load: Callable[[], Detector],
        terms: Terms,
        clock: Callable[[], float],
        most_chars: int,
    ) -> None:
        self._database, self._letterbox, self._load, self._terms = database, letterbox, load, terms
        self._clock, self._most_chars = clock, most_chars
        self._wanted: list[tuple[str, str, Future[Reading]]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._detector: Detector | None = None

    def start(self) -> None:
        """Begin: the detector is loaded, then it reads."""
        self._thread.start()

    def stop(self) -> None:
        """End after the texts at hand; what is unread is read after the next start."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(10.0)

    def read(self, text: str, identity: str = "") -> Future[Reading]:
        """Have a text read now, for its sender. ``identity`` is that of its hearing, if that is stored: it is written down there, too."""
        done: Future[Reading] = Future()
        with self._lock:
            self._wanted.append((text, identity, done))
        self._wake.set()
        return done

    def run_once(self) -> int:
        """Read what is unread in the database; how many there were. Raises ``StoreError``."""
        with self._database.read() as connection:
            found = hearings.unjudged(connection, MOST)
            texts = [self._text(connection, one) for one in found]
        if not found:
            return 0
        self._note([one.id for one in found], self._judge(texts)).result(60.0)
        return len(found)

    def _note(self, identities: Sequence[str], readings: Sequence[Reading]) -> Future[None]:
        now = self._clock()

        def write(connection: Connection) -> None:
            for identity, reading in zip(identities, readings, strict=True):
                fresh = hearings.find(connection, identity) if identity else None
                if fresh is not None:
                    note(connection, fresh, reading, now, fresh.created + self._terms.urgent_hours * HOUR)

        return self._letterbox.put(write)

    def _text(self, connection: Connection, one: Hearing) -> str:
        key = self._database.key
        said = hearings.read_said(connection, key, one)
        added = [word.text for word in hearings.words(connection, key, one) if not word.ours and word.text]
        return "\n\n".join([said.text if said else "", *added])

    def _judge(self, texts: list[str]) -> list[Reading]:
        """Read texts; one that the detector trips over is no danger that it saw, and keeps the others from nothing."""
        if self._detector is None:
            self._detector = self._load()
        try:
            return read(self._detector, texts, self._most_chars)
        except Exception as error:  # any failure on a hostile text is that text's only
            if len(texts) == 1:
                structlog.get_logger().error("reception.not_judged", error=type(error).__name__)
                return [Reading()]
            return [one for text in texts for one in self._judge([text])]

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                asked, self._wanted = self._wanted[:MOST], self._wanted[MOST:]
            try:
                if asked:
                    readings = self._judge([text for text, _, _ in asked])
                    for (_, _, done), reading in zip(asked, readings, strict=True):
                        done.set_result(reading)
                    self._note([identity for _, identity, _ in asked], readings).result(60.0)
                elif not self.run_once():
                    self._wake.wait(POLL_SECONDS)
                    self._wake.clear()
            except Exception as error:  # it goes on: what could not be read now is read later
                structlog.get_logger().warning("reception.reading_put_off", error=type(error).__name__)
                for _, _, done in asked:
                    if not done.done():
                        done.set_exception(error)
                self._stopped.wait(POLL_SECONDS)
