"""``tsbot flags``: what was found."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.text import Text

from tsbot.cases.annotations import Annotation, of_case
from tsbot.cases.browse import FlagLine, case_of, find_flags, list_flags, outcomes_of, reports_of
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import Flag
from tsbot.cases.labels import Correction, Label, Verdict, labels_of, store_label
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, harmless, own_desk, read_settings, terminal
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.report.wording import shown
from tsbot.store.opening import open_store
from tsbot.view import flag_table, when

flags = typer.Typer(help="List, show and label flags.", no_args_is_help=True)
GradeOption = Annotated[int | None, typer.Option(min=0, max=3, help="What it should be, 0-3 (docs/detection.md).")]


@flags.command("list")
def list_command(
    wiki: Annotated[str | None, typer.Option(help="Only this wiki (database name).")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, for instance self_harm.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most flags shown.")] = 50,
    newest: Annotated[bool, typer.Option("--newest", help="Order by time instead of priority.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List flags in the order in which to look at them: ids and scores, neither text nor names.

    Example: tsbot flags list --kind violence --newest
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            lines = list_flags(connection, wiki=wiki, kind=kind, limit=limit, newest_first=newest)
    finally:
        store.close()
    if as_json:
        for line in lines:
            typer.echo(json.dumps(_plain(line)))
    elif not lines:
        typer.echo("No flags.")
    else:
        terminal().print(flag_table(lines))


@flags.command("show")
def show_command(
    flag: Annotated[str, typer.Argument(help="Id of the flag, its beginning, or a subject such as enwiki:rev:123.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show a flag with its text. What you will read may be disturbing; that you read it is noted.

    Example: tsbot flags show 3f2a91c0
    """
    settings = read_settings(config, database)
    store = open_store(settings)
    who = own_desk(store, settings)
    try:
        with store.write() as connection:  # what is revealed is written down before it is shown
            found = [read_flag(connection, store.key, identity) for identity in find_flags(connection, flag)]
            for item in found:
                if item and item.content is not None:
                    who.attend(connection, item.case_id, time.time(), "flag.revealed", item.id)
            more = [
                (
                    outcomes_of(connection, [item.id]).get(item.id, []),
                    reports_of(connection, item.id),
                    labels_of(connection, item.id),
                    of_case(connection, item.case_id),
                )
                for item in found
                if item
            ]
    finally:
        store.close()
    if not found:
        _none(flag)
    for item, (outcomes, reports, labels, became) in zip((item for item in found if item), more, strict=True):
        if as_json:
            named = [{"id": identity, "purpose": purpose, "state": state} for identity, purpose, state in reports]
            said = [dataclasses.asdict(label) for label in labels]
            written = {"outcomes": outcomes, "reports": named, "labels": said, "annotations": [dataclasses.asdict(one) for one in became]}
            typer.echo(json.dumps(msgspec.to_builtins(item) | written))
        else:
            _show(item, outcomes, reports, labels, became)


@flags.command("label")
def label_command(
    flag: Annotated[str, typer.Argument(help="Id of the flag, or its beginning.")],
    verdict: Annotated[Verdict, typer.Argument(help="What you say of it.")],
    kind: Annotated[Kind | None, typer.Option(help="With wrong_kind: the kind that it is.")] = None,
    specificity: GradeOption = None,
    plausibility: GradeOption = None,
    imminence: GradeOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say whether a flag is right. It does not change the flag; `tsbot labels export` takes the labels out.

    A letter that has not left goes to those who are told of the kind that you name.

    Example: tsbot flags label 3f2a91c0 wrong_score --plausibility 1 --imminence 0
    """
    settings = read_settings(config, database)
    store = open_store(settings)
    who, now = own_desk(store, settings), time.time()
    try:
        with store.write() as connection:
            found = find_flags(connection, flag)
            if len(found) > 1:
                raise InputError(f"{flag} names {len(found)} flags; give more of the id.")
            label = None
            if found:
                correction = Correction(kind, specificity, plausibility, imminence)
                label = store_label(connection, found[0], verdict, correction, by=who.by, now=now)
                who.attend(connection, case_of(connection, found[0]), now, "flag.labelled", found[0])
    finally:
        store.close()
    if label is None:
        _none(flag)
    else:
        typer.echo(f"flag {label.flag_id[:8]}: {_words(label)}")


def _none(flag: str) -> NoReturn:
    typer.echo(f"No flag {flag}. `tsbot flags list` shows what there is.", err=True)
    raise typer.Exit(EXIT_NOTHING)


def _words(label: Label) -> str:
    grades = f"specificity {label.specificity}, plausibility {label.plausibility}, imminence {label.imminence}"
    return f"{label.verdict.value}, {label.kind.value}, {grades} (by {label.by})"


def _plain(line: FlagLine) -> dict[str, Any]:
    return dataclasses.asdict(line)


def _show(
    flag: Flag, outcomes: list[str], reports: list[tuple[str, str, str]], labels: list[Label], became: list[Annotation]
) -> None:
    console = terminal()
    console.print(Text.assemble((f"flag {flag.id}", "bold"), f" of {flag.kind.value} on {flag.subject}, case {flag.case_id}"))
    console.print(
        f"  probability {flag.probability:.2f}, specificity {flag.specificity}, plausibility {flag.plausibility}, "
        f"imminence {flag.imminence}; language {flag.language} ({flag.coverage}); detector {flag.detector}; by {flag.source}"
    )
    console.print(f"  priority {flag.priority}:")
    for reason in flag.reasons:
        console.print(f"    {reason.points:+4d}  {reason.words}")
    console.print(f"  edited {when(flag.event_time)}, flagged {when(flag.created)} (UTC)")
    console.print(f"  outcome: {', '.join(outcomes) or 'none so far'}")
    for identity, purpose, state in reports:
        console.print(f"  {purpose} {identity[:8]}: {state}")
    for label in labels:
        console.print(f"  label: {_words(label)}")
    for one in became:
        about = f"report {one.report_id[:8]}" if one.report_id else "case"
        console.print(f"  {about} became {one.what} (by {harmless(one.by)}, {when(one.time)})")
    if flag.content is None:
        console.print(Text("  The text was destroyed with its key.", "dim"))
        return
    if not flag.content.excerpt and flag.kind is not Kind.MINORS:
        console.print(Text("  The wiki has hidden the text, and our copy was destroyed.", "dim"))
    content = flag.content
    excerpt = harmless(content.excerpt)
    facets = [name for name in ("when", "where", "how", "ability", "conditional") if getattr(content, name)]
    console.print(f"  facets: target {content.target}, stance {content.stance}{''.join(f', {name}' for name in facets)}")
    console.print(Text(f"  page: {shown(content.title)}\n  user: {shown(content.user) if content.user else '(withheld)'}"))
    text = Text(excerpt)
    for span in content.evidence:
        text.stylize("bold reverse" if span.label == flag.kind.value else "underline", span.start, span.end)
    console.print(f"  {flag.field.value}:")
    console.print(text)
    if content.evidence:
        why = "; ".join(f"{span.label}: {excerpt[span.start : span.end]!r}" for span in content.evidence)
        console.print(Text(f"  because of {why}"))


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(flags, name="flags")
