"""The emergency address is for threats to life or limb, and every other letter goes to whom it is for: the table roles.txt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from tsbot.cases.labels import Correction, Verdict, store_label
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.report import routing
from tsbot.report.misuse import put_right
from tsbot.report.routing import SHIPPED, destinations, load_routing, second_address, shipped
from tsbot.settings import OnCallPerson, OnCallSettings, Recipient, ReleaseRule, ReportSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose, Report, ReportState

Desk = Any
EMERGENCY = "emergency@wikimedia.org"
KINDS = [kind for kind in Kind if kind is not Kind.NONE]


def table() -> list[tuple[str, ...]]:
    lines = Path(__file__).with_name("roles.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(part.strip() for part in line.split("|")) for line in lines if line and not line.startswith("#")]


@pytest.fixture(autouse=True)
def _own_oversighters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wiki of the table has its own."""
    file = tmp_path / "routing.toml"
    own = '\n[wikis.examplewiki]\noversighters = "oversight@example.org"\n'
    file.write_text(SHIPPED.read_text(encoding="utf-8") + own, encoding="utf-8")
    table_ = load_routing(file)
    monkeypatch.setattr(routing, "shipped", lambda: table_)


def say(desk: Desk, flag: str, words: str) -> None:
    """What a reviewer says of a flag."""
    verdict, _, kind = words.partition(" ")
    correction = Correction(kind=Kind(kind) if kind else None, plausibility=0 if verdict == "wrong_score" else None)
    with desk.database.write() as connection:
        store_label(connection, flag, Verdict(verdict), correction, by="reviewer", now=desk.clock())


@pytest.mark.parametrize(("kind", "people", "case_kind", "wiki", "recipient"), table())
def test_who_is_told(desk: Desk, kind: str, people: str, case_kind: str, wiki: str, recipient: str) -> None:
    flag = desk.flag(Kind(kind), subject=f"{wiki}:rev:100", wiki=wiki)
    desk.file(flag)
    deliverer = desk.deliverer()
    deliverer.run_once()
    if people != "-":
        say(desk, flag.id, people)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(kind=kind if case_kind == "-" else case_kind))
    for _ in range(2):  # what was filed for others waits for a release of its own
        for row in desk.rows():
            if row.state is ReportState.HELD:
                desk.release(row.id)
        deliverer.run_once()
    sent = [row for row in desk.rows() if row.state is ReportState.SENT]
    assert [row.recipient for row in sent] == [recipient]
    assert {row.state for row in desk.rows()} <= {ReportState.SENT, ReportState.WITHDRAWN}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipients", [{}, {"default": (Recipient(to=EMERGENCY),)}])
def test_whatever_the_settings_say_nothing_else_reaches_the_emergency_address(kind: Kind, recipients: Any) -> None:
    told = {item.recipient for item in destinations(ReportSettings(recipients=recipients), kind, "examplewiki")}
    assert (EMERGENCY in told) == (kind in PHYSICAL)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in PHYSICAL])
def test_no_second_address_is_the_emergency_address(kind: Kind) -> None:
    for role in shipped().kinds[kind].roles:
        second = second_address(ReportSettings(), kind, "examplewiki", shipped().address(role, "examplewiki"))
        assert second is None or second.recipient != EMERGENCY


def test_the_letter_to_others_speaks_of_what_it_is(desk: Desk) -> None:
    flag = desk.flag(Kind.VIOLENCE)
    desk.file(flag)
    desk.deliverer().run_once()
    say(desk, flag.id, "wrong_kind legal")
    (held,) = desk.rows()
    with desk.database.write() as connection:
        assert put_right(connection, held, desk.settings(), desk.clock())
    desk.deliverer().run_once()
    (new,) = (row for row in desk.rows() if row.state is ReportState.HELD)
    text = desk.deliverer().message(new).text
    assert "a legal threat" in text
    assert "violence" not in text
    assert new.auto is False
    with desk.database.read() as connection:
        (entry,) = audit.entries(connection, obj=held.id)
    assert (entry.act, entry.details) == ("report.withdrawn", '{"filed":1,"reason":"another kind, say people"}')


def test_a_rule_of_the_settings_does_not_outrun_people(desk: Desk) -> None:
    """Between being queued and being handed over it is looked at once more."""
    settings = desk.settings(report=ReportSettings(reporter_contact="reporter@example.org", release={"violence": ReleaseRule()}))
    flag = desk.flag(Kind.VIOLENCE)
    (identity,) = desk.file(flag, settings)
    say(desk, flag.id, "wrong_kind harassment")
    desk.deliverer(settings).run_once()
    assert desk.row(identity).state is ReportState.WITHDRAWN
    assert [row.recipient for row in desk.rows() if row.state is ReportState.HELD] == ["ca@wikimedia.org"]


def test_a_withdrawn_letter_wakes_nobody_and_does_not_come_back(desk: Desk) -> None:
    settings = desk.settings(oncall=OnCallSettings(people=(OnCallPerson(name="duty", mail="duty@example.org"),)))
    flag = desk.flag(Kind.VIOLENCE)
    (identity,) = desk.file(flag, settings)
    desk.deliverer(settings).run_once()
    say(desk, flag.id, "wrong_kind legal")
    desk.clock.now += 900
    desk.deliverer(settings).run_once()
    assert desk.row(identity).state is ReportState.WITHDRAWN
    assert [row for row in desk.rows() if row.purpose is Purpose.PAGE] == []
    assert desk.file(flag, settings) == []
    assert not desk.release(identity)


def test_a_graver_flag_on_the_same_edit_still_reaches_the_emergency_address(desk: Desk) -> None:
    flag = desk.flag(Kind.VIOLENCE)
    desk.file(flag)
    desk.deliverer().run_once()
    say(desk, flag.id, "wrong_kind legal")
    (held,) = desk.rows()
    with desk.database.write() as connection:
        put_right(connection, held, desk.settings(), desk.clock())
    assert len(desk.file(desk.flag(Kind.MASS_VIOLENCE))) == 1


def test_one_edit_with_two_kinds_of_which_one_is_an_emergency_stays(desk: Desk) -> None:
    first = desk.flag(Kind.VIOLENCE)
    desk.file(first)
    desk.file(desk.flag(Kind.SELF_HARM))
    say(desk, first.id, "wrong_kind legal")
    desk.deliverer().run_once()
    (letter,) = (row for row in desk.rows() if row.recipient == EMERGENCY)
    with desk.database.write() as connection:
        assert not put_right(connection, letter, desk.settings(), desk.clock())


def test_a_row_that_was_made_by_hand_is_looked_at_too(desk: Desk) -> None:
    """Whoever wrote it into the outbox: a legal threat does not go to the emergency address."""
    from tsbot.store import outbox

    flag = desk.flag(Kind.LEGAL)
    report = Report(
        id="11111111-0000-5000-8000-000000000000", case_id=flag.case_id, flag_id=flag.id, subject=flag.subject, kind="legal",
        purpose=Purpose.LETTER, recipient=EMERGENCY, channel="spool", state=ReportState.NEW, auto=True, created=desk.clock(),
        due=desk.clock(), message_id="<1@example.org>",
    )  # fmt: skip
    with desk.database.write() as connection:
        outbox.insert_report(connection, report)
    desk.deliverer().run_once()
    assert desk.row(report.id).state is ReportState.WITHDRAWN
    assert [row.recipient for row in desk.rows() if row.state is ReportState.HELD] == ["legal@wikimedia.org"]


def test_what_has_left_is_left(desk: Desk) -> None:
    settings = desk.settings(report=msgspec.structs.replace(ReportSettings(), release={"violence": ReleaseRule()}))
    flag = desk.flag(Kind.VIOLENCE)
    (identity,) = desk.file(flag, settings)
    desk.deliverer(settings).run_once()
    say(desk, flag.id, "wrong_kind legal")
    with desk.database.write() as connection:
        assert not put_right(connection, desk.row(identity), settings, desk.clock())
    assert desk.row(identity).state is ReportState.SENT
