"""``tsbot stats``: what was found and what became of it, in numbers."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from tsbot.cases.stats.page import page
from tsbot.cases.stats.publish import WRITERS, Public, publish
from tsbot.cases.stats.rows import Scope, read_cases, read_flags
from tsbot.cases.stats.summary import MEASURES, Books, Gathered, Statistics, gather, summarise
from tsbot.cases.stats.times import Duration
from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption, acting, harmless, read_settings, terminal
from tsbot.errors import InputError
from tsbot.store import audit, ledger
from tsbot.store.database import Database
from tsbot.store.opening import open_store

HEADINGS = {"first_human": "first human", "report": "letter sent", "acknowledgement": "acknowledged", "hide": "hidden"}
SHOWN = 30
"""Lines of a table for the eye; all stand in the JSON."""


def stats(
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First day of opening that is counted (UTC).")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last day of opening that is counted (UTC).")
    ] = None,
    wiki: Annotated[str | None, typer.Option(help="Only this wiki (database name).")] = None,
    by: Annotated[
        str, typer.Option(metavar="NAMES", help="Group by these, with commas between: wiki, language, kind, outcome, source, heard, month.")
    ] = "kind",
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Open the labelled flags to count by the labels of their evidence; noted in the audit log.")
    ] = False,
    public: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what may be published, without small numbers, as .csv, .json or .html.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a page with pictures, for the team, into this folder.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Count cases, and how long things took: what was found, what became of it, and how often each rule was right.

    docs/statistics.md defines every number. What is shown here is for the team; only a file made with --public may be published.

    Example: tsbot stats --since 2026-01-01 --until 2026-03-31 --by wiki,outcome
    """
    if public is not None:
        _check_public(public, since, until, wiki)
    scope = Scope(_seconds(since), _seconds(until, days=1), wiki)
    now = time.time()
    store = open_store(read_settings(config, database))
    try:
        gathered, books = _read(store, scope, evidence=evidence, now=now)
        names = tuple(name.strip() for name in by.split(",") if name.strip())
        found = summarise(gathered, books, scope=scope, by=names, now=now)
        if public is not None:
            _publish(store, public, publish(gathered.cases, now), now)
    finally:
        store.close()
    if plots is not None:
        _write(plots / "index.html", page(found), private=True)
    if as_json:
        typer.echo(json.dumps(plain(found)))
    else:
        _show(found)


def _read(store: Database, scope: Scope, *, evidence: bool, now: float) -> tuple[Gathered, Books]:
    if evidence:
        by = acting(store)
        with store.write() as connection:
            audit.record(connection, by, "stats.evidence_opened", "flags", now, {"since": scope.since, "until": scope.until})
    with store.read() as connection:
        cases = read_cases(connection, scope)
        totals = ledger.totals(connection)
        # Last: while flags come in one by one, a connection can do nothing else on some databases.
        gathered = gather(cases, read_flags(connection, scope, store.key if evidence else None))
    return gathered, Books(totals.passages, totals.weak, totals.unscored)


def _check_public(path: Path, since: datetime | None, until: datetime | None, wiki: str | None) -> None:
    if path.suffix not in WRITERS:
        raise InputError(f"{path} ends with neither .csv nor .json nor .html.")
    if wiki is not None:
        raise InputError("A public file has all wikis: files about one wiki each could be subtracted from each other. Leave out --wiki.")
    if (since is not None and since.day != 1) or (until is not None and (until + timedelta(days=1)).day != 1):
        raise InputError("A public file has whole months: give --since the first and --until the last day of one.")


def _publish(store: Database, path: Path, public: Public, now: float) -> None:
    by = acting(store)
    _write(path, WRITERS[path.suffix](public), private=False)
    with store.write() as connection:
        audit.record(connection, by, "stats.published", "stats", now, {"rows": len(public.rows), "suppressed": public.suppressed})
    words = f"{path}: {len(public.rows)} numbers"
    if not public.rows:
        words += "; a month is published once it is settled, and only what stands for ten cases (docs/statistics.md)"
    typer.echo(f"{words}, {public.suppressed} suppressed", err=True)


def _write(path: Path, text: str, *, private: bool) -> None:
    """Write a file whole or not at all; a private one, and its folder, for nobody else to read. Raises ``InputError``."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if private:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            mode = 0o600 if private else 0o644
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8", newline="") as file:
                file.write(text)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def _seconds(day: datetime | None, days: int = 0) -> float | None:
    return None if day is None else (day.replace(tzinfo=UTC) + timedelta(days=days)).timestamp()


def plain(found: Statistics) -> dict[str, Any]:
    """The statistics as JSON has them; times as seconds, the scope's as dates."""
    written = dataclasses.asdict(dataclasses.replace(found, waits={}))
    del written["waits"]
    scope = written.pop("scope")
    until = None if scope["until"] is None else scope["until"] - 1  # the last day that is counted
    return {"since": _day(scope["since"]), "until": _day(until), "wiki": scope["wiki"]} | written


def _day(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def span(seconds: float | None) -> str:
    """A duration as people read it."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _show(found: Statistics) -> None:
    console = terminal()
    apart = f"{found.drills:,} drills and {found.merged:,} merged cases are left out"
    console.print(f"{found.cases:,} cases with {found.flags:,} flags; {apart}.")
    if not found.cases:
        return
    names = [*found.groups[0].key]
    table = _table((*names, "cases", "flags", *(f"{HEADINGS[name]}" for name in MEASURES)), left=len(names))
    for group in found.groups[:SHOWN]:
        medians = (span(group.times[name].median) for name in MEASURES)
        table.add_row(*map(harmless, group.key.values()), f"{group.cases:,}", f"{group.flags:,}", *medians)
    table.caption = "medians, cases that still wait taken into account; - where half are not done yet" + _more(len(found.groups))
    console.print(table)
    console.print(_times(found.times))
    for heading, counts in (("source", found.counts["source"]), ("state", found.states), ("outcome", found.counts["outcome"])):
        console.print(f"{heading}: {_listed(counts)}")
    console.print(f"became: {_listed(found.became)}")
    _show_rules(found)
    books = found.books
    weak, unscored = sum(books.weak.values()), sum(books.unscored.values())
    console.print(f"languages of flags: {_listed(found.coverage)}; unscored: {_listed(found.unscored_languages)}")
    console.print(f"passages judged, of all times: {books.passages:,}; by phrases only {weak:,}, in languages not covered {unscored:,}")


def _times(times: Mapping[str, Duration]) -> Table:
    table = _table(("time to", "median", "p90", "done", "still wait", "never"), left=1)
    for name in MEASURES:
        told = times[name]
        table.add_row(HEADINGS[name], span(told.median), span(told.p90), f"{told.done:,}", f"{told.waiting:,}", f"{told.never:,}")
    return table


def _show_rules(found: Statistics) -> None:
    judged = sorted((rule for rule in found.rules if rule.judged), key=lambda rule: (-rule.judged, rule.detector, rule.rule))
    if not judged:
        terminal().print("rules: nobody has judged a flag yet (`tsbot flags label`)")
        return
    table = _table(("detector", "rule", "right", "wrong kind", "false alarm", "unknown", "precision (95 %)"), left=2)
    for rule in judged[:SHOWN]:
        interval = f"{rule.precision:.2f} ({rule.low:.2f}-{rule.high:.2f})"
        numbers = (f"{number:,}" for number in (rule.right, rule.wrong_kind, rule.false_alarm, rule.unknown))
        table.add_row(harmless(rule.detector), rule.rule, *numbers, interval)
    table.caption = "of what people labelled or wikis hid: no random sample" + _more(len(judged))
    terminal().print(table)


def _table(headings: Iterable[str], *, left: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", justify="left" if place < left else "right")
    return table


def _listed(counts: Mapping[str, int]) -> str:
    some = [f"{harmless(name)} {number:,}" for name, number in [*counts.items()][:SHOWN]]
    return ", ".join(some) + (f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else "") or "none"


def _more(number: int) -> str:
    return f"; {number - SHOWN} more in --json" if number > SHOWN else ""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(stats)
