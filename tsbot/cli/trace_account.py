"""``tsbot trace account``: the question of a steward, on the command line."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cli.common import (
    EXIT_NOTHING,
    EXIT_PARTIAL,
    EXIT_UNAVAILABLE,
    ConfigOption,
    DatabaseOption,
    JsonOption,
    acting,
    read_settings,
    terminal,
)
from tsbot.cli.hide import progress_bar
from tsbot.errors import InputError
from tsbot.i18n.catalogue import SOURCE
from tsbot.i18n.voice import Voice
from tsbot.parts import open_wikis
from tsbot.settings import Settings
from tsbot.store.opening import open_store
from tsbot.trace.answer import Trace, to_json
from tsbot.trace.question import Asked, Tracer
from tsbot.trace.view import lines
from tsbot.trace.words import PROOF, shipped_words
from tsbot.wiki.history import Progress
from tsbot.wiki.revisions import PywikibotRevisions

AccountArgument = Annotated[str, typer.Argument(help="User name, temporary account, IP address or range (for historic edits).")]
WhyOption = Annotated[str, typer.Option("--why", help="Why you ask: a case, a request. Written into the audit log with your name.")]
WikiOption = Annotated[list[str] | None, typer.Option("--wiki", help="Ask this wiki (database name) in any case. Repeatable.")]
AgainstOption = Annotated[list[str] | None, typer.Option("--with", help="Compare with this account in any case. Repeatable.")]
LanguageOption = Annotated[str, typer.Option("--language", help="Language in which evidence is told, the rest being English.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Ask the wikis anew, whatever they answered within the last hour.")]


def account_command(
    account: AccountArgument,
    why: WhyOption,
    wiki: WikiOption = None,
    against: AgainstOption = None,
    top: Annotated[int, typer.Option(min=1, help="Links shown.")] = 10,
    diffs: Annotated[bool, typer.Option("--diffs/--no-diffs", help="Whether links to diffs side by side are shown.")] = True,
    picture: Annotated[Path | None, typer.Option(help="Write the clusters as a picture (SVG) to this file.")] = None,
    fresh: FreshOption = False,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say where an account is active, and which accounts its behaviour is consistent with, on what evidence, for and against.

    Asks the wikis and the activity index. The word "account" may be left out. Ends with 0 if accounts are linked, 1 if none is or there is
    no such account, 3 if some wiki did not answer, 4 if none did.

    Example: tsbot trace account "Example Account" --why "request on Meta, 3 August" --wiki enwiki
    """
    voice = voice_of(language)
    settings = read_settings(config, database)
    with progress_bar() as progress:
        trace = answer(settings, account, why, wikis=wiki or (), against=against or (), fresh=fresh, progress=progress)
    if picture is not None:
        picture.write_text(trace.grouping.svg, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(to_json(trace), ensure_ascii=False))
    else:
        console = terminal()
        for line in lines(trace, top=top, diffs=diffs, voice=voice):
            console.print(line, soft_wrap=True)
    end(trace)


def voice_of(language: str) -> Voice | None:
    """Who says evidence in a language; None for English. Raises ``InputError`` for a language without messages."""
    catalogue = shipped_words()
    spoken = sorted(code for code, one in catalogue.languages.items() if PROOF in one.messages)
    if language not in spoken:
        raise InputError(f"Evidence is not told in {language[:20]!r}; there are {', '.join(spoken)}.")
    return None if language == SOURCE else Voice(catalogue, language)


def answer(
    settings: Settings,
    account: str,
    why: str,
    *,
    wikis: tuple[str, ...] | list[str] = (),
    against: tuple[str, ...] | list[str] = (),
    fresh: bool = False,
    progress: Progress | None = None,
) -> Trace:
    """Ask, as whoever acts on the command line. Raises ``InputError``, ``StoreError`` and ``SettingsError``."""
    with closing(open_store(settings)) as store:
        by = acting(store)
        parts = open_wikis(settings)
        told = progress or (lambda _what, _done, _all: None)
        texts = PywikibotRevisions(parts.api, settings.wiki.max_text_bytes)
        tracer = Tracer(settings, store, parts.api, parts.budget, time.time, time.sleep, told, texts)
        return tracer.ask(Asked(account, by, why, tuple(wikis), tuple(against), fresh))


def end(trace: Trace) -> None:
    """End the command with the code that says how complete the answer is."""
    if code := exit_of(trace):
        raise typer.Exit(code)


def exit_of(trace: Trace) -> int:
    """The exit code of an answer."""
    if trace.subject.state == "unknown":
        return EXIT_UNAVAILABLE
    if trace.partial:
        return EXIT_PARTIAL
    return 0 if trace.links or trace.imitations else EXIT_NOTHING
