"""Looking back on the real wikis: what a patrol was not there for is found, by page, author and time, also through kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tsbot.demo.patrolled import write_settings
from tsbot.demo.world import World

pytestmark = pytest.mark.live
THREAT = "I will come to your {place} tomorrow at noon and hurt you."
CALM = "The mill stands by the river."


class Scanner:
    """``tsbot scan`` in processes of its own."""

    def __init__(self, world: World, config: Path) -> None:
        self.config = config
        self._environment = os.environ | {"PYWIKIBOT_DIR": str(world.family.pywikibot_dir)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tsbot", *words, "--json", "--config", str(self.config)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=self._environment, cwd=self.config.parent)

    def run(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """The lines of the output."""
        process = self.start(*words)
        out, err = process.communicate(timeout=180)
        assert process.returncode == code, err
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def scanner(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scanner:
    monkeypatch.setattr(world, "folder", tmp_path)
    return Scanner(world, write_settings(world))


def subjects(lines: list[dict[str, Any]]) -> set[str]:
    """Edits that were told. (A summary that the wiki makes of a new page's text stands in its log, too, and is found there.)"""
    return {line["subject"] for line in lines if ":rev:" in line.get("subject", "")}


def test_a_page_an_author_a_time(scanner: Scanner, family: Any) -> None:
    with family.actor("Grey Pebble", "enwiki") as author, family.actor("Maple Reader", "enwiki") as editor:
        before = time.time()
        author.edit("Talk:Scanned lock", CALM)
        bad = author.edit("Talk:Scanned lock", f"{CALM}\n\n{THREAT.format(place='lock')}")
        editor.edit("Talk:Scanned lock", f"{CALM}\n\n{THREAT.format(place='lock')}\n\nMore.")
        other = author.edit("Talk:Scanned quay", THREAT.format(place="quay"))
    told = scanner.run("scan", "page", "enwiki", "Talk:Scanned lock", "--dry-run")
    assert subjects(told) == {f"enwiki:rev:{bad}"}
    assert (told[-1]["edits"], told[-1]["state"], told[-1]["new_flags"]) == (3, "done", 1)
    assert scanner.run("flags", "list") == []
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before - 1))
    told = scanner.run("scan", "user", "enwiki", "Grey Pebble", "--since", since)
    assert subjects(told) == {f"enwiki:rev:{bad}", f"enwiki:rev:{other}"}
    told = scanner.run("scan", "period", "enwiki", "--since", since)
    assert subjects(told) >= {f"enwiki:rev:{bad}", f"enwiki:rev:{other}"}
    assert not [line for line in told if line.get("new") and line["subject"] in (f"enwiki:rev:{bad}", f"enwiki:rev:{other}")]
    assert {flag["subject"] for flag in scanner.run("flags", "list")} >= {f"enwiki:rev:{bad}", f"enwiki:rev:{other}"}
    assert scanner.run("reports", "list") == []


def test_a_page_that_there_is_not(scanner: Scanner) -> None:
    process = scanner.start("scan", "page", "enwiki", "Talk:Never written")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "no such page" in err


def test_kills_lose_nothing(scanner: Scanner, family: Any) -> None:
    expected = set()
    with family.actor("Grey Pebble", "dewiki") as author:
        before = time.time()
        for number in range(12):
            bad = number % 4 == 1
            rev_id = author.edit(f"Diskussion:Scanned {number}", THREAT.format(place=f"bridge number {number}") if bad else CALM)
            if bad:
                expected.add(f"dewiki:rev:{rev_id}")
    # Three requests at once, then one each second: there is time to be killed.
    with scanner.config.open("a", encoding="utf-8") as file:
        file.write("[scan]\nrequests_per_minute = 60\n")
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before - 1))
    asked = ("scan", "user", "dewiki", "Grey Pebble", "--since", since)
    for patience in (1.5, 2.5, 3.5):
        process = scanner.start(*asked)
        time.sleep(patience)
        process.kill()
        process.communicate(timeout=60)
    told = scanner.run(*asked)
    assert (told[-1]["state"], told[-1]["edits"]) == ("done", 12)
    assert subjects(scanner.run("flags", "list")) == expected
    assert scanner.run("scan", "jobs")[0]["counts"]["new_flags"] == len(scanner.run("flags", "list"))
