"""What a running patrol tells Prometheus: counts, ages and states, read when they are asked for.

Numbers of the database are read in one transaction per scrape, so that they agree with each other; those of the process come from
:class:`Vitals`. No label holds a text, a name or an address, and none a wiki: small counts per wiki would point at people.
docs/operating.md lists the metrics.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, Connection, Table, func, select

from tsbot import __version__
from tsbot.bus import roster
from tsbot.bus.engine import BusStatus
from tsbot.cases.stats.rows import DRILL
from tsbot.errors import StoreError
from tsbot.reload import refused, versions
from tsbot.store import backup, claims, ledger
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.source import SourceStatus

UNRELEASED = ("new", "held")
"""States of letters that nobody has let go."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a patrol is doing at one moment."""

    source: SourceStatus
    detector: str = ""
    """Version of the detector."""
    newest: float | None = None
    """Time of the newest event, in seconds since the epoch; None before the first."""
    age: float = 0.0
    """Seconds since the patrol began."""
    turn_age: float = 0.0
    """Seconds since the main loop last came round."""
    ended: bool = False
    """The source has no more: a file was read."""
    fetching: int = 0
    """Edits waiting for their texts."""
    judged: Mapping[str, int] = field(default_factory=dict)
    """Passages judged by this process, per field."""
    delivery_alive: bool = True
    trouble: str = ""
    """What keeps results from being stored; empty if nothing does."""
    bus: BusStatus | None = None
    """How a process of many is connected to the others; None for one that does everything."""
    recovered: int = 0
    """Events that a worker took although no broker told it of them."""
    untold: int = 0
    """Events that a listener stored, and that the broker has not confirmed."""
    data: Mapping[str, str] = field(default_factory=versions)
    """Versions of the data files in use, by name."""
    refused: Mapping[str, str] = field(default_factory=refused)
    """Why newer data files are not in use, by name."""


class PatrolCollector(Collector):
    """Makes the metrics of a patrol, anew for each scrape."""

    def __init__(self, database: Database, vitals: Callable[[], Vitals], clock: Callable[[], float], schema: str) -> None:
        self.database = database
        self.vitals = vitals
        self.clock = clock
        self.schema = schema
        # One scrape at a time: who asks twice at once must not make the patrol wait for its own database.
        self._alone = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """All metrics; those of the database are missing while it does not answer, which ``tsbot_store_up`` tells."""
        now, vitals = self.clock(), self.vitals()
        build = {"version": __version__, "schema": self.schema, "detector": vitals.detector}
        yield _labelled("tsbot_build_info", "What runs.", tuple(build), [(tuple(build.values()), 1)])
        try:
            with self._alone, self.database.read() as connection:
                found = [*_of_store(connection, now)]
        except StoreError:
            found = []
        yield GaugeMetricFamily("tsbot_store_up", "Whether the database answers.", value=bool(found))
        yield from found
        yield from _of_process(vitals, now)


def registry(collector: PatrolCollector) -> CollectorRegistry:
    """A registry of its own, with what the system says of this process (memory, processor time, open files)."""
    found = CollectorRegistry()
    found.register(collector)
    ProcessCollector(registry=found)
    return found


def _of_process(vitals: Vitals, now: float) -> Iterator[Metric]:
    source = vitals.source
    yield GaugeMetricFamily("tsbot_stream_connected", "Whether the stream is connected.", value=source.connected)
    yield CounterMetricFamily("tsbot_stream_reconnects", "Connections made anew by this process.", value=source.reconnects)
    yield GaugeMetricFamily("tsbot_stream_queue_events", "Events read and not yet taken.", value=source.queued)
    if source.last_byte_age is not None:
        words = "Seconds since anything arrived, heartbeats included."
        yield GaugeMetricFamily("tsbot_stream_last_byte_age_seconds", words, value=source.last_byte_age)
    if vitals.newest is not None:
        yield GaugeMetricFamily("tsbot_stream_last_event_timestamp_seconds", "When the newest event happened.", value=vitals.newest)
        lag = max(0.0, now - vitals.newest)
        yield GaugeMetricFamily("tsbot_stream_lag_seconds", "Seconds between the newest event and now.", value=lag)
    yield GaugeMetricFamily("tsbot_texts_to_fetch", "Edits waiting for their texts.", value=vitals.fetching)
    by_field = [((name,), number) for name, number in vitals.judged.items()]
    yield _labelled("tsbot_passages_judged", "Passages judged by this process.", ("field",), by_field, total=True)
    yield GaugeMetricFamily("tsbot_delivery_thread_alive", "Whether letters are being delivered.", value=vitals.delivery_alive)
    yield GaugeMetricFamily("tsbot_patrol_turn_age_seconds", "Seconds since the main loop came round.", value=vitals.turn_age)
    yield GaugeMetricFamily("tsbot_store_trouble", "Whether results wait for the database.", value=bool(vitals.trouble))
    in_use = [(one, 1) for one in vitals.data.items()]
    yield _labelled("tsbot_data_info", "Data files in use, with their versions.", ("data", "version"), in_use)
    unused = [((name,), 1) for name in vitals.refused]
    yield _labelled("tsbot_data_refused", "Data files that were changed and are not in use, because something is wrong.", ("data",), unused)
    if vitals.bus is not None:
        yield from _of_bus(vitals, vitals.bus)


def _of_bus(vitals: Vitals, bus: BusStatus) -> Iterator[Metric]:
    yield GaugeMetricFamily("tsbot_bus_connected", "Whether this process is connected to the broker.", value=bus.connected)
    if bus.lag is not None:
        words = "Messages that the broker holds undelivered or unacknowledged."
        yield GaugeMetricFamily("tsbot_bus_lag_messages", words, value=bus.lag)
    yield CounterMetricFamily("tsbot_bus_redelivered", "Events that this process was told of again.", value=bus.redelivered)
    yield CounterMetricFamily("tsbot_bus_unknown", "Messages that were none of tsbot's.", value=bus.unknown)
    words = "Events taken without a message: left by dead workers, or forgotten by the broker."
    yield CounterMetricFamily("tsbot_bus_recovered", words, value=vitals.recovered)
    words = "Events stored by this listener that the broker has not confirmed."
    yield GaugeMetricFamily("tsbot_bus_untold_events", words, value=vitals.untold)


def _of_store(connection: Connection, now: float) -> Iterator[Metric]:
    yield from _books(ledger.totals(connection))
    gaps = _number(connection, t.gap, t.gap.c.filled.is_(None))
    yield GaugeMetricFamily("tsbot_gaps_open", "Times for which events may be missing, not filled yet.", value=gaps)
    saved = float(backup.fact(connection, backup.LAST) or 0.0)
    yield GaugeMetricFamily("tsbot_backup_last_timestamp_seconds", "When the last backup was made; 0 for never.", value=saved)
    reasons = [((reason,), number) for reason, number in ledger.dead_letter_reasons(connection).items()]
    yield _labelled("tsbot_dead_letters", "Events that could not be handled.", ("reason",), reasons)
    yield from _shared(connection)
    yield from _cases(connection, now)
    yield from _letters(connection, now)


def _shared(connection: Connection) -> Iterator[Metric]:
    number, oldest = claims.backlog(connection)
    yield GaugeMetricFamily("tsbot_backlog_events", "Events stored that no worker has begun with.", value=number)
    yield GaugeMetricFamily("tsbot_backlog_oldest_seconds", "For how long the oldest of them has waited; 0 if there is none.", value=oldest)
    alive = [one.role for one in roster.present(connection) if one.silent < roster.GONE]
    roles = [((role,), alive.count(role)) for role in ("listen", "work", "deliver")]
    yield _labelled("tsbot_processes_alive", "Processes of many machines that gave a sign of life lately.", ("role",), roles)


def _books(totals: ledger.Totals) -> Iterator[Metric]:
    for name, words, value in (
        ("received", "Distinct events received.", totals.received),
        ("duplicates", "Events that had been received before.", totals.duplicates),
        ("cleared", "Events in which nothing was found.", totals.cleared),
        ("flagged", "Events with a flag.", totals.flagged),
        ("outcome", "Events that told what a wiki did about a flag.", totals.outcome),
    ):
        yield CounterMetricFamily(f"tsbot_events_{name}", words, value=value)
    by_rule = [((rule,), number) for rule, number in totals.skipped.items()]
    yield _labelled("tsbot_events_skipped", "Events skipped by a rule.", ("rule",), by_rule, total=True)
    words = "Events in the dead letters; driving them through again takes them out."
    yield GaugeMetricFamily("tsbot_events_failed", words, value=totals.failed)
    yield GaugeMetricFamily("tsbot_events_pending", "Events whose end is not known yet.", value=totals.pending)
    yield GaugeMetricFamily("tsbot_books_balanced", "Whether every received event is accounted for once.", value=totals.balanced)
    weak, unscored = sum(totals.weak.values()), sum(totals.unscored.values())
    classes = [(("scored",), max(0, totals.passages - weak - unscored)), (("weak",), weak), (("unscored",), unscored)]
    words = "Passages judged, by how well their language is known."
    yield _labelled("tsbot_passages", words, ("coverage",), classes, total=True)
    yield CounterMetricFamily("tsbot_texts_cut", "Edits too long to be judged whole.", value=totals.texts_cut)


def _cases(connection: Connection, now: float) -> Iterator[Metric]:
    c = t.case.c
    real = c.source != DRILL
    rows = connection.execute(select(c.state, func.count()).where(real).group_by(c.state))
    yield _labelled("tsbot_cases_in_state", "Cases by state.", ("state",), [((state,), number) for state, number in rows])
    overdue = _number(connection, t.case, real, c.due < now, c.state != "closed")
    plans = connection.execute(select(t.hide_following.c.state, func.count()).group_by(t.hide_following.c.state))
    words = "Plans of what to hide, by how far they are carried out."
    yield _labelled("tsbot_hide_plans", words, ("state",), [((state,), number) for state, number in plans])
    yield GaugeMetricFamily("tsbot_cases_overdue", "Open cases in which somebody should have acted by now.", value=overdue)


def _letters(connection: Connection, now: float) -> Iterator[Metric]:
    c = t.report.c
    real, letter = c.drill.is_(False), c.purpose.in_(("letter", "reminder"))
    rows = connection.execute(select(c.purpose, c.state, func.count()).where(real).group_by(c.purpose, c.state))
    states = [((purpose, state), number) for purpose, state, number in rows]
    yield _labelled("tsbot_messages_in_state", "Messages by state.", ("purpose", "state"), states)
    sent = select(c.channel, c.purpose, func.count()).where(real, c.sent.is_not(None)).group_by(c.channel, c.purpose)
    delivered = [((channel, purpose), number) for channel, purpose, number in connection.execute(sent)]
    yield _labelled("tsbot_deliveries", "Messages handed over.", ("channel", "purpose"), delivered, total=True)
    unreleased = (real, letter, c.state.in_(UNRELEASED), c.released.is_(None))
    yield GaugeMetricFamily("tsbot_letters_unreleased", "Letters that nobody has let go.", value=_number(connection, t.report, *unreleased))
    oldest = connection.scalar(select(func.min(c.created)).where(*unreleased))
    words = "Age of the oldest letter that nobody has let go; 0 if there is none."
    yield GaugeMetricFamily("tsbot_letter_oldest_unreleased_seconds", words, value=_age(oldest, now))
    # Of letters, not of what reminds of them: a letter that nobody answers is one letter.
    waiting = (real, c.purpose == "letter", c.state == "sent", c.acknowledged.is_(None), t.case.c.state != "closed")
    of_open = select(func.count(), func.min(c.sent)).join(t.case, t.case.c.id == c.case_id).where(*waiting)
    number, first = connection.execute(of_open).one()
    yield GaugeMetricFamily("tsbot_letters_unacknowledged", "Letters about open cases that nobody has answered.", value=number)
    words = "Time since the oldest of them was handed over; 0 if there is none."
    yield GaugeMetricFamily("tsbot_letter_oldest_unacknowledged_seconds", words, value=_age(first, now))
    drills = _number(connection, t.report, c.drill.is_(True))
    yield GaugeMetricFamily("tsbot_drill_reports", "Messages of exercises, which no other metric counts.", value=drills)


def _number(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _age(time: float | None, now: float) -> float:
    return 0.0 if time is None else max(0.0, now - time)


def _labelled(
    name: str, words: str, labels: Iterable[str], values: Iterable[tuple[tuple[str, ...], float]], *, total: bool = False
) -> GaugeMetricFamily | CounterMetricFamily:
    family = (CounterMetricFamily if total else GaugeMetricFamily)(name, words, labels=[*labels])
    for names, value in sorted(values):
        family.add_metric([*names], value)
    return family
