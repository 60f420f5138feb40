"""``tsbot scan``: looking back at history. What is found is for people to review; nobody is written to or paged."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, harmless, read_settings, terminal
from tsbot.errors import InputError, StoppedError
from tsbot.parts import Stop
from tsbot.scan.examine import Find
from tsbot.scan.job import Job, JobState, What, forget, jobs
from tsbot.scan.keeper import Told
from tsbot.scan.opening import Candidate, new_job, open_examiner, open_scan
from tsbot.store.opening import open_store
from tsbot.view import when
from tsbot.wiki.past import Sought

scan = typer.Typer(
    help=(
        "Look back at history. What is found is flagged for review only: no letter is written, nobody is paged, no deadline runs.\n\n"
        "A scan that was stopped, or killed, goes on where it was when the same command is given again."
    ),
    no_args_is_help=True,
)
EXIT_STOPPED = 130
"""Ended by Ctrl-C; what was examined is kept."""

WikiArgument = Annotated[str, typer.Argument(metavar="WIKI", help="Database name of the wiki, for instance enwiki.")]
SinceOption = Annotated[str | None, typer.Option(metavar="TIME", help="Only from this time on, as 2026-01-31 or 2026-01-31T12:00 (UTC).")]
UntilOption = Annotated[str | None, typer.Option(metavar="TIME", help="Only before this time.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Flag nothing, only tell what would be flagged.")]
SpaceOption = Annotated[list[int] | None, typer.Option("--namespace", metavar="N", help="Only edits in this namespace; repeatable.")]
ModelOption = Annotated[Path | None, typer.Option("--model", metavar="FOLDER", help="Judge with another model; with --dry-run.")]
PacksOption = Annotated[
    Path | None,
    typer.Option("--packs", metavar="FOLDER", help="Judge with other language packs: what would we have found? With --dry-run."),
]


@scan.command("page")
def page_command(
    wiki: WikiArgument,
    title: Annotated[str, typer.Argument(help="Title of the page, with its namespace.")],
    since: SinceOption = None,
    until: UntilOption = None,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine every edit to a page, and the log entries about it.

    Example: tsbot scan page enwiki 'Talk:Example' --dry-run
    """
    sought = Sought(title=title, since=moment(since) or 0.0, until=moment(until))
    _through_api(What.PAGE, wiki, sought, f"page {title}", dry_run, Candidate(model, packs), as_json, config, database)


@scan.command("user")
def user_command(
    wiki: WikiArgument,
    user: Annotated[str, typer.Argument(help="User name or address.")],
    since: SinceOption = None,
    until: UntilOption = None,
    namespace: SpaceOption = None,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine every edit of an author on a wiki, and what they did that is logged.

    Example: tsbot scan user enwiki 'Example user' --since 2026-01-01
    """
    sought = Sought(user=user, since=moment(since) or 0.0, until=moment(until), namespaces=tuple(namespace or ()))
    _through_api(What.USER, wiki, sought, f"author {user}", dry_run, Candidate(model, packs), as_json, config, database)


@scan.command("wiki")
def wiki_command(
    wiki: WikiArgument,
    namespace: SpaceOption = None,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine everything on a wiki from its first edit on. For a small wiki; a large one takes a dump (`tsbot scan dump`).

    Given again, it goes on with what is new.

    Example: tsbot scan wiki dewiktionary --namespace 1 --namespace 3
    """
    sought = Sought(namespaces=tuple(namespace or ()))
    _through_api(What.WIKI, wiki, sought, "all of the wiki", dry_run, Candidate(model, packs), as_json, config, database)


@scan.command("period")
def period_command(
    wiki: WikiArgument,
    since: Annotated[str, typer.Option(metavar="TIME", help="From this time on, as 2026-01-31 or 2026-01-31T12:00 (UTC).")],
    until: UntilOption = None,
    namespace: SpaceOption = None,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine everything that happened on a wiki in a time, for instance with a new language pack.

    Example: tsbot scan period dewiki --since 2026-01-01 --until 2026-02-01 --packs new-packs --dry-run
    """
    sought = Sought(since=moment(since) or 0.0, until=moment(until), namespaces=tuple(namespace or ()))
    words = f"from {since} to {until or 'now'}"
    _through_api(What.PERIOD, wiki, sought, words, dry_run, Candidate(model, packs), as_json, config, database)


@scan.command("filters")
def filters_command(
    wiki: WikiArgument,
    since: SinceOption = None,
    until: UntilOption = None,
    dry_run: DryOption = False,
    model: ModelOption = None,
    packs: PacksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Examine what a wiki's filters stopped (its abuse log). The patrol does so by itself on the wikis of `scan.filters`.

    Needs an account with the rights abusefilter-log and abusefilter-log-detail there.

    Example: tsbot scan filters enwiki --since 2026-01-01
    """
    sought = Sought(since=moment(since) or 0.0, until=moment(until))
    _through_api(What.FILTERS, wiki, sought, "what filters stopped", dry_run, Candidate(model, packs), as_json, config, database)


@scan.command("jobs")
def jobs_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List looks back with how far they got.

    Example: tsbot scan jobs --json
    """
    with closing(open_store(read_settings(config, database))) as store, store.read() as connection:
        found = jobs(connection, store.key)
    if as_json:
        for job in found:
            typer.echo(json.dumps(dataclasses.asdict(job)))
    elif not found:
        typer.echo("Nothing was looked through yet.")
    else:
        table = Table()
        for heading in ("id", "wiki", "what", "state", "edits", "log", "flagged", "new", "failed", "up to date at (UTC)"):
            table.add_column(heading, overflow="fold")
        for job in found:
            c = job.counts
            what = f"{harmless(job.words)}{' (dry run)' if job.dry else ''}"
            numbers = (f"{n:,}" for n in (c.edits, c.log_entries, c.flagged, c.new_flags, c.failed))
            table.add_row(job.id[:8], job.wiki, what, job.state.value, *numbers, when(job.updated))
        terminal().print(table)


@scan.command("forget")
def forget_command(
    job: Annotated[str, typer.Argument(help="Id of the look back, or its beginning; `all` for those that are done.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Forget how far a look back got, so that the same command begins anew. What it flagged stays.

    Example: tsbot scan forget 3f2a91c0
    """
    with closing(open_store(read_settings(config, database))) as store, store.write() as connection:
        known = jobs(connection, store.key)
        chosen = [one.id for one in known if (one.state is JobState.DONE if job == "all" else one.id.startswith(job))]
        if job != "all" and len(chosen) > 1:
            raise InputError(f"Several looks back begin with {job}; give more of the id.")
        number = forget(connection, chosen)
    if not number:
        typer.echo(f"There is no look back {job}. `tsbot scan jobs` shows what there is.", err=True)
        raise typer.Exit(EXIT_NOTHING)
    typer.echo(f"{number} forgotten.")


def _through_api(
    what: What,
    wiki: str,
    sought: Sought,
    words: str,
    dry: bool,
    candidate: Candidate,
    as_json: bool,
    config: Path | None,
    database: str | None,
) -> None:
    if candidate and not dry:
        raise InputError("Another model or other packs flag nothing: add --dry-run. To flag with them, install them.")
    if sought.until is not None and sought.until <= sought.since:
        raise InputError("--until lies before --since.")
    settings = read_settings(config, database)
    stop = Stop()
    with closing(open_store(settings)) as store, stop.on_signals():
        examiner = open_examiner(settings, candidate)
        running = open_scan(settings, store, what, wiki, examiner, stop)
        job = new_job(store, examiner, what, wiki, sought, words, dry=dry)
        end(watch(running.run(job, sought), as_json=as_json), as_json=as_json)


def watch(news: Iterator[Told], *, as_json: bool) -> tuple[Job | None, int]:
    """Show what a scan tells: finds on standard output, progress on standard error; the job at its end, and what failed in this run."""
    last: Job | None = None
    failed = 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("examining", total=None)
        for told in _until_stopped(news):
            last = told.job
            failed += len(told.failed)
            for one in told.finds:
                line = json.dumps(dataclasses.asdict(one)) if as_json else find_words(one, dry=last.dry)
                progress.console.file.flush()
                typer.echo(line)
            for subject in told.failed:
                typer.echo(f"could not be judged: {subject}", err=True)
            progress.update(bar, description=_progress(last))
    return last, failed


def _until_stopped(news: Iterator[Told]) -> Iterator[Told]:
    with contextlib.suppress(StoppedError):
        yield from news


def find_words(one: Find, *, dry: bool) -> str:
    """A find for the eye: ids and scores."""
    what = ("would be flagged" if dry else "flagged") if one.new else "flagged before"
    grades = f"{one.specificity}/{one.plausibility}/{one.imminence}"
    return f"{one.subject}  {one.kind} {one.probability:.2f} {grades} {one.language}  {what}  ({when(one.time)})"


def end(ended: tuple[Job | None, int], *, as_json: bool) -> None:
    """Say how it ended, and exit with what that means."""
    job, failed = ended
    if job is None:
        raise typer.Exit(EXIT_NOTHING)
    if as_json:
        summary = {"job": job.id, "state": job.state.value, "dry": job.dry, "detector": job.detector, **dataclasses.asdict(job.counts)}
        typer.echo(json.dumps(summary))
    else:
        typer.echo(_summary(job), err=True)
    if job.state is JobState.RUNNING:
        typer.echo("Stopped; the same command goes on from here.", err=True)
        raise typer.Exit(EXIT_STOPPED)
    if failed or job.counts.failed:
        raise typer.Exit(EXIT_PARTIAL)


def _progress(job: Job) -> str:
    c = job.counts
    return f"{job.wiki}: {c.edits:,} edits, {c.log_entries:,} log entries, {c.flagged:,} flagged"


def _summary(job: Job) -> str:
    c = job.counts
    new = "would be new flags" if job.dry else "new flags for review"
    rest = f"{c.unreadable:,} without a text that can be read, {c.failed:,} that could not be judged"
    return f"{c.edits:,} edits and {c.log_entries:,} log entries examined: {c.flagged:,} flagged, {c.new_flags:,} {new}; {rest}."


def moment(words: str | None) -> float | None:
    """A time in seconds since the epoch. Raises ``InputError``."""
    if words is None:
        return None
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise InputError(f"{words!a} is no time; write 2026-01-31 or 2026-01-31T12:00.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(scan, name="scan")
