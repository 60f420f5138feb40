"""Personal data spans: recall and precision on synthetic sentences, one table.

    python benchmarks/personal.py --data FOLDER [--part all|tuned|aside]     (pii/presidio_synthetic_dev.json.gz in the folder)

A true span counts as found when a span of its label covers half of its characters; a found span counts as right when half of
it is covered by true ones of its label. Sentences are parted by their SHA-256: three quarters were looked at while the rules
were written (``tuned``), one quarter (``aside``) was only counted (a few of its sentences were seen when the set was opened).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tsbot.detect.private import Label, PersonalSpan, find_personal

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


def aside(text: str) -> bool:
    digest = hashlib.sha256(text.encode()).digest()
    return digest[0] % 2 == 1 and digest[1] % 2 == 1


def shared(span: PersonalSpan, start: int, end: int) -> int:
    return max(0, min(span.end, end) - max(span.start, start))


def count(rows: list[dict[str, Any]]) -> dict[str, Counter[Label]]:
    figures: dict[str, Counter[Label]] = {name: Counter() for name in ("true", "found", "exact", "given", "right")}
    for row in rows:
        given = find_personal(row["full_text"])
        places = [(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]]
        for start, end, entity in places:
            if (label := LABELS.get(entity)) is not None:
                mine = [span for span in given if span.label is label]
                figures["true"][label] += 1
                figures["found"][label] += any(2 * shared(span, start, end) >= end - start for span in mine)
                figures["exact"][label] += any((span.start, span.end) == (start, end) for span in mine)
        for span in given:
            covered = sum(shared(span, start, end) for start, end, entity in places if {**LABELS, **ALSO}.get(entity) is span.label)
            figures["given"][span.label] += 1
            figures["right"][span.label] += 2 * covered >= span.end - span.start
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=("all", "tuned", "aside"), default="all")
    options = parser.parse_args()
    with gzip.open(options.data / "pii" / "presidio_synthetic_dev.json.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in json.load(file) if options.part == "all" or aside(row["full_text"]) == (options.part == "aside")]
    figures = count(rows)
    table = Table("label", "spans", "recall", "exact", "found", "precision", title=f"{len(rows)} sentences ({options.part})")
    groups = {label.value: [label] for label in Label if figures["true"][label]}
    groups["all but names"] = [label for label in LABELS.values() if label is not Label.NAME]
    groups["all"] = list(LABELS.values())
    for name, labels in groups.items():
        total = {part: sum(counter[label] for label in set(labels)) for part, counter in figures.items()}
        recall, exact = total["found"] / total["true"], total["exact"] / total["true"]
        precision = f"{total['right'] / total['given']:.3f}" if total["given"] else "-"
        table.add_row(name, str(total["true"]), f"{recall:.3f}", f"{exact:.3f}", str(total["given"]), precision)
    Console().print(table)


if __name__ == "__main__":
    main()
