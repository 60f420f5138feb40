"""Re-examining the history of a page, an author, a wiki or a time through the API.

Texts are asked for in the patrol's own way, so that the same edits give the same passages; edits that follow each other on a page
share their texts. What was found, and up to where, is stored together: whatever dies in between, the next call goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import msgspec

from tsbot.errors import WikiError, WikiRefusedError, WikiUnavailableError
from tsbot.scan.examine import Seen
from tsbot.scan.job import Job
from tsbot.scan.keeper import Keeper, Told
from tsbot.stream.events import Event
from tsbot.wiki.answers import WHOLE_WIKI
from tsbot.wiki.budget import Budget
from tsbot.wiki.past import Leg, Past, Place, Sought, place_of
from tsbot.wiki.patient import ATTEMPTS, FIRST_WAIT, LONGEST_WAIT
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionSource


class Position(msgspec.Struct, frozen=True):
    """Up to where each leg is examined: time and id of the last thing."""

    edits: tuple[float, int] = (0.0, 0)
    log: tuple[float, int] = (0.0, 0)


@dataclass
class Texts:
    """Asks for the texts of edits within the budget, a few requests at once, and gives them in the order of the edits."""

    source: RevisionSource
    wiki: str
    budget: Budget
    sleep: Callable[[float], object]
    concurrency: int = 2

    def of(self, events: Sequence[Event]) -> Iterator[list[Seen]]:
        """The edits with their texts, batch by batch. Raises as :meth:`tsbot.wiki.types.RevisionSource.fetch`."""
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="scan") as pool:
            batches = self._batches(events)
            waiting: list[tuple[list[Event], Future[list[FetchedRevision]]]] = []
            try:
                for batch in islice(batches, self.concurrency):
                    waiting.append((batch, pool.submit(self._fetch, batch)))
                while waiting:
                    done, future = waiting.pop(0)
                    revisions = future.result()
                    waiting += [(batch, pool.submit(self._fetch, batch)) for batch in islice(batches, 1)]
                    yield [
                        Seen(event, revision.text, revision.parent_text, revision.truncated)
                        for event, revision in zip(done, revisions, strict=True)
                    ]
            finally:
                for _, future in waiting:
                    future.cancel()

    def _batches(self, events: Sequence[Event]) -> Iterator[list[Event]]:
        """As many edits as one request has room for: each takes its text and its parent's, unless both are asked for already."""
        room = 2 * self.source.batch_size(self.wiki)
        batch: list[Event] = []
        ids: set[int] = set()
        for event in events:
            wanted = {event.rev_id or 0, event.parent_id or 0} - {0}
            if batch and len(ids | wanted) > room:
                yield batch
                batch, ids = [], set()
            batch.append(event)
            ids |= wanted
        if batch:
            yield batch

    def _fetch(self, events: Sequence[Event]) -> list[FetchedRevision]:
        refs = [RevisionRef(one.wiki, one.rev_id or 0, one.parent_id or 0, one.server_url) for one in events]
        attempt = 0
        while True:
            attempt += 1
            while not self.budget.try_take():
                self.sleep(max(0.05, self.budget.wait_time()))
            try:
                return self.source.fetch(self.wiki, refs)
            except WikiUnavailableError as error:
                if attempt == ATTEMPTS:
                    raise
                self.sleep(min(LONGEST_WAIT, max(FIRST_WAIT * 2.0 ** (attempt - 1), error.retry_after or 0.0)))
            except WikiRefusedError as error:
                # One revision may be what the wiki refuses a whole request for.
                if len(events) == 1 or error.code in WHOLE_WIKI or error.code.startswith("http-"):
                    raise
                half = len(events) // 2
                return self._fetch(events[:half]) + self._fetch(events[half:])


@dataclass
class ApiScan:
    """One look back through the API. ``stop`` is asked between portions."""

    keeper: Keeper
    past: Past
    texts: Texts
    stop: Callable[[], bool] = bool

    def run(self, fresh: Job, sought: Sought) -> Iterator[Told]:
        """Examine from where the job stands, telling the news of each portion. Raises ``WikiError``, ``StoreError``, ``InputError``."""
        job = self.keeper.begin(fresh)
        yield Told(job, ())
        for leg in Leg:
            for portion in self.past.events(leg, sought, Place(*getattr(_position(job), leg.value))):
                for seen in self._with_texts(leg, portion):
                    if self.stop():
                        return
                    place = place_of(seen[-1].event)
                    moved = msgspec.structs.replace(_position(job), **{leg.value: (place.time, place.id)})
                    told = self.keeper.keep(job, seen, msgspec.json.encode(moved).decode())
                    job = told.job
                    yield told
        yield Told(self.keeper.end(job), ())

    def _with_texts(self, leg: Leg, portion: Sequence[Event]) -> Iterator[list[Seen]]:
        if leg is Leg.LOG:
            yield [Seen(event) for event in portion]
            return
        try:
            yield from self.texts.of(portion)
        except WikiRefusedError as error:
            if error.code in WHOLE_WIKI or error.code.startswith("http-"):
                raise
            raise WikiError(f"The wiki refuses a text ({error.code}); what came before it is examined and kept.") from error


def _position(job: Job) -> Position:
    return msgspec.json.decode(job.position, type=Position) if job.position else Position()
