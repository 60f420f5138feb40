"""Cases on the real wikis: opened by hand for an edit, closed by what the wiki does."""

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
PATIENCE = 60.0


@pytest.fixture
def patrolled(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patrolled]:
    """A patrol with a database of its own on the running wikis."""
    monkeypatch.setattr(world, "folder", tmp_path)
    one = Patrolled(world)
    yield one
    one.kill()


def cases(patrolled: Patrolled, *arguments: str) -> Any:
    """What a command on cases says in JSON."""
    environment = os.environ | {"PYWIKIBOT_DIR": str(patrolled.world.family.pywikibot_dir)}
    command = [sys.executable, "-m", "tsbot", "cases", *arguments, "--json", "--config", str(patrolled.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False, cwd=patrolled.world.folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_opened_by_hand_for_an_edit_and_closed_when_the_wiki_hides_it(patrolled: Patrolled, world: World) -> None:
    patrolled.start()
    with world.family.actor("Copper Kettle", "enwiki") as person:
        rev_id = person.edit("Talk:A case by hand", "A mild remark that no detector minds.", summary="x")
        person.edit("Talk:A case by hand", "(removed)", summary="removed")
    patrolled.wait(patrolled.idle, PATIENCE, "the patrol is still busy")
    opened = cases(patrolled, "open", "--diff", f"enwiki:{rev_id}", "--kind", "doxing")
    assert (opened["kind"], opened["wiki"], opened["state"], opened["source"]) == ("doxing", "enwiki", "open", "hand")
    shown = cases(patrolled, "show", opened["id"], "--text")
    (flag,) = shown["flags"]
    assert "mild remark" in flag["content"]["excerpt"]
    with world.family.actor("Oversighter", "enwiki") as oversighter:
        oversighter.hide([rev_id], fields=("content",), suppress=True)  # as the policy asks for private data
    patrolled.wait(lambda: cases(patrolled, "show", opened["id"])["state"] == "closed", PATIENCE, "the case is not closed")
    closed = cases(patrolled, "show", opened["id"])
    assert (closed["outcome"], closed["hidden"] is not None) == ("hidden", True)
    assert {entry["what"] for entry in closed["annotations"]} >= {"hidden"}
