"""``tsbot scan dump``: examining a dump, file by file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tsbot.cli.common import EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, read_settings
from tsbot.cli.scan import (
    EXIT_STOPPED,
    DryOption,
    ModelOption,
    PacksOption,
    SinceOption,
    SpaceOption,
    UntilOption,
    find_words,
    moment,
    scan,
)
from tsbot.errors import InputError, StoppedError, TsbotError
from tsbot.parts import Stop
from tsbot.scan.dump import Within
from tsbot.scan.examine import Find
from tsbot.scan.history_table import check_table, is_history_table
from tsbot.scan.job import Counts, Job, JobState, jobs
from tsbot.scan.opening import Candidate
from tsbot.scan.pool import Order, Receipt, broken, in_many, one_file
from tsbot.store.database import Database
from tsbot.store.opening import open_store


@scan.command("dump")
def dump_command(
    files: Annotated[list[Path], typer.Argument(help="Files of pages-meta-history (XML) or mediawiki_history (TSV); bz2, 7z, zst, gz, xz")],
    wiki: Annotated[str, typer.Option(metavar="WIKI", help="Which wiki it is of, where the file does not say.")] = "",
    since: SinceOption = None,
    until: UntilOption = None,
    namespace: SpaceOption = None,
    workers: Annotated[int, typer.Option(min=0, metavar="N", help="Processes, each with a file; 0: `scan.workers`.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Have the encoder read less: several times faster, and misses a few (docs/benchmarks.md).")
    ] = False,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine a dump: only what each revision added to its parent, as the patrol would have seen it.

    Stopped or killed, the same command goes on where it was; a file that is done is not read again. A damaged file is examined up to the
    damage and named at the end; then the exit code is 3.

    Example: tsbot scan dump enwiki-20260101-pages-meta-history1.xml.bz2 --workers 2
    """
    candidate = Candidate(model, packs)
    if candidate and not dry_run:
        raise InputError("Another model or other packs flag nothing: add --dry-run. To flag with them, install them.")
    settings = read_settings(config, database)
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is no file.")
        if is_history_table(path):
            check_table(path)
    within = Within(moment(since) or 0.0, moment(until), tuple(namespace or ()))
    order = Order(settings, within, wiki, dry_run, quick, candidate)
    number = min(workers or settings.scan.workers or os.cpu_count() or 1, len(files))
    stop = Stop()
    with closing(open_store(settings)) as store, stop.on_signals():
        shown = _Shown(as_json=as_json)
        if number == 1:
            _one_by_one(order, files, stop, store, shown)
        else:
            _at_once(order, files, number, stop, store, shown)
    shown.end(stopped=bool(stop))


@dataclass
class _Shown:
    """What was told, and how the files ended."""

    as_json: bool
    receipts: list[Receipt] = field(default_factory=list)

    def find(self, one: Find, *, dry: bool) -> None:
        typer.echo(json.dumps(dataclasses.asdict(one)) if self.as_json else find_words(one, dry=dry))

    def file(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        for subject in receipt.failed:
            typer.echo(f"could not be judged: {subject}", err=True)
        if receipt.trouble:
            typer.secho(f"{receipt.path}: {receipt.trouble}", fg="red", err=True)
        elif receipt.job is not None and receipt.job.state is JobState.BROKEN:
            words = f"{receipt.path} is damaged; {receipt.job.counts.edits:,} revisions before that are examined"
            typer.secho(words, fg="red", err=True)

    def end(self, *, stopped: bool) -> None:
        total = Counts()
        for receipt in self.receipts:
            total = total.plus(receipt.job.counts if receipt.job is not None else Counts())
            if self.as_json:
                state = receipt.job.state.value if receipt.job is not None else "failed"
                line = {"file": receipt.path.name, "state": state, "trouble": receipt.trouble}
                typer.echo(json.dumps(line | dataclasses.asdict(receipt.job.counts if receipt.job is not None else Counts())))
        damaged = [receipt.path.name for receipt in self.receipts if broken(receipt)]
        if not self.as_json:
            words = f"{total.edits:,} revisions of {len(self.receipts):,} files examined: {total.flagged:,} flagged, "
            typer.echo(words + f"{total.new_flags:,} new for review; {total.failed:,} could not be judged.", err=True)
            if damaged and not stopped:
                typer.secho(f"Not examined to their end: {', '.join(damaged)}. Get them anew and call this again.", fg="red", err=True)
        if stopped:
            typer.echo("Stopped; the same command goes on from here.", err=True)
            raise typer.Exit(EXIT_STOPPED)
        if damaged or total.failed:
            raise typer.Exit(EXIT_PARTIAL)


def _one_by_one(order: Order, files: Sequence[Path], stop: Stop, store: Database, shown: _Shown) -> None:
    with _progress() as progress:
        bar = progress.add_task("files", total=len(files))
        for path in files:
            job: Job | None = None
            failed: list[str] = []
            trouble = ""
            try:
                with closing(one_file(order, path, stop, store)) as news:
                    for told in news:
                        job = told.job
                        failed += told.failed
                        for one in told.finds:
                            shown.find(one, dry=order.dry)
                        progress.update(bar, description=f"{path.name}: {job.counts.edits:,} revisions, {job.counts.flagged:,} flagged")
            except StoppedError:
                pass
            except TsbotError as error:
                trouble = str(error)
            shown.file(Receipt(path, job, (), tuple(failed), trouble))
            progress.advance(bar)
            if stop:
                return


def _at_once(order: Order, files: Sequence[Path], number: int, stop: Stop, store: Database, shown: _Shown) -> None:
    with _progress() as progress:
        bar = progress.add_task("files", total=len(files))
        for receipt in in_many(order, files, number, stop.__bool__):
            if receipt is not None:
                for one in receipt.finds:
                    shown.find(one, dry=order.dry)
                shown.file(receipt)
                progress.advance(bar)
            progress.update(bar, description=_under_way(store))


def _under_way(store: Database) -> str:
    with store.read() as connection:
        found = [job for job in jobs(connection, store.key) if job.state is JobState.RUNNING]
    return f"{len(found)} files: {sum(job.counts.edits for job in found):,} revisions, {sum(job.counts.flagged for job in found):,} flagged"


def _progress() -> Progress:
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def register(_app: typer.Typer) -> None:
    """Add nothing: the command is one of ``tsbot scan``."""
