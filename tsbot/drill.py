"""``tsbot drill``: a marked exercise on the way that reports take, timed leg by leg.

A made-up flag opens a case of its own (source ``drill``), its letter is written, released and handed over like any other, and somebody
acknowledges it. Nothing of it is counted among real cases; when it is over, its key is destroyed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from email.policy import SMTP

import msgspec
from sqlalchemy import Connection, select, update

from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.errors import InputError
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.codes import code, reply_address
from tsbot.report.deliver import Deliverer
from tsbot.report.filing import DRILL, file_reports
from tsbot.report.receive import Receiver, Taken
from tsbot.settings import Recipient, Settings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import ReportState
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

NOBODY = "drill@tsbot.invalid"
"""To whom exercises go where no address is set: into the spool (RFC 2606 reserves ``.invalid``)."""
PLACE = "https://tsbot.invalid"
"""Where the links of an exercise lead: nowhere."""
NO_REVISION = 10**13
"""Numbers of made-up revisions lie above this; no wiki has as many."""
PATIENCE = 60.0
"""Seconds that each leg but the acknowledgement may take."""
POLL = 0.2
FORGOTTEN = 86400.0
"""Seconds after which an exercise that was broken off is cleared away by the next one."""
LEGS = ("flagged", "written", "released", "handed over", "acknowledged", "purged")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to exercise."""

    kind: Kind = Kind.VIOLENCE
    wiki: str = "enwiki"
    wait: float = 0.0
    """Seconds to wait for somebody to acknowledge it; 0: the exercise answers itself."""
    to_recipients: bool = False
    """To those who get real reports of the kind, with all timers."""
    keep: bool = False
    """Leave the messages in the spool."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of the way. ``seconds`` is None where it was not reached."""

    name: str
    seconds: float | None
    note: str = ""


@dataclass
class Drilled:
    """How an exercise went."""

    case: str
    reports: list[dict[str, str]] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    simulated: bool = False

    @property
    def complete(self) -> bool:
        """Whether every leg was reached; under ``-simulate`` nothing is handed over, and that is not missed."""
        missed = {leg.name for leg in self.legs if leg.seconds is None}
        return len(self.legs) == len(LEGS) and missed <= ({"handed over", "acknowledged"} if self.simulated else set())

    def to_json(self) -> str:
        """One JSON object."""
        plain = {"case": self.case, "reports": self.reports, "simulated": self.simulated, "complete": self.complete}
        return json.dumps(plain | {"legs": [asdict(leg) for leg in self.legs]})


@dataclass
class Drill:
    """One exercise. Raises ``InputError`` where the plan cannot be carried out, and errors of the store."""

    database: Database
    settings: Settings
    deliverer: Deliverer
    clock: Callable[[], float]
    sleep: Callable[[float], object]

    def run(self, plan: Plan, by: str) -> Drilled:
        """Send the exercise, time it, and clear it away."""
        began = self.clock()
        with self.database.write() as connection:
            for case in _forgotten(connection, began - FORGOTTEN):
                purge(connection, case, began)
            drilled = Drilled(self._file(connection, plan, by, began), simulated=self.deliverer.simulate)
        try:
            self._walk(plan, by, began, drilled)
        finally:
            left = self.clock()
            with self.database.write() as connection:
                ids = purge(connection, drilled.case, left)
            if not plan.keep:
                spool = SpoolChannel(self.settings.spool_path)
                for identity in ids:
                    spool.remove(identity)
        drilled.legs += [Leg(name, None) for name in LEGS[len(drilled.legs) : -1]]
        drilled.legs.append(Leg("purged", self.clock() - left))
        return drilled

    def _file(self, connection: Connection, plan: Plan, by: str, now: float) -> str:
        token = uuid.uuid4()
        event = Event(
            id=str(token),
            stream=DRILL,
            kind=EventKind.EDIT,
            wiki=plan.wiki,
            server_url=PLACE,
            time=now,
            title=f"Exercise {token}",  # of a page that no other flag is on
            rev_id=NO_REVISION + (token.int >> 84),
            parent_id=0,
        )
        # A text of no language, like no other: an exercise has no relatives.
        passage = Passage(Field.TEXT, f"{token.hex}{uuid.uuid4().hex}")
        finding = Finding(kinds={plan.kind: 1.0}, flagged=(plan.kind,), coverage=Coverage.SCORED)
        judged = [Judged(event, passage, finding)]
        (flag,) = file_flags(connection, self.database.key, judged, detector=DRILL, source=DRILL, windows=Windows(), now=now)
        connection.execute(update(t.case).where(t.case.c.id == flag.case_id).values(source=DRILL))
        filed = file_reports(connection, flag, self._settings_of(plan), now)
        if not filed:
            raise InputError(f"Nobody is told of {plan.kind} on {plan.wiki}; there is nothing to exercise.")
        if not plan.to_recipients:
            connection.execute(update(t.report).where(t.report.c.id.in_(filed)).values(step_due=None))  # wakes nobody
        audit.record(connection, by, "drill.started", flag.case_id, now, {"kind": plan.kind, "to_recipients": plan.to_recipients})
        return flag.case_id

    def _settings_of(self, plan: Plan) -> Settings:
        """The settings, with the recipients of exercises; nothing is released by a rule."""
        report = self.settings.report
        recipients = report.recipients
        if not plan.to_recipients:
            to = report.drill_address or NOBODY
            by_mail = report.drill_address and self.settings.mail.host
            recipients = {plan.kind.value: (Recipient(to=to, channel="smtp" if by_mail else "spool"),)}
        changed = msgspec.structs.replace(report, recipients=recipients, release={})
        return msgspec.structs.replace(self.settings, report=changed)

    def _walk(self, plan: Plan, by: str, began: float, drilled: Drilled) -> None:
        last = began

        def done(name: str, note: str = "") -> None:
            nonlocal last
            now = self.clock()
            drilled.legs.append(Leg(name, now - last, note))
            last = now

        def missed(name: str, note: str) -> None:
            drilled.legs.append(Leg(name, None, note))

        drilled.reports[:] = [_plain(report) for report in self._rows(drilled.case)]
        done("flagged", f"case {drilled.case}")
        if not self._until(drilled.case, lambda rows: all(row.state is not ReportState.NEW for row in rows)):
            return missed("written", "the letter is not written; see tsbot reports list")
        done("written")
        with self.database.write() as connection:
            for row in self._rows(drilled.case):
                if outbox.release(connection, row.id, by, self.clock()):
                    audit.record(connection, by, "report.released", row.id, self.clock(), {"drill": True})
        done("released")
        if self.deliverer.simulate:
            self.deliverer.run_once()
            return missed("handed over", "simulated: nothing left")
        gone = (ReportState.SENT, ReportState.DEAD)
        arrived = self._until(drilled.case, lambda rows: all(row.state in gone for row in rows))
        drilled.reports[:] = [_plain(report) for report in self._rows(drilled.case)]
        if not arrived or any(row.state is ReportState.DEAD for row in self._rows(drilled.case)):
            return missed("handed over", "not delivered; see tsbot reports list")
        done("handed over", ", ".join(sorted({row.channel for row in self._rows(drilled.case)})))
        return self._acknowledge(plan, drilled, done, missed)

    def _acknowledge(self, plan: Plan, drilled: Drilled, done: Callable[[str, str], None], missed: Callable[[str, str], None]) -> None:
        if plan.wait:
            if self._until(drilled.case, lambda rows: all(row.acknowledged is not None for row in rows), plan.wait):
                done("acknowledged", "by " + ", ".join(sorted({row.acknowledged_by or "" for row in self._rows(drilled.case)})))
            else:
                missed("acknowledged", f"nobody answered within {plan.wait:g} s")
            return
        receiver = Receiver(self.database, self.settings, self.clock)
        taken = {receiver.take(self._answer(row.id, row.recipient)).taken for row in self._rows(drilled.case)}
        if taken == {Taken.ACKNOWLEDGED}:
            done("acknowledged", "by the exercise itself, through the code of the letter")
        else:
            missed("acknowledged", "the answer of the exercise itself was refused")

    def _answer(self, identity: str, recipient: str) -> bytes:
        """What a recipient's answer looks like."""
        given = code(self.database.key, identity, recipient)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = recipient if "@" in recipient else NOBODY
        mail["To"] = reply_address(self.settings.report.ack_address or NOBODY, given)
        mail["Subject"] = "Re: EXERCISE"
        mail.set_content("We have it.\n")
        return mail.as_bytes()

    def _rows(self, case: str) -> list[outbox.Report]:
        with self.database.read() as connection:
            return [row for row in outbox.of_case(connection, case) if row.purpose is outbox.Purpose.LETTER]

    def _until(self, case: str, reached: Callable[[list[outbox.Report]], bool], patience: float = PATIENCE) -> bool:
        """Work the outbox off, here or in the patrol that runs beside, until something is reached."""
        deadline = self.clock() + patience
        while True:
            self.deliverer.run_once()
            if reached(self._rows(case)):
                return True
            if self.clock() >= deadline:
                return False
            self.sleep(POLL)


def purge(connection: Connection, case: str, now: float) -> list[str]:
    """Destroy what an exercise left, but the bare rows; ids of its messages."""
    rows = outbox.of_case(connection, case)
    for row in rows:
        outbox.withdraw(connection, row.id, "the exercise is over")
    connection.execute(update(t.report).where(t.report.c.case_id == case).values(body=None, step_due=None))
    connection.execute(update(t.flag).where(t.flag.c.case_id == case).values(body=b"", page_index=None))
    over = {"state": "closed", "outcome": DRILL, "closed": now, "updated": now, "purged": now, "data_key": None, "page_index": None}
    connection.execute(update(t.case).where(t.case.c.id == case).values(**over))
    audit.record(connection, "tsbot", "drill.ended", case, now, {"messages": len(rows)})
    return [row.id for row in rows]


def _forgotten(connection: Connection, before: float) -> Iterator[str]:
    """Exercises that were broken off."""
    c = t.case.c
    yield from connection.scalars(select(c.id).where(c.source == DRILL, c.purged.is_(None), c.opened < before)).all()


def _plain(report: outbox.Report) -> dict[str, str]:
    return {"id": report.id, "recipient": report.recipient, "channel": report.channel, "state": report.state.value}
