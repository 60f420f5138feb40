"""Hearings in the database: taking a report in, reading it, and what the person does later. Inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from tsbot.cases import lifecycle
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.filing import account_index, case_key
from tsbot.cases.grouping import open_case
from tsbot.cases.priority import Reason, bounded, shipped_table
from tsbot.detect.finding import Kind
from tsbot.errors import CaseError, InputError
from tsbot.reception.said import LONGEST, Said, clean
from tsbot.reception.tokens import TOKEN, hashed, reference_of, token_of
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal
from tsbot.text.titles import canonical_name

DAY = 86400.0
SAME_DAYS = 7
"""A text that was sent before within this time belongs to the same case."""
ADDED = "added"
MOST_WORDS = 200
"""What one person can add to one report."""
PERSON = "reporter"
"""Who acts, in the audit log: never more than that."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say: how long links last, and by when there are news."""

    wiki: str
    """Where reports belong that name no wiki."""
    link_days: float
    news_days: float
    urgent_hours: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """One row of ``hearing``, without what is sealed. Times are seconds since the epoch."""

    id: str
    case_id: str
    reference: str
    channel: str
    language: str
    created: float
    expires: float
    revoked: float | None
    withdrawn: float | None
    urgent: bool
    minors: bool
    judged: float | None
    research: bool
    about: str
    away: str
    check_in: float | None
    answered: float | None
    ended: float | None
    appeal: float | None
    decided_by: str | None

    def open(self, now: float) -> bool:
        """Whether the private link leads anywhere."""
        return self.revoked is None and now < self.expires


COLUMNS = tuple(t.hearing.c[name] for name in Hearing.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Word:
    """Something said after a report. ``text`` is None once it was destroyed."""

    id: int
    ours: bool
    by: str | None
    situation: str
    created: float
    read: float | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report that is to be taken in."""

    id: str
    said: Said
    channel: str
    language: str
    wiki: str = ""
    """Database name of the wiki that its links lead to; empty: none."""
    away: tuple[str, ...] = ()
    """Handlers' accounts that it names."""


def text_index(key: MasterKey, text: str) -> bytes:
    """Fingerprint of a text, whatever its spaces and capitals."""
    return key.index("hearing", "".join(text.casefold().split()))


def sender_index(key: MasterKey, mail: str) -> bytes | None:
    """Fingerprint of a mail address."""
    return key.index("sender", mail.casefold()) if mail else None


def take_in(connection: Connection, key: MasterKey, arrival: Arrival, terms: Terms, now: float) -> Hearing:
    """Store a report; as it is, if it was stored before. It opens a case, or joins the one of the same text."""
    known = find(connection, arrival.id)
    if known is not None:
        return known
    said, index = arrival.said, text_index(key, arrival.said.text)
    case_id, data_key, joined = _case(connection, key, arrival, index, terms, now)
    away = (account_index(key, canonical_name(name)) for name in arrival.away)
    hearing = Hearing(
        id=arrival.id,
        case_id=case_id,
        reference=reference_of(key, arrival.id),
        channel=arrival.channel,
        language=arrival.language[:16],
        created=now,
        expires=now + terms.link_days * DAY,
        revoked=None,
        withdrawn=None,
        urgent=False,
        minors=False,
        judged=None,
        research=said.research,
        about=said.about,
        away=" ".join(mark.hex() for mark in away if mark),
        check_in=now + terms.news_days * DAY,
        answered=None,
        ended=None,
        appeal=None,
        decided_by=None,
    )
    more = {
        "token_hash": hashed(token_of(key, arrival.id)),
        "priority": _priority(),
        "text_index": index,
        "sender_index": sender_index(key, said.mail or (f"account|{said.account}" if said.vouched else "")),
        "body": seal(data_key, msgspec.json.encode(said), f"hearing|body|{arrival.id}"),
    }
    connection.execute(insert(t.hearing), {name: getattr(hearing, name) for name in Hearing.__dataclass_fields__} | more)
    if joined:  # a new case tells of its opening already
        audit.record(connection, PERSON, "hearing.received", case_id, now, {"reference": hearing.reference, "channel": arrival.channel})
    return hearing


def _case(
    connection: Connection, key: MasterKey, arrival: Arrival, index: bytes, terms: Terms, now: float
) -> tuple[str, bytes, bool]:
    """The case of the same text, if somebody sent that lately and it is not closed; else a new one. Its key, and whether it was there."""
    c = t.hearing.c
    query = select(c.case_id, t.case.c.data_key).join(t.case, t.case.c.id == c.case_id)
    query = query.where(c.text_index == index, c.created > now - SAME_DAYS * DAY, t.case.c.state != CaseState.CLOSED.value)
    row = connection.execute(query.where(t.case.c.data_key.is_not(None)).order_by(c.created.desc()).limit(1)).first()
    if row is not None:
        return row.case_id, key.unwrap(row.data_key, row.case_id), True
    wiki = arrival.wiki or terms.wiki
    new = open_case(connection, key, Kind.HARASSMENT, _priority(), wiki=wiki, source="intake", now=now, by=lifecycle.TSBOT)
    return (*new, False)


def _priority() -> int:
    """The priority of a report of which nothing is known yet but that a person wrote it."""
    table = shipped_table()
    reasons = (Reason("kind.harassment", table.kinds[Kind.HARASSMENT], "the kind harassment"), table.reason("by_hand"))
    return bounded(Kind.HARASSMENT, 0, reasons, table).value


def find(connection: Connection, identity: str) -> Hearing | None:
    """One hearing by its id."""
    return _one(connection, t.hearing.c.id == identity)


def get(connection: Connection, identity: str) -> Hearing:
    """One hearing by its id. Raises ``InputError`` if there is none."""
    found = find(connection, identity)
    if found is None:
        raise InputError("There is no such report of a person.")
    return found


def by_token(connection: Connection, token: str, now: float) -> Hearing | None:
    """The hearing that a private link leads to; None for a wrong, ended or expired one."""
    found = _one(connection, t.hearing.c.token_hash == hashed(token)) if TOKEN.fullmatch(token) else None
    return found if found is not None and found.open(now) else None


def of_case(connection: Connection, case_id: str) -> list[Hearing]:
    """The hearings of a case, oldest first."""
    return _many(connection, t.hearing.c.case_id == case_id)


def waiting(connection: Connection, now: float, limit: int = 200) -> list[Hearing]:
    """Those whose persons wait longer for news than they were told, longest first."""
    c = t.hearing.c
    query = select(*COLUMNS).where(c.check_in < now, c.withdrawn.is_(None)).order_by(c.check_in).limit(limit)
    return [Hearing(**row) for row in connection.execute(query).mappings()]


def unjudged(connection: Connection, limit: int) -> list[Hearing]:
    """Those that the detector has not read, oldest first."""
    query = select(*COLUMNS).where(t.hearing.c.judged.is_(None), t.hearing.c.body.is_not(None))
    return [Hearing(**row) for row in connection.execute(query.order_by(t.hearing.c.created).limit(limit)).mappings()]


def from_same_sender(connection: Connection, hearing: Hearing) -> int:
    """How many other reports came from the same mail address."""
    mine = select(t.hearing.c.sender_index).where(t.hearing.c.id == hearing.id).scalar_subquery()
    query = select(func.count()).select_from(t.hearing).where(t.hearing.c.sender_index == mine, t.hearing.c.id != hearing.id)
    return connection.scalar(query) or 0


def read_said(connection: Connection, key: MasterKey, hearing: Hearing) -> Said | None:
    """What the person wrote; None once it was destroyed."""
    body = connection.scalar(select(t.hearing.c.body).where(t.hearing.c.id == hearing.id))
    data_key = case_key(connection, key, hearing.case_id) if body else None
    return msgspec.json.decode(unseal(data_key, body, f"hearing|body|{hearing.id}"), type=Said) if body and data_key else None


def keep_key(connection: Connection, key: MasterKey, hearing: Hearing, pgp_key: str) -> Said | None:
    """Keep the OpenPGP key of a person who gave none before; what they said, with it, or None if they did or it was destroyed."""
    said, data_key = read_said(connection, key, hearing), case_key(connection, key, hearing.case_id)
    if said is None or data_key is None or said.key:
        return None
    said = msgspec.structs.replace(said, key=pgp_key)
    change(connection, hearing, body=seal(data_key, msgspec.json.encode(said), f"hearing|body|{hearing.id}"))
    return said


def words(connection: Connection, key: MasterKey, hearing: Hearing) -> list[Word]:
    """What was said after the report, oldest first."""
    c = t.hearing_word.c
    rows = connection.execute(select(t.hearing_word).where(c.hearing_id == hearing.id).order_by(c.id)).all()
    data_key = case_key(connection, key, hearing.case_id) if rows else None
    return [
        Word(
            row.id,
            row.situation != ADDED,
            row.by,
            row.situation,
            row.created,
            row.read,
            unseal(data_key, row.body, f"hearing_word|body|{row.id}").decode() if data_key and row.body else None,
        )
        for row in rows
    ]


def add_word(
    connection: Connection, key: MasterKey, hearing: Hearing, text: str, *, situation: str, by: str | None, now: float
) -> int:
    """Say something: the person (``situation`` is ``added``), or we. Raises ``InputError`` or ``CaseError``."""
    text = clean(text).strip()
    if not text:
        raise InputError("There is no text.")
    if len(text) > LONGEST:
        raise InputError(f"The text is longer than {LONGEST:,} characters.")
    data_key = case_key(connection, key, hearing.case_id)
    if data_key is None:
        raise CaseError("The texts were destroyed with their key; nothing can be added any more.")
    row = {"hearing_id": hearing.id, "case_id": hearing.case_id, "by": by, "situation": situation, "created": now, "body": b""}
    number: int = connection.execute(insert(t.hearing_word).values(**row).returning(t.hearing_word.c.id)).scalar_one()
    sealed = seal(data_key, text.encode(), f"hearing_word|body|{number}")
    connection.execute(update(t.hearing_word).where(t.hearing_word.c.id == number).values(body=sealed))
    return number


def said_more(connection: Connection, key: MasterKey, hearing: Hearing, text: str, terms: Terms, now: float) -> None:
    """The person adds something: they are owed news again, and a closed case comes back. Raises ``InputError`` or ``CaseError``."""
    mine = select(func.count()).select_from(t.hearing_word).where(t.hearing_word.c.hearing_id == hearing.id)
    if (connection.scalar(mine.where(t.hearing_word.c.situation == ADDED)) or 0) >= MOST_WORDS:
        raise InputError("So much was added to this report that a new one is better.")
    add_word(connection, key, hearing, text, situation=ADDED, by=None, now=now)
    change(connection, hearing, check_in=now + terms.news_days * DAY, ended=None, judged=None)
    audit.record(connection, PERSON, "hearing.added", hearing.case_id, now, {"reference": hearing.reference})
    _return(connection, hearing, now)


def withdraw(connection: Connection, key: MasterKey, hearing: Hearing, now: float) -> None:
    """The person takes the report back: no research, no answers, and nothing any more by which to reach them."""
    said = read_said(connection, key, hearing)
    data_key = case_key(connection, key, hearing.case_id)
    values: dict[str, object] = {"withdrawn": now, "research": False, "check_in": None, "sender_index": None}
    if said is not None and data_key is not None:
        bare = msgspec.structs.replace(said, mail="", account="", key="", vouched=False, country="", research=False)
        values["body"] = seal(data_key, msgspec.json.encode(bare), f"hearing|body|{hearing.id}")
    change(connection, hearing, **values)
    audit.record(connection, PERSON, "hearing.withdrawn", hearing.case_id, now, {"reference": hearing.reference})


def end_link(connection: Connection, hearing: Hearing, now: float) -> None:
    """The person ends the private link."""
    change(connection, hearing, revoked=now)
    audit.record(connection, PERSON, "hearing.link_ended", hearing.case_id, now, {"reference": hearing.reference})


def appeal(connection: Connection, hearing: Hearing, terms: Terms, now: float) -> None:
    """The person asks for somebody else to look again. Raises ``InputError`` where nothing was decided yet."""
    case = read_case(connection, hearing.case_id)
    if case.state is not CaseState.CLOSED or hearing.withdrawn is not None:
        raise InputError("Nothing was decided yet.")
    decided = select(t.annotation.c.by).where(t.annotation.c.case_id == case.id, t.annotation.c.what == case.outcome)
    who = connection.scalar(decided.order_by(t.annotation.c.time.desc()).limit(1))
    change(connection, hearing, appeal=now, decided_by=who, check_in=now + terms.news_days * DAY, ended=None)
    audit.record(connection, PERSON, "hearing.appealed", hearing.case_id, now, {"reference": hearing.reference})
    _return(connection, hearing, now)


def _return(connection: Connection, hearing: Hearing, now: float) -> None:
    """A closed case comes back to the queue."""
    case = read_case(connection, hearing.case_id, lock=True)
    if case.state is CaseState.CLOSED and case.merged_into is None and case.purged is None:
        lifecycle.move(connection, case.id, CaseState.NEW, by=lifecycle.TSBOT, now=now)


def change(connection: Connection, hearing: Hearing, **values: object) -> None:
    """Write columns of a hearing."""
    connection.execute(update(t.hearing).where(t.hearing.c.id == hearing.id).values(**values))


def _one(connection: Connection, *where: ColumnElement[bool]) -> Hearing | None:
    row = connection.execute(select(*COLUMNS).where(*where).limit(1)).mappings().first()
    return Hearing(**row) if row else None


def _many(connection: Connection, *where: ColumnElement[bool]) -> list[Hearing]:
    query = select(*COLUMNS).where(*where).order_by(t.hearing.c.created, t.hearing.c.id)
    return [Hearing(**row) for row in connection.execute(query).mappings()]


def seen_by_person(connection: Connection, hearing: Hearing, now: float) -> None:
    """The person has our answers before them."""
    c = t.hearing_word.c
    connection.execute(update(t.hearing_word).where(c.hearing_id == hearing.id, c.situation != ADDED, c.read.is_(None)).values(read=now))
