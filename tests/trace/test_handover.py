"""Hand-over texts and exports: what is in them, what is left out and said so, and that nothing in a name is markup or a formula."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
import stix2

from tsbot.trace.answer import Candidate, DiffPair, EvidenceLine, Grouping, Place, Side, Silent, Subject, Trace
from tsbot.trace.handover import Private, investigation, lock_request, public_json, table, wikitext
from tsbot.trace.stix import bundle


def side(account: str, rev_id: int) -> Side:
    return Side(
        account, "enwiki", 1.77e9, "Mill", "canary summary", f"https://en.wikipedia.org/w/index.php?diff=prev&oldid={rev_id}", rev_id
    )


def link(rank: int, account: str, tier: str = "strong", **more: object) -> Candidate:
    pairs = (DiffPair('the summary "canary summary" (2 of 9 accounts)', side("Plain Facts 1", 5), side(account, 60 + rank)),)
    lines = (
        EvidenceLine("pages", "where", 5.0, "2 pages in common, the rarest: enwiki: Mill (2 accounts)", pairs),
        EvidenceLine("phrases", "text", 3.0, 'the summary "canary summary" (2 accounts)', pairs),
        EvidenceLine("hours", "time", -1.5, "mostly active 06-09 h / 21-23 h (UTC)"),
    )
    return Candidate(rank, account, 8.0, tier, "the evidence is consistent with one person", 0.004, lines, ("text", "where"), **more)  # type: ignore[arg-type]


TRACE = Trace(
    "trace:1",
    1.78e9,
    Subject("Plain Facts 1", "account", locked=False),
    (Place("enwiki", "https://en.wikipedia.org", 12, 12, flags=2, cases=("secret-case",)),),
    candidates=(
        link(1, "Plain Facts 2"),
        link(2, "Plain Facts 3", locked=True),
        link(3, "Weir Keeper", "weak"),
        link(4, "Quiet 0rganist", "imitation"),
        link(5, "Mint Reader", "very strong", disputed="lime"),
        link(6, "=Bad+Name", "moderate", blocked=("enwiki",)),
        link(7, "Nobody", "insufficient"),
        link(8, "198.51.100.7"),
    ),
    population=50_000,
)
NOTHING = Private()


@pytest.mark.parametrize(("write", "weaker"), [(lock_request, 2), (investigation, 1)])
def test_a_public_text_names_links_and_says_what_it_leaves_out(write: object, weaker: int) -> None:
    made = write(TRACE, NOTHING)  # type: ignore[operator]
    assert "Plain Facts 2" in made.text
    assert "consistent with" in made.text or "Suspected accounts" in made.text
    for secret in ("Weir Keeper", "Quiet 0rganist", "Mint Reader", "Nobody", "secret-case", "canary"):
        assert secret not in made.text
    assert set(made.left_out) == {
        "2 flags of ours and their cases",
        "1 disputed links",
        "1 links that look like imitation",
        f"{weaker} weaker links",
        "quotations of summaries and headings",
    }
    assert "What may not be public is left out." in made.text
    assert "flag" not in made.text
    assert "cases" not in made.text
    assert "against: hours (-1.5)" in made.text
    assert "oldid=61" in made.text


def test_who_is_locked_already_is_grey_and_not_asked_for_again() -> None:
    text = lock_request(TRACE, NOTHING).text
    (asked,) = [line for line in text.splitlines() if line.startswith("{{MultiLock")]
    assert asked == "{{MultiLock|1=Plain Facts 1|2=Plain Facts 2}}"
    (grey,) = [line for line in text.splitlines() if "locked already" in line]
    assert "color:#72777d" in grey
    assert "Plain Facts 3" in grey
    assert "198.51.100.7]]: an address" in text
    assert "color:#72777d" in investigation(TRACE, NOTHING).text.partition("blocked already on enwiki")[0]


def test_nobody_is_led_to_what_was_flagged() -> None:
    private = Private(frozenset({("enwiki", 61)}), frozenset({"Plain Facts 3"}))
    for text in (lock_request(TRACE, private).text, investigation(TRACE, private).text, table(TRACE, private).text):
        assert "oldid=61" not in text
        assert "Plain Facts 3" not in text
    left_out = lock_request(TRACE, private).left_out
    assert "1 accounts whose name was flagged: report them by private means" in left_out
    assert "2 pairs of diffs of which one was flagged" in left_out
    told, _ = public_json(replace(TRACE, grouping=Grouping((("Plain Facts 1", "Plain Facts 3"),), svg="<svg>Plain Facts 3")), private)
    assert "oldid=61" not in json.dumps(told)
    assert "secret-case" not in json.dumps(told)
    assert "Plain Facts 3" not in json.dumps(told)
    assert "Plain Facts 3" not in json.dumps(bundle(TRACE, private))


@pytest.mark.parametrize("write", [lock_request, investigation])
def test_a_name_that_is_an_attack_is_not_written_down_at_all(write: object) -> None:
    made = write(TRACE, Private(names=frozenset({"Plain Facts 1"})))  # type: ignore[operator]
    assert "Plain Facts" not in made.text
    assert "private means" in made.text


def test_wikis_that_did_not_answer_are_named() -> None:
    assert "did not answer: dewiki" in lock_request(replace(TRACE, silent=(Silent("dewiki", "down"),)), NOTHING).text


@pytest.mark.parametrize(
    "name", ["}}{{Delete}}", "[[File:X.png]]", "<script>", "'''bold'''", "a|b", "~~~~", "x\n== Heading ==", "\u202eabc", "__TOC__"]
)
def test_nothing_in_a_name_is_markup(name: str) -> None:
    shown = wikitext(name)
    assert not any(mark in shown for mark in ("{{", "}}", "[[", "]]", "<", "'''", "|", "~~~", "\n", "\u202e", "__TOC"))
    text = lock_request(replace(TRACE, candidates=(link(1, name),)), NOTHING).text
    assert "{{Delete}}" not in text
    assert "<script" not in text
    assert "\n== Heading" not in text


def test_a_spreadsheet_runs_nothing() -> None:
    rows = list(csv.reader(io.StringIO(table(TRACE, NOTHING).text)))
    assert rows[0][:4] == ["rank", "account", "tier", "log_lr"]
    accounts = [row[1] for row in rows[1:]]
    assert "'=Bad+Name" in accounts
    assert not [cell for row in rows[1:] for cell in row if cell[:1] in "=@" and cell]
    assert "Mint Reader" not in accounts  # disputed
    assert {"Weir Keeper", "Quiet 0rganist"} <= set(accounts)  # a table for people who know what tiers mean


def test_stix_is_valid_and_the_same_each_time() -> None:
    made = bundle(TRACE, NOTHING)
    assert made == bundle(TRACE, NOTHING)
    parsed = stix2.parse(json.dumps(made), version="2.1", allow_custom=False)
    kinds = [one["type"] for one in parsed.objects]
    assert kinds.count("user-account") == 1 + 4
    assert kinds.count("relationship") == 4
    first = next(one for one in parsed.objects if one["type"] == "user-account")
    assert first["id"] == stix2.v21.UserAccount(account_login="Plain Facts 1", account_type="mediawiki")["id"]
    assert all("consistent with" in one["description"] for one in parsed.objects if one["type"] == "relationship")
    assert "canary" not in json.dumps(made)
