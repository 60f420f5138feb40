"""``tsbot trace``: files in, links out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def activity(account: str, page: str, summary: str, hour: int, days: range) -> list[dict[str, Any]]:
    return [
        {"wiki": "enwiki", "account": account, "timestamp": f"2026-03-{day:02}T{hour:02}:15:00+00:00", "page": page, "summary": summary}
        for day in days
    ]


ROWS = [
    *activity("Mill Keeper 1", "Old Mill of Aston", "as the deeds plainly show !!", 21, range(1, 9)),
    *activity("Mill Keeper 2", "Old Mill of Aston", "as the deeds plainly show !!", 21, range(10, 18)),
    *activity("Ferry", "Bridge of Barrow", "Copyedit.", 8, range(1, 20)),
    *activity("Potter", "Fair of Compton", "added a source", 13, range(3, 22)),
    *activity("Reader", "Museum of Dutton", "typo", 16, range(2, 12)),
]


@pytest.fixture
def files(office: Any) -> Any:
    write(office.folder / "activity.jsonl", ROWS)
    (office.folder / "queries.txt").write_text("Mill_Keeper 1\n\nMill Keeper 1\n")
    return office


def test_links_come_out_with_their_evidence(files: Any) -> None:
    words = ("--activity", "activity.jsonl", "--queries", "queries.txt", "--top", "3", "--output", "links.jsonl")
    result = files.run("trace", "rank", *words)
    assert (result.code, result.out, result.err) == (0, "", "")
    rows = [json.loads(line) for line in (files.folder / "links.jsonl").read_text().splitlines()]
    assert [(row["query"], row["rank"]) for row in rows] == [("Mill Keeper 1", 1), ("Mill Keeper 1", 2), ("Mill Keeper 1", 3)]
    first = rows[0]
    assert (first["account"], set(first)) == ("Mill Keeper 2", {"query", "rank", "account", "log_lr", "tier", "coincidences", "evidence"})
    assert all(set(reason) == {"kind", "log_lr", "words"} for reason in first["evidence"])
    assert [row["log_lr"] for row in rows] == sorted((row["log_lr"] for row in rows), reverse=True)


def test_to_standard_output_without_names(files: Any) -> None:
    result = files.process("trace", "rank", "--activity", "activity.jsonl", "--queries", "queries.txt", "--no-names")
    assert result.code == 0
    kinds = {reason["kind"] for row in result.lines for reason in row["evidence"]}
    assert kinds and not kinds & {"names", "opposition"}


def test_what_could_not_be_used_is_told(files: Any) -> None:
    write(files.folder / "activity.jsonl", [*ROWS, {"wiki": "enwiki"}])
    (files.folder / "queries.txt").write_text("Nobody\nFerry\n")
    result = files.run("trace", "rank", "--activity", "activity.jsonl", "--queries", "queries.txt", "--output", "links.jsonl", "--summary")
    assert result.code == 3
    assert "1 of 47 rows" not in result.out
    assert "row" in result.err and "no activity, the first: Nobody" in result.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--activity", "nowhere.jsonl", "--queries", "queries.txt"), "nowhere.jsonl"),
        (("--activity", "activity.jsonl", "--queries", "nowhere.txt"), "nowhere.txt"),
        (("--activity", "activity.jsonl", "--queries", "queries.txt", "--without", "tarot"), "tarot"),
        (("--activity", "activity.jsonl", "--queries", "queries.txt", "--output", "nowhere/links.jsonl"), "nowhere"),
        (("--activity", "activity.jsonl", "--queries", "empty.txt"), "names no account"),
    ],
)
def test_what_cannot_be_asked(files: Any, words: tuple[str, ...], told: str) -> None:
    (files.folder / "empty.txt").write_text("\n")
    result = files.run("trace", "rank", *words)
    assert (result.code, told in result.err) == (2, True)


def test_fitting_needs_labels_of_both_halves(files: Any) -> None:
    write(files.folder / "labels.jsonl", [{"account": row["account"], "person": row["account"]} for row in ROWS])
    result = files.run("trace", "fit", "--activity", "activity.jsonl", "--labels", "labels.jsonl", "--output", "weights.json")
    assert (result.code, "too few" in result.err) == (2, True)
    result = files.run("trace", "fit", "--activity", "activity.jsonl", "--output", "weights.json", "--labels", "nowhere.jsonl")
    assert (result.code, "nowhere.jsonl" in result.err) == (2, True)
