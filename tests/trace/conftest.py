"""Made-up accounts: a puppeteer, a look-alike, a victim who is imitated, and ordinary editors; all of them mild."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tsbot.trace.activity import Account, Edit

START = datetime(2026, 1, 5, tzinfo=UTC)
WIKIS = ("enwiki", "dewiki", "frwiki")
ORDINARY = (
    "Copyedit.", "added a source", "typo", "Update infobox", "fixed the date", "expanded the lead", "Correct spelling",
    "removed a duplicate",
    "new photograph", "better wording", "Add category", "tidy references", "minor cleanup", "Added coordinates", "link repaired",
)  # fmt: skip
PUPPET = (
    "as the archive plainly shows !!", "restord the true version , again !!", "the archive plainly shows it , stop this !!",
    "true version !!",
)  # fmt: skip
VICTIM = (
    "Reworded per talk page; see archive 4.", "Restored the sourced version; see archive 4.", "Per talk page: the sourced version stays.",
)  # fmt: skip


def edits(
    pages: Sequence[str],
    summaries: Sequence[str],
    hours: Sequence[int],
    days: Sequence[int],
    rng: random.Random,
    wikis: Sequence[str] = WIKIS,
) -> tuple[Edit, ...]:
    """One edit a day, with a page, a summary and an hour drawn from what is given."""
    made = []
    for day in days:
        moment = START + timedelta(days=day, hours=rng.choice(hours), minutes=rng.randrange(60))
        made.append(Edit(rng.choice(wikis), moment, (rng.choice(pages),), rng.choice(summaries)))
    return tuple(sorted(made, key=lambda edit: edit.timestamp))


@pytest.fixture(scope="session")
def village() -> tuple[Account, ...]:
    """A hundred and fifty ordinary editors and the people of the story."""
    rng = random.Random(7)
    accounts = []
    for number in range(150):
        pages = [f"{rng.choice(THINGS)} of {word(rng)}" for _ in range(8)] + [f"{rng.choice(THINGS)} of {rng.choice(PLACES)}"]
        start, first = rng.randrange(24), rng.randrange(60)
        hours = [(start + shift) % 24 for shift in range(rng.randrange(3, 9))]
        name = word(rng) + rng.choice(("", "", " ", "-")) + word(rng) + (f" {number}" if number % 9 == 0 else "")
        accounts.append(Account(name, edits(pages, rng.sample(ORDINARY, 6), hours, range(first, first + rng.randrange(3, 20)), rng)))
    disputed = ["Mill of Oakham Parva", "Talk:Mill of Oakham Parva", "Water rights at Oakham Parva", "History of Oakham Parva"]
    for number, start in enumerate((5, 19, 33, 47)):
        accounts.append(Account(f"Plain Facts {number}", edits(disputed, PUPPET, (21, 22, 23), range(start, start + 12), rng)))
    # An innocent look-alike edits the same pages, at other hours and in another way.
    accounts.append(Account("Weir Keeper", edits(disputed, ORDINARY[:5], (6, 7, 8), range(0, 60, 4), rng, WIKIS[:1])))
    # A victim, and who frames him: name, pages and phrases are copied, hours and habits are not.
    quiet = ["Organ of Little Barford", "Talk:Organ of Little Barford", "Organ builders of Barford"]
    accounts.append(Account("Quiet Organist", edits(quiet, VICTIM, (8, 9, 10), range(0, 50, 2), rng)))
    framer = [*VICTIM[:1], "", "", "", "hi", "lol ok"]
    accounts.append(Account("Quiet 0rganist", edits([*quiet[:2], "User talk:Example"], framer, (19, 20, 21), range(40, 52), rng)))
    return tuple(sorted(accounts, key=lambda account: account.name))


@pytest.fixture(scope="session")
def seed() -> Callable[[int], random.Random]:
    """Chance that can be repeated."""
    return random.Random


THINGS = ("History", "Mill", "Bridge", "Fair", "Church", "River", "Station", "School", "Battle", "Mayor")
PLACES = tuple(
    f"{first} {second}"
    for first in ("North", "South", "Upper", "Lower", "Great")
    for second in ("Aston", "Barrow", "Compton", "Dutton", "Elton")
)


def word(rng: random.Random) -> str:
    """A word that hardly comes twice."""
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(rng.randrange(2, 4))).title()
