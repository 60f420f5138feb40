"""What reviewers say of flags, and the labelled data that comes of it."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, insert, select

from tsbot.cases.filing import read_flag
from tsbot.detect.finding import GRAVITY, PHYSICAL, Kind
from tsbot.errors import InputError
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey


class Verdict(StrEnum):
    """What a reviewer says of a flag."""

    RIGHT = "right"
    """Kind and scores are what they should be."""
    WRONG_KIND = "wrong_kind"
    """It is something, and something else."""
    WRONG_SCORE = "wrong_score"
    """The kind is right, a grade is not."""
    FALSE_ALARM = "false_alarm"
    """It is nothing."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a reviewer puts in the place of what the detector said; None leaves it."""

    kind: Kind | None = None
    specificity: int | None = None
    plausibility: int | None = None
    imminence: int | None = None

    @property
    def grades(self) -> tuple[int | None, int | None, int | None]:
        """The three grades."""
        return self.specificity, self.plausibility, self.imminence


@dataclass(frozen=True, slots=True)
class Label:
    """A reviewer's word on a flag: what it is."""

    flag_id: str
    by: str
    verdict: Verdict
    kind: Kind
    specificity: int
    plausibility: int
    imminence: int
    created: float


def store_label(connection: Connection, flag: str, verdict: Verdict, correction: Correction, *, by: str, now: float) -> Label:
    """Store a reviewer's word. Earlier words stay, the last one counts. Raises ``InputError`` for one that says nothing clear."""
    query = select(t.flag.c.kind, t.flag.c.specificity, t.flag.c.plausibility, t.flag.c.imminence).where(t.flag.c.id == flag)
    row = connection.execute(query).first()
    if row is None:
        raise InputError(f"There is no flag {flag}.")
    _check(verdict, correction, Kind(row.kind))
    if verdict is Verdict.FALSE_ALARM:
        kind, grades = Kind.NONE, (0, 0, 0)
    else:
        kind = correction.kind or Kind(row.kind)
        said = (row.specificity, row.plausibility, row.imminence)
        first, second, third = (old if new is None else new for old, new in zip(said, correction.grades, strict=True))
        grades = (first, second, third)
    label = Label(flag, by[:64], verdict, kind, *grades, now)
    values = {name: getattr(label, name) for name in label.__slots__} | {"verdict": verdict.value, "kind": kind.value}
    connection.execute(insert(t.label).values(**values))
    return label


def _check(verdict: Verdict, correction: Correction, kind: Kind) -> None:
    graded = any(grade is not None for grade in correction.grades)
    if verdict in (Verdict.RIGHT, Verdict.FALSE_ALARM) and (correction.kind or graded):
        raise InputError(f"{verdict} needs neither a kind nor grades.")
    if verdict is Verdict.WRONG_KIND and correction.kind in (None, kind, Kind.NONE):
        raise InputError(f"{verdict} needs the kind that it is, other than {kind}; what is nothing is a {Verdict.FALSE_ALARM}.")
    if verdict is Verdict.WRONG_SCORE and (correction.kind or not graded):
        raise InputError(f"{verdict} needs at least one grade, and no kind.")


def labels_of(connection: Connection, flag: str) -> list[Label]:
    """All words on a flag, oldest first."""
    query = select(t.label).where(t.label.c.flag_id == flag).order_by(t.label.c.id)
    return [_label(row) for row in connection.execute(query).mappings()]


def last_labels(connection: Connection) -> list[Label]:
    """The last word on each flag, by the id of the flag."""
    last: dict[str, Label] = {}
    for row in connection.execute(select(t.label).order_by(t.label.c.flag_id, t.label.c.id)).mappings():
        last[row["flag_id"]] = _label(row)
    return list(last.values())


def _label(row: object) -> Label:
    values = {name: row[name] for name in Label.__slots__}  # type: ignore[index]
    return Label(**values | {"verdict": Verdict(values["verdict"]), "kind": Kind(values["kind"])})


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text."""

    flag_id: str
    subject: str
    text: str
    kind: Kind
    specificity: int
    plausibility: int
    imminence: int
    language: str
    verdict: Verdict

    def line(self, *, with_text: bool) -> dict[str, object]:
        """What is written: the text, or, without it, the ids."""
        head: dict[str, object] = {"text": self.text} if with_text else {"flag": self.flag_id, "subject": self.subject}
        return head | {
            "threat": int(self.kind in PHYSICAL),
            "kind": self.kind.value,
            "specificity": self.specificity,
            "plausibility": self.plausibility,
            "imminence": self.imminence,
            "language": self.language,
            "verdict": self.verdict.value,
        }


def examples(connection: Connection, key: MasterKey, *, with_text: bool = True) -> tuple[list[Example], Counter[str]]:
    """The labelled texts, and how many flags were left out, by reason.

    A text with flags of several kinds is one example, of the gravest kind that a reviewer confirmed. What concerns minors is never
    among them (``minors``), nor what was destroyed (``destroyed``), unless only ids are wanted.
    """
    labels = last_labels(connection)
    left_out: Counter[str] = Counter()
    found: dict[tuple[str, str], list[Example]] = defaultdict(list)
    minors = _of_minors(connection, labels)
    for label in labels:
        flag = read_flag(connection, key, label.flag_id)
        if flag is None:
            continue
        if flag.subject in minors:
            left_out["minors"] += 1
            continue
        text = flag.content.excerpt if flag.content is not None else ""
        if with_text and not text:
            left_out["destroyed"] += 1
            continue
        grades = (label.specificity, label.plausibility, label.imminence)
        made = Example(flag.id, flag.subject, text, label.kind, *grades, flag.language, label.verdict)
        found[flag.subject, text or flag.id].append(made)
    left_out.update({"same_text": sum(len(some) - 1 for some in found.values())})
    return [min(some, key=lambda one: GRAVITY.index(one.kind)) for some in found.values()], +left_out


def _of_minors(connection: Connection, labels: Iterable[Label]) -> set[str]:
    """Subjects that a detector flags, or a reviewer labels, for minors."""
    query = select(t.flag.c.subject)
    subjects = set(connection.scalars(query.where(t.flag.c.kind == Kind.MINORS.value)))
    for label in labels:
        if label.kind is Kind.MINORS:
            subjects.update(connection.scalars(query.where(t.flag.c.id == label.flag_id)))
    return subjects


def write_lines(path: Path, lines: Iterable[dict[str, object]]) -> None:
    """Write JSON lines to a file that only its owner can read, whole or not at all. Raises ``InputError``."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.writelines(_lines(lines))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def _lines(lines: Iterable[dict[str, object]]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(line, ensure_ascii=False) + "\n"
