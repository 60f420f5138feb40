"""SIGKILL at every step of a delivery: nothing is lost, and what is handed over twice has the same Message-ID."""

from __future__ import annotations

import email
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tsbot.demo.contract import ContractServer
from tsbot.demo.suitecrm import SuiteCrm
from tsbot.demo.zammad import Zammad
from tsbot.detect.finding import Kind
from tsbot.settings import Recipient, ReleaseRule, ReportSettings, SuiteCrmSettings, ZammadSettings
from tsbot.store.outbox import ReportState

Desk = Any
StartSink = Callable[..., Any]
SCRIPT = Path(__file__).with_name("dying_deliverer.py")


def settings_for(desk: Desk, channel: str, **more: Any) -> Any:
    report = ReportSettings(
        channel=channel,  # type: ignore[arg-type]
        reporter_contact="reporter@example.org",
        recipients={"default": (Recipient(to="desk@example.org"),)},
        release={kind.value: ReleaseRule() for kind in Kind},
    )
    return desk.settings(report=report, **more)


def run_and_die(desk: Desk, port: int, point: str) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(desk.folder), str(port), point], check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def message_ids(texts: list[str]) -> list[str]:
    return [str(email.message_from_string(text)["Message-ID"]) for text in texts]


@pytest.mark.parametrize(
    ("point", "state", "handed_over"),
    [
        ("while writing", ReportState.NEW, 0),
        ("before sending", ReportState.QUEUED, 0),
        ("after first", ReportState.QUEUED, 1),
    ],
)
def test_killed_while_mailing(desk: Desk, start_sink: StartSink, point: str, state: ReportState, handed_over: int) -> None:
    sink = start_sink()
    settings = settings_for(desk, "smtp", mail=sink.mail("none"))
    (identity,) = desk.file(desk.flag(), settings)
    run_and_die(desk, sink.port, point)
    assert (desk.row(identity).state, len(sink.texts)) == (state, handed_over)
    assert desk.deliverer(settings).run_once() == 1
    assert desk.row(identity).state is ReportState.SENT
    assert set(message_ids(sink.texts)) == {f"<{identity}@example.org>"}
    assert len(sink.texts) == handed_over + 1


@pytest.mark.parametrize(("point", "written"), [("before rename", 0), ("after first", 1)])
def test_killed_while_spooling(desk: Desk, point: str, written: int) -> None:
    settings = settings_for(desk, "spool")
    (identity,) = desk.file(desk.flag(), settings)
    run_and_die(desk, 0, point)
    before = desk.spooled()
    assert len(before) == written
    assert desk.deliverer(settings).run_once() == 1
    assert list(desk.spooled()) == [identity]
    assert before.items() <= desk.spooled().items()
    assert [path.name for path in (desk.folder / "spool").iterdir()] == [f"{identity}.eml"]


def test_killed_again_and_again(desk: Desk, start_sink: StartSink) -> None:
    """Each life takes two messages and dies before noting the second; the thread stays whole and in order all the same."""
    sink = start_sink()
    settings = settings_for(desk, "smtp", mail=sink.mail("none"))
    filed = [desk.file(desk.flag(rev_id=number), settings)[0] for number in range(1, 5)]
    for _ in range(3):
        run_and_die(desk, sink.port, "after second")
    desk.deliverer(settings).run_once()
    assert {row.state for row in desk.rows()} == {ReportState.SENT}
    seen = list(dict.fromkeys(message_ids(sink.texts)))
    assert seen == [f"<{identity}@example.org>" for identity in filed]
    assert [email.message_from_string(text)["In-Reply-To"] for text in sink.texts if message_ids([text]) != seen[:1]] == [
        seen[0] for text in sink.texts if message_ids([text]) != seen[:1]
    ]


# -- case managements -----------------------------------------------------------------------------------------------------


@pytest.fixture
def suitecrm() -> Iterator[SuiteCrm]:
    with SuiteCrm() as server:
        yield server


@pytest.fixture
def zammad() -> Iterator[Zammad]:
    with Zammad() as server:
        yield server


def suitecrm_parts(server: SuiteCrm) -> dict[str, Any]:
    section = {"url": server.url, "client_id": server.client_id, "client_secret": server.client_secret}
    return {"channel": "suitecrm", "to": "Trust and Safety", "suitecrm": section}


def zammad_parts(server: Zammad) -> dict[str, Any]:
    return {"channel": "zammad", "to": "Trust and Safety", "zammad": {"url": server.url, "token": server.token}}


def settings_of(desk: Desk, parts: dict[str, Any]) -> Any:
    report = ReportSettings(
        reporter_contact="reporter@example.org",
        recipients={"default": (Recipient(to=parts["to"], channel=parts["channel"]),)},
        release={kind.value: ReleaseRule() for kind in Kind},
    )
    section = {"suitecrm": SuiteCrmSettings, "zammad": ZammadSettings}[parts["channel"]](**parts[parts["channel"]])
    return desk.settings(report=report, **{parts["channel"]: section})


def run_until_killed(desk: Desk, parts: dict[str, Any], point: str, server: ContractServer | None = None) -> None:
    """Deliver in a process that kills itself at a point, or is killed when ``server`` has stored something and not answered yet."""
    command = [sys.executable, str(SCRIPT), str(desk.folder), "0", point, json.dumps(parts)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        if server is not None:
            server.faults.before_reply = lambda _: os.kill(process.pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    if server is not None:
        server.faults.before_reply = None
    assert process.returncode == -signal.SIGKILL, errors.decode()


@pytest.mark.parametrize("point", ["before sending", "stored and not answered", "after first"])
def test_killed_while_a_case_is_made(desk: Desk, suitecrm: SuiteCrm, point: str) -> None:
    parts = suitecrm_parts(suitecrm)
    settings = settings_of(desk, parts)
    first, second = (desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2))
    run_until_killed(desk, parts, point, suitecrm if point.startswith("stored") else None)
    assert desk.row(first).state is ReportState.QUEUED
    assert len(suitecrm.records) == (0 if point == "before sending" else 1)
    run_until_killed(desk, parts, "after second")
    assert desk.deliverer(settings).run_once() == 1
    assert list(suitecrm.records) == [("Cases", first), ("Notes", second)]
    assert {row.external_id for row in desk.rows()} == {first}


@pytest.mark.parametrize("point", ["before sending", "stored and not answered", "after first"])
def test_killed_while_a_ticket_is_made(desk: Desk, zammad: Zammad, point: str) -> None:
    parts = zammad_parts(zammad)
    settings = settings_of(desk, parts)
    filed = [desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2)]
    run_until_killed(desk, parts, point, zammad if point.startswith("stored") else None)
    assert desk.row(filed[0]).state is ReportState.QUEUED
    assert len(zammad.tickets) == (0 if point == "before sending" else 1)
    run_until_killed(desk, parts, "after second")
    assert desk.deliverer(settings).run_once() == 1
    assert [article["body"].splitlines()[-1] for article in zammad.of(1)] == [f"Report: {identity}" for identity in filed]
    assert (len(zammad.tickets), {row.external_id for row in desk.rows()}) == (1, {"1"})
