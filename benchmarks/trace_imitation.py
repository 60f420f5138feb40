"""Imitation: how often it is found, and how often accounts of one person are taken for it. One table.

    python benchmarks/trace_imitation.py --data FOLDER [--victims 100]

FOLDER as for trace_quality.py. Imitations are made: somebody else's habits (times, pauses, own summaries) with what is copied from a
victim: a look-alike name, pages, summaries in whole or in part, hours; as much as the imitator edited, and 2, 5 and 20 times as much,
from some time within the victim's activity on. Accounts of one person are pairs that share a page, under their own names, and as if one
name were a look-alike of the other, where habits alone must tell. Nothing names an account.
"""

from __future__ import annotations

import argparse
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

from rich.console import Console
from rich.table import Table
from trace_data import Data, git_data, wiki_data

from tsbot.trace.activity import Account, Edit
from tsbot.trace.gallery import Gallery
from tsbot.trace.imitation import Imitations, Signs

LEAST = 5
"""Edits of a victim and of who imitates him, before they are multiplied."""
VOLUMES = (1, 2, 5, 20)
ATTACKS: dict[str, tuple[str, ...]] = {
    "name, pages": ("pages",),
    "name, pages, phrases": ("pages", "phrases"),
    "name, pages, summaries": ("pages", "summaries"),
    "name, pages, summaries, hours": ("pages", "summaries", "hours"),
}
CONFUSED = {
    "o": "0",
    "l": "1",
    "i": "1",
    "e": "3",
    "a": "4",
    "s": "5",
    "t": "7",
    "b": "8",
    "O": "0",
    "I": "l",
    "S": "5",
    "B": "8",
    "E": "3",
}


def look_alike_of(name: str) -> str:
    """A name that looks like another."""
    for position in range(len(name) - 1, -1, -1):
        if name[position] in CONFUSED:
            return name[:position] + CONFUSED[name[position]] + name[position + 1 :]
    return name + name[-1]


def imitate(victim: Account, by: Account, what: Sequence[str], volume: int, rng: random.Random) -> Account:
    """Somebody with the habits of ``by`` who copies from ``victim`` what was there before."""
    own = by.edits[:20]
    span = own[-1].timestamp - own[0].timestamp
    turn = timedelta(days=7 * (span.days // 7 + 1))
    at = rng.randrange(len(victim.edits) // 3, len(victim.edits))
    begin = victim.edits[at].timestamp.date() - own[0].timestamp.date()
    shift = timedelta(days=7 * (begin.days // 7 + 1))
    made = []
    for round_ in range(volume):
        for edit in own:
            moment = edit.timestamp + shift + round_ * turn
            known = [one for one in victim.edits if one.timestamp <= moment] or list(victim.edits)
            model = rng.choice(known)
            summary = edit.summary
            if "summaries" in what and rng.random() < 0.5:
                summary = model.summary
            elif "phrases" in what and rng.random() < 0.5:
                words = model.summary.split()
                start = rng.randrange(max(1, len(words) - 4))
                summary = f"{summary} {' '.join(words[start : start + 5])}".strip()
            pages = model.pages if rng.random() < 0.8 else edit.pages
            if "hours" in what:
                clock = rng.choice(victim.edits).timestamp
                moment = moment.replace(hour=clock.hour, minute=clock.minute)
            made.append(Edit(model.wiki, moment, pages, summary))
    return Account(look_alike_of(victim.name), tuple(sorted(made, key=lambda one: one.timestamp)))


@dataclass(frozen=True)
class Made:
    """An imitator, and the position of his victim."""

    victim: int
    account: Account


def attacks(data: Data, what: Sequence[str], volume: int, victims: int, rng: random.Random) -> list[Made]:
    able = [
        n
        for n, account in enumerate(data.accounts)
        if len(account.edits) >= LEAST and account.edits[-1].timestamp > account.edits[0].timestamp
    ]
    chosen = rng.sample(able, min(victims, len(able)))
    made = []
    for victim in chosen:
        by = rng.choice([n for n in able if data.groups[n] != data.groups[victim]])
        own = random.Random(victim)  # the same imitator in the same place, whatever the volume
        made.append(Made(victim, imitate(data.accounts[victim], data.accounts[by], what, volume, own)))
    return made


def true_pairs(data: Data, gallery: Gallery) -> list[tuple[int, int]]:
    """Pairs of one person that share a page, with some edits each; at most ten of a person."""
    pages = [{page for one in edits for page in one.subjects} for edits in gallery.read]
    count: Counter[str] = Counter()
    found = []
    for pair in combinations(range(len(data.accounts)), 2):
        person = data.persons[pair[0]]
        if not person or person != data.persons[pair[1]] or not pages[pair[0]] & pages[pair[1]]:
            continue
        if min(len(data.accounts[one].edits) for one in pair) >= LEAST and count[person] < 10:
            count[person] += 1
            found.append(pair)
    return found


def signs_of(data: Data, made: Sequence[Made]) -> list[Signs]:
    """Signs between victims and who imitates them."""
    found = Imitations(Gallery([*data.accounts, *(one.account for one in made)]))
    return [found.signs(one.victim, len(data.accounts) + number) for number, one in enumerate(made)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--victims", type=int, default=100)
    options = parser.parse_args()
    table = Table("data", "what is copied", *(f"x{volume}" for volume in VOLUMES), "found at x1, lost later")
    for name, load in (("wiki", wiki_data), ("git", git_data)):
        data = load(options.data)
        gallery = Gallery(data.accounts)
        found = Imitations(gallery)
        true = [found.signs(*pair) for pair in true_pairs(data, gallery)]
        called = sum(one.imitation for one in true)
        alike = sum(replace(one, name="look-alike").imitation for one in true)
        table.add_row(name, f"{len(true)} pairs of one person taken for imitation: {called}; as look-alikes: {alike}", *[""] * 5)
        for attack, what in ATTACKS.items():
            hits = []
            for volume in VOLUMES:
                made = attacks(data, what, volume, options.victims, random.Random(5))
                hits.append([one.imitation for one in signs_of(data, made)])
            lost = sum(first and not all(later) for first, *later in zip(*hits, strict=True))
            table.add_row(name, attack, *(f"{sum(some) / len(some):.2f}" for some in hits), f"{lost} of {sum(hits[0])}")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
