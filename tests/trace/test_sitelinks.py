"""One article in many languages is one page: joined by the sitelinks of the repository that a wiki names, and by nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.trace.conftest import Farm, edits, people
from tests.trace.test_question import tracer
from tsbot.settings import Settings, TraceSettings
from tsbot.store.database import Database
from tsbot.trace.activity import Account
from tsbot.trace.answer import Trace
from tsbot.trace.gallery import Gallery
from tsbot.trace.question import Asked

ENGLISH = ("Old weir at Barford", "Talk:Mill at Barford", "Lock at Barford")
GERMAN = ("Altes Wehr (Barford)", "Mühle (Barford)", "Schleuse (Barford)")
ITEMS = [
    {"enwiki": title.removeprefix("Talk:"), "dewiki": german, "frwiki": f"{german} (fr)"}
    for title, german in zip(ENGLISH, GERMAN, strict=True)
]


@pytest.fixture
def languages() -> Farm:
    """Two accounts with the same articles in two languages, among the village."""
    rng = random.Random(3)
    left = edits(ENGLISH, ("weir again", "the mill"), (20, 21), range(0, 24, 2), rng, ("enwiki",))
    left += edits(("Unrelated",), ("typo",), (20,), (30,), rng, ("dewiki",))
    right = edits(GERMAN, ("Wehr", "Mühle"), (20, 21), range(1, 25, 2), rng, ("dewiki",))
    accounts = (*people(), Account("Left Hand", left), Account("Right Hand", right))
    return Farm.of(accounts, ("enwiki", "dewiki", "frwiki", "metawiki", "datawiki"), central="metawiki", items=list(ITEMS))


@pytest.fixture
def ask(database: Database, languages: Farm) -> Callable[..., Trace]:
    def asking(repository: str = "datawiki") -> Trace:
        settings = Settings(trace=TraceSettings(sitelinks=repository))
        return tracer(database, languages, settings).ask(Asked("Left Hand", "lime", "case 12"))

    return asking


def asked(farm: Farm) -> list[dict[str, Any]]:
    return [parameters for wiki, parameters in farm.requests if wiki == "datawiki" and parameters.get("action") == "wbgetentities"]


def test_who_edits_the_same_articles_in_another_language_is_found_and_told(ask: Any, languages: Farm) -> None:
    trace = ask()
    found = trace.candidate("Right Hand")
    assert "page" in found.found_by
    (pages,) = [line for line in found.evidence if line.kind == "pages"]
    assert pages.log_lr > 0
    assert pages.words.startswith("3 pages in common, the rarest: ")
    (request,) = [one for one in asked(languages) if one["sites"] == "enwiki"]
    assert set(request["titles"].split("|")) == {title.removeprefix("Talk:") for title in ENGLISH}
    assert {"enwiki", "dewiki", "frwiki"} <= set(request["sitefilter"].split("|"))


def test_pairs_of_edits_stand_side_by_side_across_languages(ask: Any) -> None:
    (pages,) = [line for line in ask().candidate("Right Hand").evidence if line.kind == "pages"]
    assert {(two.first.wiki, two.second.wiki) for two in pages.pairs} == {("enwiki", "dewiki")}


@pytest.mark.parametrize("repository", ["", "frwiki"])
def test_without_the_repository_they_are_different_pages(ask: Any, languages: Farm, repository: str) -> None:
    assert "Right Hand" not in {one.account for one in ask(repository).candidates if "page" in one.found_by}
    assert asked(languages) == []


def test_wikis_without_a_repository_ask_nobody_else(ask: Any, languages: Farm) -> None:
    languages.items.clear()
    ask()
    assert asked(languages) == []


def test_a_repository_that_opted_out_is_not_asked(database: Database, languages: Farm) -> None:
    settings = Settings(trace=TraceSettings(sitelinks="datawiki", skip_wikis=("datawiki",)))
    tracer(database, languages, settings).ask(Asked("Left Hand", "lime", "case 12"))
    assert asked(languages) == []


def test_a_repository_that_is_down_leaves_a_gap_that_is_told(ask: Any, languages: Farm) -> None:
    languages.down.add("datawiki")
    trace = ask()
    assert "datawiki" in {one.wiki for one in trace.silent}
    assert {place.wiki for place in trace.where} == {"enwiki", "dewiki"}


def test_pages_of_a_gallery_are_joined_talk_pages_with_them() -> None:
    rng = random.Random(1)
    one, other = (
        Account(name, edits((page,), ("a",), (5,), (1,), rng, (wiki,)))
        for name, page, wiki in (("A", "Talk:X", "enwiki"), ("B", "Y", "dewiki"))
    )
    read = Gallery((one, other), joined={"dewiki|Y": "enwiki|X"}).read
    assert [edit.subjects for some in read for edit in some] == [("enwiki|X",), ("enwiki|X",)]
