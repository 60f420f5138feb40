"""What goes on beside reading and judging, in one process or on many machines.

A patrol does all of it. On many machines the listener does what one process at a time may do, since it holds the lease for that; workers
and deliverers do their own. ``DUTIES`` names each with whose it is there; a test holds that all are done in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tsbot.attempts import FilterWatch, open_watch
from tsbot.backfill import Backfill
from tsbot.cases.outside import AskingThread
from tsbot.hide.follower import FollowingThread
from tsbot.housekeeping import Housekeeper, open_housekeeper
from tsbot.parts import Wikis, open_asker, open_follower
from tsbot.pipeline import Pipeline
from tsbot.report.channels import Channel
from tsbot.settings import Settings
from tsbot.store.database import Database
from tsbot.stream.source import Batch

DUTIES: Final[Mapping[str, tuple[str, str]]] = {
    "gaps": ("listen", "fill gaps of the stream from the wikis' recent changes"),
    "filters": ("listen", "read abuse logs for attempts that filters stopped"),
    "scores": ("listen", "ask outside models about flagged revisions"),
    "plans": ("listen", "make plans of what to hide, and ask the wiki again"),
    "plan_news": ("listen", "take note of what the stream tells of such plans"),
    "activity": ("listen", "keep the activity index, with its trimming"),
    "purge": ("listen", "purge what has been kept for its time, delete old dead letters, seal what a legal hold kept"),
    "watches": ("listen", "look for matches of watches, and tell of them"),
    "outcomes": ("work", "end outcomes once the edits that they may concern are judged"),
    "shadow": ("work", "have a candidate detector judge along"),
    "delivery": ("deliver", "write and send letters and pages"),
    "timers": ("deliver", "remind, escalate, send again"),
    "spool": ("deliver", "remove the files of purged letters from this machine's spool"),
}
"""Recurring duties: who has them on many machines, and what they are."""
TEND_SECONDS = 1.0


@dataclass
class Duties:
    """Those of whoever reads the stream. Everything but :meth:`arrived` and :meth:`tend` is in threads."""

    housekeeper: Housekeeper
    backfill: Backfill | None = None
    watch: FilterWatch | None = None
    asking: AskingThread | None = None
    following: FollowingThread | None = None
    _tended: float = float("-inf")

    def start(self) -> None:
        """Begin."""
        for one in (self.watch, self.asking, self.following):
            if one is not None:
                one.start()

    def arrived(self) -> Iterator[tuple[str, Batch]]:
        """What was found, with the name of its source; each must be stored before the next is asked for."""
        if self.backfill is not None:
            for messages in self.backfill.arrived():
                yield self.backfill.name, Batch(messages)
        if self.watch is not None:
            yield from self.watch.arrived()

    def tend(self, monotonic: float, now: float, newest: float | None) -> None:
        """Do what is due; ``newest`` is the time of the newest event. Raises nothing."""
        if monotonic - self._tended < TEND_SECONDS:
            return
        self._tended = monotonic
        if self.backfill is not None:
            self.backfill.tend(now)
        self.housekeeper.tend(monotonic, newest)

    def close(self) -> None:
        """Begin with nothing more; what is not done is in the database, or is read again."""
        for one in (self.backfill, self.watch):
            if one is not None:
                one.close()
        for thread in (self.asking, self.following):
            if thread is not None:
                thread.stop()


def open_duties(
    settings: Settings,
    database: Database,
    wikis: Wikis,
    pipeline: Pipeline,
    source: str,
    *,
    ask_wikis: bool,
    sleep: Callable[[float], object],
    busy: Callable[[], bool],
    channels: Callable[[], Mapping[str, Channel]] | None = None,
) -> Duties:
    """The duties of the settings, none of which touches a network yet. ``ask_wikis`` False leaves those out that ask anybody.

    ``source`` is the stream's name; ``busy`` tells whether something more urgent needs the wikis. Raises ``SettingsError``.
    """
    housekeeper = open_housekeeper(settings, database, pipeline.clock, channels)
    if not ask_wikis:
        return Duties(housekeeper)
    only = settings.admission.only_wikis
    asker = open_asker(settings, database, pipeline.clock)
    follower = open_follower(settings, database, wikis, sleep, pipeline.clock)
    return Duties(
        housekeeper,
        Backfill(
            database,
            wikis.api,
            wikis.budget,
            source,
            lambda: dict.fromkeys(only, "") if only else pipeline.active,
            settings.stream.fill_gap_after,
        ),
        open_watch(
            database,
            wikis.api,
            wikis.budget,
            settings.scan.filters,
            pipeline.active,
            every=settings.scan.filters_every,
            since=settings.scan.filters_since_hours * 3600,
            max_chars=settings.detect.max_passage_chars,
            clock=pipeline.clock,
        ),
        AskingThread(asker) if asker is not None else None,
        FollowingThread(follower, waits=busy) if follower is not None else None,
    )
