"""Comparing what two runs made of the same events."""

from __future__ import annotations

from collections import Counter

from tsbot.demo.same import MOST, Found, differences

ONE = ("id-1", "enwiki:rev:1", "violence", "text")
TWO = ("id-2", "enwiki:rev:2", "violence", "summary")
CASE = frozenset(("enwiki:rev:1", "enwiki:rev:2"))
LETTER = ("letter", "desk@example.org", "enwiki:rev:1 violence")


def found(flags: Counter[tuple[str, str, str, str]], cases: Counter[frozenset[str]], mails: Counter[tuple[str, str, str]]) -> Found:
    return Found(flags, cases, mails)


def test_what_is_the_same_differs_in_nothing() -> None:
    one = found(Counter((ONE, TWO)), Counter((CASE,)), Counter((LETTER,)))
    other = found(Counter((TWO, ONE)), Counter((CASE,)), Counter((LETTER,)))
    assert differences(one, other) == {"flags": (2, []), "cases": (1, []), "mails": (1, [])}


def test_what_only_one_has_is_told_and_a_mail_that_came_twice_is_one_too_many() -> None:
    one = found(Counter((ONE,)), Counter((CASE,)), Counter((LETTER, LETTER)))
    apart = Counter((frozenset(("enwiki:rev:1",)), frozenset(("enwiki:rev:2",))))
    other = found(Counter((ONE, TWO)), apart, Counter((LETTER,)))
    assert differences(one, other) == {
        "flags": (1, ["only there: id-2 enwiki:rev:2 violence summary"]),
        "cases": (1, ["only here: enwiki:rev:1 enwiki:rev:2", "only there: enwiki:rev:1", "only there: enwiki:rev:2"]),
        "mails": (2, ["only here: letter desk@example.org enwiki:rev:1 violence"]),
    }


def test_no_more_is_told_than_one_can_read() -> None:
    many = Counter((str(n), f"enwiki:rev:{n}", "violence", "text") for n in range(3 * MOST))
    number, unlike = differences(found(many, Counter(), Counter()), found(Counter(), Counter(), Counter()))["flags"]
    assert (number, len(unlike)) == (3 * MOST, MOST)
