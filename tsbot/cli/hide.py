"""``tsbot hide``: what to hide. It tells; people hide."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tsbot.cases.browse import find_flags
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import Flag
from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, own_desk, read_settings, terminal
from tsbot.cli.stats import span
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.hide.asked import from_flags, from_revision
from tsbot.hide.kept import all_progress
from tsbot.hide.matter import Matter
from tsbot.hide.plan import Note, Plan
from tsbot.hide.suggest import Limits, Question, suggest
from tsbot.hide.view import lines, plain
from tsbot.parts import open_wikis
from tsbot.report.wording import moment
from tsbot.settings import Settings
from tsbot.store.opening import open_store
from tsbot.text.passage import Field
from tsbot.wiki import history
from tsbot.wiki.history_reader import ApiHistories

MOST_TEXT = 1_000_000
FIELDS = (Field.TEXT, Field.SUMMARY, Field.USER, Field.TITLE)

hide = typer.Typer(help="Say what to hide: revisions, fields, criterion, links. Hides nothing.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks for."""

    wiki: str
    rev_id: int
    fields: tuple[Field, ...] = ()
    kinds: tuple[Kind, ...] = ()
    flag: str | None = None
    text: str | None = None
    """File name, or ``-``."""
    limits: Limits = field(default_factory=Limits)


@hide.command("suggest")
def suggest_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki, for instance enwiki.")],
    rev_id: Annotated[
        int, typer.Argument(metavar="REVID", min=0, help="The revision that put the text there; left out for a --flag on a log entry.")
    ] = 0,
    fields: Annotated[
        list[Field] | None,
        typer.Option("--field", help="Look for all that stands in this field of the revision: text, summary, user or title. Repeatable."),
    ] = None,
    flag: Annotated[str | None, typer.Option(help="Look for the text of this flag only: its id, or its beginning.")] = None,
    text: Annotated[str | None, typer.Option(metavar="FILE", help="Look for the lines of this file; - is standard input.")] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="What it is, for the criterion; replaces what flags say. Repeatable.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0, help="Hours before the revision from which on its author's copies are looked for.")] = 24.0,
    forward: Annotated[bool, typer.Option("--forward", help="Leave out older revisions of its page: faster, and may miss some.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show the text, and names and titles with it. The audit log says so.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say which revisions show a flagged text, what of them to hide, under which criterion, with a link to the form.

    The text is that of the flags on the revision; --text or --field name another. Ends with 0 if something is left to hide, 1 if
    nothing is, 3 if there was more to search than the limits allow.

    Example: tsbot hide suggest enwiki 123456789 --json
    """
    settings = read_settings(config, database)
    limits = Limits(hours=hours, forward=forward)
    asked = Asked(wiki, rev_id, tuple(fields or ()), tuple(kind or ()), flag, text, limits)
    with progress_bar() as progress:
        plan, question = plan_for(settings, asked, progress, reveal=show)
    matter = question.matter if show else None
    if as_json:
        typer.echo(json.dumps(plain(plan, matter)))
    else:
        console = terminal()
        for line in lines(plan, matter):
            console.print(line, soft_wrap=True)
    if Note.INCOMPLETE in plan.notes:
        raise typer.Exit(EXIT_PARTIAL)
    if plan.nothing_left:
        raise typer.Exit(EXIT_NOTHING)


@hide.command("list")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Those that are carried out, too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the plans that are followed: what is left to hide, and how long hiding took. Numbers and ids only.

    Ends with 1 if there are none.

    Example: tsbot hide list --all --json
    """
    settings = read_settings(config, database)
    with closing(open_store(settings)) as store, store.read() as connection:
        found = all_progress(connection, unfinished=not everything)
    if as_json:
        typer.echo(json.dumps([asdict(one) | {"seconds_to_hide": one.seconds_to_hide} for one in found]))
    else:
        table = Table("flagged", "case", "state", "left", "to suppress", "to look at", "since", "hidden after", box=None)
        for one in found:
            left = f"{one.exposed} of {one.revisions}"
            table.add_row(
                one.subject,
                one.case_id[:8],
                one.state,
                left,
                str(one.to_suppress),
                str(one.to_look),
                moment(one.since),
                span(one.seconds_to_hide),
            )
        terminal().print(table if found else "No plan is followed.")
    if not found:
        raise typer.Exit(EXIT_NOTHING)


def plan_for(settings: Settings, asked: Asked, progress: history.Progress | None = None, *, reveal: bool = False) -> tuple[Plan, Question]:
    """The plan and what was looked for. ``reveal`` says that a person will read the flags' text, which is recorded.

    Raises ``InputError``, ``WikiError``, ``HideError`` and errors of the store.
    """
    if not asked.rev_id and not asked.flag:
        raise InputError("Name a revision, or a flag (--flag).")
    if asked.text and asked.fields:
        raise InputError("Name the text by --text or by --field, not by both.")
    if wrong := [name.value for name in asked.fields if name not in FIELDS]:
        raise InputError(f"A revision has no {wrong[0]}; it has {', '.join(name.value for name in FIELDS)}.")
    given = None if asked.text is None else Matter.of_text(_read_text(asked.text))
    flags = [] if given is not None and not asked.flag else _flags(settings, asked, reveal=reveal)
    wikis = open_wikis(settings)
    server = next((flag.content.server_url for flag in flags if flag.content), "")
    source = ApiHistories(
        wikis.api, asked.wiki, wikis.budget, time.sleep, server_url=server, concurrency=settings.wiki.concurrency, progress=progress
    )
    question = _question(source, asked, flags, given)
    return suggest(question, source, limits=asked.limits), question


def _question(source: history.Histories, asked: Asked, flags: Sequence[Flag], given: Matter | None) -> Question:
    kinds = asked.kinds or tuple(dict.fromkeys(flag.kind for flag in flags))
    known = next((flag for flag in flags if flag.content is not None), None)
    if given is not None:
        question = Question(asked.wiki, asked.rev_id, given, kinds)
        if known is not None and known.content is not None:
            told = known.content
            question = replace(question, user=told.user, title=told.title, time=known.event_time, log_id=told.log_id or 0)
        return question
    if asked.fields:
        return from_revision(source, asked.wiki, asked.rev_id, asked.fields, kinds)
    if not flags:
        raise InputError(
            f"{asked.wiki}:rev:{asked.rev_id} is not flagged. Which text? --text FILE (or - for standard input) names it; --field summary, "
            "user, title or text takes what stands there."
        )
    return replace(from_flags(flags), kinds=kinds)


def _flags(settings: Settings, asked: Asked, *, reveal: bool) -> list[Flag]:
    """The flags on a revision, or the one that was named."""
    subject = f"{asked.wiki}:rev:{asked.rev_id}"
    with closing(open_store(settings)) as store:
        with store.read() as connection:
            found = [read_flag(connection, store.key, identity) for identity in find_flags(connection, asked.flag or subject)]
        flags = [flag for flag in found if flag is not None]
        if asked.flag and len(flags) != 1:
            raise InputError(f"{asked.flag} names {len(flags) or 'no'} flag{'s' if len(flags) > 1 else ''}.")
        if any(flag.subject != subject and (asked.rev_id or not flag.subject.startswith(f"{asked.wiki}:log:")) for flag in flags):
            raise InputError(f"The flag {asked.flag} is about something else: {flags[0].subject}.")
        if reveal and flags:
            who = own_desk(store, settings)
            with store.write() as connection:  # written down before it is shown; a party is refused
                for flag in flags:
                    who.attend(connection, flag.case_id, time.time(), "flag.revealed", flag.id)
    return flags


def _read_text(name: str) -> str:
    data = sys.stdin.buffer.read(MOST_TEXT + 1) if name == "-" else Path(name).read_bytes()
    if len(data) > MOST_TEXT:
        raise InputError(f"The text is longer than {MOST_TEXT:,} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("The text is not UTF-8.") from error


@contextmanager
def progress_bar() -> Iterator[history.Progress]:
    """Show on a terminal how far the reading is; say nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total or None)

        yield told


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(hide, name="hide")
