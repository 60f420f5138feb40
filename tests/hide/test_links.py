"""Links to the form for hiding, and what a plan looks like on a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tsbot.detect.finding import Kind
from tsbot.hide.links import LONGEST_LINK, log_links, revision_links
from tsbot.hide.matter import Matter
from tsbot.hide.plan import Plan
from tsbot.hide.suggest import Question, suggest
from tsbot.hide.view import lines, plain

CALM = "The mill stands by the river."


def query(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def plan_of(wiki: Any, text: str) -> Callable[..., Plan]:
    def plan(rev_id: int, kind: Kind = Kind.VIOLENCE, matter: Matter | None = None) -> Plan:
        return suggest(Question("enwiki", rev_id, matter or Matter.of_text(text), (kind,)), wiki)

    return plan


def test_one_form_for_a_page(wiki: Any, plan_of: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    kept = wiki.edit("Talk:Mill", f"{text} No.")
    wiki.edit("Talk:Mill", CALM)
    plan = plan_of(added)
    (link,) = revision_links(plan, plan.pages[0])
    assert link.url.startswith("https://en.wikipedia.org/w/index.php?title=Special:RevisionDelete&")
    assert query(link.url) == {
        "title": "Special:RevisionDelete",
        "type": "revision",
        "ids": f"{added},{kept}",
        "wpReason": "in accordance with policy",
        "tshide": "content",
    }


def test_revisions_that_differ_have_forms_of_their_own(wiki: Any, plan_of: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author, f"so: {text}")
    kept = wiki.edit("Talk:Mill", f"{text} No.")
    plan = plan_of(added, Kind.DOXING)
    both, only_text = revision_links(plan, plan.pages[0])
    assert (both.ids, both.hide, query(both.url)["tshide"]) == ((added,), ("content", "comment"), "content,comment,restricted")
    assert (only_text.ids, query(only_text.url)["tshide"]) == ((kept,), "content,restricted")


@pytest.mark.parametrize(("count", "forms"), [(1, 1), (700, 1), (1500, 2)])
def test_long_links_are_cut_into_several(wiki: Any, plan_of: Any, text: str, author: str, count: int, forms: int) -> None:
    for number in range(count):
        last = wiki.edit("Talk:Mill", f"{text} {number}", author)
    plan = plan_of(last)
    links = revision_links(plan, plan.pages[0])
    assert [rev_id for link in links for rev_id in link.ids] == [revision.rev_id for revision in plan.pages[0].revisions]
    assert all(len(link.url) <= LONGEST_LINK for link in links)
    assert len(links) == forms


def test_links_speak_the_wikis_language_and_never_name_the_page(wiki: Any, plan_of: Any, text: str, author: str) -> None:
    wiki.language, wiki.base = "de", "http://127.0.0.1:8801"
    added = wiki.edit("Diskussion:Mühle", text, author)
    plan = plan_of(added)
    (link,) = revision_links(plan, plan.pages[0])
    assert query(link.url)["wpReason"] == "gemäß den Richtlinien"
    assert link.url.isascii()
    assert "M%C3%BChle" not in link.url
    assert link.url.startswith("http://127.0.0.1:8801/w/index.php?")


def test_log_entries(wiki: Any, plan_of: Any, author: str) -> None:
    wiki.edit("Mill", CALM)
    wiki.move("Mill", "The miller is a thief", author, "The miller is a thief")
    plan = plan_of(wiki.of(1)[-1].rev_id, matter=Matter.of_name("The miller is a thief"))
    (link,) = log_links(plan)
    assert (query(link.url)["type"], query(link.url)["ids"], query(link.url)["tshide"]) == ("logging", "1", "content,comment")


def test_the_text_is_shown_on_request_only(wiki: Any, plan_of: Any, author: str) -> None:
    name = "The Miller Is A Thief"
    added = wiki.edit(f"User:{name}", CALM, name)
    wiki.note("newusers", "create", f"User:{name}", name)
    matter = Matter.of_name(name)
    plan = plan_of(added, Kind.ATTACK_NAME, matter)
    assert plan.names == (name,)
    for shown in ("\n".join(lines(plan)), json.dumps(plain(plan))):
        assert "miller" not in shown.lower()
    for shown in ("\n".join(lines(plan, matter)), json.dumps(plain(plan, matter))):
        assert name in shown


def test_what_a_person_reads(wiki: Any, plan_of: Any, text: str, author: str) -> None:
    clean = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", f"{CALM} {text}", author)
    for number in range(3):
        wiki.edit("Talk:Mill", f"{CALM} {text} {number}")
    wiki.undo("Talk:Mill", clean)
    again = wiki.undo("Talk:Mill", added, author)
    read = list(lines(plan_of(added)))
    assert read[0] == f"enwiki:rev:{added}: 5 revisions on 1 page to hide, since 2026-01-15 10:02:00 UTC."
    assert "How: revision deletion." in read
    assert any("RD3" in line for line in read)
    assert any("Revert first" in line for line in read)
    assert f"  {added}  text  inserted here" in read
    assert f"  {added + 1} to {added + 3} (3)  text  still there" in read
    assert f"  {again}  text  put back here; current" in read
    assert sum("https://" in line for line in read) == 1


def test_a_program_reads_the_same(wiki: Any, plan_of: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    wiki.edit("Talk:Mill", CALM)
    told = json.loads(json.dumps(plain(plan_of(added, Kind.DOXING))))
    assert (told["subject"], told["level"], told["count"], told["nothing_left"]) == (f"enwiki:rev:{added}", "suppression", 1, False)
    (page,) = told["pages"]
    assert page["title"] == "Talk:Mill"
    assert page["revisions"][0] | {"time": 0} == {
        "rev_id": added,
        "time": 0,
        "fields": ["text"],
        "hidden": [],
        "why": "inserted",
        "current": False,
        "by_author": True,
    }
    assert page["links"][0]["ids"] == [added]
