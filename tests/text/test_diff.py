"""What holds of every comparison of two texts."""

from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tsbot.text.boundaries import TOKEN, WORD
from tsbot.text.diff import Limits, added_spans

anything = st.text(st.characters(exclude_categories=()), max_size=200)
"""Any string, unpaired surrogates and NULs included, as the JSON of an event can bring it."""

words = st.sampled_from(["we", "you", "go", "hurt", "tomorrow", "[[link]]", "''so''", "你", "好", "नमस्ते", "🙂", "e\u0301", "it's"])
ends = st.sampled_from([". ", "? ", ", ", "\n", "\n\n", "\n:", "。", " "])
prose = st.lists(st.tuples(words, ends), max_size=40).map(lambda pairs: "".join(word + end for word, end in pairs))


@st.composite
def edits(draw):
    """A text and what an edit made of it: some stretches removed, moved or replaced."""
    old = draw(prose)
    new = old
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(new)))
        end = draw(st.integers(start, len(new)))
        match draw(st.sampled_from(["insert", "replace", "remove", "move"])):
            case "insert":
                new = new[:start] + draw(prose) + new[start:]
            case "replace":
                new = new[:start] + draw(prose) + new[end:]
            case "remove":
                new = new[:start] + new[end:]
            case "move":
                new = new[:start] + new[end:] + new[start:end]
    return old, new


def outside(new: str, spans) -> str:
    """``new`` without the spans; a mark in their place keeps words apart that they kept apart."""
    at, kept = 0, []
    for start, end in spans:
        kept.append(new[at:start])
        at = end
    return "\n".join([*kept, new[at:]])


def word_counts(text: str) -> Counter[str]:
    return Counter(token for token in TOKEN.findall(text) if WORD.search(token))


def assert_well_formed(new: str, spans) -> None:
    last = -1
    for start, end in spans:
        assert last < start < end <= len(new)
        assert WORD.search(new, start, end), "a stretch has something to read in it"
        assert new[start:end].strip() == new[start:end]
        last = end


@given(anything, anything)
@example("a", "a\u0301\u0301")
@example("", "\ud800")
def test_spans_are_ordered_disjoint_and_within_the_text(old, new):
    assert_well_formed(new, added_spans(old, new))


@settings(max_examples=300)
@given(edits())
@example(("therapist", "the rapist"))
@example(("we. ", "wwe. e. "))
@example(("we\n", "w\ne"))
@example(("🙂\nyou. tomorrow. we. ", "🙂we. "))
@example(("\uc8fd\n\uc5b4\uc81c. \uc5ec\ub77c", "\uc8fd\uc5ec\ub77c"))
def test_every_word_outside_the_spans_is_a_word_of_the_old_text(edit):
    old, new = edit
    spans = added_spans(old, new)

    assert_well_formed(new, spans)
    assert not word_counts(outside(new, spans)) - word_counts(old)


@given(edits())
def test_the_same_holds_where_the_limits_are_reached(edit):
    old, new = edit
    spans = added_spans(old, new, limits=Limits(lines=2, chars=20, pairs=9, sentence=5))

    assert_well_formed(new, spans)


@given(edits(), st.integers(0, 3))
def test_coarser_comparison_only_adds(edit, lines):
    """Beyond a limit text is compared more coarsely; it is never left out."""
    old, new = edit
    spans = added_spans(old, new, limits=Limits(lines=lines, chars=0))

    assert not word_counts(outside(new, spans)) - word_counts(old)


@given(prose)
def test_nothing_is_added_by_an_edit_that_changes_nothing(text):
    assert added_spans(text, text) == []


@given(st.lists(prose.map(lambda text: text.replace("\n", " ").strip(" :")), max_size=10), st.randoms())
def test_moving_lines_adds_nothing(lines, random):
    moved = list(lines)
    random.shuffle(moved)

    assert added_spans("\n".join(lines), "\n".join(moved)) == []


@given(prose, prose)
def test_all_of_a_new_page_is_added(text, _):
    assert not word_counts(outside(text, added_spans("", text)))


def test_no_more_of_a_sentence_is_given_than_asked():
    old = "far " * 500 + "here " + "away " * 500
    new = old.replace("here", "there")

    ((start, end),) = added_spans(old, new, limits=Limits(sentence=100))

    assert new[start:end].strip("farwy ") == "there"
    assert 100 < end - start <= 100 + len("there") + 100
    assert new[start - 1] == new[end] == " "


@pytest.mark.parametrize(
    "rewritten",
    [
        pytest.param(("old words here.\n" * 130_000, "other things now.\n" * 120_000), id="two megabytes of lines"),
        pytest.param(("old words here. " * 130_000, "other things now. " * 120_000), id="two megabytes in one line"),
        pytest.param(("\n" * 2_000_000, "x\n" * 1_000_000), id="nothing but line breaks"),
        pytest.param(("a" * 2_000_000, "b" * 2_000_000), id="one long word"),
        pytest.param(("ab" * 1_000_000, "ba" * 1_000_000), id="a text that is its own neighbour"),
        pytest.param(("a" + " " * 2_000_000, "b" + " " * 2_000_000), id="nothing but spaces"),
        pytest.param(("\u0301" * 1_000_000, "\u0302" * 1_000_000), id="nothing but combining marks"),
    ],
)
def test_a_full_rewrite_of_a_large_page_is_found_line_by_line(rewritten):
    old, new = rewritten
    spans = added_spans(old, new)

    assert_well_formed(new, spans)
    assert sum(end - start for start, end in spans) >= len(new.split()) // 2


def test_a_sentence_in_a_page_of_ten_megabytes():
    page = "Some line of a long page.\n" * 400_000
    new = page[:5_200_000] + "I will come tomorrow.\n" + page[5_200_000:]

    assert [new[start:end] for start, end in added_spans(page, new)] == ["I will come tomorrow."]
