"""What two runs made of the same events, in a form in which it can be compared: ids of events, nothing that is drawn at random."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select

from tsbot.demo.patrolled import Patrolled
from tsbot.store import tables as t

Flagged = tuple[str, str, str, str]
Mail = tuple[str, str, str]
K = TypeVar("K")
MOST = 5
"""Differences that are told."""


@dataclass(frozen=True, slots=True)
class Found:
    """What people would see."""

    flags: Mapping[Flagged, int]
    """Id, what it is about, kind, and the field in which it was found."""
    cases: Mapping[frozenset[str], int]
    """What the flags of each case are about."""
    mails: Mapping[Mail, int]
    """As they arrived: purpose, recipient, and what they are about. A page is about its case, whichever of its flags was the first."""


def found(patrolled: Patrolled) -> Found:
    """What is in a database, and what arrived at the sink. Raises ``StoreError``."""
    with closing(patrolled.open()) as store, store.read() as connection:
        flags = connection.execute(select(t.flag.c.id, t.flag.c.subject, t.flag.c.kind, t.flag.c.field, t.flag.c.case_id)).all()
        reports = {row.message_id: row for row in connection.execute(select(t.report))}
    about: dict[str, set[str]] = defaultdict(set)
    for flag in flags:
        about[flag.case_id].add(flag.subject)
    mails: Counter[Mail] = Counter()
    for mail in patrolled.sink.messages:
        report = reports.get(str(mail.message["Message-ID"]))
        if report is None:
            mails["unknown", ", ".join(mail.recipients), str(mail.message["Message-ID"])] += 1
            continue
        what = " ".join(sorted(about[report.case_id])) if report.purpose == "page" else f"{report.subject} {report.kind}"
        mails[report.purpose, ", ".join(mail.recipients), what] += 1
    return Found(
        Counter((flag.id, flag.subject, flag.kind, flag.field) for flag in flags),
        Counter(frozenset(subjects) for subjects in about.values()),
        mails,
    )


def differences(one: Found, other: Found) -> dict[str, tuple[int, list[str]]]:
    """For flags, cases and mails: how many the first has, and in words what only one of the two has."""
    return {
        "flags": _difference(one.flags, other.flags),
        "cases": _difference(one.cases, other.cases),
        "mails": _difference(one.mails, other.mails),
    }


def _difference(one: Mapping[K, int], other: Mapping[K, int]) -> tuple[int, list[str]]:
    ours, theirs = Counter(one), Counter(other)
    unlike = [f"only here: {_words(key)}" for key in (ours - theirs)] + [f"only there: {_words(key)}" for key in (theirs - ours)]
    return ours.total(), sorted(unlike)[:MOST]


def _words(key: object) -> str:
    return " ".join(sorted(key)) if isinstance(key, frozenset) else " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
