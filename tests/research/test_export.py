"""Exports for research: consent, groups of ten, a review by somebody else, a register."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.errors import InputError
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import Arrival, Terms
from tsbot.reception.said import Said
from tsbot.research import export
from tsbot.research.anonymity import QUASI, anonymise
from tsbot.settings import Settings
from tsbot.store.database import Database

NOW = 1_790_000_000.0
TERMS = Terms("enwiki", 180.0, 7.0, 24.0)


def take(database: Database, number: int, text: str = "", **more: Any) -> hearings.Hearing:
    said = Said(text=text or f"Quidam {number} follows me from page to page in Springfield {number}.", **{"research": True} | more)
    with database.write() as connection:
        arrival = Arrival(f"{number:036d}", said, "web", "en", "enwiki")
        return hearings.take_in(connection, database.key, arrival, TERMS, NOW)


def make(database: Database, folder: Path, **more: Any) -> export.Made:
    with database.write() as connection:
        given = {"since": NOW - 1, "until": NOW + 1, "by": "alice", "now": NOW} | more
        return export.make(connection, database.key, Settings(), folder, **given)


def test_an_export_has_no_trace_of_who_they_were_and_says_what_remains(database: Database, tmp_path: Path) -> None:
    for number in range(12):
        take(database, number, account=f"Account {number}", mail=f"me{number}@example.org")
    made = make(database, tmp_path / "out")
    assert (made.reports, made.left_out) == (12, 0)
    files = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert set(files) == {"reports.jsonl", "sample.jsonl", "risk.json", "DICTIONARY.md"}
    for trace in ("Quidam", "Springfield", "Account", "example.org"):
        assert trace not in files["reports.jsonl"] + files["sample.jsonl"]
    assert "follows me from page to page" in files["reports.jsonl"]
    assert json.loads(files["risk.json"])["smallest_group"] == 12
    assert (tmp_path / "out" / "reports.jsonl").stat().st_mode & 0o077 == 0


def test_a_rare_word_in_many_copies_of_one_text_stays_rare(database: Database, tmp_path: Path) -> None:
    for number in range(12):
        take(database, number, f"he waits for me at the xylothequarium every day {number}")
    make(database, tmp_path / "out")
    assert "xylothequarium" not in (tmp_path / "out" / "reports.jsonl").read_text()


def test_who_did_not_consent_or_took_it_back_is_not_in_it(database: Database, tmp_path: Path) -> None:
    for number in range(10):
        take(database, number)
    take(database, 10, "a secret of mine is here", research=False)
    back = take(database, 11, "another secret of mine")
    with database.write() as connection:
        hearings.withdraw(connection, database.key, back, NOW)
    made = make(database, tmp_path / "out")
    assert (made.reports, made.withheld) == (10, 2)
    assert "secret" not in (tmp_path / "out" / "reports.jsonl").read_text()


def test_fewer_than_ten_are_not_exported(database: Database, tmp_path: Path) -> None:
    for number in range(9):
        take(database, number)
    made = make(database, tmp_path / "out")
    assert (made.reports, made.left_out) == (0, 9)
    with pytest.raises(InputError, match="fewer than 10"):
        make(database, tmp_path / "other", k=5)


def test_nothing_leaves_before_somebody_else_has_read_the_sample(database: Database, tmp_path: Path) -> None:
    for number in range(10):
        take(database, number)
    folder = tmp_path / "out"
    made = make(database, folder)
    to = {"recipient": "University of Example", "agreement": "NDA 12", "by": "alice", "now": NOW}
    with database.write() as connection:
        with pytest.raises(InputError, match="Nobody has approved"):
            export.release(connection, made.id, folder, **to)
        with pytest.raises(InputError, match="Somebody else"):
            export.review(connection, made.id, approve=True, by="alice", now=NOW)
        export.review(connection, made.id[:8], approve=True, by="bob", now=NOW)
        (folder / "reports.jsonl").write_text("something else")
        with pytest.raises(InputError, match="not the one that was reviewed"):
            export.release(connection, made.id, folder, **to)
    again = make(database, tmp_path / "again")
    with database.write() as connection:
        export.review(connection, again.id, approve=True, by="bob", now=NOW)
        export.release(connection, again.id, tmp_path / "again", **to)
        with pytest.raises(InputError, match="released already"):
            export.release(connection, again.id, tmp_path / "again", **to)
        (row,) = [one for one in export.register(connection) if one["id"] == again.id]
    assert (row["recipient"], row["agreement"]) == ("University of Example", "NDA 12")
    assert (row["reviewed_by"], row["released_by"]) == ("bob", "alice")


ROWS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from(["a", "b", "c"]) for name in QUASI if name not in ("month", "wiki")}
        | {"month": st.sampled_from(["2026-01", "2026-02", "2026-07"]), "wiki": st.sampled_from(["enwiki", "dewiki", "dewiktionary"])}
    ),
    max_size=60,
)


@settings(deadline=None)
@given(ROWS, st.integers(2, 12))
def test_every_group_has_k_rows_or_is_left_out(rows: list[dict[str, str]], k: int) -> None:
    done = anonymise(rows, k)
    groups: dict[tuple[str, ...], int] = {}
    for row in done.rows:
        groups[tuple(row[name] for name in QUASI)] = groups.get(tuple(row[name] for name in QUASI), 0) + 1
    assert all(size >= k for size in groups.values())
    assert len(done.rows) + done.left_out == len(rows)
    assert done.smallest == min(groups.values(), default=0)
    if len(rows) >= k:
        assert done.left_out * 20 <= len(rows)
