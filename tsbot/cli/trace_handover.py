"""``tsbot trace request``, ``dispute`` and ``watch``: what a steward does with an answer."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, acting, read_settings, terminal
from tsbot.cli.hide import progress_bar
from tsbot.cli.trace_account import AccountArgument, FreshOption, WhyOption, WikiOption, answer, end
from tsbot.errors import InputError
from tsbot.settings import Settings
from tsbot.store import audit
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.trace import disputes as disputing
from tsbot.trace import watches as watching
from tsbot.trace.forms import Form, hand_over, private_of
from tsbot.trace.naming import asked_name
from tsbot.trace.view import plain


def request_command(
    account: AccountArgument,
    why: WhyOption,
    form: Annotated[
        Form,
        typer.Option("--as", help="lock: request for global locks; spi: sockpuppet investigation; csv, json, stix: for programs."),
    ] = Form.LOCK,
    output: Annotated[str, typer.Option("--output", "-o", help="File to write; - is standard output.")] = "-",
    wiki: WikiOption = None,
    fresh: FreshOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write the text of a request, or an export, about an account and those linked to it: to be read, changed and sent by a person.

    What may not be public is left out (flags and cases, flagged diffs and names, quotations, weak, disputed and imitating links), which
    standard error says. The exit code is that of `tsbot trace account`.

    Example: tsbot trace request "Example Account" --why "case 1234abcd" --as spi -o request.txt
    """
    settings = read_settings(config, database)
    with progress_bar() as progress:
        trace = answer(settings, account, why, wikis=wiki or (), fresh=fresh, progress=progress)
    if trace.subject.state == "known":
        with closing(open_store(settings)) as store:
            made = hand_over(trace, form, private_of(store, trace))
        if output == "-":
            sys.stdout.write(made.text)
        else:
            Path(output).write_text(made.text, encoding="utf-8")
        for what in made.left_out:
            typer.echo(f"Left out: {what}.", err=True)
    else:
        typer.echo(f"There is nothing to hand over: the account is {trace.subject.state}.", err=True)
    end(trace)


OtherArgument = Annotated[str, typer.Argument(help="The other account.")]
WrongOption = Annotated[str, typer.Option("--why", help="Why the link is wrong. Written into the audit log with your name.")]


def dispute_command(
    account: AccountArgument,
    other: OtherArgument,
    why: WrongOption,
    take_back: Annotated[bool, typer.Option("--take-back", help="End a dispute.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Dispute a link: it is not listed any more, the two are never put into one cluster, and it counts as a label for later fits.

    Example: tsbot trace dispute "Example Account" "Other Account" --why "different people, met both"
    """

    def act(store: Database, by: str) -> str:
        first, second = asked_name(account), asked_name(other)
        with store.write() as connection:
            if take_back:
                disputing.take_back(connection, store.key, first, second, by=by, why=why, now=time.time())
                return "The dispute has ended."
            return f"Disputed: {disputing.dispute(connection, store.key, first, second, by=by, why=why, now=time.time())[:8]}"

    typer.echo(_with_store(read_settings(config, database), act))


def disputes_command(
    labels: Annotated[
        Path | None, typer.Option(help="Write the pairs only, for `tsbot trace fit --disputed`, to this file that nobody else may read.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the links that are disputed, by whom and why.

    Example: tsbot trace disputes --json
    """
    if labels is not None:
        typer.echo(f"{_with_store(read_settings(config, database), lambda store, by: _write_labels(store, by, labels))} pairs")
        return

    def read(store: Database, _by: str) -> list[disputing.Dispute]:
        with store.read() as connection:
            return list(disputing.disputes(connection, store.key))

    found = _with_store(read_settings(config, database), read)
    if as_json:
        rows = [{"id": d.id, "by": d.by, "created": d.created, "first": d.first, "second": d.second, "why": d.why} for d in found]
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    console = terminal()
    for one in found:
        console.print(
            f"{one.id[:8]}  {_day(one.created)}  {one.by}: {plain(one.first)} / {plain(one.second)}: {plain(one.why)}", soft_wrap=True
        )


def _write_labels(store: Database, by: str, target: Path) -> int:
    """Pairs without whose dispute it was and why; that they left the store is in the audit log."""
    with store.write() as connection:
        found = list(disputing.disputes(connection, store.key))
        audit.record(connection, by, "trace.disputes_exported", "disputes", time.time(), {"pairs": len(found)})
    lines = "".join(json.dumps({"first": one.first, "second": one.second}, ensure_ascii=False) + "\n" for one in found)
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(lines)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    return len(found)


def watch_command(
    accounts: Annotated[list[str], typer.Argument(help="The accounts to watch together.")],
    why: WhyOption,
    days: Annotated[float | None, typer.Option(min=1, max=3650, help="Days until it ends by itself; default: trace.watch_days.")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Watch accounts: about once an hour the patrol looks for new accounts that behave alike, and tells you privately.

    Whoever has a mail address among the people of [oncall] under the same name gets a mail with the id of the watch; `tsbot trace news`
    shows what matched.

    Example: tsbot trace watch "Example Account" "Other Account" --why "case 1234abcd"
    """
    settings = read_settings(config, database)

    def act(store: Database, by: str) -> str:
        names, lasting = [asked_name(name) for name in accounts], days or settings.trace.watch_days
        with store.write() as connection:
            return watching.add_watch(connection, store.key, names, by=by, why=why, now=time.time(), days=lasting)

    typer.echo(f"Watching: {_with_store(settings, act)[:8]}")
    if not settings.trace.index:
        typer.echo("The activity index is off (trace.index): nothing will be found.", err=True)


def watches_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List your watches.

    Example: tsbot trace watches
    """

    def read(store: Database, by: str) -> list[watching.Watch]:
        with store.read() as connection:
            return watching.watches(connection, store.key, by, time.time())

    found = _with_store(read_settings(config, database), read)
    if as_json:
        for one in found:
            row = {"id": one.id, "accounts": one.accounts, "why": one.why, "expires": one.expires, "news": one.news}
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    console = terminal()
    for one in found:
        names = ", ".join(map(plain, one.accounts))
        console.print(f"{one.id[:8]}  until {_day(one.expires)}  {one.news} new  {names}: {plain(one.why)}", soft_wrap=True)


def unwatch_command(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The watch, or how its id begins.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """End a watch of yours.

    Example: tsbot trace unwatch 1234abcd
    """

    def act(store: Database, by: str) -> None:
        with store.write() as connection:
            watching.end_watch(connection, store.key, identity, by=by, now=time.time())

    _with_store(read_settings(config, database), act)
    typer.echo("The watch has ended.")


def news_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Show what is new in your watches; it is not new afterwards. Ends with 1 if nothing is.

    Example: tsbot trace news --json
    """

    def act(store: Database, by: str) -> list[tuple[watching.Watch, tuple[watching.Match, ...]]]:
        with store.write() as connection:
            return watching.read_news(connection, store.key, by, time.time())

    news = _with_store(read_settings(config, database), act)
    console = terminal()
    for watch, matches in news:
        for match in matches:
            if as_json:
                row = {"watch": watch.id, "account": match.account, "of": match.of, "tier": match.tier, "log_lr": match.log_lr}
                typer.echo(json.dumps(row, ensure_ascii=False))
            else:
                told = f"{plain(match.account)} behaves like {plain(match.of)}: {match.tier} ({match.log_lr:+.1f}), without texts"
                console.print(f"{watch.id[:8]}  {told}", soft_wrap=True)
    if not news:
        raise typer.Exit(EXIT_NOTHING)


def _with_store(settings: Settings, act: Callable[[Database, str], Any]) -> Any:
    """Do something with the store, as whoever acts on the command line."""
    with closing(open_store(settings)) as store:
        return act(store, acting(store))


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def add_commands(group: typer.Typer) -> None:
    """Add the commands to ``tsbot trace``."""
    group.command("request")(request_command)
    group.command("dispute")(dispute_command)
    group.command("disputes")(disputes_command)
    group.command("watch")(watch_command)
    group.command("watches")(watches_command)
    group.command("unwatch")(unwatch_command)
    group.command("news")(news_command)
