"""Hiding on the real wikis: the plan is right, its links open the right form, and carrying it out is seen in the stream."""

from __future__ import annotations

import hashlib
import html
import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tsbot.demo.actors import ActionRefusedError, Actor
from tsbot.demo.patrolled import write_settings
from tsbot.demo.world import World
from tsbot.hide.follow import Following, State, begin, follow, looked
from tsbot.hide.links import log_links
from tsbot.hide.plan import Note, Plan, Reached
from tsbot.stream.wire import decode
from tsbot.text.passage import Field

pytestmark = pytest.mark.live
CALM = "The mill stands by the river."
PICKLED = """
import json, pickle, sys
from pathlib import Path
from tsbot.cli.hide import Asked, plan_for
from tsbot.detect.finding import Kind
from tsbot.log import configure
from tsbot.settings import load
configure()
asked = json.loads(sys.argv[2])
kinds = tuple(map(Kind, asked.pop("kinds")))
plan, _ = plan_for(load(Path(sys.argv[1]), {}), Asked(**asked, kinds=kinds))
sys.stdout.buffer.write(pickle.dumps(plan))
"""


class Tsbot:
    """``tsbot hide`` in processes of its own, since pywikibot holds one configuration per process."""

    def __init__(self, world: World, config: Path, said: str) -> None:
        self.world, self.config, self.said = world, config, said

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = self._process([sys.executable, "-m", "tsbot", *words, "--config", str(self.config)], stdin.encode())
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def plan(self, rev_id: int, *, wiki: str = "enwiki", kind: str = "violence") -> Plan:
        """The plan, as an object."""
        asked = json.dumps({"wiki": wiki, "rev_id": rev_id, "text": "-", "kinds": [kind]})
        done = self._process([sys.executable, "-c", PICKLED, str(self.config), asked], self.said.encode())
        assert done.returncode == 0, done.stderr.decode()
        plan = pickle.loads(done.stdout)
        assert isinstance(plan, Plan)
        return plan

    def _process(self, command: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.world.family.pywikibot_dir)}
        folder = self.config.parent
        return subprocess.run(command, input=stdin, capture_output=True, timeout=180, env=environment, check=False, cwd=folder)


@pytest.fixture
def said(request: pytest.FixtureRequest) -> str:
    """A made-up threat; each test has its own, since the copies of one author are found on all pages of the wiki."""
    place = "".join(chr(97 + byte % 26) for byte in hashlib.sha256(request.node.name.encode()).digest()[:8])
    return f"I will come to your {place} tomorrow at noon and hurt you."


@pytest.fixture
def tsbot(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> Tsbot:
    monkeypatch.setattr(world, "folder", tmp_path)
    return Tsbot(world, write_settings(world), said)


@pytest.fixture
def people(family: Any) -> Any:
    """Somebody who threatens, somebody who edits, somebody who may suppress, and a visitor."""
    with (
        family.actor("Grey Pebble", "enwiki") as author,
        family.actor("Maple Reader", "enwiki") as editor,
        family.actor("Oversighter", "enwiki") as oversighter,
        family.anonymous("203.0.113.77", "enwiki") as visitor,
    ):
        yield author, editor, oversighter, visitor


def hide_ids(plan: Plan, number: int = 0) -> list[int]:
    return [revision.rev_id for revision in plan.pages[number].revisions if Field.TEXT in revision.fields]


def visible(visitor: Actor, said: str, rev_ids: list[int]) -> list[int]:
    """Of some revisions those whose text a visitor can read, and that show what was said."""
    answer = visitor.ask(action="query", prop="revisions", revids="|".join(map(str, rev_ids)), rvprop="ids|content", rvslots="main")
    revisions = [revision for page in answer["query"]["pages"] for revision in page["revisions"]]
    return [one["revid"] for one in revisions if said in one["slots"]["main"].get("content", "")]


class Watch:
    """Follows a plan by the events of the wikis, and looks at what it is told to look at."""

    def __init__(self, world: World, plan: Plan, visitor: Actor, said: str) -> None:
        self._entries, self._visitor, self._said = world.twin.log.entries, visitor, said
        self._at = len(self._entries)
        self.following: Following = begin(plan, time.time())

    def until(self, ready: Callable[[Following], bool], patience: float = 30.0) -> Following:
        """Read events until the plan is as it should be."""
        deadline = time.monotonic() + patience
        while not ready(self.following) or self._at < len(self._entries):
            assert time.monotonic() < deadline, self.following
            for entry in self._entries[self._at :]:
                self._at += 1
                self.following = follow(self.following, decode(entry.data.encode()))
            for rev_id in sorted(self.following.to_look):
                shown = [Field.TEXT] if visible(self._visitor, self._said, [rev_id]) else []
                self.following = looked(self.following, rev_id, self.following.to_look_page[rev_id], shown, time.time())
            time.sleep(0.05)
        return self.following


def test_from_flag_to_hidden(world: World, tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, oversighter, visitor = people
    clean = editor.edit("Talk:Weir", CALM)
    added = author.edit("Talk:Weir", f"{CALM}\n\n{said}")
    kept = editor.edit("Talk:Weir", f"{CALM} It is old.\n\n: '''{said}'''")
    editor.move("Talk:Weir", "Talk:Old weir", "clearer")
    moved = kept + 1
    gone = editor.edit("Talk:Old weir", CALM)
    again = author.edit("Talk:Old weir", f"{CALM}\n\n{said} Again.")
    copy = author.edit("User talk:Harbour Lights", f"== Hello ==\n{said}")

    plan = tsbot.plan(added, kind="doxing")
    assert [(page.page.title, page.reached) for page in plan.pages] == [
        ("Talk:Old weir", Reached.FLAGGED),
        ("User talk:Harbour Lights", Reached.COPY),
    ]
    assert hide_ids(plan) == [added, kept, moved, again]
    assert hide_ids(plan, 1) == [copy]
    assert plan.pages[1].revisions[0].fields == (Field.TEXT, Field.SUMMARY)  # "Created page with ..."
    assert [page.revert_first for page in plan.pages] == [True, True]
    assert plan.pages[0].clean == gone
    assert clean not in hide_ids(plan)
    assert plan.notes == ()

    watch = Watch(world, plan, visitor, said)
    with pytest.raises(ActionRefusedError):  # the current revision
        oversighter.hide([again], suppress=True)
    watch.until(lambda now: now.state is State.OPEN)
    editor.undo("Talk:Old weir", again)
    editor.edit("User talk:Harbour Lights", CALM)
    oversighter.hide([added, kept], fields=("content",), reason="in accordance with policy")
    assert watch.until(lambda now: len(now.hidden) == 2 and now.state is State.PARTLY).seconds_to_hide is None
    oversighter.hide([moved, again], fields=("content",))
    oversighter.hide([copy], fields=("content", "comment"))
    hidden = watch.until(lambda now: not now.left)
    assert (hidden.state, len(hidden.to_suppress)) == (State.PARTLY, 6)  # readers are kept out, administrators not yet
    assert hidden.seconds_to_hide is not None
    oversighter.hide([added, kept, moved, again], fields=("content",), suppress=True)
    oversighter.hide([copy], fields=("content", "comment"), suppress=True)
    done = watch.until(lambda now: now.state is State.DONE)
    assert 0 < done.seconds_to_hide < 120
    assert visible(visitor, said, [added, kept, moved, again, copy]) == []

    back = author.edit("Talk:Old weir", f"{said} And again.")
    reopened = watch.until(lambda now: now.state is State.REOPENED)
    assert reopened.left == {(back, Field.TEXT)}
    editor.undo("Talk:Old weir", back)
    oversighter.hide([back], fields=("content",), suppress=True)
    watch.until(lambda now: now.state is State.DONE)

    after = tsbot.plan(added, kind="doxing")
    assert after.count == 0
    (entry,) = after.log_entries  # the log of new pages keeps the summary
    assert (entry.log_type, entry.fields) == ("create", (Field.COMMENT,))
    (link,) = log_links(after)
    form = html.unescape(oversighter._session.get(link.url).text)
    assert 'name="wpReason"' in form
    assert re.search(r"value=.in accordance with policy.", form)
    oversighter.act(action="revisiondelete", type="logging", ids=entry.log_id, hide="comment", suppress="yes")
    at_last = tsbot.plan(added, kind="doxing")
    assert at_last.nothing_left
    assert {Note.FLAGGED_HIDDEN, Note.NOT_FOUND} <= set(at_last.notes)


def test_the_link_opens_the_form(tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, oversighter, visitor = people
    editor.edit("Talk:Lock gate", CALM)
    added = author.edit("Talk:Lock gate", said)
    kept = editor.edit("Talk:Lock gate", f"{said} No.")
    editor.edit("Talk:Lock gate", CALM)
    done = tsbot.run("hide", "suggest", "enwiki", str(added), "--text", "-", "--kind", "violence", "--json", stdin=said)
    assert done.returncode == 0, done.stderr
    assert "hurt" not in done.stdout
    (page,) = json.loads(done.stdout)["pages"]
    (link,) = page["links"]
    oversighter.act(action="query", meta="userinfo")  # signs in
    form = oversighter._session.get(link["url"]).text
    assert "Talk:Lock gate" in html.unescape(form)
    for rev_id in (added, kept):
        assert re.search(rf"\b{rev_id}\b", form)
    assert 'name="wpReason"' in form
    assert re.search(r"value=.in accordance with policy.", html.unescape(form))
    refused = visitor._session.get(link["url"]).text
    assert "Permission error" in html.unescape(refused)


def test_what_a_terminal_shows(tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, _, _ = people
    added = author.edit("Talk:Ferry", said)
    done = tsbot.run("hide", "suggest", "enwiki", str(added), "--field", "text", "--kind", "violence")
    assert done.returncode == 0, done.stderr
    assert "Revert first" in done.stdout
    assert "RD3" in done.stdout
    assert "hurt" not in done.stdout
    shown = tsbot.run("hide", "suggest", "enwiki", str(added), "--field", "text", "--show")
    assert "hurt" in shown.stdout
    editor.edit("Talk:Ferry", CALM)
    nothing = tsbot.run("hide", "suggest", "enwiki", str(added), "--text", "-", stdin="Some other words entirely")
    assert (nothing.returncode, "Is it the right text?" in nothing.stdout) == (1, True)


def test_the_text_of_a_flag(tsbot: Tsbot, world: World, people: Any) -> None:
    author, editor, _, _ = people
    linked = "I will come to [[Example bridge|your office]] tomorrow at noon and hurt you."
    added = author.edit("Talk:Footbridge", f"{CALM}\n\n{linked}")
    kept = editor.edit("Talk:Footbridge", f"{CALM}\n\n:{linked}\n::Stop it.")
    editor.edit("Talk:Footbridge", CALM)
    url = f"{world.family.wikis['enwiki'].url}/w/index.php?diff=prev&oldid={added}"
    flagged = tsbot.run("flag", url, "--json")
    assert flagged.returncode == 0, flagged.stderr
    done = tsbot.run("hide", "suggest", "enwiki", str(added), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["rev_id"] for one in told["pages"][0]["revisions"]] == [added, kept]
    assert told["level"] == "revision_deletion"
    flag = json.loads(flagged.stdout)["flags"][0]["id"]
    by_id = tsbot.run("hide", "suggest", "enwiki", str(added), "--flag", flag[:8], "--show")
    assert "your office" in by_id.stdout
    assert tsbot.run("hide", "suggest", "enwiki", str(kept)).returncode == 2  # nobody flagged it: which text?
    assert tsbot.run("hide", "suggest", "enwiki", str(kept), "--flag", flag[:8]).returncode == 2


def test_merged_histories(tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, oversighter, _ = people
    added = author.edit("Talk:Sluice", said)
    time.sleep(1.1)  # histories are merged by timestamps, which count seconds
    calm = editor.edit("Talk:Sluice/New", CALM)
    editor.edit("Talk:Sluice/New", f"{CALM} It is old.")
    oversighter.act(action="mergehistory", **{"from": "Talk:Sluice", "to": "Talk:Sluice/New"}, reason="one history")
    plan = tsbot.plan(added)
    assert [page.page.title for page in plan.pages] == ["Talk:Sluice/New"]
    assert hide_ids(plan) == [added]
    assert plan.pages[0].of == 3
    assert hide_ids(tsbot.plan(calm)) == [added]


def test_a_deleted_page_leaves_what_the_log_quotes_and_the_copies(tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, oversighter, _ = people
    added = author.edit("Talk:Towpath", said)
    copy = author.edit("Talk:Towpath/Copy", said)
    editor.edit("Talk:Towpath/Copy", CALM)
    log_id = oversighter.delete("Talk:Towpath", f"content was: '{said[:40]}...'")
    gone = tsbot.run("hide", "suggest", "enwiki", str(added), "--text", "-", stdin=said)
    assert (gone.returncode, "has no revision" in gone.stderr) == (2, True)
    assert "Traceback" not in gone.stderr
    plan = tsbot.plan(copy)
    assert hide_ids(plan) == [copy]
    author.edit("Talk:Towpath", CALM)  # the title is there again, and with it its log
    again = tsbot.plan(int(author.edit("Talk:Towpath", said)))
    assert log_id in [entry.log_id for entry in again.log_entries]


@pytest.mark.parametrize(
    "title",
    ["Talk:" + "Ж" * 125, "Talk:" + "語" * 83, "Talk:نخلة " + "ن" * 110, "Talk:A & B?=+" + "x" * 200],
    ids=["ru", "ja", "ar", "signs"],
)
def test_titles_as_long_as_they_may_be(tsbot: Tsbot, people: Any, title: str, said: str) -> None:
    author, editor, oversighter, _ = people
    added = author.edit(title, said)
    editor.edit(title, CALM)
    plan = tsbot.plan(added)
    assert hide_ids(plan) == [added]
    oversighter.move(title, f"{title[:60]} moved", "shorter")
    assert hide_ids(tsbot.plan(added)) == [added]


def test_revisions_of_two_megabytes(tsbot: Tsbot, people: Any, said: str) -> None:
    author, editor, _, _ = people
    filler = "The mill stands by the river. " * 66_000
    first = editor.edit("Talk:Reservoir", filler)
    added = author.edit("Talk:Reservoir", f"{filler}\n\n{said}")
    more = [editor.edit("Talk:Reservoir", f"{filler}\n\n{said} {number}") for number in range(4)]
    editor.edit("Talk:Reservoir", filler)
    plan = tsbot.plan(added)
    assert hide_ids(plan) == [added, *more]
    assert plan.pages[0].of == 7
    assert first not in hide_ids(plan)


def test_imported_histories(tsbot: Tsbot, world: World, tmp_path: Path, said: str) -> None:
    texts = [CALM, f"{CALM} {said}", f"{CALM} {said} More.", CALM, f"{said}"]
    revisions = "".join(
        f"<revision><timestamp>2015-01-0{day}T00:00:00Z</timestamp><contributor><username>Old hand</username></contributor>"
        f"<comment>c</comment><model>wikitext</model><format>text/x-wiki</format><text>{escape(text)}</text></revision>"
        for day, text in enumerate(texts, 1)
    )
    dump = tmp_path / "dump.xml"
    dump.write_text(
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">'
        f"<page><title>Diskussion:Wehr</title><ns>1</ns>{revisions}</page></mediawiki>",
        encoding="utf-8",
    )
    world.family.import_dump("dewiki", dump)
    with world.family.anonymous("203.0.113.78", "dewiki") as visitor:
        answer = visitor.ask(action="query", prop="revisions", titles="Diskussion:Wehr", rvlimit="max", rvprop="ids", rvdir="newer")
    ids = [one["revid"] for one in answer["query"]["pages"][0]["revisions"]]
    assert len(ids) == 5
    plan = tsbot.plan(ids[1], wiki="dewiki")
    assert hide_ids(plan) == [ids[1], ids[2], ids[4]]
    assert plan.pages[0].revert_first
    assert plan.facts.language == "de"


def test_the_numbers_of_the_form_are_the_wikis(tsbot: Tsbot, people: Any, said: str) -> None:
    """What the plan says is exactly what reading everything says."""
    author, editor, _, visitor = people
    made = [editor.edit("Talk:Quay", CALM)]
    for number in range(12):
        who, text = ((author, said), (editor, f"{CALM} {number % 2}"), (editor, f"{said} {number}"))[number % 3]
        made.append(who.edit("Talk:Quay", text))
    plan = tsbot.plan(made[1])
    assert hide_ids(plan) == visible(visitor, said, made)
