"""The public data that the model learns from, as one list of examples.

The folder is laid out as ``tsbot train --data`` expects it (docs/detection.md names sources and licences). Nothing is
downloaded here, and texts never leave the folder: training makes weights and figures from them.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsbot.detect.finding import Kind
from tsbot.detect.lexicon import normal_forms
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


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what is known of it."""

    text: str
    threat: bool
    weight: float
    """How much the label is trusted."""
    source: str
    language: str
    kind: Kind | None = None
    plausibility: float | None = None
    """Mean of the annotations, for threats."""
    specificity: float | None = None
    imminence: float | None = None

    @property
    def part(self) -> int:
        """Which part of the split the text belongs to; 0 is held out."""
        return part_of(self.text)


def part_of(text: str) -> int:
    """Part of the split by SHA-256 of the text."""
    return int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) % PARTS


def read_examples(folder: Path) -> list[Example]:
    """Read every data set of the folder. Raises ``InputError`` if one is missing or of another shape.

    A text that stands in several sets counts once, with the label of the first in this order; the annotated ones are first.
    """
    readers: tuple[tuple[str, Callable[[Path], Iterator[Example]]], ...] = (
        (ANNOTATED, _annotated),
        (JIGSAW, _jigsaw),
        (EDOS, _edos),
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
    return _unique(examples)


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


def _annotated(path: Path) -> Iterator[Example]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        first, second = row["a"], row["b"]
        if first["threat"] != second["threat"]:
            continue
        threat = first["threat"] == 1
        kind = Kind(first["kind"]) if first["kind"] == second["kind"] and threat else None
        mean = {name: (first[name] + second[name]) / 2 for name in ("plausibility", "specificity", "imminence")}
        graded = mean if threat else dict.fromkeys(mean)
        yield Example(row["text"][:LONGEST], threat, 1.0, f"annotated/{row['source']}", "en", kind, **graded)


def _jigsaw(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        text = row["comment_text"][:LONGEST]
        if row["threat"] == "1":
            yield Example(text, True, 0.7, "jigsaw/threat", "en")
        elif row["toxic"] == "1":
            yield Example(text, False, 1.0, "jigsaw/toxic", "en")
        elif part_of(row["id"]) < 3:  # enough of the harmless ones
            yield Example(text, False, 1.0, "jigsaw/other", "en")


def _edos(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        if row["label_category"].startswith("1."):
            yield Example(row["text"], True, 0.4, "edos/threat", "en")
        elif row["label_sexist"] == "sexist":
            yield Example(row["text"], False, 0.5, "edos/sexist", "en")
        elif part_of(row["rewire_id"]) < 3:
            yield Example(row["text"], False, 1.0, "edos/other", "en")


def _germeval(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        text = row["description"][:LONGEST]
        if row["vio"] in ("call2violence", "prospensity"):
            yield Example(text, True, 0.7, "germeval/threat", "de")
        elif row["vio"] == "nothing":
            yield Example(text, False, 1.0, "germeval/other", "de")


def _openai(path: Path) -> Iterator[Example]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in io.StringIO(file.read()):
            row = json.loads(line)
            text = row["prompt"][:LONGEST]
            if row.get("SH") == 1:
                yield Example(text, True, 0.5, "openai/self_harm", "en", Kind.SELF_HARM)
            elif row.get("V") == 0 and row.get("SH") == 0 and row.get("H2") in (0, None):
                yield Example(text, False, 1.0, "openai/other", "en")


def _talk(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        if row["label"] == "0":
            yield Example(row["text"][:LONGEST], False, 1.0, "talk", "en")
