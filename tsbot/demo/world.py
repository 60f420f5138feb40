"""All that the demo needs around tsbot: wikis, their event stream, and a mail server."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tsbot.demo.provision import MEDIAWIKI, Progress
from tsbot.demo.serving import Behaviour
from tsbot.demo.sink import MailSink
from tsbot.demo.twin import Twin
from tsbot.demo.wikis import WikiFamily


class World:
    """Sink, twin and wikis, wired and running from :meth:`start` to :meth:`stop`; also a context manager.

    ``folder`` takes it all: ``mail/`` the messages, ``events.jsonl`` the events, the rest is the family's. Reports go to
    ``sink``, which is also where the wikis' EmailUser sends; ``twin.url`` is the stream. Not thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        *,
        first_port: int | None = None,
        behaviour: Behaviour | None = None,
        cache: Path | None = None,
        mediawiki: Path = MEDIAWIKI,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder
        self._first_port, self._cache, self._mediawiki, self._progress = first_port, cache, mediawiki, progress
        self._behaviour = behaviour or Behaviour(canary_every=60.0)
        self._stack = ExitStack()
        self.sink: MailSink
        self.twin: Twin
        self.family: WikiFamily

    def start(self) -> None:
        """Start everything, the wikis last, so that no event is sent to nobody. Raises DemoError."""
        with ExitStack() as stack:
            self.family = WikiFamily(
                self.folder,
                first_port=self._first_port,
                cache=self._cache,
                mediawiki=self._mediawiki,
                progress=self._progress,
            )
            stack.callback(self.family.stop)
            self.family.claim()
            self._forget_earlier_run()
            self.sink = stack.enter_context(MailSink(self.folder / "mail"))
            self.twin = stack.enter_context(Twin(behaviour=self._behaviour, log_file=self.folder / "events.jsonl"))
            self.family.mail_port, self.family.feed_port = self.sink.port, self.twin.udp_port
            self.family.start()
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Stop everything. May be called twice."""
        self._stack.close()

    def __enter__(self) -> World:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _forget_earlier_run(self) -> None:
        # The wikis begin anew, so what was said of the old ones would mislead.
        shutil.rmtree(self.folder / "mail", ignore_errors=True)
        (self.folder / "events.jsonl").unlink(missing_ok=True)
