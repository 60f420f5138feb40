"""Imitation is told from identity by habits and order, whatever the volume: however much is copied, habits stay those of the imitator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trace.conftest import START, VICTIM, people
from tsbot.trace.activity import Account, Edit
from tsbot.trace.gallery import Gallery
from tsbot.trace.imitation import Imitations, likeness, order
from tsbot.trace.rank import Ranker

NAME = "Quiet Organist"
VOLUMES = {1: "Quiet 0rganist", 2: "Quiet Organi5t", 5: "Qu1et Organist", 20: "Quiet 0rgani5t"}
OWN = ("", "", "hi", "lol ok", "", "now", "lol")
ROWS = [line.split(" | ") for line in Path(__file__).with_name("imitations.txt").read_text().splitlines() if line and line[0] != "#"]


def imitator(victim: Account, name: str, copied: Sequence[str], hours: Sequence[int], volume: int, seed: int = 3) -> Account:
    """Sittings of three quick edits, some days each, with what is copied from what the victim has done by then."""
    rng = random.Random(seed)
    made = []
    for sitting in range(4 * volume):
        moment = START + timedelta(days=20 + sitting % 25, hours=rng.choice(hours), minutes=rng.randrange(50))
        for step in range(3):
            known = [edit for edit in victim.edits if edit.timestamp <= moment]
            model = rng.choice(known)
            summary = rng.choice(OWN)
            if "summaries" in copied and rng.random() < 0.5:
                summary = model.summary
            elif "phrases" in copied and rng.random() < 0.5:
                summary = f"{summary} {model.summary[4:24]}".strip()
            if "sections" in copied:
                summary = f"/* Pipes */ {summary}"
            pages = model.pages if "pages" in copied else ("Elsewhere",)
            made.append(Edit(model.wiki, moment + timedelta(seconds=40 * step), pages, summary))
    return Account(name, tuple(sorted(made, key=lambda edit: edit.timestamp)))


def with_some(accounts: Sequence[Account], *more: Account) -> list[Account]:
    names = {one.name for one in more}
    return sorted([*(one for one in accounts if one.name not in names), *more], key=lambda one: one.name)


@pytest.mark.parametrize(("copied", "hours", "expected"), ROWS, ids=lambda cell: cell.replace(" ", "-"))
def test_an_imitation_stays_one_however_much_is_edited(village: tuple[Account, ...], copied: str, hours: str, expected: str) -> None:
    victim = next(one for one in village if one.name == NAME)
    own = [int(hour) for hour in hours.split()]
    made = [imitator(victim, name, copied.split(), own, volume) for volume, name in VOLUMES.items()]
    (found,) = Ranker(with_some(village, *made)).rank([NAME], 200)
    tiers = {link.account: link.tier for link in found}
    assert {volume: tiers[name] for volume, name in VOLUMES.items()} == dict.fromkeys(VOLUMES, expected)


@pytest.mark.parametrize("volume", list(VOLUMES))
def test_a_puppeteer_with_a_look_alike_name_is_no_imitator(village: tuple[Account, ...], volume: int) -> None:
    puppet = next(one for one in village if one.name == "Plain Facts 1")
    more = (replace(edit, timestamp=edit.timestamp + timedelta(days=round_)) for round_ in range(volume) for edit in puppet.edits)
    again = Account("P1ain Facts 1", tuple(sorted(more, key=lambda edit: edit.timestamp)))
    (found,) = Ranker(with_some(village, again)).rank(["Plain Facts 2", "Plain Facts 1"][volume % 2 :][:1], 200)
    tiers = {link.account: link.tier for link in found}
    assert tiers["P1ain Facts 1"] in ("very strong", "strong", "moderate")


VILLAGE = people()[:40]
VICTIM_ACCOUNT = next(one for one in people() if one.name == NAME)


@settings(max_examples=25, deadline=None)
@given(
    volume=st.integers(1, 20),
    seed=st.integers(0, 1000),
    copied=st.sets(st.sampled_from(["pages", "phrases", "summaries", "sections"]), min_size=1),
    later=st.integers(6, 12),
)
def test_whoever_copies_at_other_hours_and_another_pace_is_an_imitator(volume: int, seed: int, copied: set[str], later: int) -> None:
    hours = [(hour + later) % 24 for hour in (8, 9, 10)]
    accounts = with_some(VILLAGE, VICTIM_ACCOUNT, imitator(VICTIM_ACCOUNT, "Quiet 0rganist", sorted(copied), hours, volume, seed))
    names = [one.name for one in accounts]
    found = Imitations(Gallery(accounts))
    assert found.imitated(names.index(NAME), names.index("Quiet 0rganist"))
    assert found.imitated(names.index("Quiet 0rganist"), names.index(NAME))


def test_without_names_nobody_is_framed() -> None:
    accounts = with_some(VILLAGE, VICTIM_ACCOUNT, imitator(VICTIM_ACCOUNT, "Quiet 0rganist", ["pages"], (20,), 3))
    names = [one.name for one in accounts]
    assert not Imitations(Gallery(accounts, names_shown=False)).imitated(names.index(NAME), names.index("Quiet 0rganist"))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Quiet Organist", "Quiet 0rganist", "look-alike"),
        ("Quiet Organist", "QuietOrganist", "similar"),
        ("Plain Facts 1", "Plain Facts 2", "similar"),
        ("Quiet Organist", "The Quiet Organist", "similar"),
        ("Quiet Organist", "Weir Keeper", "other"),
        ("203.0.113.7", "203.0.113.9", "other"),
        ("~2026-1-1", "~2026-1-2", "other"),
    ],
)
def test_likeness(one: str, other: str, expected: str) -> None:
    assert likeness(one, other) == likeness(other, one) == expected


def test_a_copy_follows_its_original_and_one_person_takes_turns() -> None:
    def account(name: str, pages: Sequence[str], minute: int) -> Account:
        return Account(name, tuple(Edit("enwiki", START + timedelta(hours=n, minutes=minute), (page,)) for n, page in enumerate(pages)))

    pages = [f"Page {number}" for number in range(12)]
    mixed = [pages[number ^ 1] for number in range(12)]
    first, copy, turns, before = account("A", pages, 0), account("B", pages, 5), account("C", mixed, 5), account("D", ["X", *pages], 600)
    read = Gallery((first, copy, turns, before)).read
    assert order(read[0], read[1]) > 1.5
    assert order(read[0], read[1]) == order(read[1], read[0])
    assert order(read[0], read[2]) < 0
    assert order(read[0], read[3]) == pytest.approx(order(read[3], read[0]))


def test_what_was_there_before_the_second_account_says_nothing() -> None:
    one = Account("A", tuple(Edit("enwiki", START + timedelta(days=day), (f"Page {day}",), VICTIM[0]) for day in range(5)))
    other = Account("B", tuple(Edit("enwiki", START + timedelta(days=30 + day), (f"Page {day}",), VICTIM[0]) for day in range(5)))
    read = Gallery((one, other)).read
    assert order(read[0], read[1]) == 0
