"""Wikitext to the text that a reader sees, and back to where it stood."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tsbot.text.markup import Allowance
from tsbot.text.passage import Field
from tsbot.text.plain import Plain, plain_passage, plain_text

NOT_PARSED = 0
"""An allowance that is used up."""


def plain(wikitext: str, allowance: int = 10**9) -> Plain:
    return plain_text(wikitext, [(0, len(wikitext))], Allowance(left=allowance, single=allowance))


def shown(wikitext: str, allowance: int = 10**9) -> str:
    """Plain text with each run of white space as one space, and line breaks kept."""
    lines = (" ".join(line.split()) for line in plain(wikitext, allowance).text.splitlines())
    return "\n".join(line for line in lines if line)


def assert_origins(wikitext: str, got: Plain) -> None:
    assert len(got.origins) == len(got.text) + 1
    for character, origin in zip(got.text, got.origins, strict=False):
        assert 0 <= origin < len(wikitext)
        assert character.isspace() or wikitext[origin] in (character, "&")
    assert 0 <= got.origins[-1] <= len(wikitext)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("Just a sentence.", "Just a sentence."),
        ("It's ''very'' '''bold'''.", "It's very bold."),
        (":::A reply with [[a link]] and [[Target|its label]].", "A reply with a link and its label."),
        ("== A heading ==\ntext", "A heading\ntext"),
        ("[http://example.org/page the title]", "the title"),
        ("see https://example.org/page here", "see example.org/page here"),
        ("Tom &amp; Jerry, &#107;&#x69;ll", "Tom & Jerry, kill"),
        ("It was built{{citation needed|date=May 2020}} in 1900", "It was built May 2020 in 1900"),
        ("k{{red|i}}ll and k<b>i</b>ll and k<nowiki/>ill", "kill and kill and kill"),
        ("{{Infobox\n| name = I will come\n| born = 1990\n}}", "I will come\n1990"),
        ("{{{1|what is shown without it}}}", "what is shown without it"),
        ("[[File:A.jpg|thumb|left|200px|The [[caption]] of it]]", "The caption of it"),
        ("{| class=\"wikitable\"\n|-\n! Name || Place\n|-\n| Miller\n| Town\n|}", "Name Place\nMiller\nTown"),
        ("one<br/>two", "one two"),
        ("<nowiki>[[kept]] as it is</nowiki>", "kept as it is"),
        ("__NOTOC__I wi__INDEX__ll __COME__ {{x|so__NOINDEX__on}}", "I will __COME__ soon"),
    ],
)
def test_what_a_reader_sees_is_kept(wikitext, text):
    assert shown(wikitext) == text
    assert_origins(wikitext, plain(wikitext))


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("He will<!-- I know where you live --> come.", "He will come.\nI know where you live"),
        ("He will<ref>{{cite|title=I will come}}</ref> come.", "He will come.\nI will come"),
        ("a {{I will come to you}} b", "a b\nI will come to you"),
        ("[[I will come to you|a label]]", "a label\nI will come to you"),
        ("[http://example.org/I_will_come_to_you title]", "title\nexample.org/I_will_come_to_you"),
        ("<div class=\"x\" title=\"I will come\">text</div>", "text\ntitle=\"I will come\""),
    ],
)
def test_what_only_a_diff_shows_is_kept_behind_the_rest(wikitext, text):
    assert shown(wikitext) == text
    assert_origins(wikitext, plain(wikitext))


@pytest.mark.parametrize(
    "wikitext",
    [
        "[[I will come to you",
        "{{I will come to you",
        "[[I will come to you|",
        "[[I will come to you|]]",
        "[[I will come to you|[[x]] y",
        "<ref>I will come to you",
        "<!-- I will come to you",
        "<I will come to you>",
        "</I will come to you>",
        "<b I will come to you></b>",
        "\0I will come to you",
        "[[a\0]] I will come to you",
        "{|\n| I will come to you",
        "{{a|b={{c|[[d|I will come to you",
        "{{a|I will come to you}}}}}}",
        "[http://example.org I will come to you",
        "<gallery>\nFile:A.jpg|I will come to you\n</gallery>",
        "<syntaxhighlight lang=python>I will come to you</syntaxhighlight>",
    ],
)
@pytest.mark.parametrize("allowance", [10**9, NOT_PARSED])
def test_broken_and_unusual_markup_hides_nothing(wikitext, allowance):
    assert "I will come to you" in shown(wikitext, allowance)
    assert_origins(wikitext, plain(wikitext, allowance))


def test_without_parsing_only_the_markup_characters_go():
    got = shown("'''We''' {{meet|at=noon}} in [[Paris|the town]]<ref name=x>so</ref>", NOT_PARSED)

    assert got == "We meet|at=noon in the town<ref name=x>so"


def test_without_parsing_a_comment_still_tears_no_word():
    assert shown("I w<!---->ill co<!-- so I say -->me", NOT_PARSED) == "I will come\nso I say"


def test_a_template_of_bars_is_too_dear_to_parse():
    source = "{{a" + "|" * 2000 + "}}"

    assert not Allowance().take(source, 0, len(source))


def test_an_entity_comes_from_where_it_begins():
    got = plain("a&nbsp;&lt;b")

    assert got.text == "a\xa0<b"
    assert list(got.origins) == [0, 1, 7, 11, 12]


def test_stretches_of_a_page_become_one_text_with_offsets_in_the_page():
    page = "[[Skip]] one '''two''' skip [[three|four]] skip"
    got = plain_text(page, [(9, 22), (28, 42)], Allowance())

    assert got.text == "one two\nfour"
    assert_origins(page, got)


def test_plain_passages_need_no_origins():
    passage = plain_passage(Field.TEXT, "some text, you see", [(5, 9)], Allowance())

    assert passage is not None
    assert (passage.text, passage.origins, passage.source_span(0, 4)) == ("text", (), (5, 9))


def test_markup_without_text_is_no_passage():
    assert plain_passage(Field.TEXT, "[[]]''\n==", [(0, 9)], Allowance()) is None


def test_a_template_alone_is_judged_by_its_name():
    assert shown("{{hurt you}}") == "hurt you"
    assert shown("Hello {{citation needed}}") == "Hello"


def test_a_spent_allowance_is_not_overdrawn():
    allowance = Allowance(left=100, single=60)
    source = "{{a}}" * 20

    assert not allowance.take(source, 0, 100), "more than one fragment may cost"
    assert allowance.take(source, 0, 5)
    assert allowance.left == 100 - 5 * 2
    assert not Allowance(left=9, single=60).take(source, 0, 5), "more than is left"


MARKUP_PIECES = [
    "{{", "}}", "{{{", "}}}", "[[", "]]", "]", "|", "=", "==", "<ref>", "</ref>", "<b>", "</b>", "<br/>",
    "<!--", "-->", "<nowiki>", "</nowiki>", "'''", "''", "//", "_", "File:", "&amp;", "&#x41;", "&x", "word",
    "é", "你", "🙂", "</div>", "[http://a.b ", " ", "\n", "\n:", "\n*", "\n{|", "\n|-", "\n|", "\n|}", "\n! ",
    "\n==", "\u0301", "\u202e", "\x00", "<div title='a b'>", " thumb|",
    "\ud800",
]
wikitexts = st.one_of(
    st.lists(st.sampled_from(MARKUP_PIECES), max_size=60).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=200),
)


@settings(max_examples=500)
@given(wikitexts, st.sampled_from([10**9, NOT_PARSED]))
@example("<div title='a b'>&amp;</div>", 10**9)
def test_every_character_is_the_one_at_its_origin(wikitext, allowance):
    assert_origins(wikitext, plain(wikitext, allowance))


@settings(max_examples=300)
@given(wikitexts)
def test_a_line_of_three_words_stays_whatever_markup_stands_around_it(wikitext):
    page = f"{wikitext}\n\nthis cannot vanish\n\n{wikitext}"

    assert "this cannot vanish" in plain(page, 10**9).text
    assert "this cannot vanish" in plain(page, NOT_PARSED).text


HOSTILE = [
    "{{", "[[", "{{{", "{", "[", "<ref>", '<b a="', "{{a|", "[[a|", "{{a|[[b|<b>''", "<!--", "[http://a ",
    "'''a''", "&", "=", "<", "[[File:a|", "<nowiki>", "x\x00", "]]}}</b>{{[[<b>", "{|\n|-\n", "\n:;*#",
]


@pytest.mark.parametrize("opening", HOSTILE)
def test_hostile_markup_of_a_megabyte_is_read_to_the_end(opening):
    """The work is bounded by size, not by a clock; without the bound some of these take minutes."""
    wikitext = opening * (1_000_000 // len(opening)) + "\n\nand I will come"

    got = plain_text(wikitext, [(0, len(wikitext))], Allowance())

    assert got.text.endswith("and I will come")


def test_deeply_nested_markup_does_not_exhaust_the_stack():
    wikitext = "{{a|" * 3_000 + "deep inside" + "}}" * 3_000

    assert "deep inside" in plain(wikitext, 150_000).text
