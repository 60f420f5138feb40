"""``tsbot reports ack``, ``resend`` and ``receive``: what comes back, and sending once more."""

from __future__ import annotations

import json
import mailbox
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, acting, read_settings
from tsbot.cli.reports import IdsArgument, _one, _opened, _tell, reports
from tsbot.errors import AcknowledgementError, InputError, TsbotError
from tsbot.log import configure
from tsbot.report.acknowledge import Result, acknowledge
from tsbot.report.receive import Outcome, Receiver, Taken
from tsbot.report.reminders import resend
from tsbot.report.replies import MOST_BYTES
from tsbot.store import audit, outbox
from tsbot.store.opening import open_store
from tsbot.store.outbox import LETTERS, ReportState

EX_TEMPFAIL = 75
"""What a mail server takes for `try again later` (sysexits.h)."""


@reports.command("ack")
def ack_command(
    ids: IdsArgument,
    result: Annotated[Result | None, typer.Option(help="What the receiving end made of it.")] = None,
    by: Annotated[str | None, typer.Option(metavar="ROLE", help="Who acknowledged it: a role, not a name. Default: you.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Note that the recipient has a report, for instance because they said so on the phone. Its timers stop.

    What was sent to them about the case before counts as read, too. A later result replaces the earlier one. Your user name is noted.
    Exits with 1 if one of them does not exist, has not left, or is a page.

    Example: tsbot reports ack 3f2a91c0 --result passed_on --by emergency
    """
    failed = False
    with _opened(config, database) as deliverer:
        actor = acting(deliverer.database)
        for row in [_one(deliverer.database, identity) for identity in ids]:
            try:
                with deliverer.database.write() as connection:
                    current = outbox.get(connection, row.id) or row
                    key = deliverer.database.key
                    new = acknowledge(connection, key, current, by=by or actor, actor=actor, now=time.time(), result=result)
                words = "acknowledged" if new else "was acknowledged before"
            except AcknowledgementError as error:
                new, failed, words = False, True, str(error)
            if as_json:
                typer.echo(json.dumps({"id": row.id, "done": new}))
            else:
                typer.echo(f"{row.id} {words}")
    if failed:
        raise typer.Exit(EXIT_NOTHING)


@reports.command("resend")
def resend_command(ids: IdsArgument, as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Send reports once more: a dead one as it was, under the same Message-ID; a sent one as a further letter of its thread.

    The running patrol sends them, or the next one. Exits with 1 if one of them does not exist, or is neither sent nor dead.

    Example: tsbot reports resend 3f2a91c0
    """
    done = []
    with _opened(config, database) as deliverer:
        by = acting(deliverer.database)
        for row in [_one(deliverer.database, identity) for identity in ids]:
            now = time.time()
            with deliverer.database.write() as connection:
                current = outbox.get(connection, row.id) or row
                again: str | None = None
                if current.state is ReportState.DEAD and outbox.retry(connection, row.id, now):
                    again = row.id
                elif current.state is ReportState.SENT and current.purpose in LETTERS:
                    again = resend(connection, deliverer.database.key, current, deliverer.settings, by=by, now=now)
                if again is not None:
                    audit.record(connection, by, "report.resent", row.id, now, {"as": again})
            done.append((current, again is not None))
    _tell(done, "queued once more", "cannot be sent once more", as_json=as_json)


@reports.command("receive")
def receive_command(
    maildir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read new messages of a Maildir; they are moved from `new` to `cur`.")
    ] = None,
    mbox: Annotated[Path | None, typer.Option(metavar="FILE", help="Read the messages of an mbox file; it stays as it is.")] = None,
    for_mta: Annotated[
        bool, typer.Option("--mta", help="Say to a mail server what it understands: 75 where it should try again, else 0, and no words.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Read answers to reports: one message on standard input, or a mailbox. Meant for an alias of your mail server.

    An answer with the code of a letter acknowledges it; automatic answers do not; a bounce makes the letter dead, and on-call is told.
    Messages without a right code are refused, logged and counted. Nothing of a message is kept. Exits with 1 if the message was
    refused, with 3 if some of a mailbox were.

    Example: tsbot reports receive --mta < message.eml
    """
    if maildir is not None and mbox is not None:
        raise InputError("Name one of --maildir and --mbox.")
    configure()
    try:
        settings = read_settings(config, database)
        store = open_store(settings)
        try:
            receiver = Receiver(store, settings, time.time)
            outcomes = [receiver.take(raw) for raw in _messages(maildir, mbox)]
        finally:
            store.close()
    except (TsbotError, OSError):
        if for_mta:
            raise typer.Exit(EX_TEMPFAIL) from None
        raise
    if for_mta:
        return
    _say(outcomes, as_json=as_json)
    refused = sum(outcome.taken is Taken.REFUSED for outcome in outcomes)
    if refused:
        raise typer.Exit(EXIT_PARTIAL if maildir or mbox else EXIT_NOTHING)


def _messages(maildir: Path | None, mbox: Path | None) -> Iterator[bytes]:
    """The messages to be read, each cut at what is looked at."""
    if maildir is not None:
        if not (maildir / "new").is_dir():
            raise InputError(f"{maildir} is no Maildir: it has no folder `new`.")
        (maildir / "cur").mkdir(exist_ok=True)
        for path in sorted((maildir / "new").iterdir()):
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES)
            yield raw
            path.rename(maildir / "cur" / f"{path.name}:2,S")  # only once it was taken in
    elif mbox is not None:
        if not mbox.is_file():
            raise InputError(f"There is no mbox file {mbox}.")
        box = mailbox.mbox(mbox, create=False)
        try:
            for name in box.iterkeys():
                yield box.get_bytes(name)[:MOST_BYTES]
        finally:
            box.close()
    else:
        if sys.stdin.isatty():
            typer.echo("Reading a message from standard input; end it with Ctrl-D.", err=True)
        raw = sys.stdin.buffer.read(MOST_BYTES)
        while sys.stdin.buffer.read(1 << 16):  # a mail server does not like a pipe that closes early
            pass
        yield raw


def _say(outcomes: list[Outcome], *, as_json: bool) -> None:
    for outcome in outcomes:
        if as_json:
            typer.echo(json.dumps(asdict(outcome)))
        else:
            words = " ".join(word for word in (outcome.report, outcome.taken.value, outcome.result) if word)
            typer.echo(f"{words}{f' ({outcome.reason})' if outcome.reason else ''}", err=outcome.taken is Taken.REFUSED)
    if not outcomes and not as_json:
        typer.echo("No messages.")


def register(_app: typer.Typer) -> None:
    """The commands are part of ``tsbot reports`` once this module is imported."""
