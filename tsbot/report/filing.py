"""From a flag to the outbox, inside the transaction that stores the flag."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, select

from tsbot.cases import approvals
from tsbot.cases.flag import NAMESPACE, Flag
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.report import deadlines
from tsbot.report.escalation import first_due
from tsbot.report.message import message_domain
from tsbot.report.routing import Destination, Routing, destinations, pagers
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.backup import restored_at
from tsbot.store.outbox import Purpose, Report, ReportState

LATE_FOLLOW_UP = 3600.0
"""Seconds between letters of a thread that has had its follow-ups: a flood must not bury the recipient, nor hide a grave edit."""
AHEAD = 600.0
"""Seconds by which a time may lie ahead and still be believed."""
LIVE = frozenset(("patrol", "filter"))
"""Sources of flags that may wake somebody: what the stream tells, and what filters stop, as it happens."""
DRILL = "drill"
"""Source of the flags of exercises."""
TICK = 1e-3
"""Seconds between letters of a thread that were filed at the same time, so that their order is kept."""


class About(Protocol):
    """What a message is about: a flag, or what stands for one."""

    @property
    def id(self) -> str:
        """Of the flag."""

    @property
    def case_id(self) -> str:
        """Its case."""

    @property
    def subject(self) -> str:
        """What it is about."""

    @property
    def kind(self) -> Kind:
        """Under which kind it is told."""

    @property
    def source(self) -> str:
        """Who found it; ``drill`` for exercises."""


@dataclass(frozen=True, slots=True)
class Named:
    """A flag by its ids, under the kind that people gave it."""

    id: str
    case_id: str
    subject: str
    kind: Kind
    source: str


def report_id(purpose: Purpose, about: About, recipient: str) -> str:
    """The id of a message: the same in every run."""
    return str(uuid.uuid5(NAMESPACE, f"{purpose}|{about.subject}|{about.kind}|{recipient}"))


def file_reports(connection: Connection, flag: Flag, settings: Settings, now: float, routing: Routing | None = None) -> list[str]:
    """Put into the outbox what a new or a strengthened flag calls for; ids of the messages added.

    One letter per edit and recipient: a further flag on the same edit has the letter written anew if it is not released yet. What repeats a
    text of the same case gets at most one letter an hour, so that a flood of copies is one message. At most one page per case, recipient
    and ``page.again_after`` seconds. Calling it again for the same flag adds nothing. Raises ``StoreError`` only, if ``check_routing``
    was passed.
    """
    recipients = destinations(settings.report, flag.kind, flag.wiki, routing)
    restored = restored_at(connection)
    # A patrol may have told of it before the database was restored: a person decides whether to write once more.
    old = restored is not None and flag.event_time <= restored
    added = [_letter(connection, flag, destination, settings, now, held=old) for destination in recipients]
    if pages(flag, settings, now) and not old:
        added += [_page(connection, flag, destination, settings, now) for destination in pagers(settings)]
    return [identity for identity in added if identity is not None]


def file_letter(connection: Connection, about: About, destination: Destination, settings: Settings, now: float) -> str | None:
    """Put a letter into the outbox that a person is to release; its id, None if that recipient has one about this edit already."""
    if outbox.letter_about(connection, about.subject, destination.recipient) is not None:
        return None
    if outbox.get(connection, report_id(Purpose.LETTER, about, destination.recipient)) is not None:
        return None  # withdrawn before
    _, newest = outbox.thread(connection, about.case_id, destination.recipient)
    return _add(connection, Purpose.LETTER, about, destination, settings, now=now, created=max(now, newest + TICK), auto=False)


def automatic(flag: Flag, settings: Settings) -> bool:
    """Whether a rule of the settings releases reports of this flag."""
    rule = settings.report.release.get(flag.kind.value)
    return rule is not None and (
        flag.specificity >= rule.specificity and flag.plausibility >= rule.plausibility and flag.imminence >= rule.imminence
    )


def pages(flag: Flag, settings: Settings, now: float) -> bool:
    """Whether this flag wakes somebody: life or limb, high scores, and fresh from the stream."""
    limits = settings.page
    high = flag.specificity >= limits.specificity and flag.plausibility >= limits.plausibility and flag.imminence >= limits.imminence
    return flag.kind in PHYSICAL and high and flag.source in LIVE and now - flag.event_time <= limits.max_age


def _letter(connection: Connection, flag: Flag, destination: Destination, settings: Settings, now: float, *, held: bool) -> str | None:
    auto = automatic(flag, settings) and not held
    known = outbox.letter_about(connection, flag.subject, destination.recipient)
    if known is not None:
        outbox.rewrite(connection, known.id, auto=auto)
        approvals.void(connection, known.id, now)  # they were asked for and given for what it said until now
        return None
    if outbox.get(connection, report_id(Purpose.LETTER, flag, destination.recipient)) is not None:
        return None  # people withdrew it
    number, newest = outbox.thread(connection, flag.case_id, destination.recipient)
    if number > settings.report.follow_ups and (_within(newest, now, LATE_FOLLOW_UP) or not pages(flag, settings, now)):
        return None
    if number and _within(newest, now, LATE_FOLLOW_UP) and _is_copy(connection, flag):
        return None
    return _add(connection, Purpose.LETTER, flag, destination, settings, now=now, created=max(now, newest + TICK), auto=auto)


def _is_copy(connection: Connection, flag: Flag) -> bool:
    """Whether another edit of the case was flagged for nearly the same text."""
    family = connection.scalar(select(t.flag.c.text_family).where(t.flag.c.id == flag.id))
    if family is None:
        return False
    same = select(t.flag.c.id).where(t.flag.c.text_family == family, t.flag.c.case_id == flag.case_id, t.flag.c.subject != flag.subject)
    return connection.execute(same.limit(1)).first() is not None


def _page(connection: Connection, flag: Flag, destination: Destination, settings: Settings, now: float) -> str | None:
    number, newest = outbox.thread(connection, flag.case_id, destination.recipient, Purpose.PAGE)
    known = outbox.get(connection, report_id(Purpose.PAGE, flag, destination.recipient))
    if number and (known is not None or _within(newest, now, settings.page.again_after)):
        return None
    return _add(connection, Purpose.PAGE, flag, destination, settings, now=now, created=now, auto=True)


def _within(before: float, now: float, seconds: float) -> bool:
    """Whether a time was less than so many seconds ago.

    Letters of one moment are dated a little ahead (``TICK``); a time further ahead is that of a clock that was wrong, and does not
    count.
    """
    return -AHEAD <= now - before < seconds


def _add(
    connection: Connection,
    purpose: Purpose,
    about: About,
    destination: Destination,
    settings: Settings,
    *,
    now: float,
    created: float,
    auto: bool,
) -> str:
    identity = report_id(purpose, about, destination.recipient)
    paging = purpose is Purpose.PAGE
    waits = None if paging else first_due(ReportState.NEW, about.kind, deadlines.deadlines_of(settings.report.deadlines), now)
    outbox.insert_report(
        connection,
        Report(
            id=identity,
            case_id=about.case_id,
            flag_id=about.id,
            subject=about.subject,
            kind=about.kind.value,
            purpose=purpose,
            recipient=destination.recipient,
            channel=destination.channel,
            state=ReportState.QUEUED if paging else ReportState.NEW,
            auto=auto,
            created=created,
            due=now,
            message_id=f"<{identity}@{message_domain(settings.report.reporter_contact)}>",
            released=created if paging else None,
            step_due=waits,
            drill=about.source == DRILL,
        ),
    )
    return identity
