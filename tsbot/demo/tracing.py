"""A story for traces on the demo's wikis, made up and mild.

A puppeteer with four accounts on three wikis among ordinary editors, an innocent look-alike who edits the same pages, and a victim whom
somebody frames by imitation. Histories are imported with their times (up to 60 days back), since what tells people apart needs weeks;
recent changes are rebuilt from them.
"""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from tsbot.demo.actors import ActionRefusedError
from tsbot.demo.wikis import WikiFamily

PUPPETS = tuple(f"Plain Facts {number}" for number in range(1, 5))
LOOK_ALIKE, VICTIM, FRAMER = "Weir Keeper", "Quiet Organist", "Quiet 0rganist"
DAYS = 60
WIKIS = ("enwiki", "dewiki", "metawiki")
ORDINARY = 40
_DISPUTED = ("Mill of Oakham Parva", "Talk:Mill of Oakham Parva", "Water rights at Oakham Parva", "History of Oakham Parva")
_ORGAN = ("Organ of Little Barford", "Talk:Organ of Little Barford", "Organ builders of Barford")
_PUPPET_SUMMARIES = (
    "as the archive plainly shows !!", "restord the true version , again !!", "the archive plainly shows it , stop this !!",
    "true version !!", "no , the archive plainly shows the weir was first !!",
)  # fmt: skip
_VICTIM_SUMMARIES = (
    "Reworded per talk page; see archive 4.", "Restored the sourced version; see archive 4.", "Per talk page: the sourced version stays.",
)  # fmt: skip
_SUMMARIES = (
    "Copyedit.", "added a source", "typo", "Update infobox", "fixed the date", "expanded the lead", "Correct spelling",
    "removed a duplicate", "new photograph", "better wording", "Add category", "tidy references", "minor cleanup", "Added coordinates",
    "link repaired",
)  # fmt: skip
_THINGS = ("History", "Mill", "Bridge", "Fair", "Church", "River", "Station", "School", "Battle", "Mayor")


@dataclass(frozen=True, slots=True)
class StoryEdit:
    """An edit that is imported. ``day`` counts from the beginning of the story."""

    wiki: str
    page: str
    account: str
    day: int
    minute: int
    summary: str


def story(seed: int = 7) -> list[StoryEdit]:
    """All edits of the story, the same each time."""
    rng = random.Random(seed)  # noqa: S311 - a story, no secret
    edits: list[StoryEdit] = []

    def add(
        account: str,
        pages: Sequence[str],
        summaries: Sequence[str],
        hours: Sequence[int],
        days: Sequence[int],
        wikis: Sequence[str] = WIKIS,
    ) -> None:
        for day in days:
            minute = 60 * rng.choice(hours) + rng.randrange(60)
            edits.append(StoryEdit(rng.choice(wikis), rng.choice(pages), account, day, minute, rng.choice(summaries)))

    for number in range(ORDINARY):
        pages = [f"{rng.choice(_THINGS)} of {_word(rng)}" for _ in range(8)] + [f"{rng.choice(_THINGS)} of Oakham"]
        start, first = rng.randrange(24), rng.randrange(DAYS - 25)
        hours = [(start + shift) % 24 for shift in range(rng.randrange(3, 9))]
        name = f"{_word(rng)} {_word(rng)}" if number % 2 else _word(rng) + _word(rng).lower()
        add(name, pages, rng.sample(_SUMMARIES, 6), hours, range(first, first + rng.randrange(5, 25)))
    for number, name in enumerate(PUPPETS):
        add(name, _DISPUTED, _PUPPET_SUMMARIES, (21, 22, 23), range(2 + 14 * number, 14 + 14 * number))
    add(LOOK_ALIKE, _DISPUTED, _SUMMARIES[:5], (6, 7, 8), range(0, DAYS, 4), WIKIS[:1])
    add(VICTIM, _ORGAN, _VICTIM_SUMMARIES, (8, 9, 10), range(0, 50, 2))
    add(FRAMER, (*_ORGAN[:2], "User talk:Maple Reader"), (*_VICTIM_SUMMARIES[:1], "", "", "", "hi", "lol ok"), (19, 20, 21), range(40, 52))
    return edits


def play(family: WikiFamily, now: float, progress: Callable[[str], None] = lambda _text: None) -> None:
    """Make the accounts and import the histories. Where the accounts are already, nothing is done. Raises DemoError."""
    edits = story()
    new = 0
    with family.actor("Admin", "metawiki") as admin:
        for name in sorted({edit.account for edit in edits}):
            try:
                admin.create_account(name, secrets.token_urlsafe(18))
                new += 1
            except ActionRefusedError as error:
                if error.code != "userexists":
                    raise
            progress(f"account {name}")
    if not new:  # an import would add each revision once more
        return
    with TemporaryDirectory(dir=family.folder) as folder:
        for wiki in WIKIS:
            dump = Path(folder) / f"{wiki}.xml"
            dump.write_text("".join(export([edit for edit in edits if edit.wiki == wiki], now)), encoding="utf-8")
            family.import_dump(wiki, dump)
            family.maintain(wiki, "rebuildrecentchanges.php")
            progress(f"histories of {wiki}")


def export(edits: Sequence[StoryEdit], now: float) -> Iterator[str]:
    """Edits to one wiki in MediaWiki's export format (mediawiki.org, Help:Export)."""
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(days=DAYS)
    pages: dict[str, list[StoryEdit]] = defaultdict(list)
    for edit in sorted(edits, key=lambda edit: (edit.day, edit.minute)):
        pages[edit.page].append(edit)
    yield '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="en">\n'
    for title, some in sorted(pages.items()):
        space = 3 if title.startswith("User talk:") else 1 if title.startswith("Talk:") else 0
        yield f"<page><title>{escape(title)}</title><ns>{space}</ns>"
        for number, edit in enumerate(some, 1):
            time = begin + timedelta(days=edit.day, minutes=edit.minute)
            text = "\n\n".join(_sentence(title, one, before) for one, before in enumerate(some[:number], 1))
            yield (
                f"<revision><timestamp>{time:%Y-%m-%dT%H:%M:%SZ}</timestamp><contributor><username>{escape(edit.account)}</username>"
                f"<id>0</id></contributor><comment>{escape(edit.summary)}</comment><model>wikitext</model><format>text/x-wiki</format>"
                f'<text xml:space="preserve">{escape(text)}</text></revision>'
            )
        yield "</page>\n"
    yield "</mediawiki>\n"


def _sentence(title: str, number: int, edit: StoryEdit) -> str:
    """What an edit adds: ordinary people write about the page, the puppeteer repeats himself."""
    if edit.account in PUPPETS:
        return f"As the archive plainly shows, the weir stood long before the mill did ({number})."
    return f"{edit.account} on {title}: sentence {number}."


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(rng.randrange(2, 4))).title()
