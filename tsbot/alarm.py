"""The dead man's alarm: what a patrol that is dead, blind or dumb cannot tell itself.

It is asked by a timer, in a process of its own (`tsbot alarm`), and looks at what the patrol left behind: when it last read, whether
letters wait that should have left, and what is near its end. It sends by itself what it has to say, to whom `[page]` names, and
remembers in a file of its own what it said, so that it needs no database that answers. Its words carry no texts and no names.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import func, select

from tsbot.cases.flag import NAMESPACE
from tsbot.doctor import Diagnosis, State
from tsbot.doctor_console import check_console
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, TsbotError
from tsbot.report import checkup
from tsbot.report.channels import Channel
from tsbot.report.message import OutboundMessage, message_domain
from tsbot.report.pgp import MailCrypto
from tsbot.report.routing import pagers
from tsbot.settings import Settings
from tsbot.store import backup
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import Purpose
from tsbot.wiki.abuselog import ABUSE_LOG

MEMORY = "alarm.json"
"""In the data folder: when each trouble was last told of."""
BACKUP_DAYS = 7.0


class OpenStore(Protocol):
    """Opens the database of the settings."""

    def __call__(self, settings: Settings) -> Database:
        """Raises ``TsbotError``."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whom an alarm reached."""

    recipient: str
    trouble: str = ""
    """Why it did not; empty if it did."""


def look(settings: Settings, open_store: OpenStore, crypto: MailCrypto, now: float) -> Iterator[Diagnosis]:
    """What is wrong, and what is well, of what the alarm looks at."""
    try:
        store = open_store(settings)
    except TsbotError as error:
        yield Diagnosis("alarm.database", State.PROBLEM, str(error), "See `tsbot doctor`.")
    else:
        try:
            yield from _look_at_store(store, settings, now)
        except TsbotError as error:
            yield Diagnosis("alarm.database", State.PROBLEM, str(error), "See `tsbot doctor`.")
        finally:
            store.close()
    yield from (one for one in check_console(settings, now) if one.check == "console.certificate" and one.state is not State.OK)
    yield from (one for one in checkup.check_keys(settings, crypto, now) if one.state is not State.OK)


def _look_at_store(store: Database, settings: Settings, now: float) -> Iterator[Diagnosis]:
    limits = settings.alarm
    with store.read() as connection:
        stream = ~t.cursor.c.source.startswith(ABUSE_LOG)
        read = connection.scalar(select(func.max(t.cursor.c.updated)).where(stream))
        queued = (t.report.c.state == "queued", t.report.c.due < now - limits.undelivered_minutes * 60)
        stuck = connection.scalar(select(func.count()).select_from(t.report).where(*queued)) or 0
        saved = backup.fact(connection, backup.LAST)
    if read is None:
        yield Diagnosis("alarm.stream", State.PROBLEM, "no patrol has ever read anything here", "Start `tsbot patrol`, or `tsbot listen`.")
    elif now - read > limits.silent_minutes * 60:
        words = f"nothing was read for {(now - read) / 60:,.0f} minutes"
        remedy = "Is `tsbot patrol` (or `tsbot listen`) running, and can it reach the stream? See `tsbot doctor`."
        yield Diagnosis("alarm.stream", State.PROBLEM, words, remedy)
    else:
        yield Diagnosis("alarm.stream", State.OK, f"last read {now - read:,.0f} s ago")
    if stuck:
        words = f"{stuck} messages were let go more than {limits.undelivered_minutes:,.0f} minutes ago and have not left"
        yield Diagnosis("alarm.delivery", State.PROBLEM, words, "tsbot reports list --state queued; `tsbot doctor` asks the mail server.")
    else:
        yield Diagnosis("alarm.delivery", State.OK, "nothing waits that should have left")
    if limits.backup and (saved is None or now - float(saved) > BACKUP_DAYS * 86400):
        since = "ever" if saved is None else f"for {(now - float(saved)) / 86400:,.0f} days"
        yield Diagnosis("alarm.backup", State.WARNING, f"no backup was made {since}", "See `tsbot backup --help`.")


def due(findings: Sequence[Diagnosis], told: Mapping[str, float], settings: Settings, now: float) -> list[Diagnosis]:
    """Troubles to tell of now: those not told of within ``alarm.again_hours``."""
    bad = [one for one in findings if one.state is not State.OK]
    again = settings.alarm.again_hours * 3600
    return [one for one in bad if not 0 <= now - told.get(one.check, float("-inf")) < again]


def tell(findings: Sequence[Diagnosis], settings: Settings, channels: Mapping[str, Channel], now: float) -> list[Told]:
    """Send an alarm to whom ``[page]`` names. Raises nothing: who could not be reached is told."""
    text = "\n".join(f"{one.check}: {one.words}\n    {one.remedy}" for one in findings)
    sent = []
    for destination in pagers(settings):
        identity = str(uuid.uuid5(NAMESPACE, f"alarm|{destination.recipient}|{now}|{text}"))
        message = OutboundMessage(
            id=identity,
            message_id=f"<{identity}@{message_domain(settings.report.reporter_contact)}>",
            purpose=Purpose.PAGE,
            case_id="",
            flag_id="",
            recipient=destination.recipient,
            subject=f"tsbot alarm: {', '.join(one.check.removeprefix('alarm.') for one in findings)}",
            text=f"{text}\n",
            date=now,
            sender_name=settings.report.reporter_name,
            sender_address=settings.report.reporter_contact,
            reason="alarm",
        )
        channel = channels.get(destination.channel)
        if channel is None:
            sent.append(Told(destination.recipient, f"{destination.channel} is not configured"))
            continue
        try:
            channel.send(message)
        except (DeliveryDeferredError, DeliveryRefusedError) as error:
            sent.append(Told(destination.recipient, str(error)))
        else:
            sent.append(Told(destination.recipient))
    return sent


def remembered(folder: Path) -> dict[str, float]:
    """When each trouble was told of; nothing where that is not known."""
    try:
        found = json.loads((folder / MEMORY).read_text(encoding="utf-8"))
        return {str(name): float(moment) for name, moment in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def remember(folder: Path, told: Mapping[str, float], findings: Sequence[Diagnosis]) -> None:
    """Keep when troubles were told of, without those that are over. Where the disk is full, they are told of again."""
    bad = {one.check for one in findings if one.state is not State.OK}
    partial = folder / f".{MEMORY}.{os.getpid()}"
    try:
        partial.write_text(json.dumps({name: moment for name, moment in told.items() if name in bad}), encoding="utf-8")
        partial.replace(folder / MEMORY)
    except OSError:
        partial.unlink(missing_ok=True)
