"""What the model learns from, as one list of examples: public data sets, annotations of them, and sentences of our own.

Ordinary talk is at hand in English only. So that the model does not take every text of another language for notable, it also sees
some of MediaWiki's interface messages in each of its languages, as harmless.

The folder of data sets is laid out as ``tsbot train --data`` expects it (docs/detection.md names sources and licences). Nothing
is downloaded here, and texts never leave the folder: training makes weights and figures from them. Our own annotations of these
texts (``annotations.txt``) name them by hash, so that no text stands in the repository.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tsbot.detect.encoder import FACETS
from tsbot.detect.finding import PHYSICAL, Facets, Kind, Stance
from tsbot.detect.lexicon import normal_forms
from tsbot.detect.sentences import Sentence, all_sentences
from tsbot.detect.windows import width
from tsbot.errors import InputError

PARTS = 5
"""Texts are split into so many parts by their hash; part 0 is held out."""
LONGEST = 4000
"""Characters of a text that are learnt from."""

ANNOTATED = "threats/annotated.jsonl"
JIGSAW = "threats/jigsaw_train.csv.gz"
EDOS = "threats/edos_train.csv.gz"
GERMEVAL = "threats/germeval_violence_de_train.csv.gz"
OPENAI = "threats/openai_eval_dev.jsonl.gz"
TALK = "negatives/gc.csv.gz"
INTERFACE = Path("/usr/share/mediawiki/languages/i18n")
"""MediaWiki's messages (GPL-2.0-or-later), where Debian's package puts them; `make debian` installs it."""
MESSAGES, MORE_MESSAGES = 250, 1200
"""Interface messages per language that the encoder learns from, and that the n-grams learn from, of which more can be had for little."""
MESSAGE_FILES = {"no": "nb", "sr": "sr-ec", "zh": "zh-hans"}

CROWD_ALONE = 0.3
"""How far a text is a threat that a crowd called so, and a careful annotation did not."""
_PLAIN = re.compile(r"[^$<>{}\[\]|=*#_/\n]+")
_LEAST_MESSAGE = 25
Answers = Mapping[str, float]
"""Question or facet to what a careful reader answers, 0-1; what is not known is left out."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what is known of it."""

    text: str
    answers: Answers
    weight: float
    """How much the answers are trusted."""
    source: str
    language: str
    held_out: bool
    """Kept for figures; never learnt from."""
    graded: bool = False
    """A careful annotation, not a crowd's label."""
    facets: Facets | None = None
    plausibility: float | None = None
    """Mean of the annotations, for threats."""
    imminence: float | None = None
    sort: str = ""
    """Of a sentence of our own."""

    @property
    def threat(self) -> bool:
        """Whether the text is a threat of physical harm."""
        return self.answers.get("threat", 0.0) >= 0.5

    @property
    def kind(self) -> Kind | None:
        """The kind that is told for certain."""
        for kind in Kind:
            if self.answers.get(kind, 0.0) == 1.0:
                return kind
        return None


def part_of(text: str) -> int:
    """Part of the split by SHA-256 of the text."""
    return int(hash_of(text)[:8], 16) % PARTS


def hash_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_examples(
    folder: Path, sentences: Traversable | None = None, interface: Path | None = None, messages: int = MESSAGES
) -> list[Example]:
    """Read every data set of the folder, sentences (default: the project's), and from ``interface`` so many messages of each language.

    Raises ``InputError`` and ``PackError``.

    A text that stands in several sets counts once, with the answers of the first in this order; the annotated ones are first.
    """
    notes = read_annotations()
    readers: tuple[tuple[str, Callable[[Path], Iterator[Example]]], ...] = (
        (ANNOTATED, _annotated),
        (JIGSAW, lambda path: _jigsaw(path, notes)),
        (EDOS, lambda path: _edos(path, notes)),
        (GERMEVAL, _germeval),
        (OPENAI, _openai),
        (TALK, _talk),
    )
    examples: list[Example] = []
    for name, reader in readers:
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path} is missing. docs/detection.md says what the data folder holds.")
        try:
            examples += reader(path)
        except (KeyError, ValueError, OSError, EOFError) as error:
            raise InputError(f"{path} is not what is expected: {type(error).__name__}: {error}.") from error
    own = list(all_sentences(sentences))
    languages = sorted({sentence.language for sentence in own})
    return _unique([*examples, *map(from_sentence, own), *(_interface(interface, languages, messages) if interface is not None else ())])


def ordinary_messages(folder: Path, language: str, half: int) -> list[str]:
    """Interface messages that are running text, in an order that only their hashes decide; one of two disjoint halves (0 or 1).

    The detector learns from half 0; half 1 is for measuring. Raises ``InputError``.
    """
    path = folder / f"{MESSAGE_FILES.get(language, language)}.json"
    try:
        messages = json.loads(path.read_text(encoding="utf-8")).values()
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}); `make debian` installs MediaWiki's messages.") from error
    plain = {message for message in messages if isinstance(message, str) and _PLAIN.fullmatch(message)}
    mine = [message for message in plain if int(hash_of(message)[16:18], 16) % 2 == half and width(message) >= _LEAST_MESSAGE]
    return sorted(mine, key=hash_of)


def read_annotations() -> dict[str, Answers]:
    """Our annotations of texts of the data sets, by the first 16 digits of their hash."""
    path = resources.files("tsbot.detect.learn").joinpath("annotations.txt")
    notes: dict[str, Answers] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            digest, threat, kind, stance, target, facets, plausibility, imminence = line.split("|")
            row = {name: int(name in facets.split(",")) for name in FACETS}
            row |= {"threat": int(threat), "target": int(target), "plausibility": int(plausibility), "imminence": int(imminence)}
            notes[digest] = answers_of({**row, "kind": kind, "stance": stance})
    return notes


def answers_of(note: Mapping[str, Any]) -> Answers:
    """Answers from one annotation by the guideline (fields as ``annotated.jsonl`` has them)."""
    threat = note["threat"] == 1
    answers: dict[str, float] = {"threat": float(threat)}
    for kind in (Kind.DOXING, Kind.LEGAL):
        answers[kind] = float(note["kind"] == kind)
    for stance in (Stance.INTENT, Stance.WISH, Stance.INCITEMENT, Stance.REPORT):
        answers[stance] = float(note["stance"] == stance)
    if not threat:
        return MappingProxyType(answers)
    answers |= {kind: float(note["kind"] == kind) for kind in PHYSICAL}
    answers |= {f"target{grade}": float(note["target"] >= grade) for grade in (1, 2, 3)}
    answers |= {name: float(note[name]) for name in FACETS}
    answers |= {f"plausible{grade}": float(note["plausibility"] >= grade) for grade in (1, 2, 3)}
    answers |= {f"imminent{grade}": float(note["imminence"] >= grade) for grade in (1, 2, 3)}
    return MappingProxyType(answers)


def mean(first: Answers, second: Answers) -> Answers:
    """Answers of two annotators taken together, where both gave one."""
    return MappingProxyType({name: (first[name] + second[name]) / 2 for name in first if name in second})


def from_sentence(sentence: Sentence) -> Example:
    """An example made of a sentence of our own."""
    kind = sentence.kind
    note: dict[str, Any] = {"threat": int(kind in PHYSICAL), "kind": kind, "stance": ""}
    facets = sentence.facets
    if facets is not None:
        note |= {name: getattr(facets, name) for name in FACETS}
        note |= {"target": facets.target, "plausibility": sentence.plausibility, "imminence": sentence.imminence, "stance": facets.stance}
        answers = dict(answers_of(note))
    else:
        told = answers_of(note | {"target": 0, "plausibility": 0, "imminence": 0, **dict.fromkeys(FACETS, 0)})
        known = {"threat", Kind.DOXING, Kind.LEGAL, *PHYSICAL}
        answers = {name: value for name, value in told.items() if name in known}
        if kind is Kind.NONE:
            answers[Stance.REPORT] = float(sentence.sort == "quote")
    answers[Kind.ATTACK_NAME] = float(kind is Kind.ATTACK_NAME)
    return Example(
        sentence.text,
        MappingProxyType(answers),
        1.0,
        "sentences/threat" if kind in PHYSICAL else f"sentences/{sentence.sort or kind}",
        sentence.language,
        sentence.check,
        graded=facets is not None,
        facets=facets,
        plausibility=float(sentence.plausibility) if facets is not None else None,
        imminence=float(sentence.imminence) if facets is not None else None,
        sort=sentence.sort,
    )


def _interface(folder: Path, languages: Sequence[str], most: int) -> Iterator[Example]:
    for language in languages:
        for message in ordinary_messages(folder, language, 0)[:most]:
            yield _example(message, 0.0, 0.5, "interface", language)


def _unique(examples: list[Example]) -> list[Example]:
    seen: set[str] = set()
    kept: list[Example] = []
    for start in range(0, len(examples), 500):
        some = examples[start : start + 500]
        for example, form in zip(some, normal_forms([example.text[:600] for example in some]), strict=True):
            if form and form not in seen:
                seen.add(form)
                kept.append(example)
    return kept


def _rows(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _example(
    text: str, threat: float, weight: float, source: str, language: str = "en", more: Mapping[str, float] | None = None
) -> Example:
    text = text[:LONGEST]
    return Example(text, MappingProxyType({"threat": threat, **(more or {})}), weight, source, language, part_of(text) == 0)


def _noted(text: str, note: Answers, source: str, crowd: bool) -> Example:
    """A text with our annotation; ``crowd`` is what its data set says."""
    answers = dict(note)
    if crowd:
        answers["threat"] = max(answers["threat"], CROWD_ALONE)
    return Example(text[:LONGEST], MappingProxyType(answers), 1.0, source, "en", part_of(text[:LONGEST]) == 0, graded=True)


def _annotated(path: Path) -> Iterator[Example]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        first, second = row["a"], row["b"]
        if first["threat"] != second["threat"]:
            continue
        answers = mean(answers_of(first), answers_of(second))
        threat = first["threat"] == 1
        plausibility, imminence = ((first[name] + second[name]) / 2 if threat else None for name in ("plausibility", "imminence"))
        told = {name: bool(first[name]) for name in FACETS}
        facets = Facets(target=first["target"], stance=Stance(first["stance"]), **told) if threat else None
        text = row["text"][:LONGEST]
        source, held_out = f"annotated/{row['source']}", part_of(text) == 0
        yield Example(text, answers, 1.5, source, "en", held_out, True, facets, plausibility, imminence)


def _jigsaw(path: Path, notes: Mapping[str, Answers]) -> Iterator[Example]:
    for row in _rows(path):
        text = row["comment_text"]
        note = notes.get(hash_of(text)[:16])
        if note is not None:
            yield _noted(text, note, "jigsaw/threat" if row["threat"] == "1" else "jigsaw/annotated", row["threat"] == "1")
        elif row["threat"] == "1":
            yield _example(text, 1.0, 0.7, "jigsaw/threat")
        elif row["toxic"] == "1":
            yield _example(text, 0.0, 1.0, "jigsaw/toxic")
        else:
            yield _example(text, 0.0, 1.0, "jigsaw/other")


def _edos(path: Path, notes: Mapping[str, Answers]) -> Iterator[Example]:
    for row in _rows(path):
        text = row["text"]
        crowd = row["label_category"].startswith("1.")
        note = notes.get(hash_of(text)[:16])
        if note is not None:
            yield _noted(text, note, "edos/threat", crowd)
        elif crowd:
            yield _example(text, 0.6, 0.4, "edos/threat")
        elif row["label_sexist"] == "sexist":
            yield _example(text, 0.0, 0.5, "edos/sexist")
        elif part_of(row["rewire_id"]) < 3:
            yield _example(text, 0.0, 1.0, "edos/other")


def _germeval(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        if row["vio"] in ("call2violence", "prospensity"):
            yield _example(row["description"], 1.0, 0.7, "germeval/threat", "de")
        elif row["vio"] == "nothing":
            yield _example(row["description"], 0.0, 1.0, "germeval/other", "de")


def _openai(path: Path) -> Iterator[Example]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in io.StringIO(file.read()):
            row = json.loads(line)
            if row.get("SH") == 1:
                kinds = dict.fromkeys((str(kind) for kind in PHYSICAL), 0.0) | {Kind.SELF_HARM: 1.0}
                yield _example(row["prompt"], 1.0, 0.5, "openai/self_harm", more=kinds)
            elif row.get("V") == 0 and row.get("SH") == 0 and row.get("H2") in (0, None):
                yield _example(row["prompt"], 0.0, 1.0, "openai/other")


def _talk(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        if row["label"] == "0":
            yield _example(row["text"], 0.0, 1.0, "talk")
