"""An export for research: consented reports, without identities, reviewed by a person before it leaves, and entered in a register."""

from __future__ import annotations

import datetime
import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from tsbot.cases.case import read_case
from tsbot.errors import InputError
from tsbot.reception import hearing as hearings
from tsbot.reception.answering import secrets_of
from tsbot.research.anonymity import QUASI, K, anonymise
from tsbot.research.deidentify import TOKEN, deidentify
from tsbot.settings import Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

ALIKE, MOST_COMPARED = 0.5, 2_000
"""Share of common words from which two reports are alike, and how many are compared."""
SAMPLE = 50
"""Reports that a person reads before anything leaves; all of them where there are fewer."""
REPORTS, SAMPLE_FILE, RISK, DICTIONARY = "reports.jsonl", "sample.jsonl", "risk.json", "DICTIONARY.md"
DESCRIBED = {
    "text": "What the person wrote, with what was added later. Replaced: [name-N], [account-N], [place-N], [contact-N], [link-N], "
    "[number-N] (the same by the same number, within one report only), and [word] for words that few people use.",
    "month": "When it came in: month, quarter or year, or * where that would tell too much.",
    "wiki": "Database name of the wiki, or its family, or *.",
    "language": "Language in which the person was answered (ISO 639), or *.",
    "kind": "Kind of the case: harassment, violence, doxing ..., or *.",
    "about": "self, other, or not said; or *.",
    "outcome": "What the case was closed with, open, or *.",
    "channel": "web or mail, or *.",
}


@dataclass(frozen=True, slots=True)
class Made:
    """An export as it was made."""

    id: str
    reports: int
    left_out: int
    withheld: int
    """Reports whose persons did not consent, or took them back."""
    digest: str


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    names: tuple[str, ...]
    columns: Mapping[str, str]


def make(
    connection: Connection, key: MasterKey, settings: Settings, folder: Path, *, since: float, until: float, by: str, now: float, k: int = K
) -> Made:
    """Write an export into an empty folder. It is a draft until somebody else has reviewed it. Raises ``InputError``."""
    if k < K:
        raise InputError(f"Groups of fewer than {K} are not exported.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder.")
    rows, withheld = _sources(connection, key, settings, since, until)
    blurred = anonymise([row.columns for row in rows], k)
    kept = [rows[number] for number in blurred.kept]
    frequent = _frequent([row.text for row in kept], k)
    counts: Counter[str] = Counter()
    lines = []
    for row, columns in zip(kept, blurred.rows, strict=True):
        replaced = deidentify(row.text, names=row.names, frequent=frequent)
        counts += replaced.counts
        lines.append(json.dumps({"text": replaced.text, **columns}, ensure_ascii=False))
    order = random.Random(",".join(sorted(lines)))  # noqa: S311 - no secret: the order in which they came must not show
    order.shuffle(lines)
    content = "".join(f"{line}\n" for line in lines)
    digest = hashlib.sha256(content.encode()).hexdigest()
    risk = {
        "reports": len(lines),
        "left_out_of_small_groups": blurred.left_out,
        "without_consent": withheld,
        "k": k,
        "smallest_group": blurred.smallest,
        "groups": blurred.groups,
        "highest_risk_by_columns": round(1 / blurred.smallest, 4) if blurred.smallest else 0,
        "columns_made_coarser": dict(blurred.levels),
        "replaced": dict(sorted(counts.items())),
        "remains": "Who knows what happened to somebody may recognise it in what is told. Names written like common words, and job "
        "titles, may remain (docs/research.md has the measured rate). No attempt at identifying anybody is allowed by any agreement.",
    }
    for name, text in (
        (REPORTS, content),
        (SAMPLE_FILE, "".join(f"{line}\n" for line in lines[:SAMPLE])),
        (RISK, json.dumps(risk, indent=2) + "\n"),
        (DICTIONARY, _dictionary()),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    identity = str(uuid.uuid4())
    entry = {"id": identity, "created": now, "by": by, "since": since, "until": until, "reports": len(lines), "digest": digest}
    connection.execute(insert(t.research_export).values(**entry))
    audit.record(connection, by, "research.exported", identity, now, {"reports": len(lines), "left_out": blurred.left_out})
    return Made(identity, len(lines), blurred.left_out, withheld, digest)


def review(connection: Connection, identity: str, *, approve: bool, by: str, now: float) -> None:
    """Say of a draft, after reading its sample, whether it may leave. Raises ``InputError`` for who made it."""
    row = find(connection, identity)
    if row["by"] == by:
        raise InputError("Somebody else than who made the export reviews it.")
    if row["released"] is not None:
        raise InputError("It was released already.")
    verdict = "approved" if approve else "rejected"
    values = {"reviewed": now, "reviewed_by": by, "verdict": verdict}
    connection.execute(update(t.research_export).where(t.research_export.c.id == row["id"]).values(**values))
    audit.record(connection, by, f"research.{verdict}", str(row["id"]), now)


def release(connection: Connection, identity: str, folder: Path, *, recipient: str, agreement: str, by: str, now: float) -> None:
    """Enter in the register who receives a reviewed export, under which agreement. Raises ``InputError``."""
    row = find(connection, identity)
    if row["verdict"] != "approved":
        raise InputError("Nobody has approved it after reading its sample: tsbot research review ID --approve")
    if row["released"] is not None:
        raise InputError("It was released already; make a new export for somebody else.")
    if not recipient.strip() or not agreement.strip():
        raise InputError("Name who receives it, and under which agreement.")
    try:
        content = (folder / REPORTS).read_bytes()
    except OSError as error:
        raise InputError(f"{folder / REPORTS} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != row["digest"]:
        raise InputError("The file is not the one that was reviewed.")
    values = {"released": now, "released_by": by, "recipient": recipient[:255], "agreement": agreement[:255]}
    connection.execute(update(t.research_export).where(t.research_export.c.id == row["id"]).values(**values))
    audit.record(connection, by, "research.released", str(row["id"]), now)


def register(connection: Connection) -> list[dict[str, object]]:
    """All exports, newest first."""
    query = select(t.research_export).order_by(t.research_export.c.created.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def find(connection: Connection, prefix: str) -> dict[str, object]:
    """The export whose id begins so. Raises ``InputError`` unless it is exactly one."""
    rows = [row for row in register(connection) if prefix and str(row["id"]).startswith(prefix)]
    if len(rows) != 1:
        raise InputError(f"{len(rows)} exports begin with {prefix[:36]!a}; `tsbot research register` lists them.")
    return rows[0]


def _sources(connection: Connection, key: MasterKey, settings: Settings, since: float, until: float) -> tuple[list[_Source], int]:
    c = t.hearing.c
    query = select(*hearings.COLUMNS).where(c.created >= since, c.created < until).order_by(c.created, c.id)
    found, withheld = [], 0
    for values in connection.execute(query).mappings().all():
        one = hearings.Hearing(**values)
        said = hearings.read_said(connection, key, one) if one.research and one.withdrawn is None else None
        if said is None or not said.research:
            withheld += 1
            continue
        case = read_case(connection, one.case_id)
        added = [word.text for word in hearings.words(connection, key, one) if word.text and not word.ours]
        known = secrets_of(connection, key, settings, case.id, "")
        names = {*known.reporters, *known.targets, *known.accused, *known.handlers, said.account, said.target, said.accused}
        columns = {
            "month": datetime.datetime.fromtimestamp(one.created, datetime.UTC).strftime("%Y-%m"),
            "wiki": case.wiki,
            "language": one.language,
            "kind": case.kind.value,
            "about": one.about or "not said",
            "outcome": case.outcome or "open",
            "channel": one.channel,
        }
        found.append(_Source("\n\n".join([said.text, *added]), tuple(names - {""}), columns))
    return found, withheld


def _frequent(texts: Sequence[str], k: int) -> frozenset[str]:
    """Words without a capital that so many reports have: they tell of nobody. Reports that are much alike count once."""
    seen: Counter[str] = Counter()
    counted: list[set[str]] = []
    for text in texts:
        words = {match.group() for match in TOKEN.finditer(text) if match.group().isalpha()}
        if len(counted) == MOST_COMPARED or any(len(words & other) >= ALIKE * len(words | other) for other in counted):
            continue
        counted.append(words)
        seen.update(word for word in words if word == word.casefold())
    return frozenset(word for word, number in seen.items() if number >= k)


def _dictionary() -> str:
    lines = ["# Data dictionary", "", f"`{REPORTS}`: one JSON object a line, in no order.", "", "| field | means |", "| --- | --- |"]
    lines += [f"| `{name}` | {words} |" for name, words in DESCRIBED.items()]
    columns = ", ".join(QUASI)
    lines += ["", f"Columns that others may know ({columns}): each combination is shared by at least {K} reports. `{RISK}` has the rest."]
    return "\n".join(lines) + "\n"
