"""What of an answer somebody may see: our flags and cases by their own rights, and no words of edits that were flagged.

What wikis show everybody is shown; what a flagged edit says is masked here as everywhere in the console, and opened in its case only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from tsbot.console.access import Act
from tsbot.console.console import Console, Visit
from tsbot.console.parties import names_of, with_part
from tsbot.i18n.voice import Phrase
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.trace.answer import Candidate, DiffPair, EvidenceLine, Place, Side, Trace
from tsbot.trace.forms import private_of
from tsbot.trace.handover import QUOTED, Private
from tsbot.trace.words import english, said


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as somebody may see it."""

    trace: Trace
    private: Private
    """What must not be led to in public, for what is handed over."""


def seen(console: Console, visit: Visit, trace: Trace) -> Seen:
    """Take out what the visitor may not see."""
    private = private_of(console.database, trace)
    with console.database.read() as connection:
        where = tuple(_place(console.database.key, connection, visit, trace, place) for place in trace.where)
    candidates = tuple(_candidate(one, private) for one in trace.candidates)
    return Seen(replace(trace, where=where, candidates=candidates), private)


def _place(key: MasterKey, connection: Connection, visit: Visit, trace: Trace, place: Place) -> Place:
    """Flags and cases of wikis where the visitor may see cases, but for those in which they have a part."""
    if not place.flags:
        return place
    if not visit.rights.may(Act.SEE_CASE, place.wiki):
        return replace(place, flags=0, cases=())
    own = with_part(connection, key, names_of(visit), list(place.cases))
    if not own:
        return place
    cases = tuple(case for case in place.cases if case not in own)
    marks = [key.index("account", name) for name in (trace.subject.name, trace.subject.asked_as, *trace.subject.former) if name]
    c = t.flag.c
    count = select(func.count()).where(c.account_index.in_(marks), c.wiki == place.wiki, c.case_id.in_(cases))
    return replace(place, flags=connection.scalar(count) or 0, cases=cases)


def _candidate(one: Candidate, private: Private) -> Candidate:
    return replace(one, evidence=tuple(_line(line, private) for line in one.evidence))


def _line(line: EvidenceLine, private: Private) -> EvidenceLine:
    hidden = [side for two in line.pairs for side in (two.first, two.second) if (side.wiki, side.rev_id) in private.revisions]
    if not hidden:
        return line
    told = said(f"quoted-{line.kind}") if line.kind in QUOTED else line.said or line.words
    masked = replace(line, words=english(told), said=told if isinstance(told, Phrase) else None)
    return replace(masked, pairs=tuple(_pair(two, masked, private) for two in line.pairs))


def _pair(two: DiffPair, line: EvidenceLine, private: Private) -> DiffPair:
    sides = (_side(two.first, private), _side(two.second, private))
    return two if sides == (two.first, two.second) else DiffPair(line.words, *sides, line.said)


def _side(side: Side, private: Private) -> Side:
    """A flagged edit is there, with its time and wiki, and says nothing."""
    return replace(side, summary="", page="", link="") if (side.wiki, side.rev_id) in private.revisions else side
