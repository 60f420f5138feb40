"""Lines of ``tsbot detect``: every line in gives a line out, in order, whatever it holds."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.cli.detect import BATCH_LINES, run
from tsbot.detect.detector import Cascade


def lines(detector: Cascade, raw: bytes) -> tuple[int, list[dict[str, Any]]]:
    out = io.BytesIO()
    broken = run(detector, io.BytesIO(raw), out)
    return broken, [json.loads(line) for line in out.getvalue().splitlines()]


def test_fields_pass_through_and_offsets_are_code_points(detector: Cascade) -> None:
    row = {"id": 7, "text": "🙂🙂 I will hurt you tomorrow", "page": {"title": "Talk:X"}}
    broken, (judged,) = lines(detector, json.dumps(row).encode() + b"\n")
    assert broken == 0
    assert {name: judged[name] for name in row} == row
    assert judged["kind"] == "violence"
    assert judged["coverage"] == "scored"
    assert judged["threat"] == max(judged["kinds"].values())
    spans = {span["label"]: row["text"][span["start"] : span["end"]] for span in judged["evidence"]}
    assert spans == {"violence": "I will hurt you", "when": "tomorrow"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"rubbish", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", 'no "text"'),
        (b'{"text": 5}', '"text" is not a string'),
        (b'{"text": null}', '"text" is not a string'),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_broken_line_is_told_in_its_place(detector: Cascade, line: bytes, told: str) -> None:
    broken, rows = lines(detector, b'{"text": "one"}\n' + line + b'\n{"text": "three"}\n')
    assert broken == 1
    assert [row.get("text") for row in rows] == ["one", None, "three"]
    assert rows[1]["line"] == 2
    assert told in rows[1]["error"]


def test_the_id_of_a_line_without_text_is_kept(detector: Cascade) -> None:
    _, (row,) = lines(detector, b'{"id": "x"}')
    assert row == {"line": 1, "error": 'no "text"', "id": "x"}


def test_lone_surrogates_go_through(detector: Cascade) -> None:
    broken, (row,) = lines(detector, rb'{"text": "a \ud800 I will hurt you"}')
    assert broken == 0
    assert row["text"] == "a \ud800 I will hurt you"
    assert row["kind"] == "violence"


def test_empty_lines_are_no_texts_and_numbers_still_count_them(detector: Cascade) -> None:
    _, rows = lines(detector, b'\n\n{"text": "a"}\n\nx\n')
    assert [row.get("line") for row in rows] == [None, 5]


def test_many_lines_keep_their_order(detector: Cascade) -> None:
    count = 2 * BATCH_LINES + 3
    _, rows = lines(detector, b"".join(json.dumps({"id": n, "text": f"page {n}"}).encode() + b"\n" for n in range(count)))
    assert [row["id"] for row in rows] == list(range(count))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and line.strip()), max_size=6))
def test_as_many_lines_out_as_in(detector: Cascade, raw: list[bytes]) -> None:
    assert len(lines(detector, b"\n".join(raw))[1]) == len(raw)
