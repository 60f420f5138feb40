"""Threats that a filter of the wiki stopped: no stream tells of them, the patrol finds them in the abuse log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tsbot.demo.actors import ActionRefusedError, Actor
from tsbot.demo.patrolled import Patrolled
from tsbot.demo.world import World

pytestmark = pytest.mark.live
STOPPED = "I will come to your walnut harbour tomorrow at noon and hurt you."


def make_filter(person: Actor, url: str, words: str) -> None:
    """A filter that disallows edits with some words, made through the wiki's own form: there is no API for it."""
    page = f"{url}/wiki/Special:AbuseFilter/new"
    person.act(action="query", meta="userinfo")  # logs in
    form = person._session.get(page, timeout=60).text
    token = re.search(r'name="wpEditToken"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="wpEditToken"', form)
    assert token is not None, form[:2000]
    fields = {
        "wpFilterDescription": "Made-up words",
        "wpFilterRules": f'added_lines irlike "{words}"',
        "wpFilterEnabled": "1",
        "wpFilterGroup": "default",
        "wpFilterActionDisallow": "1",
        "wpFilterDisallowMessage": "abusefilter-disallowed",
        "wpEditToken": token[1] or token[2],
    }
    answer = person._session.post(page, data=fields, timeout=60)
    assert answer.status_code == 200, answer.text[:500]


@pytest.fixture(scope="module")
def filtered(world: World) -> None:
    """A filter on enwiki."""
    with world.family.actor("Oversighter", "enwiki") as person:
        make_filter(person, world.family.wikis["enwiki"].url, "walnut harbour")
        found = person.ask(action="query", list="abusefilters", abfprop="id|status|actions")["query"]["abusefilters"]
        assert [one["actions"] for one in found] == ["disallow"], found


@pytest.fixture
def patrolled(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patrolled]:
    """A patrol with a database of its own that watches the abuse log of enwiki."""
    monkeypatch.setattr(world, "folder", tmp_path)
    one = Patrolled(world)
    with one.config.open("a", encoding="utf-8") as file:
        file.write('[scan]\nfilters = ["enwiki"]\nfilters_every = 10\n')
    yield one
    one.kill()


def tsbot(patrolled: Patrolled, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYWIKIBOT_DIR": str(patrolled.world.family.pywikibot_dir)} | more
    command = [sys.executable, "-m", "tsbot", *words, "--config", str(patrolled.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False, cwd=patrolled.world.folder)


def attempt(world: World, title: str, text: str = STOPPED) -> None:
    """An edit that the filter stops."""
    with world.family.actor("Grey Pebble", "enwiki") as author:
        author.edit(title, "The mill stands by the river.")
        with pytest.raises(ActionRefusedError, match="abusefilter"):
            author.edit(title, f"The mill stands by the river.\n\n{text}", summary="a remark")


@pytest.mark.usefixtures("filtered")
def test_the_patrol_flags_what_a_filter_stopped(world: World, patrolled: Patrolled) -> None:
    patrolled.start()
    attempt(world, "Talk:Stopped one")

    def found() -> list[Any]:
        return [flag for flag in patrolled.flags() if ":abuse:" in flag.subject]

    (flag,) = patrolled.wait(found, 40.0, "no attempt was flagged")
    patrolled.kill()  # what was stored is not flagged again by the next patrol
    patrolled.start()
    patrolled.wait(lambda: patrolled.idle() and found(), 40.0, "the patrol did not come to rest")
    assert (flag.kind, flag.source, len(found())) == ("violence", "filter", 1)
    told = patrolled.flag(flag.id)
    assert told is not None
    assert told.content is not None
    assert (told.content.title, told.content.user, told.content.rev_id) == ("Talk:Stopped one", "Grey Pebble", None)
    assert STOPPED in told.content.excerpt
    assert "The mill" not in told.content.excerpt  # only what it would have added
    letters = [report for report in patrolled.reports() if report.subject == flag.subject and report.purpose == "letter"]
    assert letters
    letter = tsbot(patrolled, "reports", "preview", letters[0].id).stdout
    assert f"Special:AbuseLog/{flag.subject.rpartition(':')[2]}" in letter
    assert patrolled.totals().balanced


@pytest.mark.usefixtures("filtered")
def test_a_look_back_at_what_was_stopped(world: World, patrolled: Patrolled) -> None:
    attempt(world, "Talk:Stopped two")
    done = tsbot(patrolled, "scan", "filters", "enwiki", "--json")
    assert done.returncode == 0, done.stderr
    *finds, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert {find["kind"] for find in finds} == {"violence"}
    assert summary["new_flags"] == len(finds) >= 1
    again = json.loads(tsbot(patrolled, "scan", "filters", "enwiki", "--json").stdout.splitlines()[-1])
    assert again["log_entries"] == summary["log_entries"]


@pytest.mark.usefixtures("filtered")
def test_without_the_right_it_is_said_plainly(patrolled: Patrolled) -> None:
    """Anonymous readers see the log, and no texts."""
    done = tsbot(patrolled, "scan", "filters", "enwiki", TSBOT_WIKI__ACCOUNT="", TSBOT_WIKI__CLIENT="unauthed-bot")
    assert done.returncode == 1
    assert "abusefilter-log-detail" in done.stderr
