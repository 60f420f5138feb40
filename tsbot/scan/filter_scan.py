"""Looking back at what a wiki's filters stopped: its abuse log, oldest first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tsbot.attempts import place_of
from tsbot.scan.examine import Seen
from tsbot.scan.job import Job
from tsbot.scan.keeper import Keeper, Told
from tsbot.wiki.abuselog import attempts
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.past import Place, Sought


@dataclass
class FilterScan:
    """One look back at an abuse log. ``stop`` is asked between portions."""

    keeper: Keeper
    histories: ApiHistories
    wiki: str
    base: str
    stop: Callable[[], bool] = bool

    def run(self, fresh: Job, sought: Sought) -> Iterator[Told]:
        """Examine from where the job stands. Raises ``WikiRefusedError`` where the account lacks the rights."""
        job = self.keeper.begin(fresh)
        yield Told(job, ())
        place = place_of(job.position) if job.position else Place(sought.since, 0)
        for portion in attempts(self.histories, self.wiki, self.base, place, until=sought.until):
            if self.stop():
                return
            told = self.keeper.keep(job, [Seen(event) for event in portion.events], json.dumps([portion.place.time, portion.place.id]))
            job = told.job
            yield told
        yield Told(self.keeper.end(job), ())
