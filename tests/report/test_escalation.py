"""What happens when a report waits: the scenarios of escalations.txt, played with a clock that is moved by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, SettingsError
from tsbot.report.acknowledge import acknowledge
from tsbot.report.deadlines import NAMES, SHIPPED, deadlines_of, load_deadlines, shipped
from tsbot.report.escalation import Act, first_due, furthest_ahead, step_of
from tsbot.report.message import OutboundMessage
from tsbot.settings import OnCallPerson, OnCallRota, OnCallSettings, PageSettings
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose, Report, ReportState

Desk = Any
EVERY = 5


@dataclass
class Scenario:
    name: str
    people: list[OnCallPerson] = field(default_factory=list)
    turn: str = ""
    pages: list[str] = field(default_factory=list)
    starts: str = ""
    until: int = 0
    events: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def scenarios() -> list[Scenario]:
    found: list[Scenario] = []
    for line in Path(__file__).with_name("escalations.txt").read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if not line.strip() or line.startswith("#"):
            continue
        if word == "scenario":
            found.append(Scenario(rest))
        elif word == "on-call":
            address, *quiet = rest.split()
            more = {"quiet": quiet[0], "zone": quiet[1]} if quiet else {}
            found[-1].people.append(OnCallPerson(name=address, mail=address, **more))
        elif word == "pages":
            found[-1].pages.append(rest)
        elif word in ("turn", "starts"):
            setattr(found[-1], word, rest)
        elif word == "until":
            found[-1].until = int(rest)
        else:
            where = found[-1].messages if rest.split()[0] in ("letter", "page", "reminder") else found[-1].events
            where[int(word)].append(rest)
    return found


class Server:
    """Takes messages, or does not."""

    def __init__(self) -> None:
        self.trouble = ""
        self.taken: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> None:
        if message.purpose is not Purpose.PAGE:
            if self.trouble == "down":
                raise DeliveryDeferredError("test: 451")
            if self.trouble == "refuses":
                raise DeliveryRefusedError("test: 550")
        self.taken.append(message)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: re.sub(r"\W+", "_", scenario.name)[:60])
def test_scenarios(desk: Desk, scenario: Scenario) -> None:
    rotas = (OnCallRota(people=(scenario.turn,), since="2026-01-05"),) if scenario.turn else ()
    settings = desk.settings(
        oncall=OnCallSettings(people=tuple(scenario.people), rotas=rotas),
        page=PageSettings(specificity=3, plausibility=3, imminence=3, mail=tuple(scenario.pages)),
    )
    start = desk.clock.now
    if scenario.starts:
        hour, minute = scenario.starts.split(":")
        start = datetime.fromtimestamp(start, UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0).timestamp()
    server, jump, running = Server(), 0.0, True
    deliverer = desk.deliverer(settings, {"spool": server, "webhook": server})
    played: dict[int, list[str]] = {}
    for minute in range(0, scenario.until + 1, EVERY):
        desk.clock.now = start + 60 * (minute + jump)
        for event in scenario.events.get(minute, []):
            word, _, what = event.partition(" ")
            if word == "file":
                desk.file(desk.flag(Kind(what), event_time=desk.clock.now), settings)
                deliverer.run_once()
            elif word == "release":
                assert [desk.release(row.id) for row in desk.rows() if row.purpose is Purpose.LETTER] == [True]
            elif word == "acknowledge":
                with desk.database.write() as connection:
                    (letter,) = (row for row in desk.rows() if row.purpose is Purpose.LETTER)
                    acknowledge(connection, desk.database.key, letter, by="emergency", actor="test", now=desk.clock.now)
            elif word == "close":
                with desk.database.write() as connection:
                    connection.execute(update(t.case).values(state="closed"))
            elif word == "server":
                server.trouble = "" if what == "up" else what
            elif word == "clock":
                jump += int(what)
                desk.clock.now += 60 * int(what)
            elif word in ("stop", "start"):
                running = word == "start"
            else:
                raise AssertionError(event)
        if running:
            while deliverer.run_once():
                pass
        said = [f"{m.purpose.value} {m.recipient}{f' {m.reason}' if m.reason else ''}" for m in server.taken]
        server.taken.clear()
        if said:
            played[minute] = sorted(said)
    assert played == {minute: sorted(lines) for minute, lines in scenario.messages.items()}


def test_the_scenarios_name_every_way_out_of_the_table() -> None:
    said = {line.split()[-1] for scenario in scenarios() for lines in scenario.messages.values() for line in lines if "page" in line}
    assert said == {"unreleased", "undelivered", "dead", "unacknowledged"}


# -- the pure function ----------------------------------------------------------------------------------------------------

ROW = Report(
    id="a", case_id="c", flag_id="f", subject="examplewiki:rev:1", kind="violence", purpose=Purpose.LETTER, recipient="desk@example.org",
    channel="spool", state=ReportState.HELD, auto=False, created=0.0, due=0.0, message_id="<a@example.org>", step_due=0.0,
)  # fmt: skip
KINDS = [kind for kind in Kind if kind is not Kind.NONE]
WAITING = [ReportState.NEW, ReportState.HELD, ReportState.QUEUED, ReportState.SENT, ReportState.DEAD]


@given(
    kind=st.sampled_from(KINDS),
    state=st.sampled_from(WAITING),
    step=st.integers(0, 50),
    due=st.floats(-1e12, 1e12),
    now=st.floats(0, 4e9),
    released=st.none() | st.floats(0, 4e9),
    sent=st.none() | st.floats(0, 4e9),
)
def test_a_step_is_one_step_and_the_next_is_ahead_but_not_far(
    kind: Kind, state: ReportState, step: int, due: float, now: float, released: float | None, sent: float | None
) -> None:
    report = replace(ROW, kind=kind.value, state=state, step=step, step_due=due, released=released, sent=sent)
    taken = step_of(report, shipped(), now)
    if taken.act is Act.STOP:
        assert (state, kind) == (ReportState.SENT, Kind.LEGAL)
        return
    assert taken.next_due is not None
    assert now < taken.next_due <= now + furthest_ahead(kind, shipped()[kind])
    assert taken.number == (step if taken.act is Act.WAIT else step + 1)
    if due > now:
        assert taken.act is Act.WAIT


@pytest.mark.parametrize("kind", sorted(PHYSICAL))
def test_no_emergency_waits_longer_than_a_quarter_of_an_hour_for_release_and_an_hour_for_an_answer(kind: Kind) -> None:
    assert first_due(ReportState.NEW, kind, shipped(), 0.0) == 15 * 60
    assert first_due(ReportState.SENT, kind, shipped(), 0.0) == 60 * 60
    sent = replace(ROW, kind=kind.value, state=ReportState.SENT, sent=0.0, step_due=3600.0)
    assert step_of(sent, shipped(), 3600.0).next_due == 180 * 60


def test_withdrawn_and_acknowledged_letters_are_not_waited_for() -> None:
    assert step_of(replace(ROW, state=ReportState.WITHDRAWN), shipped(), 10.0).act is Act.STOP
    assert step_of(replace(ROW, state=ReportState.SENT, acknowledged=5.0), shipped(), 10.0).act is Act.STOP


# -- deadlines as data ----------------------------------------------------------------------------------------------------


def test_every_kind_has_deadlines() -> None:
    assert set(shipped()) == set(Kind)
    assert all(getattr(times, name) >= 0 for times in shipped().values() for name in NAMES)


def test_the_settings_replace_single_values() -> None:
    changed = deadlines_of({"violence": {"acknowledge": 0.05, "on_call": 0.1}, "default": {"again": 7}})
    assert (changed[Kind.VIOLENCE].acknowledge, changed[Kind.VIOLENCE].on_call) == (3.0, 6.0)
    assert changed[Kind.VIOLENCE].release == shipped()[Kind.VIOLENCE].release
    assert changed[Kind.HARASSMENT].again == 420
    assert changed[Kind.VIOLENCE].again == shipped()[Kind.VIOLENCE].again  # the file says more of this kind than the default does


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("release = 1440", "", "default.release is missing"),
        ("release = 1440", "release = -1", "default"),
        ("release = 1440", 'release = "soon"', "default"),
        ("release = 1440", "release = 1440\nnap = 3", "default.nap: no such time"),
        ("legal = { acknowledge = 0 }", "legal = { acknowledged = 0 }", "kinds.legal.acknowledged"),
        ("legal = { acknowledge = 0 }", "murder = { acknowledge = 0 }", "murder"),
        ("legal = { acknowledge = 0 }", "legal = { again = 0 }", "kinds.legal.again must be more than 0"),
        ("legal = { acknowledge = 0 }", "legal = { acknowledge = 9000 }", "must not be before"),
        ("acknowledge = 60, on_call = 180", "acknowledge = 0, on_call = 180", "kinds.mass_violence.acknowledge must be more than 0"),
        ("[kinds]", "[kinds", "deadlines.toml"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    table = tmp_path / "deadlines.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(complaint)):
        load_deadlines(table)


@pytest.mark.parametrize(
    ("deadlines", "complaint"),
    [
        ({"violence": {"acknowledge": 0.0}}, "report.deadlines.violence.acknowledge must be more than 0"),
        ({"violence": {"pause": 1.0}}, "violence.pause: no such time"),
        ({"default": {"on_call": 1.0}}, "must not be before"),
    ],
)
def test_a_mistake_in_the_settings_is_named(deadlines: dict[str, dict[str, float]], complaint: str) -> None:
    from tsbot.report.routing import check_routing
    from tsbot.settings import ReportSettings, Settings

    with pytest.raises(SettingsError, match=re.escape(complaint)):
        check_routing(Settings(report=msgspec.structs.replace(ReportSettings(), deadlines=deadlines)))
