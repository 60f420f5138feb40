"""Reading activity: what is accepted, what is refused, and that nothing depends on the order of a file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tsbot.errors import InputError
from tsbot.trace.activity import MOST_EDITS, edit_of, group, read_activity

ROW: dict[str, Any] = {"wiki": "enwiki", "account": "Mill Keeper", "timestamp": "2026-03-01T10:00:00+02:00", "page": "Old_Mill"}
ROWS = [
    ROW,
    {**ROW, "account": "Mill_Keeper", "timestamp": "2026-03-01T07:00:00Z", "summary": "a source", "added": "text", "namespace": 0},
    {**ROW, "account": "Ferry", "page": None, "pages": ["a/b.py", "c.py"]},
]


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_json_lines(tmp_path: Path) -> None:
    found = read_activity(lines(tmp_path / "activity.jsonl", ROWS))
    ferry, mill = found.accounts
    assert (ferry.name, ferry.edits[0].pages) == ("Ferry", ("a/b.py", "c.py"))
    assert (mill.name, [edit.summary for edit in mill.edits]) == ("Mill Keeper", ["a source", ""])  # in the order of time
    assert mill.edits[0].pages == ("Old Mill",)
    assert (found.rows, found.bad) == (3, 0)


@pytest.mark.parametrize("kind", ["VARCHAR", "TIMESTAMPTZ", "TIMESTAMP"])
def test_parquet_gives_the_same(tmp_path: Path, kind: str) -> None:
    source = lines(tmp_path / "activity.jsonl", ROWS)
    target = tmp_path / "activity.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        columns = "{wiki: 'VARCHAR', account: 'VARCHAR', timestamp: 'VARCHAR', page: 'VARCHAR', pages: 'VARCHAR[]', summary: 'VARCHAR'}"
        moment = f"CAST(CAST(timestamp AS TIMESTAMPTZ) AS {kind}) AS timestamp"
        select = f"SELECT * REPLACE ({moment}) FROM read_json('{source}', columns={columns})"
        connection.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")
    found = read_activity(target)
    assert [account.name for account in found.accounts] == ["Ferry", "Mill Keeper"]
    assert [edit.timestamp for edit in found.accounts[1].edits] == [edit.timestamp for edit in read_activity(source).accounts[1].edits]


def test_the_order_of_a_file_does_not_matter(tmp_path: Path) -> None:
    rows = [{**ROW, "account": f"A{number % 3}", "timestamp": f"2026-03-01T10:{number:02}:00Z"} for number in range(20)]
    first = read_activity(lines(tmp_path / "one.jsonl", rows)).accounts
    random.Random(3).shuffle(rows)
    assert read_activity(lines(tmp_path / "two.jsonl", rows)).accounts == first


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([], "not an object"),
        ({**ROW, "wiki": None}, 'no "wiki"'),
        ({**ROW, "account": "  "}, 'no "account"'),
        ({**ROW, "timestamp": "yesterday"}, "not ISO 8601"),
        ({**ROW, "timestamp": "0001-01-01T00:00:00Z"}, "not a time of a wiki"),
        ({**ROW, "page": None}, 'no "page" or "pages"'),
        ({**ROW, "pages": [1]}, 'no "page" or "pages"'),
        ({**ROW, "summary": 5}, "are texts"),
    ],
)
def test_rows_that_cannot_be_used_are_told_with_their_number(tmp_path: Path, row: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        edit_of(row)
    found = read_activity(lines(tmp_path / "activity.jsonl", [ROW, row]))
    assert (found.rows, found.bad, len(found.accounts)) == (2, 1, 1)
    assert found.troubles[0].startswith("row 2: ")


@pytest.mark.parametrize("content", [b"", b"rubbish\n", b"\xff\xfe\n", b"[" * 5000 + b"\n"])
def test_a_file_without_an_edit_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "activity.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no edit that can be used"):
        read_activity(path)


@pytest.mark.parametrize(("name", "content"), [("no.jsonl", None), ("no.parquet", None), ("bad.parquet", b"PAR?")])
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_activity(path)


def test_of_very_many_edits_the_latest_count() -> None:
    rows = [edit_of({**ROW, "timestamp": f"2026-03-01T10:00:00.{number:06}Z"}) for number in range(MOST_EDITS + 5)]
    (account,) = group(rows)
    assert (len(account.edits), account.edits[-1]) == (MOST_EDITS, rows[-1][1])
