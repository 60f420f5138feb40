"""The queue as somebody may see it: filtered, in pages, near-equal floods as one line, with counts. Ids, kinds and times only.

Open cases are of five states; the best of each are read along the index of state and priority and put together, so that a page costs the
same with a hundred cases as with a hundred thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select, union_all

from tsbot.cases import casebook, leases
from tsbot.cases.case import COLUMNS, CaseState, to_case
from tsbot.cases.casebook import CaseLine
from tsbot.cases.conflicts import People, kept_away
from tsbot.cases.filing import account_index, author_index
from tsbot.cases.handling import shipped_handling
from tsbot.console.access import EVERYWHERE
from tsbot.detect.finding import Kind
from tsbot.reception.answering import late_among
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.text.titles import canonical_name

PAGE = 25
FLOOD = 4
"""A page is made of so many times its lines, of which near-equal ones are shown as one."""
FURTHEST = 10_000
"""Cases that can be paged through; filters reach the others."""
MOST_MINE = 500
COUNTS_SECONDS = 5.0
"""How old the counts may be."""
OPEN = tuple(state for state in CaseState if state is not CaseState.CLOSED)


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the queue somebody wants to see."""

    wiki: str = ""
    language: str = ""
    kind: str = ""
    lane: str = ""
    state: str = ""
    mine: bool = False
    overdue: bool = False
    family: int = 0
    """Near-equal texts only."""
    start: int = 0
    """Cases passed over: those of the pages before."""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filter:
        """A filter from an address; what is not understood is left out."""
        return cls(
            wiki=query.get("wiki", "")[:64],
            language=query.get("language", "")[:16],
            kind=_one_of(query.get("kind", ""), Kind),
            lane=_one_of(query.get("lane", ""), {one.lane for one in shipped_handling().kinds.values()}),
            state=_one_of(query.get("state", ""), CaseState),
            mine=query.get("mine", "") == "1",
            overdue=query.get("overdue", "") == "1",
            family=_number(query.get("family", ""), 10**15),
            start=_number(query.get("start", ""), FURTHEST),
        )

    def query(self, **changed: object) -> str:
        """The address of it, with some of it changed; what is not set is left out."""
        one = replace(self, **{"start": 0, **changed})  # type: ignore[arg-type]
        values = {name: getattr(one, name) for name in self.__slots__}
        return urlencode({name: "1" if value is True else value for name, value in values.items() if value})

    @property
    def narrow(self) -> bool:
        """Whether anything is left out."""
        return bool(self.query())


def _one_of(value: str, values: Iterable[str]) -> str:
    return value if value in set(values) else ""


def _number(value: str, most: int) -> int:
    return min(int(value), most) if value.isascii() and value.isdigit() and len(value) < 19 else 0


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks: the wikis that they may see, and what concerns themselves."""

    wikis: frozenset[str]
    actor: str
    name: str
    key: MasterKey

    def sees(self, column: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """The condition that a wiki is one of theirs."""
        return [] if EVERYWHERE in self.wikis else [column.in_(sorted(self.wikis))]

    def own(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        """Cases among some of which they are author or target; they do not exist for them."""
        name = canonical_name(self.name)
        if not name or not ids:
            return set()
        c = t.flag.c
        wikis = connection.scalars(select(c.wiki).where(c.case_id.in_(ids)).distinct()).all()
        here = [author_index(self.key, wiki, name) for wiki in wikis]
        same = or_(c.account_index == account_index(self.key, name), c.author_index.in_(here), c.target_index.in_(here))
        found = set(connection.scalars(select(c.case_id).where(c.case_id.in_(ids), same).distinct()))
        found |= kept_away(connection, ids, [account_index(self.key, name)])
        people = People(self.key, {self.actor: (self.name,)})
        by_hand = connection.scalars(select(t.case.c.id).where(t.case.c.id.in_(ids), t.case.c.body.is_not(None))).all()
        return found | {one for one in by_hand if one not in found and people.is_party(connection, one, self.actor)}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the queue."""

    case: CaseLine
    language: str
    source: str
    like: int = 0
    """Near-equal cases that this line stands for, besides its own."""
    family: int = 0
    waits: bool = False
    """Whether a person who reported it waits longer for news than they were told."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the queue."""

    rows: tuple[Row, ...]
    beyond: int
    """Where the next page begins; 0 if there is none."""
    etag: str
    """Changes with anything that the page shows; says nothing."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open cases there are for somebody."""

    total: int = 0
    overdue: int = 0
    lanes: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    wikis: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)


class Counter:
    """Counts open cases by what the filters know; for all people at once, and not more often than every few seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: tuple[float, list[tuple[str, str, str, int, int]]] | None = None

    def count(self, connection: Connection, sight: Sight) -> Counts:
        """What somebody may know of."""
        now = self._clock()
        if self._known is None or not 0 <= now - self._known[0] < COUNTS_SECONDS:
            c = t.case.c
            late = func.sum(case((c.due < now, 1), else_=0))
            cube = select(c.state, c.kind, c.wiki, func.count(), late).where(c.state.in_([state.value for state in OPEN]))
            rows = connection.execute(cube.group_by(c.state, c.kind, c.wiki)).all()
            self._known = now, [(row[0], row[1], row[2], int(row[3]), int(row[4] or 0)) for row in rows]
        kinds: dict[str, int] = {}
        wikis: dict[str, int] = {}
        states: dict[str, int] = {}
        lanes: dict[str, int] = {}
        total = overdue = 0
        for state, kind, wiki, number, late_ones in self._known[1]:
            if EVERYWHERE not in sight.wikis and wiki not in sight.wikis:
                continue
            total, overdue = total + number, overdue + late_ones
            lane = shipped_handling().kinds[Kind(kind)].lane
            for table, name in ((kinds, kind), (wikis, wiki), (states, state), (lanes, lane)):
                table[name] = table.get(name, 0) + number
        return Counts(total, overdue, lanes, kinds, wikis, states)


def listing(connection: Connection, sight: Sight, wanted: Filter, now: float, lines: int = PAGE) -> Listing:
    """A page of the queue."""
    head = audit.head(connection)
    ids = _ids(connection, sight, wanted, now, lines * FLOOD + 1)
    own = sight.own(connection, ids)
    found = {one.id: one for one in map(to_case, connection.execute(select(*COLUMNS).where(t.case.c.id.in_(ids))).mappings())}
    cases = [found[identity] for identity in ids if identity in found]
    likes = _likes(connection, ids)
    waits = late_among(connection, ids, now)
    rows: list[Row] = []
    places: dict[tuple[object, ...], int] = {}
    used = 0
    for one, line in zip(cases, casebook.lines(connection, cases, now), strict=True):
        if one.id in own:
            used += 1
            continue
        language, family = likes.get(one.id, ("", 0))
        same = (family, one.kind, one.wiki, one.state, leases.holder(one, now))
        if family and not wanted.family and same in places:
            rows[places[same]] = replace(rows[places[same]], like=rows[places[same]].like + 1)
        elif len(rows) == lines:
            break
        else:
            places[same] = len(rows)
            rows.append(Row(line, language, one.source, family=family, waits=one.id in waits))
        used += 1
    shown = [(row.case.id, row.case.version, row.case.lease, row.like, row.case.held, row.waits) for row in rows]
    digest = hashlib.sha256(repr(shown).encode())
    return Listing(tuple(rows), wanted.start + used if used < len(cases) else 0, f"{head.number:x}.{digest.hexdigest()[:16]}")


def _ids(connection: Connection, sight: Sight, wanted: Filter, now: float, limit: int) -> list[str]:
    """Ids of cases in the order in which to work on them: by priority, then by what is due first, then the older."""
    c = t.case.c
    where = sight.sees(c.wiki)
    where += [column == value for column, value in ((c.wiki, wanted.wiki), (c.kind, wanted.kind)) if value]
    if wanted.lane:
        where.append(c.kind.in_([kind.value for kind, one in shipped_handling().kinds.items() if one.lane == wanted.lane]))
    if wanted.mine:
        held = c.lease_by == sight.actor[:64], c.lease_until > now, c.lease_until <= now + leases.LEASE_SECONDS
        # By their ids: these few would else be sought among all that wait.
        where.append(c.id.in_(connection.scalars(select(c.id).where(*held).limit(MOST_MINE)).all()))
    if wanted.overdue:
        where.append(or_(c.due < now, c.due > now + shipped_handling().longest))
    if wanted.language:
        where.append(c.id.in_(select(t.flag.c.case_id).where(t.flag.c.language == wanted.language)))
    if wanted.family:
        where.append(c.id.in_(select(t.flag.c.case_id).where(t.flag.c.text_family == wanted.family)))
    states = [CaseState(wanted.state)] if wanted.state else OPEN
    best = union_all(*(_best(state, where, now, wanted.start + limit).subquery().select() for state in states)).subquery().c
    order = (best.priority.desc(), best.late, best.next_due, best.opened, best.id)
    return list(connection.scalars(select(best.id).order_by(*order).offset(wanted.start).limit(limit)))


def _best(state: CaseState, where: list[ColumnElement[bool]], now: float, limit: int) -> Select[tuple[object, ...]]:
    c = t.case.c
    # What is due later than anything is was put off by a clock that was wrong: it is due now.
    due = case((c.due > now + shipped_handling().longest, now), else_=c.due)
    late = case((c.due.is_(None), 1), else_=0)
    query = select(c.id, c.priority, c.opened, due.label("next_due"), late.label("late")).where(c.state == state.value, *where)
    return query.order_by(c.priority.desc(), late, due, c.opened, c.id).limit(limit)


def _likes(connection: Connection, ids: list[str]) -> dict[str, tuple[str, int]]:
    """Language of each case, and the family of near-equal texts that all its flags belong to (0: none, or several)."""
    c = t.flag.c
    same = func.min(c.text_family), func.max(c.text_family), func.count(c.text_family), func.count()
    query = select(c.case_id, func.min(c.language), func.max(c.language), *same).where(c.case_id.in_(ids)).group_by(c.case_id)
    return {
        row[0]: (row[1] if row[1] == row[2] else f"{row[1]} …", row[3] if row[3] == row[4] and row[5] == row[6] else 0)
        for row in connection.execute(query)
    }


def changed(connection: Connection, etag: str) -> bool:
    """Whether anything at all was done since a page was made; cheap, and asked every few seconds."""
    return etag.partition(".")[0] != f"{audit.head(connection).number:x}"
