"""What is known around a flagged passage. The finding is the text's own; what stands here moves its priority only.

:class:`Context` is plain: everything in it is told by the event, the page around the passage, or counts out of the database
(:mod:`tsbot.cases.earlier`, :mod:`tsbot.cases.copypasta`). None and empty mean unknown, and move nothing.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tsbot.datafiles import data_file
from tsbot.detect.finding import Evidence, Kind
from tsbot.errors import SettingsError
from tsbot.stream.events import Event
from tsbot.text.passage import Field, Passage
from tsbot.text.surroundings import Surroundings, quoted, surroundings

PLACES = Path(__file__).with_name("places.toml")
DAY = 86400.0
ARTICLES = 0
USER_PAGES = (2, 3)
USER_TALK = 3
ADMINISTRATIVE_LOGS = frozenset(("block", "gblblock", "globalauth", "protect", "delete", "abusefilter", "suppress", "rights"))
"""Logs that only those write who act against vandals; their comments quote."""
HEADINGS = ("plot", "lyrics", "warning")
TEMPLATES = ("lyrics", "quote", "warning")
TOPICS = ("school", "hospital", "university", "worship", "crowd", "government")


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around a flagged passage."""

    namespace: int | None = None
    field: Field = Field.TEXT
    section: str = ""
    """What the section is for, one of :data:`HEADINGS`."""
    markup: str = ""
    """What encloses the passage: the first that fits of :data:`TEMPLATES`, or ``template`` for any other."""
    quoted: bool = False
    """The evidence stands between quotation marks, or in a tag for quotations."""
    administrative: bool = False
    """The comment of a block, a protection or the like."""
    topics: tuple[str, ...] = ()
    """What the page is about, some of :data:`TOPICS`."""
    temporary: bool | None = None
    """Written under a temporary account or an address."""
    account_days: float | None = None
    """Age of the account at the time of the edit."""
    edit_count: int | None = None
    earlier_author: int = 0
    """Flags on other edits of the same author in the weeks before."""
    earlier_page: int = 0
    """Flags on edits of others to the same page in the weeks before."""
    repeated: int = 0
    """Near-equal texts flagged in the days before."""
    by_hand: bool = False
    """A person pointed at the edit."""
    revert_risk: float | None = None
    """Probability that the revision will be reverted, as an outside model has it."""


class _PlacesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headings: dict[str, tuple[str, ...]]
    templates: dict[str, tuple[str, ...]]
    topics: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Places:
    """Words that tell what headings, templates and titles are about, ready to be searched for."""

    headings: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    templates: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    topics: Mapping[str, re.Pattern[str]] = field(default_factory=dict)

    def section(self, headings: Sequence[str]) -> str:
        """What the innermost heading that tells anything says."""
        return _innermost(self.headings, headings)

    def template(self, names: Sequence[str]) -> str:
        """What the innermost template that tells anything is; ``template`` if none does; empty without templates."""
        return _innermost(self.templates, names) or ("template" if names else "")

    def topics_of(self, title: str) -> tuple[str, ...]:
        """What a page is about, by its title."""
        folded = _fold(title)
        return tuple(topic for topic, words in self.topics.items() if words.search(folded))


def _innermost(kinds: Mapping[str, re.Pattern[str]], names: Sequence[str]) -> str:
    for name in reversed(names):
        folded = _fold(name)
        for kind, words in kinds.items():
            if words.search(folded):
                return kind
    return ""


def load_places(path: Path = PLACES) -> Places:
    """Read the words. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _PlacesFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    made = []
    for part, names in (("headings", HEADINGS), ("templates", TEMPLATES), ("topics", TOPICS)):
        lists: dict[str, tuple[str, ...]] = getattr(table, part)
        if set(lists) != set(names):
            raise SettingsError(f"{path.name}: [{part}] must have just the lists {', '.join(names)}.")
        made.append({name: _pattern(lists[name], f"{path.name}: {part}.{name}") for name in names})
    return Places(*made)


@data_file("places", PLACES)
def shipped_places() -> Places:
    """The words of the package."""
    return load_places()


def _pattern(words: Sequence[str], where: str) -> re.Pattern[str]:
    parts = []
    for word in words:
        bare = _fold(word.strip("*"))
        if not bare or "*" in bare:
            raise SettingsError(f"{where}: {word!r} is no word; * may stand at its ends only.")
        parts.append(("" if word.startswith("*") else r"(?<!\w)") + re.escape(bare) + ("" if word.endswith("*") else r"(?!\w)"))
    if not parts:
        raise SettingsError(f"{where}: the list is empty.")
    return re.compile("|".join(parts))


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text.replace("_", " ")).casefold().split())


def context_of(
    event: Event, passage: Passage, evidence: Sequence[Evidence], kind: Kind, wikitext: str = "", places: Places | None = None
) -> Context:
    """What event and page tell around a passage flagged for ``kind``; counts and outside scores are added elsewhere.

    ``wikitext`` is what the passage's offsets point into; empty where it is not at hand (the passage then stands alone).
    """
    places = places or shipped_places()
    start, end = _where(passage, evidence, kind)
    around = Surroundings()
    if passage.field is Field.TEXT and wikitext:
        around = surroundings(wikitext, *passage.source_span(start, end))
    section = places.section(around.headings)
    if section in ("plot", "lyrics") and (event.namespace is None or event.namespace % 2):
        section = ""  # on a talk page a heading promises nothing
    markup = places.template(around.templates)
    if {"poem", "score"} & {*around.tags}:
        markup = "lyrics"
    return Context(
        namespace=event.namespace,
        field=passage.field,
        section=section,
        markup=markup,
        quoted=bool({"blockquote", "q"} & {*around.tags}) or (passage.field is not Field.USER and quoted(passage.text, start, end)),
        administrative=passage.field is Field.COMMENT and event.log_type in ADMINISTRATIVE_LOGS,
        # A user's page is named after the user, a log entry's title may be one too.
        topics=() if event.namespace in USER_PAGES else places.topics_of(event.title),
        temporary=_temporary(event),
        account_days=None if event.user_registered is None else max(0.0, (event.time - event.user_registered) / DAY),
        edit_count=event.user_edit_count,
        by_hand=event.stream == "hand",
    )


def _where(passage: Passage, evidence: Sequence[Evidence], kind: Kind) -> tuple[int, int]:
    """From where to where in the passage the threat stands: its own evidence, else any, else all of it."""
    spans = [span for span in evidence if span.label == kind] or list(evidence)
    length = len(passage.text)
    if not spans:
        return 0, length
    start = min(max(0, spans[0].start), length)
    return start, min(max(start, spans[0].end), length)


def _temporary(event: Event) -> bool | None:
    if event.user is None:
        return None
    if event.user_is_temp is not None:
        return event.user_is_temp or _is_address(event.user)
    return True if _is_address(event.user) else None


def _is_address(user: str) -> bool:
    try:
        ipaddress.ip_address(user)
    except ValueError:
        return False
    return True
