"""A trace on three real wikis: a puppeteer with four accounts, an innocent look-alike, a framed victim, among ordinary editors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tsbot.demo import tracing
from tsbot.demo.patrolled import write_settings
from tsbot.demo.serving import Behaviour
from tsbot.demo.world import World
from tsbot.trace.answer import Trace, of_json

pytestmark = pytest.mark.live
WHY = ("--why", "case 12")


@dataclass
class Story:
    """Wikis on which the story has happened, and tsbot beside them."""

    world: World
    config: Path

    def run(self, *words: str, script: bool = False) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.world.family.pywikibot_dir)}
        command = [sys.executable, "scripts/trace.py"] if script else [sys.executable, "-m", "tsbot", "trace"]
        settings = [f"-config_file:{self.config}"] if script else ["--config", str(self.config)]
        return subprocess.run([*command, *words, *settings], capture_output=True, text=True, timeout=180, env=environment, check=False)

    def ask(self, name: str, *words: str) -> Trace:
        done = self.run("account", name, *WHY, "--json", *words)
        assert done.returncode in (0, 1, 3), done.stderr
        return of_json(json.loads(done.stdout))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A family of wikis of its own: dozens of accounts would be in the way of other tests."""
    cache = request.config.cache.mkdir("tsbot-wikis")
    with World(tmp_path_factory.mktemp("story"), cache=cache, behaviour=Behaviour()) as world:
        tracing.play(world.family, time.time())
        yield Story(world, write_settings(world))


def test_the_puppeteer_is_found_with_diffs_that_open(story: Story) -> None:
    trace = story.ask("Plain Facts 2")
    assert {place.wiki for place in trace.where} == {"enwiki", "dewiki", "metawiki"}
    assert sum(place.seen for place in trace.where) == 12
    strong = {one.account for one in trace.links if one.tier in ("strong", "very strong")}
    assert strong == set(tracing.PUPPETS) - {"Plain Facts 2"}
    assert trace.grouping.clusters == (tracing.PUPPETS,)
    assert ElementTree.fromstring(trace.grouping.svg).tag.endswith("svg")
    texts = [two for one in trace.links for line in one.evidence for two in line.pairs if "stretches of added text" in two.what]
    assert {two.second.account for two in texts} == set(tracing.PUPPETS) - {"Plain Facts 2"}
    pair = next(two for line in trace.links[0].evidence if line.kind == "pages" for two in line.pairs)
    with story.world.family.anonymous("203.0.113.78", pair.first.wiki) as visitor:
        page = visitor._session.get(pair.first.link).text
        assert "Plain Facts 2" in page
        assert pair.first.page.partition(":")[2] in page


def test_the_look_alike_is_no_strong_link(story: Story) -> None:
    found = story.ask("Plain Facts 2").candidate(tracing.LOOK_ALIKE)
    assert found is not None
    assert found.tier in ("weak", "moderate", "insufficient")
    assert found.against


def test_the_victim_is_told_to_be_imitated(story: Story) -> None:
    trace = story.ask(tracing.VICTIM)
    assert [one.account for one in trace.imitations] == [tracing.FRAMER]
    assert not any(tracing.FRAMER in group for group in trace.grouping.clusters)


def test_ordinary_editors_are_linked_to_nobody_strongly(story: Story) -> None:
    ordinary = sorted({edit.account for edit in tracing.story()} - {*tracing.PUPPETS, tracing.LOOK_ALIKE, tracing.VICTIM, tracing.FRAMER})
    for name in ordinary[:5]:
        assert not [one for one in story.ask(name).links if one.tier in ("strong", "very strong")], name


def test_blocks_partial_and_sitewide(story: Story) -> None:
    family = story.world.family
    with family.actor("Admin", "enwiki") as admin, family.actor("Example Sysop", "dewiki") as sysop:
        admin.block("Plain Facts 3", expiry="never")
        partly = {"partial": True, "pagerestrictions": "Mill of Oakham Parva", "allowusertalk": True, "nocreate": True}
        sysop.act(action="block", user="Plain Facts 2", expiry="1 week", **partly)
    trace = story.ask("Plain Facts 2", "--fresh")
    (block,) = [block for place in trace.where for block in place.blocks]
    assert (block.partial, block.restrictions) == (True, 1)
    other = trace.candidate("Plain Facts 3")
    assert other is not None
    assert "enwiki" in other.blocked


def test_a_hidden_account_is_told_as_a_missing_one(story: Story) -> None:
    hiders = [story.world.family.actor("Oversighter", wiki) for wiki in ("enwiki", "dewiki")]
    for hider in hiders:
        hider.block("Plain Facts 4", expiry="never", hide_name=True)
    partly = story.ask("Plain Facts 4", "--fresh")
    assert {place.wiki for place in partly.where} == {"metawiki"}  # what the others hide is not told
    hiders.append(story.world.family.actor("Oversighter", "metawiki"))
    hiders[-1].block("Plain Facts 4", expiry="never", hide_name=True)
    hidden, missing = (story.run("account", name, *WHY, "--fresh") for name in ("Plain Facts 4", "Nobody Of That Name"))
    assert hidden.returncode == missing.returncode == 1, hidden.stdout
    assert hidden.stdout.splitlines()[1:] == missing.stdout.splitlines()[1:]
    assert "Plain Facts 4" not in {one.account for one in story.ask("Plain Facts 2", "--fresh").candidates}
    for hider in hiders:
        hider.act(action="unblock", user="Plain Facts 4")
        hider.close()


def test_a_wiki_that_is_down_is_named(story: Story) -> None:
    story.run("account", "Plain Facts 1", *WHY)  # signs in while all are up
    port = story.world.family.wikis["dewiki"].url.rpartition(":")[2]
    listening = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout.split()
    try:
        for process in listening:
            os.kill(int(process), 19)  # SIGSTOP: it accepts, and answers nothing
        done = story.run("account", "Plain Facts 1", *WHY, "--fresh", "--json")
    finally:
        for process in listening:
            os.kill(int(process), 18)
    assert done.returncode == 3, done.stderr
    trace = of_json(json.loads(done.stdout))
    assert [one.wiki for one in trace.silent] == ["dewiki"]
    assert trace.links


def test_what_a_terminal_shows_and_the_script_too(story: Story) -> None:
    shown = story.run("Plain Facts 1", *WHY, "--no-diffs")
    assert shown.returncode == 0, shown.stderr
    assert "VERY STRONG" in shown.stdout
    assert "consistent with one person" in shown.stdout
    script = story.run("Plain Facts 1", "-why:case 12", "-nodiffs", script=True)
    assert script.returncode == 0, script.stderr
    assert "VERY STRONG" in script.stdout + script.stderr
    assert story.run("Plain Facts 1").returncode == 2  # nobody asks without saying why


def test_hand_over(story: Story, tmp_path: Path) -> None:
    lock = story.run("request", "Plain Facts 1", *WHY)
    assert lock.returncode == 0, lock.stderr
    assert "{{MultiLock|1=Plain Facts 1|" in lock.stdout
    assert "Left out" in lock.stderr
    target = tmp_path / "bundle.json"
    story.run("request", "Plain Facts 1", *WHY, "--as", "stix", "-o", str(target))
    made: dict[str, Any] = json.loads(target.read_text())
    assert {one["type"] for one in made["objects"]} >= {"user-account", "relationship"}
