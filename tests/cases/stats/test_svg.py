"""Pictures: well-formed, within their frame, and named, whatever they show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.cases.stats.svg import LABEL_CHARS, WIDTH, bars, curve, shares
from tsbot.cases.stats.times import curve as estimate

SVG = "{http://www.w3.org/2000/svg}"
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=40)
amounts = st.integers(0, 10**9).map(float)
seconds = st.lists(st.floats(0, 1e9), max_size=20)


def drawn(picture: str) -> ElementTree.Element:
    """The picture, checked for what all have in common."""
    root = ElementTree.fromstring(picture)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "x-t x-d"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert not {"script", "style", "a", "image"} & {child.tag.removeprefix(SVG) for child in root.iter()}
    for child in root.iter():
        for name in ("x", "cx", "width"):
            assert 0 <= float(child.attrib.get(name, 0)) <= WIDTH
    return root


@given(st.lists(st.tuples(texts, amounts, texts), max_size=8), texts)
@settings(deadline=None)
def test_bars_are_as_long_as_their_numbers(rows: list[tuple[str, float, str]], words: str) -> None:
    root = drawn(bars("x", "Cases", words, rows))
    lengths = [float(mark.attrib["width"]) for mark in root.iter(f"{SVG}rect") if mark.attrib["class"] == "mark"]
    most = max((value for _, value, _ in rows), default=0)
    assert len(lengths) == len(rows)
    for length, (_, value, _) in zip(lengths, rows, strict=True):
        assert abs(length - (WIDTH * value / most if most else 0)) <= 0.051
    assert all(len(label.text or "") <= LABEL_CHARS for label in root.iter(f"{SVG}text") if label.attrib.get("class") is None)


@given(st.lists(st.tuples(texts, st.tuples(*[st.floats(0, 1)] * 3).map(sorted), texts), max_size=8))
@settings(deadline=None)
def test_a_share_lies_in_its_frame(rows: list[tuple[str, list[float], str]]) -> None:
    root = drawn(shares("x", "Rules", "words", [(label, value, low, high, told) for label, (low, value, high), told in rows]))
    assert len([*root.iter(f"{SVG}circle")]) == len(rows)


@given(seconds, seconds)
@settings(deadline=None)
def test_a_curve_only_rises(done: list[float], waiting: list[float]) -> None:
    root = drawn(curve("x", "Time", "words", estimate(done, waiting)))
    (line,) = (mark.attrib["d"] for mark in root.iter(f"{SVG}path") if mark.attrib["class"] == "line")
    across = [float(place) for place in re.findall(r"[MH](-?[\d.]+)", line)]
    down = [float(place) for place in re.findall(r"V(-?[\d.]+)", line)]
    assert across == sorted(across)
    assert down == sorted(down, reverse=True)


def test_names_are_text() -> None:
    assert "<script>" not in bars("x", "<script>", "<script>", [("<script>", 1.0, "<script>")])
    assert "<script>" not in shares("x", "t", "w", [("<script>", 1.0, 1.0, 1.0, "<script>")])
