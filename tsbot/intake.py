"""Messages of a stream to sorted events: decoded, de-duplicated, admitted or skipped by a named rule. No judging, no storing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsbot.cases.outcomes import concerns
from tsbot.errors import MalformedEventError
from tsbot.store.ledger import DeadLetter
from tsbot.stream.admission import Admission
from tsbot.stream.events import Event, EventKind
from tsbot.stream.seen import SeenIndex, keys
from tsbot.stream.wire import decode, message_id

INTAKE_RULES = {
    "same_revision": "Another stream, or a back-fill, told of this revision or log entry before.",
    "no_flag": "A change of visibility or a deletion that concerns no flag.",
    "hidden_before_fetch": "The text was hidden before it could be read; somebody acted already.",
    "deleted_before_fetch": "The page or revision was deleted before its text could be read.",
}
"""Rules by which events are skipped after admission, with what they mean."""


OF_SUBJECTS = frozenset((EventKind.EDIT, EventKind.LOG, EventKind.ATTEMPT))
"""Kinds of events that are each about one thing, which several streams may tell of."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch of messages, sorted. Each distinct event stands in exactly one of ``skipped``, ``failed`` and ``events``."""

    events: tuple[Event, ...]
    """Admitted events (edits and log entries) and possible outcomes, in order of arrival."""
    otherwise: Mapping[str, str]
    """For events that are judged by no detector, only looked at as possible outcomes: id to the rule that skips them if
    they concern no flag."""
    skipped: Counter[str]
    failed: tuple[DeadLetter, ...]
    duplicates: int
    received: int
    """Distinct events: ``len(events) + len(failed) + sum of skipped``."""
    newest: float | None
    """When the newest distinct event happened."""
    event_keys: NDArray[np.uint64]
    subject_keys: NDArray[np.uint64]
    distinct: tuple[Event, ...] = ()
    """Every distinct event that could be decoded, judged or not: what is done to a page tells something even where nothing is judged."""


@dataclass
class Intake:
    """Sorts messages. Remembers what it saw only when told that the result was stored (:meth:`remember`)."""

    admission: Admission
    known_wiki: Callable[[Event], bool]
    events: SeenIndex
    subjects: SeenIndex
    max_event_bytes: int = 16_000_000

    def sort(self, messages: Sequence[bytes], *, again: bool = False, own: bool = False) -> Sorted:
        """Sort messages. ``again`` lets events through that were seen before (dead letters driven once more), each once.

        ``own`` says that the messages come from this program, which may hand in events as they are (:func:`redrivable`).
        """
        decoded: list[Event | DeadLetter] = [_decode(message, self.max_event_bytes, own=own) for message in messages]
        ids = [item.id if isinstance(item, Event) else item.event_id for item in decoded]
        event_keys = keys(ids)
        events, subjects = (SeenIndex(1), SeenIndex(1)) if again else (self.events, self.subjects)
        fresh = events.new(event_keys)
        skipped: Counter[str] = Counter()
        failed: list[DeadLetter] = []
        admitted: list[Event] = []
        distinct: list[Event] = []
        otherwise: dict[str, str] = {}
        for item, message, is_new in zip(decoded, messages, fresh.tolist(), strict=True):
            if not is_new:
                continue
            if isinstance(item, DeadLetter):
                failed.append(item)
                continue
            distinct.append(item)
            rule = self.rule(item)
            if rule is not None and not concerns(item):
                skipped[rule] += 1
            elif not self.known_wiki(item):
                failed.append(DeadLetter(item.id, "unknown_wiki", "no configured family or domain has this wiki", message, item.wiki))
            elif item.kind is EventKind.EDIT and item.subject is None:
                failed.append(DeadLetter(item.id, "no_revision", "an edit without a revision id", message, item.wiki))
            else:
                admitted.append(item)
                if rule is not None:
                    otherwise[item.id] = rule
        first, subject_keys = _first_of_subject(admitted, subjects, skipped)
        return Sorted(
            events=first,
            otherwise=otherwise,
            skipped=skipped,
            failed=tuple(failed),
            duplicates=len(ids) - int(fresh.sum()),
            received=int(fresh.sum()),
            newest=max((item.time for item in decoded if isinstance(item, Event)), default=None),
            event_keys=event_keys[fresh],
            subject_keys=subject_keys,
            distinct=tuple(distinct),
        )

    def rule(self, event: Event) -> str | None:
        """The rule that skips an event unless it is the outcome of a flag; None for events that are judged."""
        if event.stream == BY_HAND:
            return None
        if event.kind in (EventKind.VISIBILITY, EventKind.DELETION):
            return "no_flag"
        return self.admission.rule(event)

    def remember(self, batch: Sorted) -> None:
        """Take note of what was seen; to be called once the batch is stored."""
        self.events.add(batch.event_keys)
        self.subjects.add(batch.subject_keys)


def _first_of_subject(
    admitted: Sequence[Event], seen: SeenIndex, skipped: Counter[str]
) -> tuple[tuple[Event, ...], NDArray[np.uint64]]:
    """Several streams tell of one edit; the first is judged, the others are skipped by a rule."""
    with_subject = [event for event in admitted if event.kind in OF_SUBJECTS and event.subject]
    subject_keys = keys([event.subject or "" for event in with_subject])
    fresh = seen.new(subject_keys)
    fresh |= np.array([event.stream == BY_HAND for event in with_subject], dtype=bool)
    later = {event.id for event, is_new in zip(with_subject, fresh.tolist(), strict=True) if not is_new}
    skipped["same_revision"] += len(later)
    return tuple(event for event in admitted if event.id not in later), subject_keys[fresh]


def _decode(message: bytes, max_bytes: int, *, own: bool) -> Event | DeadLetter:
    """The event, or why there is none."""
    if message[:1] == REDRIVEN:
        if own:
            return msgspec.msgpack.decode(message[1:], type=Event)
        message = message.lstrip(REDRIVEN)  # no JSON begins so, and a stream must not slip in an event that no rule skips
    try:
        return decode(message, max_bytes)
    except MalformedEventError as error:
        return DeadLetter(message_id(message), error.reason, error.detail, message)


BY_HAND = "hand"
"""``Event.stream`` of what a person pointed at: skipped by no rule."""
REDRIVEN = b"\x00"
"""First byte of a dead letter that holds a decoded event instead of a message."""


def redrivable(event: Event) -> bytes:
    """An event in the form in which a dead letter keeps it."""
    return REDRIVEN + msgspec.msgpack.encode(event)
