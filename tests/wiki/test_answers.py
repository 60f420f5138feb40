"""Which answers mean "later" and which mean "no"; read from the table beside this file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.answers import Answer, read

NOW = 1_800_000_000.0
CASES = [
    line.split(maxsplit=3)
    for line in (Path(__file__).parent / "answers.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case) for case in CASES])
def test_answer(case: list[str]) -> None:
    expected, status, retry, body = case
    answer = Answer(int(status), {} if retry == "-" else {"retry-after": retry}, b"" if body == "-" else body.encode())
    if expected == "data":
        assert read(answer, NOW) == json.loads(body)
        return
    kind, _, detail = expected.partition(":")
    with pytest.raises(WikiUnavailableError if kind == "later" else WikiRefusedError) as caught:
        read(answer, NOW)
    if isinstance(caught.value, WikiUnavailableError):
        assert caught.value.retry_after == (None if detail == "" else float(detail))
    else:
        assert caught.value.code == detail
    assert "SECRET" not in str(caught.value)


@given(st.binary(max_size=200), st.integers(200, 599))
def test_no_body_whatsoever_raises_anything_else(body: bytes, status: int) -> None:
    try:
        data = read(Answer(status, {}, body), NOW)
    except (WikiUnavailableError, WikiRefusedError):
        return
    assert data == json.loads(body)
