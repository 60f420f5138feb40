"""The files of made-up sentences: how they are read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.finding import Kind, Stance
from tsbot.detect.sentences import all_sentences, read_sentences
from tsbot.errors import PackError


def file(folder: Path, content: str) -> Path:
    path = folder / "xx.txt"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_threat_has_grades_and_a_harmless_sentence_a_sort(tmp_path: Path) -> None:
    lines = (
        "# made up",
        "",
        "violence intent 1 p2 i3 when,how | Tomorrow I'll come with a stick",
        "legal | My lawyer will write",
        "ok idiom | It kills time",
    )
    graded, bare, harmless = read_sentences(file(tmp_path, "\n".join(lines)))
    assert graded.facets is not None
    assert (graded.kind, graded.facets.stance, graded.plausibility, graded.imminence) == (Kind.VIOLENCE, Stance.INTENT, 2, 3)
    assert (graded.facets.when, graded.facets.how, graded.facets.where, graded.facets.specificity) == (True, True, False, 2)
    assert (bare.kind, bare.facets) == (Kind.LEGAL, None)
    assert (harmless.kind, harmless.sort, harmless.language) == (Kind.NONE, "idiom", "xx")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no bar at all", "needs a label, a bar"),
        ("ok talk |", "needs a label, a bar"),
        ("| Fine", "needs a label, a bar"),
        ("ok | Fine", "after 'ok' comes one of"),
        ("ok nonsense | Fine", "after 'ok' comes one of"),
        ("violence intent 4 p1 i1 - | Ouch", "is no label"),
        ("violence intent 1 p1 i1 weekday | Ouch", "no facet 'weekday'"),
        ("violence report 1 p1 i1 - | Ouch", "a threat is intent, wish or incitement"),
        ("minors | Ouch", "is no label"),
        ("ok talk | Fine\nok talk | Fine", "line 2: stands on line 1 already"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(PackError, match=told):
        read_sentences(file(tmp_path, line))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "xx.txt").write_bytes(b"ok talk | \xff")
    with pytest.raises(PackError, match=r"xx\.txt: cannot be read"):
        list(all_sentences(tmp_path))


def test_what_came_late_is_for_checking_only(tmp_path: Path) -> None:
    lines = "".join(f"ok talk | before {number}\n" for number in range(40)) + "# for checking only\n"
    lines += "".join(f"ok talk | after {number}\n" for number in range(40))
    found = read_sentences(file(tmp_path, lines))
    assert not all(sentence.check for sentence in found[:40])
    assert all(sentence.check for sentence in found[40:])


def test_a_third_of_the_sentences_is_kept_for_checking() -> None:
    sentences = [sentence for sentence in all_sentences() if not sentence.late]
    kept = sum(sentence.check for sentence in sentences) / len(sentences)
    assert 0.3 < kept < 0.37
