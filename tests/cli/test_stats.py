"""``tsbot stats``: numbers for the team, a file for the public, a page with pictures."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

OLD = datetime(2025, 6, 1, tzinfo=UTC).timestamp()


def opened(office: Any, time: float = OLD, wiki: str = "enwiki", number: int = 1) -> None:
    """Cases that were opened and closed long ago."""
    for _ in range(number):
        columns = "id, wiki, kind, state, opened, updated, triaged, closed, outcome"
        times = (time, time, time + 600, time + 3600)
        office.sql(
            f"INSERT INTO case_file ({columns}) VALUES (lower(hex(randomblob(16))), ?, 'violence', 'closed', ?, ?, ?, ?, 'passed_on')",
            wiki,
            *times,
        )


def test_what_a_patrol_found(patrolled: Any, make: Any) -> None:
    (found,) = patrolled.run("stats", "--json").lines
    assert (found["cases"], found["flags"], found["drills"], found["merged"]) == (1, 1, 0, 0)
    assert found["counts"]["wiki"] == {"enwiki": 1}
    assert found["became"] == {"partly_hidden": 1}
    assert found["books"]["passages"] > 1
    assert found["groups"][0]["key"] == {"kind": "violence"}
    for words in ((), ("--json",), ("--by", "wiki,language,kind,outcome,source,month")):
        result = patrolled.run("stats", *words)
        assert result.code == 0
        for private in (make.threat, "hurt", "Editor 2", "Talk:Example 2", "enwiki:rev:"):
            assert private not in result.out


def test_the_terminal_tells_the_main_numbers(patrolled: Any) -> None:
    flag = patrolled.run("flags", "list", "--json").lines[0]["id"]
    patrolled.run("flags", "label", flag, "right")
    out = patrolled.run("stats", "--by", "wiki,outcome").out
    for words in ("1 cases with 1 flags; 0 drills and 0 merged cases are left out.", "enwiki", "open", "time to", "still wait"):
        assert words in out
    assert re.search(r"kind\.violence +1 +0 +0 +0 +1\.00 \(0\.21-1\.00\)", out)


def test_nothing_was_found(office: Any) -> None:
    assert office.run("stats").out == "0 cases with 0 flags; 0 drills and 0 merged cases are left out.\n"
    assert office.run("stats", "--json").lines[0]["groups"] == []


def test_days_are_whole_and_the_last_one_counts(patrolled: Any) -> None:
    opened(patrolled, OLD)
    opened(patrolled, OLD + 86400 - 1)
    opened(patrolled, OLD + 86400)
    for words, cases in (
        (("--since", "2025-06-01", "--until", "2025-06-01"), 2),
        (("--until", "2025-06-02"), 3),
        (("--since", "2025-06-02", "--until", "2025-06-30"), 1),
        (("--since", "2025-06-02"), 2),
        (("--until", "2025-06-30", "--wiki", "dewiki"), 0),
    ):
        (found,) = patrolled.run("stats", *words, "--json").lines
        assert found["cases"] == cases, words
    assert (found["since"], found["until"], found["wiki"]) == (None, "2025-06-30", "dewiki")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--by", "author"), "There is no dimension author"),
        (("--public", "x.txt"), "neither .csv nor .json"),
        (("--public", "x.csv", "--wiki", "enwiki"), "could be subtracted"),
        (("--public", "x.csv", "--since", "2026-01-02"), "whole months"),
        (("--public", "x.csv", "--until", "2026-01-30"), "whole months"),
        (("--public", "no/folder/x.csv"), "cannot be written"),
        (("--plots", "events.jsonl/below"), "cannot be written"),
    ],
)
def test_what_cannot_be_done(patrolled: Any, words: tuple[str, ...], named: str) -> None:
    result = patrolled.run("stats", *words)
    assert (result.code, result.out) == (2, "")
    assert named in result.err
    assert not list(patrolled.folder.rglob("x.*"))


def test_a_date_that_is_none(patrolled: Any) -> None:
    assert patrolled.run("stats", "--since", "yesterday").code == 2


# -- public -----------------------------------------------------------------------------------------------------------


def test_a_public_file_has_large_numbers_of_settled_months_only(patrolled: Any) -> None:
    opened(patrolled, number=12)
    opened(patrolled, wiki="=HYPERLINK()", number=15)
    opened(patrolled, wiki="dewiki", number=10)
    opened(patrolled, wiki="smallwiki", number=3)
    result = patrolled.run("stats", "--public", "out.csv", "--json")
    assert result.code == 0
    path = patrolled.folder / "out.csv"
    assert path.stat().st_mode & 0o777 & 0o444 == 0o444
    text = path.read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines()))
    numbers = {line["wiki"]: int(line["cases"]) for line in lines if line["kind"] == line["outcome"] == "(all)"}
    # 12 + 15 + 10 + 3: the smallest but one stays away with the small one.
    assert numbers == {"(all)": 40, "'=HYPERLINK()": 15, "enwiki": 12}
    assert {line["month"] for line in lines} == {"2025-06"}
    assert lines[0]["median_minutes_first_human"] == "10.0"
    assert "smallwiki" not in text
    assert "dewiki" not in text
    assert f"{len(lines)} numbers" in result.err
    assert patrolled.sql("SELECT act, object FROM audit WHERE act = 'stats.published'") == [("stats.published", "stats")]


def test_the_same_months_are_the_same_whatever_they_are_published_with(patrolled: Any) -> None:
    opened(patrolled, number=12)
    opened(patrolled, OLD - 86400, wiki="dewiki", number=9)
    for name, words in (("all.json", ()), ("june.json", ("--since", "2025-06-01", "--until", "2025-06-30"))):
        assert patrolled.run("stats", "--public", name, *words).code == 0
    one, other = (json.loads((patrolled.folder / name).read_text()) for name in ("all.json", "june.json"))
    assert one == other
    assert one["rows"][0]["cases"] == 12


def test_where_nothing_may_be_published_it_says_why(patrolled: Any) -> None:
    result = patrolled.run("stats", "--public", "out.json")
    assert result.code == 0
    assert "out.json: 0 numbers; a month is published once it is settled, and only what stands for ten cases" in result.err
    assert json.loads((patrolled.folder / "out.json").read_text())["rows"] == []


def test_opening_evidence_is_noted(patrolled: Any) -> None:
    flag = patrolled.run("flags", "list", "--json").lines[0]["id"]
    patrolled.run("flags", "label", flag, "right")
    assert patrolled.sql("SELECT count(*) FROM audit WHERE act = 'stats.evidence_opened'") == [(0,)]
    (found,) = patrolled.run("stats", "--evidence", "--json").lines
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert rules["evidence.violence"]["right"] == 1
    assert patrolled.sql("SELECT count(*) FROM audit WHERE act = 'stats.evidence_opened'") == [(1,)]


# -- pictures ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture
def page(patrolled: Any) -> tuple[str, Page]:
    """The page of a folder with a hostile wiki's name in it."""
    opened(patrolled, wiki="<script>alert(1)</script>", number=2)
    opened(patrolled, wiki="w" * 64)
    flag = patrolled.run("flags", "list", "--json").lines[0]["id"]
    patrolled.run("flags", "label", flag, "right")
    assert patrolled.run("stats", "--plots", "pictures").code == 0
    path = patrolled.folder / "pictures" / "index.html"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_asks_nobody_for_anything_and_runs_nothing(page: tuple[str, Page]) -> None:
    text, found = page
    assert not {"script", "link", "img", "iframe", "object", "form", "image", "use"} & {tag for tag, _ in found.tags}
    for _, attributes in found.tags:
        assert not {"src", "href", "style", "xlink:href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert set(re.findall(r"\w+://[^\"'\s<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = (a["content"] for tag, a in found.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)
    assert found.open == []


def test_strangers_names_are_text(page: tuple[str, Page]) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page[0]


def test_each_picture_says_what_it_shows_and_has_its_numbers_beside_it(page: tuple[str, Page]) -> None:
    text, found = page
    pictures = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(pictures) >= 8
    assert len(pictures) == found.count("table") == found.count("title") - 1
    identities = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    for picture in pictures:
        assert picture["role"] == "img"
        for identity in str(picture["aria-labelledby"]).split():
            assert re.search(rf'<(title|desc) id="{identity}">[^<]{{10,}}</\1>', text)
    assert "Time to the first human: 3 done" in text or "Time to the first human: 2 done" in text


def test_the_page_fits_a_narrow_screen_and_a_dark_one(page: tuple[str, Page]) -> None:
    text, found = page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert all("width" not in attributes for tag, attributes in found.tags if tag in ("svg", "table", "figure"))
    assert {str(a["viewbox"]).split()[2] for tag, a in found.tags if tag == "svg"} == {"320"}
    # Labels in pictures are cut to what fits 320 units; the table has them whole.
    labels = re.findall(r'<text x="0"[^>]*>([^<]*)</text>', text)
    assert max(len(label) for label in labels if "&" not in label) <= 24
    assert f"<td>{'w' * 64}</td>" in text


def test_the_page_and_the_folder_may_be_there_already(patrolled: Any) -> None:
    folder: Path = patrolled.folder / "pictures"
    for _ in range(2):
        assert patrolled.run("stats", "--plots", folder).code == 0
    assert [path.name for path in folder.iterdir()] == ["index.html"]
