"""What events end in: the names of counters, and reasons of dead letters."""

from __future__ import annotations

from collections import Counter

from tsbot.errors import UnknownWikiError, WikiRefusedError
from tsbot.intake import Sorted, redrivable
from tsbot.judge import Verdicts
from tsbot.store import ledger
from tsbot.store.ledger import DeadLetter
from tsbot.stream.events import Event
from tsbot.wiki.fetcher import FetchResult
from tsbot.wiki.types import RevisionState

JUDGE_FAILED = "a text could not be taken apart or judged"
NO_SUBJECT = "something was found in a log entry without a number, which no flag can point at"
CREDITED = ("backfill", "hand", "filter")
"""Beginnings of streams' names whose finds are told from those of the patrol's stream."""
GONE = {
    RevisionState.HIDDEN: ledger.SKIPPED + "hidden_before_fetch",
    RevisionState.DELETED: ledger.SKIPPED + "deleted_before_fetch",
}


def intake_counts(got: Sorted) -> Counter[str]:
    """What a batch adds to the books before anything of it is judged."""
    counts: Counter[str] = Counter({"received": got.received, "duplicates": got.duplicates, "failed": len(got.failed)})
    counts.update({ledger.SKIPPED + rule: n for rule, n in got.skipped.items()})
    return counts


def unusable(event: Event, verdicts: Verdicts, flagged: set[str]) -> DeadLetter | None:
    """The dead letter of an event that could not be judged, or not be flagged; None for all others."""
    if event.id in verdicts.broken:
        return DeadLetter(event.id, "judge_failed", JUDGE_FAILED, redrivable(event), event.wiki)
    if event.id in flagged and event.subject is None:
        return DeadLetter(event.id, "no_subject", NO_SUBJECT, redrivable(event), event.wiki)
    return None


def source_of(event: Event) -> str:
    """What a flag on this event is credited to: the stream, a back-fill, or a person's hand."""
    origin = event.stream.partition(".")[0]
    return origin if origin in CREDITED else "patrol"


def why(result: FetchResult) -> tuple[str, str]:
    """Reason and detail of an edit whose text could not be judged."""
    if isinstance(result.error, WikiRefusedError):
        return "wiki_refused", result.error.code
    if isinstance(result.error, UnknownWikiError):
        return "unknown_wiki", "no configured family or domain has this wiki"
    if result.error is not None:
        return "fetch_failed", f"given up after {result.item.attempts} attempts"
    return "judge_failed", JUDGE_FAILED
