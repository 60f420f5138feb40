"""The queue in the console: who sees what, in which order, and what changes by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tsbot.console.access import Groups
from tsbot.detect.finding import Kind

House = Any


def short(*ids: str) -> list[str]:
    return [one[:8] for one in ids]


def test_by_priority_then_by_what_is_due_first(house: House) -> None:
    low, high, second = (house.case(Kind.LEGAL, scores=scores) for scores in ((0, 0, 0), (3, 3, 3), (0, 0, 0)))
    house.set(second, due=house.now + 1)
    assert house.sign_in().listed() == short(high, second, low)


def test_neither_texts_nor_names_stand_in_it(house: House) -> None:
    house.flag(by="User canary-7", title="Page canary-7", text="words canary-7")
    assert "canary-7" not in house.sign_in().get("/").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["harm", "legal"]), ("wiki=dewiki", ["legal"]), ("kind=self_harm", ["harm"]), ("lane=self_harm", ["harm"]),
        ("lane=general", ["legal"]), ("language=de", ["legal"]), ("language=en", ["harm"]), ("state=closed", []), ("mine=1", []),
        ("overdue=1", []), ("kind=%27", ["harm", "legal"]), ("start=1", ["legal"]), ("start=x", ["harm", "legal"]), ("wiki=xx", []),
    ],
)  # fmt: skip
def test_filters(house: House, query: str, found: list[str]) -> None:
    cases = {"harm": house.case(Kind.SELF_HARM), "legal": house.case(Kind.LEGAL, wiki="dewiki", language="de")}
    assert house.sign_in().listed(query) == short(*(cases[name] for name in found))


def test_mine_and_overdue(house: House) -> None:
    case, other = house.case(), house.case()
    reader = house.sign_in()
    reader.act(case, "claim")
    assert reader.listed("mine=1") == short(case)
    house.set(other, due=house.now - 1)
    assert reader.listed("overdue=1") == short(other)


def test_an_oversighter_sees_only_their_own_wiki(house: House) -> None:
    house.groups["central:Ann"] = Groups({"enwiki": frozenset(("suppress",)), "dewiki": frozenset(("sysop",))})
    mine, foreign = house.case(), house.case(wiki="dewiki")
    ann = house.sign_in("Ann")
    assert ann.listed() == short(mine)
    assert "dewiki" not in ann.get("/").text
    assert (ann.get(f"/cases/{mine}").status_code, ann.get(f"/cases/{foreign}").status_code) == (200, 403)
    assert ann.get(f"/cases/{foreign}").text.replace(foreign, "") == ann.get(f"/cases/{'0' * 8}{foreign[8:]}").text.replace(foreign, "")


@pytest.mark.parametrize("role", ["author", "author elsewhere", "target"])
def test_who_is_author_or_target_never_learns_of_a_case(house: House, role: str) -> None:
    more: dict[str, Any] = {"by": "Reader"} if role.startswith("author") else {"title": "User talk:Reader", "namespace": 3}
    case = house.case(**more | ({"wiki": "frwiki"} if role == "author elsewhere" else {}))
    reader, other = house.sign_in("Reader"), house.sign_in("Other")
    assert (reader.listed(), other.listed()) == ([], short(case))
    assert reader.get(f"/cases/{case}").status_code == 403
    for act in ("claim", "skip", "reveal", "close", "note", "label"):
        assert reader.act(case, act).status_code == 403, act
    assert reader.get("/next").headers["location"].startswith("/?")


def test_a_flood_is_one_line(house: House) -> None:
    text = "Come to the harbour at noon and bring all of your anvils with you, friends"
    cases = [house.case(Kind.HARASSMENT, text=text, by=f"Sock {n}", title=f"P{n}", time=house.now + n * 90_000) for n in range(4)]
    reader = house.sign_in()
    assert len(set(cases)) == len(reader.listed()) + sum(map(int, re.findall(r"and (\d+) cases with nearly", reader.get("/").text)))


def test_counts_and_pages(house: House) -> None:
    for _ in range(30):
        house.case(Kind.LEGAL)
    reader = house.sign_in()
    first = reader.listed()
    (rest,) = re.findall(r'href="/\?(start=\d+)">Next page', reader.get("/").text)
    assert (len(first), len(set(first + reader.listed(rest)))) == (25, 30)
    assert "30 cases wait, none is overdue." in reader.get("/").text


def test_a_page_is_told_of_changes_and_of_nothing_else(house: House) -> None:
    case = house.case()
    reader = house.sign_in()
    (live,) = re.findall(r'hx-get="(/queue/live[^"]*)"', reader.get("/").text)
    assert reader.get(live).status_code == 204
    reader.act(case, "claim")
    changed = reader.get(live)
    assert (changed.status_code, changed.headers["hx-trigger"]) == (200, "queue-changed")
    assert case[:8] not in changed.text
    (live,) = re.findall(r'hx-get="(/queue/live[^"]*)"', reader.get("/").text)
    reader.act(case, "reveal", flag="0" * 36)
    reader.act(case, "notes")
    assert reader.get(live).status_code == 204, "reading is nothing that others see in the queue"


def test_looking_for_news_keeps_nobody_signed_in(house: House) -> None:
    reader = house.sign_in()
    (live,) = re.findall(r'hx-get="(/queue/live[^"]*)"', reader.get("/").text)
    for _ in range(4):
        house.now += 500
        answer = reader.get(live, **{"hx-request": "true"})
    assert answer.status_code == 401
    assert "Sign in again" in answer.text


def test_saved_filters(house: House) -> None:
    reader = house.sign_in()
    assert reader.send("/filters", query="kind=legal&nonsense=1", name=" My  legal ").status_code == 303
    assert '<a href="/?kind=legal"><bdi>My legal</bdi></a>' in reader.get("/").text
    assert "My legal" not in house.sign_in("Other").get("/").text
    reader.send("/filters", query="", name="My legal", delete="1")
    assert "My legal" not in reader.get("/").text


def test_the_next_case_is_the_first_that_nobody_works_on(house: House) -> None:
    first, second = house.case(scores=(3, 3, 3)), house.case(Kind.LEGAL)
    reader, other = house.sign_in(), house.sign_in("Other")
    other.act(first, "claim")
    assert reader.get("/next").headers["location"] == f"/cases/{second}?"
    assert other.get("/next").headers["location"] == f"/cases/{first}?"
    other.act(first, "skip")
    assert other.get("/next").headers["location"] == f"/cases/{second}?"


def test_a_new_case_is_told_of_at_once(house: House) -> None:
    reader = house.sign_in()
    (live,) = re.findall(r'hx-get="(/queue/live[^"]*)"', reader.get("/").text)
    house.case()
    assert reader.get(live).status_code == 200
