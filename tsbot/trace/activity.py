"""Public activity of accounts: who edited what, when, under which summary. Reading it from files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tsbot.errors import InputError

MOST_EDITS = 2_000
"""Edits of one account that are looked at, the latest: an account with two million edits is not more like anybody than one with these."""
SHOWN_TROUBLES = 5
_COLUMNS = ("wiki", "account", "timestamp", "page", "pages", "namespace", "summary", "added")
_NEEDED = ("wiki", "account", "timestamp")
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit as everybody can see it."""

    wiki: str
    timestamp: datetime
    """With an offset from UTC. Wikis publish UTC only; other sources tell the author's own clock."""
    pages: tuple[str, ...]
    """Titles with their namespace; one on a wiki, several where an edit can touch several."""
    summary: str = ""
    added: str = ""
    """Text that the edit added, where it is known."""
    namespace: int | None = None
    rev_id: int = 0
    """0 where it is not known."""
    parent_id: int = 0
    """The revision before; 0 for a new page, or where it is not known."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its edits in the order of time (of those of one second: as they came)."""

    name: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """What a file holds."""

    accounts: tuple[Account, ...]
    """In the order of their names, so that nothing depends on the order of the file."""
    rows: int = 0
    bad: int = 0
    troubles: tuple[str, ...] = ()
    """The first things that were wrong, each with its line."""

    @property
    def names(self) -> dict[str, int]:
        """Position of every account."""
        return {account.name: position for position, account in enumerate(self.accounts)}


@dataclass(slots=True)
class _Collected:
    edits: dict[str, list[Edit]] = field(default_factory=lambda: defaultdict(list))
    rows: int = 0
    bad: int = 0
    troubles: list[str] = field(default_factory=list)

    def add(self, number: int, row: Any) -> None:
        self.rows += 1
        try:
            name, edit = edit_of(row)
        except ValueError as error:
            self.refuse(number, str(error))
        else:
            self.edits[name].append(edit)

    def refuse(self, number: int, why: str) -> None:
        self.bad += 1
        if len(self.troubles) < SHOWN_TROUBLES:
            self.troubles.append(f"row {number}: {why}")


def edit_of(row: Any) -> tuple[str, Edit]:
    """The account and edit of one row. Raises ``ValueError`` with the reason."""
    if not isinstance(row, Mapping):
        raise ValueError("not an object")  # noqa: TRY004 - a row is data, not an argument
    for name in _NEEDED:
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ValueError(f'no "{name}"')
    summary, added, namespace = (row.get(name) for name in ("summary", "added", "namespace"))
    if not isinstance(summary, str | None) or not isinstance(added, str | None):
        raise ValueError('"summary" and "added" are texts')  # noqa: TRY004
    return account_name(row["account"]), Edit(
        wiki=row["wiki"],
        timestamp=_moment(row["timestamp"]),
        pages=_pages(row),
        summary=summary or "",
        added=added or "",
        namespace=namespace if isinstance(namespace, int) else None,
    )


def account_name(name: str) -> str:
    """A user name as MediaWiki spells it: with spaces, without those at its ends."""
    return " ".join(name.replace("_", " ").split())


def group(rows: Iterable[tuple[str, Edit]]) -> tuple[Account, ...]:
    """Accounts in the order of their names, with the latest of their edits in the order of time."""
    edits: dict[str, list[Edit]] = defaultdict(list)
    for name, edit in rows:
        edits[name].append(edit)
    return _accounts(edits)


def read_activity(path: Path) -> Activity:
    """Read Parquet (``.parquet``) or JSON Lines. Rows that cannot be used are counted and told; raises ``InputError`` if none can."""
    collected = _Collected()
    rows = _parquet(path) if path.suffix == ".parquet" else _json_lines(path)
    for number, row in rows:
        if isinstance(row, str):
            collected.rows += 1
            collected.refuse(number, row)
        else:
            collected.add(number, row)
    if not collected.edits:
        why = f" ({collected.troubles[0]})" if collected.troubles else ""
        raise InputError(f"{path} holds no edit that can be used{why}. Needed are {', '.join(_NEEDED)} and page or pages.")
    return Activity(_accounts(collected.edits), collected.rows, collected.bad, tuple(collected.troubles))


def _accounts(edits: Mapping[str, list[Edit]]) -> tuple[Account, ...]:
    return tuple(Account(name, tuple(sorted(edits[name], key=lambda edit: edit.timestamp)[-MOST_EDITS:])) for name in sorted(edits))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"timestamp" is not ISO 8601: {text[:40]}') from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # The whole of time must survive being counted in seconds in either direction.
    if not 1970 < moment.year < 9000:
        raise ValueError(f'"timestamp" is not a time of a wiki: {text[:40]}')
    return moment


def _pages(row: Mapping[str, Any]) -> tuple[str, ...]:
    pages = row.get("pages")
    if pages is None:
        pages = row.get("page")
    if isinstance(pages, str):
        pages = [pages]
    if not isinstance(pages, list | tuple) or not all(isinstance(page, str) for page in pages):
        raise ValueError('no "page" or "pages"')
    return tuple(page.replace("_", " ").strip() for page in pages)


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    decoder = msgspec.json.Decoder()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    yield number, decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    yield number, "not JSON"
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _parquet(path: Path) -> Iterator[tuple[int, Any]]:
    import duckdb  # noqa: PLC0415 - slow to load, and JSON Lines do without

    if not path.is_file():
        raise InputError(f"{path} cannot be read: there is no such file.")
    try:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")  # it would stand among the links on standard output
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            columns = {row[0] for row in described}
            missing = [name for name in _NEEDED if name not in columns]
            if missing or not {"page", "pages"} & columns:
                raise InputError(f"{path} has no column {', '.join(missing) or 'page or pages'}.")
            present = [name for name in _COLUMNS if name in columns]
            # Only names of our own list stand in the statement.
            picked = ", ".join('CAST("timestamp" AS VARCHAR)' if name == "timestamp" else f'"{name}"' for name in present)
            result = connection.execute(f"SELECT {picked} FROM read_parquet(?)", [str(path)])  # noqa: S608
            number = 0
            while batch := result.fetchmany(_BATCH):
                for row in batch:
                    number += 1
                    yield number, dict(zip(present, row, strict=True))
    except duckdb.Error as error:
        raise InputError(f"{path} is not a Parquet file that can be read: {str(error).splitlines()[0]}.") from error


def seconds(edit: Edit) -> float:
    """Seconds since 1970, UTC."""
    return edit.timestamp.timestamp()


def offset_hours(edit: Edit) -> float:
    """The author's own clock against UTC, in hours; 0 on wikis, which publish UTC only."""
    return (edit.timestamp.utcoffset() or timedelta()).total_seconds() / 3600
