"""How many of the personal data in synthetic sentences are found: rows for ``tsbot evaluate``, counts for the benchmark.

A true span counts as found when a span of its label covers half of its characters; a found span counts as right when half of
it is covered by true ones of its label. Sentences are parted by their SHA-256: three quarters were looked at while the rules
were written, one quarter was set aside (a few of its sentences were seen when the set was opened).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tsbot.detect.figures import bootstrap
from tsbot.detect.finding import Evidence
from tsbot.detect.measure import Row
from tsbot.detect.private import Label
from tsbot.errors import InputError

FILE = "pii/presidio_synthetic_dev.json.gz"
LABELS = {
    "PHONE_NUMBER": Label.PHONE,
    "EMAIL_ADDRESS": Label.EMAIL,
    "STREET_ADDRESS": Label.ADDRESS,
    "ZIP_CODE": Label.ADDRESS,
    "IP_ADDRESS": Label.IP,
    "CREDIT_CARD": Label.BANK,
    "IBAN_CODE": Label.BANK,
    "US_SSN": Label.IDENTITY_NUMBER,
    "US_DRIVER_LICENSE": Label.IDENTITY_NUMBER,
    "PERSON": Label.NAME,
}
"""Entities of the set by label; the others (ages, titles, organisations, nationalities ...) are no personal data by themselves."""
ALSO = {"GPE": Label.ADDRESS, "DATE_TIME": Label.BIRTH_DATE}
"""Entities that a span may cover without being wrong: the town of an address, a date behind "born on"."""
NUMBERS = frozenset(LABELS.values()) - {Label.NAME}


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence with its true spans: start, end, entity."""

    text: str
    spans: tuple[tuple[int, int, str], ...]

    @property
    def aside(self) -> bool:
        """Whether the sentence was set aside."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return digest[0] % 2 == 1 and digest[1] % 2 == 1


@dataclass(frozen=True, slots=True)
class Count:
    """Of one sentence and one label: true spans, those found, those found exactly, spans given, those that are right."""

    true: int
    found: int
    exact: int
    given: int
    right: int


def read_marked(folder: Path) -> list[Marked]:
    """The sentences of the data folder; none where the file is missing. Raises ``InputError`` for one of another shape."""
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            keys = ("start_position", "end_position", "entity_type")
            return [Marked(row["full_text"], tuple(tuple(span[key] for key in keys) for span in row["spans"])) for row in json.load(file)]
    except (KeyError, ValueError, TypeError, OSError, EOFError) as error:
        raise InputError(f"{path} is not what is expected: {type(error).__name__}: {error}.") from error


def count(marked: Marked, evidence: Sequence[Evidence], label: Label) -> Count:
    """Compare the spans of a label with the true ones of a sentence."""
    given = [span for span in evidence if span.label == label]
    true = [(start, end) for start, end, entity in marked.spans if LABELS.get(entity) is label]
    covering = [(start, end) for start, end, entity in marked.spans if {**LABELS, **ALSO}.get(entity) is label]
    return Count(
        true=len(true),
        found=sum(any(2 * _shared(span, start, end) >= end - start for span in given) for start, end in true),
        exact=sum(any((span.start, span.end) == (start, end) for span in given) for start, end in true),
        given=len(given),
        right=sum(2 * sum(_shared(span, start, end) for start, end in covering) >= span.end - span.start for span in given),
    )


def _shared(span: Evidence, start: int, end: int) -> int:
    return max(0, min(span.end, end) - max(span.start, start))


def personal_rows(marked: Sequence[Marked], evidence: Sequence[Sequence[Evidence]], rounds: int) -> Iterator[Row]:
    """Recall and precision over sentences, numbers and addresses apart from names, the quarter set aside by itself."""
    for name, labels, aside in (
        ("personal data but names", NUMBERS, False),
        ("personal data but names, set aside", NUMBERS, True),
        ("names", frozenset({Label.NAME}), False),
    ):
        mine = [(one, some) for one, some in zip(marked, evidence, strict=True) if one.aside or not aside]
        if not mine:
            continue
        table = np.array([_total([count(one, some, label) for label in sorted(labels)]) for one, some in mine])
        for figure, above, below in (("recall", 1, 0), ("precision", 3, 2)):
            interval = bootstrap(
                lambda some, above=above, below=below, table=table: float(table[some, above].sum() / max(table[some, below].sum(), 1)),  # type: ignore[misc]
                [np.arange(len(table))],
                rounds,
            )
            yield Row(name, figure, interval, int(table[:, 0].sum()), len(mine))


def _total(counts: Sequence[Count]) -> list[int]:
    """True, found, given, right."""
    return [sum(getattr(one, name) for one in counts) for name in ("true", "found", "given", "right")]
