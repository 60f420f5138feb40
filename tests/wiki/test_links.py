"""Links out of letters and into the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import InputError
from tsbot.wiki.links import Target, WikiLinks, parse_link

CASES = [
    [part.strip() for part in line.rsplit(" | ", 1)]
    for line in (Path(__file__).parent / "links.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
WIKIPEDIA = WikiLinks.of("https://de.wikipedia.org")
DEMO = WikiLinks.of("", "127.0.0.1:8901")


@pytest.mark.parametrize(("url", "expected"), CASES, ids=[url for url, _ in CASES])
def test_what_an_address_is_about(url: str, expected: str) -> None:
    if expected == "no":
        with pytest.raises(InputError):
            parse_link(url)
        return
    base, kind, number = expected.split()
    assert parse_link(url) == Target(base, **{f"{kind}_id": int(number)})


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (WIKIPEDIA.page("Benutzer Diskussion:Ä b"), "https://de.wikipedia.org/wiki/Benutzer_Diskussion:%C3%84_b"),
        (WIKIPEDIA.page("What?"), "https://de.wikipedia.org/wiki/What%3F"),
        (WIKIPEDIA.diff(123), "https://de.wikipedia.org/w/index.php?diff=prev&oldid=123"),
        (WIKIPEDIA.diff(123, 120), "https://de.wikipedia.org/w/index.php?diff=123&oldid=120"),
        (WIKIPEDIA.permanent(123), "https://de.wikipedia.org/w/index.php?oldid=123"),
        (WIKIPEDIA.history("A & B"), "https://de.wikipedia.org/w/index.php?title=A_%26_B&action=history"),
        (WIKIPEDIA.user("Mallory"), "https://de.wikipedia.org/wiki/User:Mallory"),
        (WIKIPEDIA.contributions("2001:db8::7"), "https://de.wikipedia.org/wiki/Special:Contributions/2001:db8::7"),
        (WIKIPEDIA.log_entry(9), "https://de.wikipedia.org/wiki/Special:Redirect/logid/9"),
        (WIKIPEDIA.central_auth("~2026-1 x"), "https://meta.wikimedia.org/wiki/Special:CentralAuth/~2026-1_x"),
        (DEMO.diff(5), "http://127.0.0.1:8901/w/index.php?diff=prev&oldid=5"),
        (DEMO.central_auth("Mallory"), None),
    ],
)
def test_links(link: str | None, expected: str | None) -> None:
    assert link == expected


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_our_own_links_lead_back(rev_id: int, parent_id: int) -> None:
    base = "https://de.wikipedia.org"
    for link in (WIKIPEDIA.diff(rev_id), WIKIPEDIA.diff(rev_id, parent_id), WIKIPEDIA.permanent(rev_id)):
        assert parse_link(link) == Target(base, rev_id=rev_id)
    assert parse_link(WIKIPEDIA.log_entry(rev_id)) == Target(base, log_id=rev_id)


@given(st.text())
def test_titles_stay_within_their_address(title: str) -> None:
    link = WIKIPEDIA.page(title.encode("utf-8", "ignore").decode())
    assert link.isascii()
    assert not any(character in link for character in " <>\"'()\n")


@given(st.text(max_size=80))
def test_any_text_is_a_link_or_an_error_that_says_so(text: str) -> None:
    for url in (text, f"https://en.wikipedia.org/{text}", f"https://en.wikipedia.org/wiki/Special:Diff/{text}", f"https://{text}/?diff=1"):
        try:
            target = parse_link(url)
        except InputError:
            continue
        assert (target.rev_id is None) != (target.log_id is None)
