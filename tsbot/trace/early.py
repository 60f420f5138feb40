"""What is known of an answer before it is whole: each wiki's word on the account asked about, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from tsbot.trace.answer import Silent, Trace
from tsbot.trace.charts import hours, timeline
from tsbot.trace.footprints import Visit
from tsbot.trace.index import AHEAD
from tsbot.trace.telling import place
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.footprint import Contributions, LocalAccount

Tell = Callable[[Trace], None]
"""Takes an answer that is not whole yet."""


@dataclass
class Early:
    """Hands on a partial answer whenever a wiki has told something of the subject. ``close`` before others are asked about."""

    trace: Trace
    """What is known: id, when, whom."""
    fan: FanOut
    tell: Tell
    _local: dict[str, LocalAccount] = field(default_factory=dict)
    _edits: dict[str, Contributions] = field(default_factory=dict)
    _open: bool = True

    def heard(self, wiki: Hashable, answer: object) -> None:
        """A wiki has answered (:attr:`FanOut.answered`)."""
        if not self._open or not isinstance(wiki, str):
            return
        if isinstance(answer, LocalAccount):
            self._local[wiki] = answer
        elif isinstance(answer, Contributions):
            self._edits[wiki] = answer
        else:
            return
        self.tell(self._partial())

    def close(self) -> None:
        """Say nothing more."""
        self._open = False

    def _partial(self) -> Trace:
        empty = Contributions()
        there = sorted(((wiki, one) for wiki, one in self._local.items() if one.exists), key=lambda two: (-(two[1].edits or 0), two[0]))
        visits = [Visit(wiki, self.fan.base(wiki), one, self._edits.get(wiki, empty)) for wiki, one in there]
        times = [edit.time for one in self._edits.values() for edit in one.edits if edit.time <= self.trace.asked + AHEAD]
        return replace(
            self.trace,
            where=tuple(place(visit, None, None, self.trace.subject.name) for visit in visits),
            timeline=timeline(times),
            hours=hours(times),
            silent=tuple(Silent(wiki, why) for wiki, why in sorted(self.fan.silent.items())),
        )
