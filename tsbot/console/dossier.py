"""What a case's page shows before anything is revealed: scores and reasons in words, facts on the account, earlier cases.

The sealed part of flags is opened for facets and facts only; texts, names and titles leave this module through :func:`opened` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, literal, or_, select

from tsbot.cases.browse import outcomes_of
from tsbot.cases.case import Case
from tsbot.cases.filing import case_key, read_flag
from tsbot.cases.flag import Flag
from tsbot.cases.labels import Verdict, labels_of
from tsbot.cases.opened import Opened, read_opened
from tsbot.cases.priority import Reason
from tsbot.console.listing import Sight
from tsbot.detect.finding import Kind
from tsbot.hide.kept import Progress, progress_of
from tsbot.i18n.voice import Phrase
from tsbot.report.wording import account_lines, details
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.wiki.types import AccountStatus

FLAGS_SHOWN = 20
"""Texts that are listed one by one, the gravest first."""
EARLIER_SHOWN = 10
MOST_NAMES = 50
"""Accounts of a case whose earlier cases are looked for."""


@dataclass(frozen=True, slots=True)
class FlagCard:
    """A flag, its text masked."""

    flag: Flag
    near: int
    """Near-equal texts of this case that it stands for, besides its own."""
    facets: tuple[Phrase, ...]
    account: tuple[Phrase, ...]
    outcomes: tuple[str, ...]
    verdict: Verdict | None
    """The last word of a reviewer."""
    readable: bool
    """Whether there is a text to reveal."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What the priority is the sum of."""
        return self.flag.reasons


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another case of the same author, or about the same target."""

    id: str
    kind: str
    state: str
    outcome: str | None
    opened: float
    wiki: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The parts of a case page that are not in the casebook's record."""

    cards: tuple[FlagCard, ...]
    flags: int
    """All flags, shown or not."""
    by_author: tuple[Earlier, ...]
    about_target: tuple[Earlier, ...]
    told: bool
    """Whether a person wrote something when opening it."""
    plans: tuple[Progress, ...] = ()
    """How far what shows the texts is hidden."""


def dossier(connection: Connection, key: MasterKey, case: Case, sight: Sight) -> Dossier:
    """Read a case's flags, and those cases of before that the reader may see."""
    c = t.flag.c
    number = connection.scalar(select(func.count()).select_from(t.flag).where(c.case_id == case.id)) or 0
    return Dossier(
        tuple(_cards(connection, key, case)),
        number,
        _earlier(connection, case, sight, "author"),
        _earlier(connection, case, sight, "target"),
        connection.scalar(select(t.case.c.body.is_not(None)).where(t.case.c.id == case.id)) or False,
        tuple(progress_of(connection, case.id)),
    )


def _cards(connection: Connection, key: MasterKey, case: Case) -> list[FlagCard]:
    """The gravest flags; of near-equal texts the gravest one, which stands for the others."""
    c = t.flag.c
    single = select(c.id.label("id"), c.priority.label("priority"), c.event_time.label("event_time"), literal(0).label("near"))
    single = single.where(c.case_id == case.id, c.text_family.is_(None))
    place = func.row_number().over(partition_by=(c.text_family, c.kind), order_by=(c.priority.desc(), c.event_time, c.id)).label("place")
    size = func.count().over(partition_by=(c.text_family, c.kind)).label("size")
    ranked = select(c.id, c.priority, c.event_time, place, size).where(c.case_id == case.id, c.text_family.is_not(None)).subquery().c
    first = select(ranked.id, ranked.priority, ranked.event_time, (ranked.size - 1).label("near")).where(ranked.place == 1)
    both = single.union_all(first).subquery().c
    query = select(both.id, both.near).order_by(both.priority.desc(), both.event_time, both.id).limit(FLAGS_SHOWN)
    found = connection.execute(query).all()
    became = outcomes_of(connection, [row.id for row in found])
    cards = []
    for row in found:
        flag = read_flag(connection, key, row.id)
        if flag is None:
            continue
        content = flag.content
        said = labels_of(connection, flag.id)
        cards.append(
            FlagCard(
                flag=replace(flag, content=None),
                near=int(row.near),
                facets=details(flag, content) if content is not None else (),
                account=account_lines(None, content, flag.event_time)[:-1] if content is not None and content.user else (),
                outcomes=tuple(became.get(flag.id, ())),
                verdict=said[-1].verdict if said else None,
                readable=content is not None and bool(content.excerpt) and flag.kind is not Kind.MINORS,
            )
        )
    return cards


def _earlier(connection: Connection, case: Case, sight: Sight, who: str) -> tuple[Earlier, ...]:
    c = t.flag.c
    here = select(c.wiki, c.author_index, c.account_index, c.target_index).where(c.case_id == case.id).distinct().limit(MOST_NAMES)
    rows = connection.execute(here).all()
    if who == "author":
        names = [row.account_index for row in rows if row.account_index]
        local = [(row.wiki, row.author_index) for row in rows if row.author_index and not row.account_index]
        same = [c.account_index.in_(names)] if names else []
        same += [(c.wiki == wiki) & (c.author_index == index) for wiki, index in local]
    else:
        same = [(c.wiki == wiki) & (c.target_index == index) for wiki, index in {(r.wiki, r.target_index) for r in rows if r.target_index}]
    if not same:
        return ()
    f = t.case.c
    ids = select(c.case_id).where(or_(*same), c.case_id != case.id).distinct()
    query = select(f.id, f.kind, f.state, f.outcome, f.opened, f.wiki).where(f.id.in_(ids), *sight.sees(f.wiki))
    found = connection.execute(query.order_by(f.opened.desc(), f.id).limit(EARLIER_SHOWN)).all()
    own = sight.own(connection, [row.id for row in found])
    return tuple(Earlier(*row) for row in found if row.id not in own)


def opened(connection: Connection, key: MasterKey, case_id: str, flag_id: str) -> Flag | None:
    """A flag of a case with its text; None if there is none, or it is destroyed, or of a kind that is never shown."""
    flag = read_flag(connection, key, flag_id)
    if flag is None or flag.case_id != case_id or flag.content is None or flag.kind is Kind.MINORS or not flag.content.excerpt:
        return None
    return flag


def told(connection: Connection, key: MasterKey, case: Case) -> Opened | None:
    """What a person wrote who opened a case; never where it concerns minors."""
    sealed = case_key(connection, key, case.id) is not None and case.kind is not Kind.MINORS
    return read_opened(connection, key, case.id) if sealed else None


def account(flag: Flag, status: AccountStatus | None) -> tuple[Phrase, ...]:
    """What is known of the author's account, once the text is revealed."""
    return account_lines(status, flag.content, flag.event_time) if flag.content is not None else ()
