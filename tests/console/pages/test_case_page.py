"""A case's page: what it shows at once, what only on asking, and what every reading leaves behind."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from tsbot.console.access import Groups
from tsbot.console.reading import Limits
from tsbot.detect.finding import Kind
from tsbot.errors import WikiUnavailableError
from tsbot.store import tables as t
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

House = Any
CANARY = "canary-7731"
PRESENT = {"state": RevisionState.PRESENT}


def secret(house: House, kind: Kind = Kind.VIOLENCE, **more: Any) -> Any:
    """A flag of which everything private has the canary in it."""
    return house.flag(kind, by=f"User {CANARY}", title=f"Page {CANARY}", text=f"some words {CANARY} more", **more)


def test_before_anything_is_revealed_there_are_scores_and_no_texts(house: House) -> None:
    flag = secret(house, scores=(2, 3, 1))
    page = house.sign_in().get(f"/cases/{flag.case_id}").text
    assert CANARY not in page
    for words in ("medium (2 of 3)", "high (3 of 3)", "low (1 of 3)", "a person", "a time", "Release the letter first", "nobody"):
        assert words in page, words
    assert [str(reason.points) in page for reason in flag.reasons] == [True] * len(flag.reasons)
    assert house.rows("select count(*) from exposure") == [(0,)]


def test_a_text_is_revealed_with_its_evidence_and_that_is_written_down(house: House) -> None:
    flag = secret(house, evidence=(5, 10))
    reader = house.sign_in()
    reader.get("/")
    house.asked = 0
    answer = reader.act(flag.case_id, "reveal", flag=flag.id)
    assert (answer.status_code, house.asked) == (200, 1)
    assert f"some <mark title=\"violence\">words</mark> {CANARY} more" in answer.text
    assert f"User {CANARY}" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "case.revealed" in house.acts(flag.case_id)
    assert house.rows("select case_id, person_id from exposure") == [(flag.case_id, reader.session.person.id)]
    assert CANARY not in reader.get(f"/cases/{flag.case_id}").text


def test_only_one_text_is_open_at_a_time(house: House) -> None:
    one, two = secret(house), house.flag(text="other words entirely", by=f"User {CANARY}")
    assert one.case_id == two.case_id
    page = house.sign_in().act(one.case_id, "reveal", flag=one.id).text
    assert page.count("data-act=\"reveal\"") == 2
    assert page.count('<pre class="text') == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a\u202eb", "a\\u{202E}b"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
        ("one\ntwo", "one\ntwo"),
        ('"><img src=//x>', "&#34;&gt;&lt;img src=//x&gt;"),
        ("نص عربي", "نص عربي"),
        ("zero\u0000byte", "zero\\u{0}byte"),
    ],
)
def test_hostile_texts_are_only_texts(house: House, text: str, shown: str) -> None:
    flag = house.flag(text=text, evidence=(0, 0))
    assert shown in house.sign_in().act(flag.case_id, "reveal", flag=flag.id, _part=True).text


def test_what_concerns_minors_is_never_shown(house: House) -> None:
    flag = secret(house, Kind.MINORS)
    reader = house.sign_in()
    page = reader.get(f"/cases/{flag.case_id}").text
    assert "is never shown here" in page
    assert "/reveal" not in page
    for act in ("reveal", "diff", "told"):
        answer = reader.act(flag.case_id, act, flag=flag.id)
        assert (answer.status_code, CANARY in answer.text) == (403, False)


def test_a_flag_of_another_case_is_not_revealed_through_this_one(house: House) -> None:
    here, elsewhere = house.case(), secret(house, wiki="dewiki")
    house.groups["central:Reader"] = Groups({"enwiki": frozenset(("suppress",))})
    assert house.sign_in().act(here, "reveal", flag=elsewhere.id).status_code == 403


def test_rights_are_asked_anew_for_a_reveal(house: House) -> None:
    flag = secret(house)
    reader = house.sign_in()
    reader.get(f"/cases/{flag.case_id}")
    house.groups["central:Reader"] = Groups({})
    assert reader.get(f"/cases/{flag.case_id}").status_code == 200, "known for some minutes"
    assert reader.act(flag.case_id, "reveal", flag=flag.id).status_code == 403
    house.groups.clear()
    house.now += 301
    reader = house.sign_in()  # who has lost rights is signed out
    assert reader.get(f"/cases/{flag.case_id}").status_code == 200
    house.down = True
    assert reader.act(flag.case_id, "reveal", flag=flag.id).status_code == 503
    assert house.rows("select count(*) from exposure") == [(0,)]


class Wiki:
    """Answers as a wiki would, from what a test gives."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer

    def batch_size(self, wiki: str) -> int:
        return 25

    def fetch(self, wiki: str, refs: list[RevisionRef]) -> list[FetchedRevision]:
        if not self.answer:
            raise WikiUnavailableError("away")
        return [FetchedRevision(refs[0], **self.answer)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PRESENT | {"text": "Old line.\nA <new> line.", "parent_text": "Old line.\n"}, "<ins>A &lt;new&gt; line.</ins>"),
        (PRESENT | {"text": "Old line.\n", "parent_text": "Old line.\nGone again."}, "<del>Gone again.</del>"),
        ({"state": RevisionState.HIDDEN}, "The wiki has hidden the text."),
        ({"state": RevisionState.DELETED}, "does not exist any more"),
        ({}, "The wiki does not answer now."),
    ],
)
def test_differences(house: House, answer: dict[str, Any], words: str) -> None:
    house.more["revisions"] = Wiki(**answer)
    flag = secret(house)
    reader = house.sign_in()
    assert "Reveal the difference" in reader.get(f"/cases/{flag.case_id}").text
    assert words in reader.act(flag.case_id, "diff", flag=flag.id).text


def test_enough_is_enough_but_an_emergency_can_be_read(house: House) -> None:
    house.limits = Limits(a_day=50, in_a_row=2, rest=600)
    calm, urgent = secret(house, Kind.LEGAL), house.flag(wiki="dewiki")
    reader = house.sign_in()
    for _ in range(2):
        assert reader.act(calm.case_id, "reveal", flag=calm.id).status_code == 200
    for more in ({}, {"anyway": "1"}):
        stopped = reader.act(calm.case_id, "reveal", flag=calm.id, **more)
        assert (stopped.status_code, CANARY in stopped.text, "Time for a rest" in stopped.text) == (429, False, True)
    assert reader.act(urgent.case_id, "reveal", flag=urgent.id).status_code == 429
    assert "it is an emergency" in reader.get(f"/cases/{urgent.case_id}").text
    assert reader.act(urgent.case_id, "reveal", flag=urgent.id, anyway="1").status_code == 200
    assert "exposure.exceeded" in house.acts(urgent.case_id)
    house.now += 601
    assert reader.act(calm.case_id, "reveal", flag=calm.id).status_code == 200


def test_a_flood_is_read_once(house: House) -> None:
    text = "Come to the harbour at noon and bring all of your anvils with you, friends"
    flags = [house.flag(Kind.HARASSMENT, text=text, by="Sock", title=f"P{n}", time=house.now + n) for n in range(5)]
    assert len({flag.case_id for flag in flags}) == 1
    page = house.sign_in().get(f"/cases/{flags[0].case_id}").text
    assert page.count('class="card"') == 1
    assert "It stands for 4 more texts" in page


def test_earlier_cases_of_author_and_target(house: House) -> None:
    old = house.case(by="Regular", title="User talk:Somebody", namespace=3)
    house.now += 40 * 86400
    new = house.case(by="Regular", title="User talk:Somebody", namespace=3)
    house.now += 40 * 86400
    foreign = house.case(by="Regular", wiki="dewiki")
    house.groups["central:Ann"] = Groups({"enwiki": frozenset(("suppress",))})
    page = house.sign_in().get(f"/cases/{new}").text
    assert page.count(f'href="/cases/{old}"') == 2
    assert f'href="/cases/{foreign}"' in page
    assert f'href="/cases/{foreign}"' not in house.sign_in("Ann").get(f"/cases/{new}").text


def test_letters_are_read_and_released_by_who_may(house: House) -> None:
    flag = secret(house)
    (letter, *_) = house.letters(flag)
    steward = house.sign_in()
    read = steward.act(flag.case_id, "letter", report=letter)
    assert (read.status_code, CANARY in read.text) == (200, True)
    assert "report.revealed" in house.acts(letter)
    house.groups["central:Ann"] = Groups({"enwiki": frozenset(("suppress",))})
    assert house.sign_in("Ann").act(flag.case_id, "send", report=letter).status_code == 403
    sent = steward.act(flag.case_id, "send", report=letter)
    assert "did=letter" in sent.headers["location"]
    assert "report.released" in house.acts(letter)


def test_notes_are_masked_too(house: House) -> None:
    case = house.case()
    reader = house.sign_in()
    reader.act(case, "note", text=f"noted <b> {CANARY}")
    assert CANARY not in reader.get(f"/cases/{case}").text
    assert f"noted &lt;b&gt; {CANARY}" in reader.act(case, "notes").text
    assert "notes.revealed" in house.acts(case)


def test_no_page_is_heavy(house: House) -> None:
    from tsbot.console.render import STATIC

    if not (STATIC / "vendor").exists():
        pytest.fail("no styles and scripts: run `make console`")
    for _ in range(25):
        case = house.case()
    reader = house.sign_in()
    for path in ("/", f"/cases/{case}"):
        page = reader.get(path).text
        parts = [reader.get(address).content for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)]
        assert len(parts) == 4
        assert len(page.encode()) + sum(map(len, parts)) < 150_000


def test_pages_speak_the_readers_language(house: House) -> None:
    reader = house.sign_in()
    assert "Warteschlange" in reader.get("/", **{"accept-language": "de-AT,de;q=0.9,en;q=0.8"}).text
    assert '<html lang="ar" dir="rtl">' in reader.get("/?uselang=ar").text
    assert "(console-queue)" in reader.get("/?uselang=qqx").text
    reader.send("/preferences", language="de", keys_on="1", blur="1", a_day="12")
    page = reader.get("/").text
    assert "Warteschlange" in page
    assert 'class="blur ' in page
    assert "12 bleiben" in page


@pytest.fixture
def wiki() -> Any:
    """A wiki in memory, as the tests of plans have it."""
    spec = importlib.util.spec_from_file_location("hide_tests_wiki", Path(__file__).parents[2] / "hide" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.MemoryWiki()


@pytest.fixture
def mill(house: House, wiki: Any) -> Any:
    """A flagged revision of a page, on a wiki that the console can ask; the flag."""
    wiki.edit(f"Talk:Mill {CANARY}", "Calm.")
    flag = house.flag(by="Grey Pebble", title=f"Talk:Mill {CANARY}", text=f"some words {CANARY} more", rev_id=1002, evidence=(5, 10))
    wiki.edit(f"Talk:Mill {CANARY}", f"some words {CANARY} more", "Grey Pebble")
    wiki.edit(f"Talk:Mill {CANARY}", f"some words {CANARY} more. No.")
    house.more["histories"] = lambda _wiki, _server: wiki
    return flag


def test_a_plan_is_shown_page_by_page_without_the_text(house: House, mill: Any, wiki: Any) -> None:
    page = house.sign_in().act(mill.case_id, "plan", flag=mill.id).text
    told = ("2 revisions are to be hidden, on one page.", "Revert first", "1002", "1003", "inserted here", "still there")
    for words in (*told, "By revision deletion"):
        assert words in page, words
    assert "some words" not in page
    assert "Special:RevisionDelete" in page


def test_how_far_hiding_is_stands_on_the_page_and_changes_it(house: House, mill: Any) -> None:
    reader = house.sign_in()
    before = reader.get(f"/cases/{mill.case_id}").text
    assert "nothing is hidden yet" not in before
    tag = re.search(r"etag=([^\"]+)", before)
    assert tag is not None
    assert reader.get(f"/cases/{mill.case_id}/live?etag={tag[1]}").status_code == 204
    with house.database.write() as connection:
        plan = {"case_id": mill.case_id, "wiki": "enwiki", "subject": mill.subject, "since": house.now - 600, "serial": 7}
        numbers = {"state": "partly", "revisions": 3, "exposed": 2, "to_look": 1, "to_suppress": 0}
        connection.execute(insert(t.hide_following).values(**plan, **numbers))
    assert reader.get(f"/cases/{mill.case_id}/live?etag={tag[1]}").status_code == 200
    page = reader.get(f"/cases/{mill.case_id}").text
    for words in ("not all is hidden", "2 revisions of 3 can still be read", "one newer edit to be looked at"):
        assert words in page, words
    with house.database.write() as connection:
        done = {"state": "done", "exposed": 0, "to_look": 0, "hidden_at": house.now - 540, "exposed_since": house.now - 720}
        connection.execute(update(t.hide_following).values(**done, serial=8))
    page = reader.get(f"/cases/{mill.case_id}").text
    for words in ("all is hidden", "hidden after one minute and no second", "it was to be seen for 3 minutes"):
        assert words in page, words
