"""Keeping the emergency address for threats to life or limb, and every other letter with whom it is for.

What a letter is about is first the detector's word. Where a person says that it is something else (`tsbot flags label ID wrong_kind
--kind legal`, or the kind of the case), the person's word counts: the letter is withdrawn before it leaves, and filed for those who are
told of what it is. It is never dropped, and the new letter waits for a person to release it.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from sqlalchemy import Connection, select

from tsbot.cases.flag import Flag
from tsbot.cases.labels import Verdict, labels_of
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.report.filing import DRILL, Named, file_letter
from tsbot.report.routing import Routing, destinations, is_emergency
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.outbox import UNSENT, Purpose, Report, ReportState

REROUTED = "another kind, say people"


def kind_of(connection: Connection, flag_id: str, kind: Kind, case_id: str) -> Kind:
    """What a flag is about: what people say last, else what the detector said."""
    said = [label for label in labels_of(connection, flag_id) if label.verdict is not Verdict.WRONG_SCORE]
    if said and said[-1].verdict is Verdict.WRONG_KIND:
        return said[-1].kind
    if said and said[-1].verdict is Verdict.RIGHT:
        return kind
    # A case has the kind of its gravest flag, unless a person gave it another one.
    of_case = connection.scalar(select(t.case.c.kind).where(t.case.c.id == case_id))
    if kind in PHYSICAL and of_case is not None and Kind(of_case) not in PHYSICAL:
        return Kind(of_case)
    return kind


def as_people_say(connection: Connection, flag: Flag) -> Flag:
    """A flag under the kind that people gave it."""
    return replace(flag, kind=kind_of(connection, flag.id, flag.kind, flag.case_id))


def put_right(connection: Connection, report: Report, settings: Settings, now: float, routing: Routing | None = None) -> bool:
    """Withdraw a letter that has not left and that is not for its recipient, and file it for those it is for; whether that was so."""
    if report.purpose is not Purpose.LETTER or report.sent is not None or report.state not in (*UNSENT, ReportState.QUEUED):
        return False
    wiki = report.subject.partition(":")[0]
    query = select(t.flag.c.id, t.flag.c.kind, t.flag.c.case_id).where(t.flag.c.subject == report.subject).order_by(t.flag.c.id)
    found = [(row.id, Kind(row.kind), kind_of(connection, row.id, Kind(row.kind), row.case_id)) for row in connection.execute(query)]
    physical = any(kind in PHYSICAL for _, _, kind in found)
    astray = is_emergency(report.recipient, wiki, routing) and not physical
    changed = any(before is not after for _, before, after in found)
    if not astray and (not changed or _is_told(report, wiki, [kind for _, _, kind in found], settings, routing)):
        return False
    if not outbox.withdraw(connection, report.id, REROUTED):
        return False
    filed = []
    source = DRILL if report.drill else "people"
    for flag_id, _, kind in found:
        for destination in destinations(settings.report, kind, wiki, routing):
            if destination.recipient != report.recipient:
                about = Named(flag_id, report.case_id, report.subject, kind, source)
                filed.append(file_letter(connection, about, destination, settings, now))
    number = sum(identity is not None for identity in filed)
    audit.record(connection, "tsbot", "report.withdrawn", report.id, now, {"reason": REROUTED, "filed": number})
    structlog.get_logger().warning("report.withdrawn", id=report.id, reason=REROUTED, count=number)
    return True


def _is_told(report: Report, wiki: str, kinds: list[Kind], settings: Settings, routing: Routing | None) -> bool:
    return any(item.recipient == report.recipient for kind in kinds for item in destinations(settings.report, kind, wiki, routing))
