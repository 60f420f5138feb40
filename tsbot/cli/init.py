"""``tsbot init``: the first hour of an operator."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tsbot.cli.common import EXIT_NOTHING, JsonOption
from tsbot.cli.doctor import COLOURS, examine
from tsbot.doctor import Diagnosis, State
from tsbot.errors import InputError
from tsbot.setup import QUESTIONS, Question, check_answer, is_asked, settings_file, write_settings
from tsbot.store import schema
from tsbot.store.opening import open_store


def init(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="Settings file to write.")] = Path("tsbot.toml"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the options given, and the defaults for the rest.")] = False,
    data_dir: Annotated[str | None, typer.Option(help="Folder for database, key and spool.")] = None,
    contact: Annotated[str | None, typer.Option(help="Mail address or page by which wikis reach you.")] = None,
    wikis: Annotated[str | None, typer.Option(help="Database names of the wikis to patrol; empty: all of Wikimedia.")] = None,
    account: Annotated[str | None, typer.Option(help="Bot account; empty: read anonymously.")] = None,
    client: Annotated[str | None, typer.Option(help="Class of client that the account is.")] = None,
    reporter_name: Annotated[str | None, typer.Option(help="Who reports.")] = None,
    reporter_contact: Annotated[str | None, typer.Option(help="Mail address of the reporter.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Mail address that all reports go to; empty: the spool only.")] = None,
    mail_host: Annotated[str | None, typer.Option(help="Mail server.")] = None,
    mail_port: Annotated[str | None, typer.Option(help="Its port.")] = None,
    mail_user: Annotated[str | None, typer.Option(help="User name there.")] = None,
    page: Annotated[str | None, typer.Option(help="Mail address to wake somebody.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Address for /metrics and /readyz; empty: none.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask, explain, and set up: settings file, master key, database; then check them.

    Nothing that is there is changed: a settings file is never written over, a key never replaced, a database only brought up to date.

    Example: tsbot init --yes --contact you@example.org --wikis 'dewiki frwiki'
    """
    given = {
        "data_dir": data_dir,
        "contact": contact,
        "wikis": wikis,
        "account": account,
        "client": client,
        "reporter_name": reporter_name,
        "reporter_contact": reporter_contact,
        "recipient": recipient,
        "mail_host": mail_host,
        "mail_port": mail_port,
        "mail_user": mail_user,
        "page": page,
        "metrics": metrics,
    }
    if config.exists():
        raise InputError(f"{config} is there already; nothing was changed. Edit it, or name another file with --config.")
    if not yes and not sys.stdin.isatty():
        raise InputError("There is nobody to ask. Give --yes, and what the options say.")
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        answers[question.name] = _answer(question, given[question.name], answers, ask=not yes)
    settings = write_settings(config, settings_file(answers))
    store = open_store(settings)
    try:
        facts = {"settings": str(config), "database": schema.current(store), "master_key": store.key.fingerprint}
    finally:
        store.close()
    findings = list(examine(settings, offline=True))
    if as_json:
        told = [{"check": one.check, "state": one.state.value, "words": one.words, "remedy": one.remedy} for one in findings]
        typer.echo(json.dumps(facts | {"findings": told}))
    else:
        _tell(config, settings.key_path, facts, findings)
    if any(one.state is State.PROBLEM for one in findings):
        raise typer.Exit(EXIT_NOTHING)


def _answer(question: Question, given: str | None, answers: dict[str, str], *, ask: bool) -> str:
    if not is_asked(question, answers):
        if given:
            raise InputError(f"--{question.name.replace('_', '-')} needs --{question.only_if.replace('_', '-')}.")
        return ""
    if given is not None or not ask:
        answer = question.default if given is None else given.strip()
        check_answer(question, answer)
        return answer
    typer.echo()
    typer.secho(question.why, dim=True)
    while True:
        answer = str(typer.prompt(question.words, default=question.default, show_default=bool(question.default))).strip()
        try:
            check_answer(question, answer)
        except InputError as error:
            typer.secho(str(error), fg="red")
        else:
            return answer


def _tell(config: Path, key: Path, facts: dict[str, str | None], findings: list[Diagnosis]) -> None:
    console = Console()
    console.print(f"\n{config} is written; the database has schema {facts['database']}.", highlight=False)
    console.print(f"Master key {facts['master_key']} is in {key}. Without it texts stay sealed for ever: keep a copy", highlight=False)
    console.print("of that file in another place than the database's copies (docs/backup.md).", highlight=False)
    for one in findings:
        if one.state is not State.OK:
            console.print(Text.assemble((f"{one.state:>8}", COLOURS[one.state]), f"  {one.check}: {one.words}"))
            console.print(Text(f"          {one.remedy}", "dim"))
    console.print("\nNext: `tsbot patrol`, and in another terminal `tsbot doctor`.", highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(init)
