"""Sentences written for this project: what a threat looks like in a language, and what only looks like one.

One plain text file per language in ``tsbot/detect/sentences``; a line is one sentence with what a careful reader would say
of it, in the words of the annotation guideline (docs/detection.md)::

    violence intent 1 p1 i1 conditional | If you touch my article again I will break your arm
    doxing | her home number is 555 0182, she works at the library in Springfield
    ok idiom | This deadline is killing me

Before the bar: the kind; for threats of harm stance, target (0-3), plausibility (p0-p3), imminence (i0-i3) and the facets
that are there (``when,where,how,ability,conditional``, or ``-``). A harmless sentence is ``ok`` with a word that says what
sort it is (:data:`HARMLESS`). Blank lines and lines that begin with ``#`` are skipped.

Every third sentence, by the hash of its text, is kept for checking and never learnt from; so is every sentence below the line
``# for checking only``, where those stand that came after the shipped model was trained.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable

from tsbot.detect.finding import PHYSICAL, Facets, Kind, Stance
from tsbot.errors import PackError

HARMLESS = frozenset(
    (
        *("talk", "idiom", "history", "fiction", "quote", "warning", "negated", "insult", "software", "sport", "game"),
        *("science", "news", "law", "help", "support", "name", "contact"),
    )
)
"""Sorts of harmless sentences: everyday wiki talk; figures of speech; history and war; plots and lyrics; somebody else's
words, reported or condemned; block and vandalism warnings; denied threats; insults and anger without harm; computing;
sports; games; biology, medicine, cooking and crafts; news; law; offers of help to people in crisis; praise; user names;
public contact details."""
UNGRADED = frozenset((Kind.DOXING, Kind.LEGAL, Kind.ATTACK_NAME)) | PHYSICAL
"""Kinds that may stand alone; of a threat of harm the grades are then unknown."""
FACETS = ("when", "where", "how", "ability", "conditional")
CHECK_EVERY = 3
CHECK_ONLY = "# for checking only"
_GRADED = re.compile(r"(?P<kind>\w+) (?P<stance>\w+) (?P<target>[0-3]) p(?P<plausibility>[0-3]) i(?P<imminence>[0-3]) (?P<facets>\S+)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with what is known of it."""

    language: str
    text: str
    kind: Kind
    """``none`` for a harmless one."""
    sort: str = ""
    """What sort of harmless sentence it is; empty for others."""
    facets: Facets | None = None
    """For threats of harm whose grades are known."""
    plausibility: int = 0
    imminence: int = 0
    late: bool = False
    """Stands below the line ``# for checking only``."""

    @property
    def check(self) -> bool:
        """Whether the sentence is kept for checking."""
        return self.late or int(hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) % CHECK_EVERY == 0


def read_sentences(path: Traversable) -> list[Sentence]:
    """Read one file, named after its language. Raises ``PackError`` with file and line."""
    language = path.name.partition(".")[0]
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{path.name}: cannot be read as UTF-8 text: {error}.") from error
    found: list[Sentence] = []
    seen: dict[str, int] = {}
    late = False
    for number, line in enumerate(lines, 1):
        late = late or line.strip() == CHECK_ONLY
        if not line.strip() or line.startswith("#"):
            continue
        label, bar, text = (side.strip() for side in line.partition("|"))
        where = f"{path.name}, line {number}"
        if not label or not bar or not text:
            raise PackError(f"{where}: needs a label, a bar and a sentence.")
        if text in seen:
            raise PackError(f"{where}: stands on line {seen[text]} already.")
        seen[text] = number
        found.append(replace(_sentence(language, label, text, where), late=late))
    return found


def all_sentences(folder: Traversable | None = None) -> Iterator[Sentence]:
    """Sentences of all languages, by language. Raises ``PackError``."""
    folder = folder or resources.files("tsbot.detect").joinpath("sentences")
    for path in sorted((path for path in folder.iterdir() if path.name.endswith(".txt")), key=lambda path: path.name):
        yield from read_sentences(path)


def _sentence(language: str, label: str, text: str, where: str) -> Sentence:
    words = label.split()
    if words[0] == "ok":
        if len(words) != 2 or words[1] not in HARMLESS:
            raise PackError(f"{where}: after 'ok' comes one of {', '.join(sorted(HARMLESS))}, not {' '.join(words[1:])!r}.")
        return Sentence(language, text, Kind.NONE, words[1])
    if len(words) == 1 and words[0] in UNGRADED:
        return Sentence(language, text, Kind(words[0]))
    match = _GRADED.fullmatch(label)
    if match is None or match["kind"] not in PHYSICAL:
        raise PackError(f"{where}: {label!r} is no label; docs/languages.md says how they are written.")
    facets = [] if match["facets"] == "-" else match["facets"].split(",")
    if unknown := [name for name in facets if name not in FACETS]:
        raise PackError(f"{where}: no facet {unknown[0]!r}; there are {', '.join(FACETS)}, and - for none.")
    if match["stance"] not in (Stance.INTENT, Stance.WISH, Stance.INCITEMENT):
        raise PackError(f"{where}: a threat is intent, wish or incitement, not {match['stance']!r}.")
    return Sentence(
        language,
        text,
        Kind(match["kind"]),
        facets=Facets(int(match["target"]), stance=Stance(match["stance"]), **{name: name in facets for name in FACETS}),
        plausibility=int(match["plausibility"]),
        imminence=int(match["imminence"]),
    )
