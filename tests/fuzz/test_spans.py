"""Hostile text: the normal forms lead back to the raw text, and spans point at what they claim, whatever the text is made of."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.detector import Cascade, load_detector
from tsbot.detect.language_pack import load_pack
from tsbot.errors import PackError
from tsbot.text.normalise import Batch, normalise, unmask

THREAT = "I will hurt you"
HOSTILE = (
    *(THREAT, "Ich bringe dich um", "k1ll y0u", "k.i.l.l", "diiiiie", "死ね", "\u202eI will\u202c", "a\u0301\u0302\u0303" * 9, "🔪"),
    *("\ud800", "\udfff", "\u200b", "\x00", "\n\n", "!?…", "ﷺ", "ß", "ŒŁ", "Ⅷ", "㎏", "\U000e0041", "\U0001d5f8\U0001d5f6", "ｋｉｌｌ"),
    *("[[a|b]]", "{{x}}", "%4", "Gur", "@"),
)
pieces = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=20).map(" ".join)


@pytest.fixture(scope="module")
def detector() -> Cascade:
    return load_detector()


def check_batch(batch: Batch, texts: list[str]) -> None:
    """Every sentence leads back into its own text, in order."""
    for index, owner in enumerate(batch.owners.tolist()):
        first, last = int(batch.sentences[index]), int(batch.sentences[index + 1])
        start, end = batch.raw_span(first, last)
        assert 0 <= start <= end <= len(texts[owner])
        origins = batch.origins[first + 1 : last - 1]
        assert np.all(np.diff(origins) >= 0)
        assert batch.sentence(index).startswith(" ")


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=5))
def test_normal_forms_lead_back_to_the_raw_text(texts: list[str]) -> None:
    check_batch(normalise(texts), texts)
    chosen, masked = unmask(texts)
    check_batch(masked, [texts[index] for index in chosen])


@settings(max_examples=100, deadline=None)
@given(pieces, st.lists(pieces, max_size=3))
def test_a_normal_form_does_not_depend_on_its_neighbours(text: str, others: list[str]) -> None:
    alone, among = normalise([text]), normalise([*others, text])
    mine = [among.sentence(index) for index in np.flatnonzero(among.owners == len(others)).tolist()]
    assert mine == [alone.sentence(index) for index in range(len(alone.owners))]


@settings(max_examples=60, deadline=None)
@given(pieces)
def test_findings_point_at_the_text(detector: Cascade, text: str) -> None:
    (finding,) = detector.judge([text])
    for span in finding.evidence:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()


def blocks() -> list[str]:
    """Five hundred characters of each stretch of Unicode that has any: unassigned ones and surrogates too."""
    far = "\U000e0000\U000e0001\U000f0000\U0010ffff" * 100
    return [*("".join(map(chr, range(start, start + 500))) for start in range(0, 0x32000, 500)), far]


def test_every_stretch_of_unicode_is_judged(detector: Cascade) -> None:
    texts = blocks()
    for text, finding in zip(texts, detector.judge(texts), strict=True):
        assert 0 <= finding.threat <= 1
        assert all(0 <= span.start < span.end <= len(text) for span in finding.evidence)
    hidden = [f"{text[:60]} {THREAT}. {text[60:120]}" for text in texts if all(unicodedata.category(char) != "Cn" for char in text[:120])]
    for text, finding in zip(hidden, detector.judge(hidden), strict=True):
        assert all(0 <= span.start < span.end <= len(text) for span in finding.evidence)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 10_000_000,
        "\u0301" * 1_000_000,
        "🔪" * 300_000,
        "\ud800" * 300_000,
        "\u202e\u202d" * 300_000,
        "a b " * 500_000,
        "[" * 500_000,
        "@" * 500_000,
        "%41" * 300_000,
        "Du wirst you will te voy a 殺す " * 30_000,
    ],
    ids=["empty", "10 MB", "marks", "emoji", "surrogates", "overrides", "letters", "brackets", "at", "percent", "mixed"],
)
def test_bad_input_comes_to_an_end(detector: Cascade, text: str) -> None:
    (finding,) = detector.judge([text])
    assert all(0 <= span.start < span.end <= len(text) for span in finding.evidence)


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_a_pack_of_rubbish_is_refused_and_nothing_else(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path: Path = tmp_path_factory.mktemp("pack") / "xx.toml"
    path.write_bytes(content)
    with pytest.raises(PackError):
        load_pack(path)
