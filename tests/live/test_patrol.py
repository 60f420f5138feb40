"""The patrol on the real wikis: what an operator is promised, and what happens when wikis and pages misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tsbot.demo.patrolled import Patrolled
from tsbot.demo.world import World

pytestmark = pytest.mark.live
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def patrolled(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patrolled]:
    """A patrol with a database of its own on the running wikis."""
    monkeypatch.setattr(world, "folder", tmp_path)
    one = Patrolled(world)
    yield one
    one.kill()


def tsbot(patrolled: Patrolled, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line on the patrol's database."""
    environment = os.environ | {"PYWIKIBOT_DIR": str(patrolled.world.family.pywikibot_dir)}
    command = [sys.executable, "-m", "tsbot", *arguments, "--config", str(patrolled.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False, cwd=patrolled.world.folder)


def test_the_demo_keeps_all_its_promises(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-m", "tsbot", "demo", "--check", "--json", "--folder", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=tmp_path)
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [check for check in checks if not check["ok"]] == [], done.stderr
    assert done.returncode == 0
    names = {check["check"] for check in checks}
    assert {"patrol.flagged_within_10s", "patrol.mailed_within_10s", "patrol.no_unexplained_flag", "patrol.killed_and_resumed"} <= names


def test_a_threat_by_hand_from_a_diff_link(patrolled: Patrolled, world: World) -> None:
    with world.family.actor("Copper Kettle", "enwiki") as person:
        rev_id = person.edit("Talk:By hand", "A mild remark that no detector minds.", summary="x")
    url = f"{world.family.wikis['enwiki'].url}/w/index.php?title=Talk:By_hand&diff=prev&oldid={rev_id}"
    nothing = tsbot(patrolled, "flag", url, "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)["flags"]) == (1, []), nothing.stderr
    done = tsbot(patrolled, "flag", url, "--kind", "harassment", "--json")
    (flag,) = json.loads(done.stdout)["flags"]
    assert (flag["subject"], flag["kind"], flag["source"]) == (f"enwiki:rev:{rev_id}", "harassment", "hand")
    shown = json.loads(tsbot(patrolled, "flags", "show", flag["id"][:8], "--json").stdout)
    assert "mild remark" in shown["content"]["excerpt"]
    totals = patrolled.totals()
    assert (totals.received, totals.cleared, totals.flagged) == (2, 1, 1)


@pytest.mark.parametrize(
    ("url", "code"),
    [("https://example.org/", 2), ("nonsense", 2), ("{enwiki}/w/index.php?diff=99999999", 2)],
    ids=["no wiki", "no link", "no revision"],
)
def test_a_link_that_is_none_gets_a_clear_error(patrolled: Patrolled, world: World, url: str, code: int) -> None:
    done = tsbot(patrolled, "flag", url.format(enwiki=world.family.wikis["enwiki"].url))
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("tsbot: ")
    assert "Traceback" not in done.stderr


def test_a_page_deleted_and_a_revision_hidden_before_the_fetch(patrolled: Patrolled, world: World) -> None:
    start = len(world.twin.log.entries)
    with world.family.actor("Copper Kettle", "enwiki") as person, world.family.actor("Oversighter", "enwiki") as oversighter:
        person.edit("Talk:Gone at once", "some words", summary="x")
        oversighter.delete("Talk:Gone at once", "test")
        hidden = person.edit("Talk:Hidden at once", "some words", summary="x")
        person.edit("Talk:Hidden at once", "others", summary="y")
        oversighter.hide([hidden], fields=("content",))
    recorded = world.folder / "events.jsonl"
    recorded.write_bytes(b"\n".join(entry.data.encode() for entry in world.twin.log.entries[start:]) + b"\n")
    done = tsbot(patrolled, "patrol", "--quiet", "--stream", str(recorded), "--summary", str(patrolled.summary))
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = patrolled.written_summary()
    assert summary["skipped"]["hidden_before_fetch"] == 1
    assert summary["skipped"]["deleted_before_fetch"] == 1
    assert (summary["pending"], summary["failed"]) == (0, 0)


def test_a_gap_of_the_stream_is_filled_from_recent_changes(patrolled: Patrolled, world: World) -> None:
    settings = "[admission]\nonly_wikis = ['enwiki']\n[stream]\ngap_after = 0.5\nfill_gap_after = 0"
    patrolled.config.write_text(patrolled.config.read_text().replace("[stream]", settings))
    with world.family.actor("Copper Kettle", "enwiki") as person:
        patrolled.start()
        person.edit("Talk:Before the gap", "mild words", summary="x")
        patrolled.wait(lambda: patrolled.totals().cleared, 30, "nothing was read")
        patrolled.kill()
        rev_id = person.edit("Talk:In the gap", "I will come to your office tomorrow at noon and hurt you.", summary="x")
        world.twin.log.forget()
        patrolled.start()
        person.edit("Talk:After the gap", "mild words", summary="x")
    subject = f"enwiki:rev:{rev_id}"
    patrolled.wait(lambda: any(flag.subject == subject for flag in patrolled.flags()), 60, "the gap was not filled")
    (flag,) = [flag for flag in patrolled.flags() if flag.subject == subject]
    assert flag.source == "backfill"
    assert patrolled.totals().gaps == 1
    assert patrolled.totals().balanced


def test_a_report_by_the_wikis_own_mail(patrolled: Patrolled, world: World) -> None:
    text = patrolled.config.read_text()
    head, _, tail = text.partition("[[report.recipients.violence]]")
    desk = '[[report.recipients.violence]]\nto = "Safety Desk"\nchannel = "emailuser"\nwiki = "metawiki"\n'
    patrolled.config.write_text(head + desk + tail.partition("\n")[2].partition("\n")[2])
    before = len(world.sink.messages)
    with world.family.actor("Copper Kettle", "enwiki") as person:
        patrolled.start()
        rev_id = person.edit("Talk:By mail", "I will come to your office tomorrow at noon and hurt you.", summary="x")

    def by_mail() -> list[str]:
        return [
            mail.message.get_content()
            for mail in world.sink.messages[before:]
            if "safety-desk@wiki.test" in mail.recipients and str(mail.message["Subject"]).startswith("[TS] report")
        ]

    (letter,) = patrolled.wait(by_mail, 30, "the wiki did not mail the report")
    assert f"oldid={rev_id}" in letter
    assert "hurt" not in letter
    patrolled.wait(patrolled.idle, 30, "busy")
    assert [report.state for report in patrolled.reports() if report.channel == "emailuser"] == ["sent"]
