"""Answering people, and the order in which a case that people reported is ended: document, act, tell the sanctioned, tell the reporters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from tsbot.cases import lifecycle
from tsbot.cases.acts import Desk
from tsbot.cases.closing_order import ACTED, DEBRIEFED, SANCTIONED, Step, missing
from tsbot.cases.filing import read_flag
from tsbot.cases.notes import add_note, notes_of
from tsbot.cases.opened import read_opened
from tsbot.errors import CaseError, InputError
from tsbot.reception import hearing as hearings
from tsbot.reception import mailing
from tsbot.reception.discretion import Leak, Secrets, leaks
from tsbot.reception.handlers import accounts
from tsbot.reception.hearing import DAY, Hearing
from tsbot.reception.said import targets
from tsbot.reception.situations import shipped_situations
from tsbot.settings import Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

MOST_FLAGS = 200
NAMES = {"reporter": "who reported", "target": "who is harmed", "accused": "who is accused", "handler": "who handles it",
         "evidence": "what is sealed", "personal": "private data"}  # fmt: skip


def secrets_of(connection: Connection, key: MasterKey, settings: Settings, case_id: str, by: str) -> Secrets:
    """What the answers of a case must not tell."""
    reporters, targets, accused, evidence = set[str](), set[str](), set[str](), list[str]()
    for hearing in hearings.of_case(connection, case_id):
        said = hearings.read_said(connection, key, hearing)
        if said is not None:
            reporters |= {said.mail, said.account}
            targets.add(said.target)
            accused.add(said.accused)
            evidence += [said.text, said.hope]
        evidence += [word.text for word in hearings.words(connection, key, hearing) if word.text and not word.ours]
    for identity in connection.scalars(select(t.flag.c.id).where(t.flag.c.case_id == case_id).limit(MOST_FLAGS)).all():
        flag = read_flag(connection, key, identity)
        if flag is not None and flag.content is not None:
            accused.add(flag.content.user or "")
            evidence.append(flag.content.excerpt)
    told = read_opened(connection, key, case_id)
    if told is not None:
        accused.add(told.author)
        targets.add(told.target)
        evidence.append(told.text)
    evidence += [note.text for note in notes_of(connection, key, case_id, reveal=True) if note.text]
    handlers = {by, *accounts(connection, key, settings), *connection.scalars(select(t.person.c.pseudonym))}
    empty = {""}
    return Secrets(
        reporters=frozenset(reporters - empty),
        targets=frozenset(targets - empty),
        accused=frozenset(accused - empty),
        handlers=frozenset(handlers - empty),
        evidence=tuple(evidence),
    )


def words_of(found: list[Leak]) -> str:
    """What an answer reveals, in words for who wrote it; without the words themselves, which may not stand in messages."""
    return ", ".join(dict.fromkeys(NAMES[one.what] for one in found))


def answer(
    connection: Connection, who: Desk, settings: Settings, case_id: str, hearing_id: str, situation: str, text: str, now: float
) -> None:
    """Answer a person. Raises ``InputError`` for an answer that reveals something, ``CaseError`` where the order is another."""
    who.begin(connection, case_id, now)
    hearing = _of(connection, case_id, hearing_id)
    known = shipped_situations().get(situation)
    if known is None:
        raise InputError(f"There is no situation of that name; there are {', '.join(shipped_situations())}.")
    if hearing.withdrawn is not None:
        raise CaseError("The person took the report back and is not written to any more.")
    if found := leaks(text, secrets_of(connection, who.key, settings, case_id, who.by)):
        raise InputError(f"The answer reveals {words_of(found)}. Say it without; nothing was sent.")
    if known.ends and (step := missing(connection, case_id)) is not None and step is not Step.TELL:
        raise CaseError(f"Not yet: {step.words} The order is: document, act, tell the sanctioned, then tell the reporter.")
    number = hearings.add_word(connection, who.key, hearing, text, situation=situation, by=who.by, now=now)
    ended = {"ended": now, "check_in": None, "appeal": None} if known.ends else {"check_in": now + known.news_days * DAY}
    hearings.change(connection, hearing, answered=now, **ended)
    audit.record(connection, who.by, "hearing.answered", case_id, now, {"reference": hearing.reference, "situation": situation})
    who.noticed(connection, case_id, now)
    said = hearings.read_said(connection, who.key, hearing)
    if said is not None:
        mailing.post(connection, settings, hearing, said, number, now)


def step(connection: Connection, who: Desk, case_id: str, what: str, now: float) -> None:
    """Note that something was done: acted, or nothing to act on; the sanctioned told, or nobody sanctioned. Raises ``CaseError``."""
    who.begin(connection, case_id, now)
    if what not in (*ACTED, *SANCTIONED):
        raise InputError("There is no such step.")
    next_step = missing(connection, case_id)
    wanted = Step.ACT if what in ACTED else Step.SANCTION
    if next_step is not None and list(Step).index(next_step) < list(Step).index(wanted):
        raise CaseError(f"Not yet: {next_step.words}")
    lifecycle.annotate(connection, case_id, what, by=who.by, time=now)
    audit.record(connection, who.by, f"case.{what}", case_id, now)
    who.noticed(connection, case_id, now)


def check_in(connection: Connection, who: Desk, case_id: str, hearing_id: str, days: float, now: float) -> None:
    """Have the team reminded of a person sooner than they were told. Raises ``InputError`` for a later day: for that they are answered."""
    who.begin(connection, case_id, now)
    hearing = _of(connection, case_id, hearing_id)
    if hearing.withdrawn is not None or hearing.ended is not None:
        raise CaseError("Nobody waits for this one any more.")
    due = now + days * DAY
    if days <= 0 or (hearing.check_in is not None and due > hearing.check_in):
        raise InputError("The person was told an earlier day. Answer that it takes longer (the situation `delayed`) instead.")
    hearings.change(connection, hearing, check_in=due)
    audit.record(connection, who.by, "hearing.check_in", case_id, now, {"reference": hearing.reference})
    who.noticed(connection, case_id, now)


def late_among(connection: Connection, cases: Sequence[str], now: float) -> frozenset[str]:
    """Those of some cases in which a person waits longer for news than they were told."""
    c = t.hearing.c
    query = select(c.case_id).where(c.case_id.in_(cases), c.check_in < now, c.withdrawn.is_(None)).distinct()
    return frozenset(connection.scalars(query))


def debrief(connection: Connection, who: Desk, case_id: str, text: str, now: float) -> None:
    """Write down, after a hard case, how it was and what would help the next time. It is a note like others, sealed."""
    who.people.refuse(connection, case_id, who.by)
    add_note(connection, who.key, case_id, text, by=who.by, now=now)
    lifecycle.annotate(connection, case_id, DEBRIEFED, by=who.by, time=now)


def beside(connection: Connection, key: MasterKey, hearing: Hearing, database_of: Callable[[str], str | None] | None) -> list[str]:
    """Other open cases with flags on the edits that a person named; what to look at for merging."""
    said = hearings.read_said(connection, key, hearing)
    if said is None or database_of is None:
        return []
    subjects = []
    for _, target in targets(said):
        wiki = database_of(target.base)
        if wiki and target.rev_id:
            subjects.append(f"{wiki}:rev:{target.rev_id}")
        elif wiki and target.log_id:
            subjects.append(f"{wiki}:log:{target.log_id}")
    c = t.flag.c
    return list(connection.scalars(select(c.case_id).where(c.subject.in_(subjects), c.case_id != hearing.case_id).distinct().limit(20)))


def waiting_count(connection: Connection, now: float, where: Sequence[ColumnElement[bool]] = ()) -> int:
    """How many people wait longer for news than they were told; ``where`` says of which cases."""
    c = t.hearing.c
    query = select(func.count()).select_from(t.hearing.join(t.case, t.case.c.id == c.case_id))
    return connection.scalar(query.where(c.check_in < now, c.withdrawn.is_(None), *where)) or 0


def _of(connection: Connection, case_id: str, hearing_id: str) -> Hearing:
    hearing = hearings.find(connection, hearing_id)
    if hearing is None or hearing.case_id != case_id:
        raise InputError("There is no such report of a person in this case.")
    return hearing
