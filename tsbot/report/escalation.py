"""What is due when a report waits: a plain function of rows, deadlines and time.

::

    held ──release──► on-call ──again──► on-call ...            until a person releases it
    queued ─deliver─► on-call ──again──► on-call ...            until it leaves
    dead ────at once► on-call ──again──► on-call ...            until a person retries it
    sent ─acknowledge► second address ──► on-call ──► on-call ...  until somebody acknowledges it

Each letter takes one step at a time, however many fell due while nothing ran or while the clock was wrong; the next one is counted
from the step just taken, so that a jump makes no flood. Carried out by :mod:`tsbot.report.timers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.report.deadlines import Deadlines
from tsbot.store.outbox import Report, ReportState

LONGEST_QUIET = 25 * 3600.0
"""Quiet hours put a step off by no more than this, in seconds: a day has 25 hours where clocks go back."""


class Reason(StrEnum):
    """Why somebody is told. The word may leave the system: it says nothing of what a report says."""

    UNRELEASED = "unreleased"
    UNDELIVERED = "undelivered"
    DEAD = "dead"
    UNACKNOWLEDGED = "unacknowledged"
    WAITING = "waiting"
    """People who reported something wait longer for news than they were told (:mod:`tsbot.reception.reminding`)."""


class Act(StrEnum):
    """What is done about it."""

    WAIT = "wait"
    """Nothing yet; the time that was noted is not the right one (any more)."""
    SECOND = "second"
    """Write to the second address; where there is none, tell on-call."""
    ON_CALL = "on_call"
    STOP = "stop"
    """Nothing is waited for (any more)."""


REASONS: Mapping[ReportState, Reason] = {
    ReportState.NEW: Reason.UNRELEASED,
    ReportState.HELD: Reason.UNRELEASED,
    ReportState.QUEUED: Reason.UNDELIVERED,
    ReportState.DEAD: Reason.DEAD,
    ReportState.SENT: Reason.UNACKNOWLEDGED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about one letter now. Times are seconds since the epoch."""

    act: Act
    reason: Reason | None = None
    number: int = 0
    """Counts the steps of a letter, from 1; part of the ids of what is sent."""
    next_due: float | None = None
    everybody: bool = False
    """Tell all of on-call, not only those whose turn it is: they were told before."""


def urgent(kind: Kind) -> bool:
    """Whether quiet hours do not hold."""
    return kind in PHYSICAL


def first_due(state: ReportState, kind: Kind, deadlines: Mapping[Kind, Deadlines], now: float) -> float | None:
    """When the first step of a letter that has just come into a state is due; None if nothing is waited for."""
    times = deadlines[kind]
    if state is ReportState.SENT:
        return now + times.acknowledge if times.acknowledge else None
    if state is ReportState.DEAD:
        return now
    if state is ReportState.WITHDRAWN:
        return None
    return now + (times.deliver if state is ReportState.QUEUED else times.release)


def step_of(report: Report, deadlines: Mapping[Kind, Deadlines], now: float) -> Step:
    """The step of a letter whose ``step_due`` has come, or lies further ahead than it can."""
    kind = Kind(report.kind)
    times = deadlines[kind]
    reason = REASONS.get(report.state)
    if reason is None or report.step_due is None or report.acknowledged is not None:
        return Step(Act.STOP)
    if report.state is ReportState.SENT and not times.acknowledge:
        return Step(Act.STOP)
    if report.step_due > now:
        # Further ahead than it can be: a clock was wrong. It is no reason to tell anybody, nor to wait for years.
        wrong = report.step_due > now + furthest_ahead(kind, times)
        return Step(Act.WAIT, reason, report.step, now + _pause(report, times) if wrong else report.step_due)
    if reason is Reason.UNDELIVERED and report.released is not None and 0 <= now - report.released < times.deliver:
        return Step(Act.WAIT, reason, report.step, report.released + times.deliver)  # it is on its way
    number = report.step + 1
    if reason is Reason.UNACKNOWLEDGED and number == 1:
        since = report.sent if report.sent is not None and report.sent <= now else now
        return Step(Act.SECOND, reason, number, max(since + times.on_call, now + times.apart))
    told = number > (2 if reason is Reason.UNACKNOWLEDGED else 1)
    pause = times.on_call if reason is Reason.UNACKNOWLEDGED else times.again
    return Step(Act.ON_CALL, reason, number, now + max(pause, times.apart), everybody=told)


def furthest_ahead(kind: Kind, times: Deadlines) -> float:
    """How far ahead, in seconds, a step can be due by a clock that is right."""
    return times.longest if urgent(kind) else max(times.longest, LONGEST_QUIET)


def _pause(report: Report, times: Deadlines) -> float:
    """Seconds until the next step of a letter, where it is not known when its state began."""
    if report.state is ReportState.SENT:
        return times.acknowledge if report.step == 0 else times.on_call
    if report.step:
        return times.again
    return times.deliver if report.state is ReportState.QUEUED else times.release
