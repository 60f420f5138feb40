"""Mails to people who reported something: through the outbox, sealed until they leave, and nothing of it in their subjects."""

from __future__ import annotations

import base64
import datetime
import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from tsbot.cases.case import read_case
from tsbot.datafiles import data_file
from tsbot.errors import KeyUnusableError, LetterError
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import DAY, Hearing
from tsbot.reception.said import Said
from tsbot.reception.tokens import token_of
from tsbot.reception.words import FIRST, day, help_lines, voice_for
from tsbot.referral.directory import SHIPPED, Directory, load_directory, shipped_directory
from tsbot.report.message import OutboundMessage, message_domain
from tsbot.report.pgp import usable_key
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import Purpose, Report, ReportState

SPACE = uuid.UUID("0d5b7c3e-8a57-5f0e-9d1f-6f0b9a1c2d3e")
ACKNOWLEDGEMENT = 0
"""Number of the mail that acknowledges; others have that of their word."""
LINK = -1
"""Number of the mail that only brings the private link, once there is a key to encrypt it to."""
MOST_ACKNOWLEDGED = 3
"""Acknowledgements that one mail address gets in a day: nobody can have us write to somebody else without end."""


def directory_of(settings: Settings) -> Directory:
    """The directory of help, with the files of the settings. Raises ``DirectoryError``."""
    own = settings.reception.directory
    return own_directory(settings.data_path / own) if own else shipped_directory()


@data_file("own_directory", where=lambda folder: (SHIPPED, folder))
def own_directory(folder: Path) -> Directory:
    """That of the package with the files of a folder. Raises ``DirectoryError``."""
    return load_directory(SHIPPED, folder)


def origin(settings: Settings) -> str:
    """The address of the public page, without a path."""
    return (settings.reception.url or f"http://{settings.reception.listen}").rstrip("/")


def private_link(settings: Settings, key: MasterKey, identity: str) -> str:
    """The private link of a hearing."""
    return f"{origin(settings)}/l/{token_of(key, identity)}"


def post(connection: Connection, settings: Settings, hearing: Hearing, said: Said, number: int, now: float) -> bool:
    """Put a mail for the person into the outbox; False where they gave no address, took the report back, or have got enough."""
    by_wiki = _by_wiki(settings, said)
    if not (said.mail or by_wiki) or hearing.withdrawn is not None:
        return False
    if number == ACKNOWLEDGEMENT and _lately(connection, hearing, now) > MOST_ACKNOWLEDGED:
        return False
    identity = str(uuid.uuid5(SPACE, f"{hearing.id}|{number}"))
    if outbox.get(connection, identity) is not None:
        return False
    sender = settings.reception.address or settings.report.reporter_contact
    outbox.insert_report(
        connection,
        Report(
            id=identity,
            case_id=hearing.case_id,
            flag_id="",
            subject=f"hearing:{hearing.id}:{number}",
            kind=read_case(connection, hearing.case_id).kind.value,
            purpose=Purpose.ANSWER,
            recipient=f"hearing:{hearing.id}",
            channel="emailuser" if by_wiki else "smtp" if settings.mail.host else "spool",
            state=ReportState.QUEUED,
            auto=True,
            created=now,
            due=now,
            released=now,
            message_id=f"<{identity}@{message_domain(sender)}>",
        ),
    )
    return True


def _lately(connection: Connection, hearing: Hearing, now: float) -> int:
    mine = select(t.hearing.c.sender_index).where(t.hearing.c.id == hearing.id).scalar_subquery()
    query = select(func.count()).select_from(t.hearing).where(t.hearing.c.sender_index == mine, t.hearing.c.created > now - DAY)
    return connection.scalar(query) or 0


def stop(connection: Connection, hearing: Hearing) -> None:
    """Mails that have not left do not leave any more."""
    c = t.report.c
    waiting = select(c.id).where(c.recipient == f"hearing:{hearing.id}", c.state == ReportState.QUEUED.value)
    for identity in connection.scalars(waiting).all():
        outbox.withdraw(connection, identity, "the person took the report back")


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail to a person, before it is encrypted."""

    message: OutboundMessage
    key: bytes = b""
    """OpenPGP key that it is encrypted to; empty: it leaves in clear."""


def key_of(said: Said, now: float) -> bytes:
    """The key that a person's mails are encrypted to, if they gave one and it can be used now; empty if not."""
    if not said.key:
        return b""
    held = base64.b64decode(said.key)
    try:
        usable_key(held, now)
    except KeyUnusableError:
        return b""
    return held


def compose(connection: Connection, key: MasterKey, settings: Settings, report: Report, now: float) -> Composed:
    """The mail of a row. Raises ``LetterError`` where there is nobody to write to any more."""
    _, identity, number = report.subject.split(":")
    hearing = hearings.find(connection, identity)
    said = hearings.read_said(connection, key, hearing) if hearing else None
    if hearing is None or said is None or hearing.withdrawn is not None or not (said.mail or _by_wiki(settings, said)):
        raise LetterError("There is nobody to write to: the report was taken back, or its texts were destroyed.")
    voice = voice_for(hearing.language)
    theirs = key_of(said, now) if said.mail else b""
    # Who encrypts what they write, or gave a key, is not sent the private link in an open mail.
    open_to_see = not theirs and (bool(said.key) or "opened" in said.remarks)
    link = "" if open_to_see else private_link(settings, key, hearing.id)
    linked = str(voice.say(f"{FIRST}mail-link", link) if link else voice.say(f"{FIRST}mail-link-hidden"))
    if int(number) == ACKNOWLEDGEMENT:
        until = [str(voice.say(f"{FIRST}got-link", day(voice, hearing.expires)))] if link else []
        lines = _acknowledgement(settings, hearing, said, [linked, *until])
    else:
        lines = [linked] if int(number) == LINK else [str(voice.say(f"{FIRST}mail-answer")), "", linked]
    message = OutboundMessage(
        id=report.id,
        message_id=report.message_id,
        purpose=Purpose.ANSWER,
        case_id=report.case_id,
        flag_id="",
        recipient=said.mail or f"{settings.console.central_wiki}:{said.account}",
        subject=str(voice.say(f"{FIRST}mail-subject", hearing.reference)),
        text="\n".join(lines).rstrip() + "\n",
        date=report.created,
        sender_name=settings.reception.name,
        sender_address=settings.reception.address or settings.report.reporter_contact,
    )
    return Composed(message, theirs)


def _by_wiki(settings: Settings, said: Said) -> bool:
    """Whether somebody can be written to through their wiki ("e-mail this user"): they signed in there, and gave no address."""
    return bool(said.vouched and said.account and not said.mail and settings.reception.client_id)


def _acknowledgement(settings: Settings, hearing: Hearing, said: Said, link: list[str]) -> list[str]:
    voice = voice_for(hearing.language)
    today = datetime.datetime.fromtimestamp(hearing.created, datetime.UTC).date()
    kind = None
    referral = directory_of(settings).refer(language=hearing.language, country=said.country, kind=kind, today=today)
    helping = [str(voice.say(f"{FIRST}help-near")), *help_lines(voice, referral)]
    danger = [str(voice.say(f"{FIRST}danger-title")), str(voice.say(f"{FIRST}danger-call"))]
    due = day(voice, hearing.check_in or hearing.created)
    told = [
        str(voice.say(f"{FIRST}got-thanks")),
        str(voice.say(f"{FIRST}got-next", due)),
        str(voice.say(f"{FIRST}got-reference", hearing.reference)),
        "",
        *link,
        *(str(voice.say(f"{FIRST}mail-{remark}")) for remark in said.remarks if remark != "opened"),
        "",
    ]
    if hearing.channel == "mail":
        told.insert(4, str(voice.say(f"{FIRST}mail-answer-to-this")))
    return [*danger, *helping, "", *told] if hearing.urgent else [*told, *danger, "", *helping]
