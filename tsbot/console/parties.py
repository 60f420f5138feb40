"""Who has a part in which cases: whoever is author or target of a case gets to see nothing of it, not even that there is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, or_, select

from tsbot.cases.acts import Desk, desk
from tsbot.cases.case import Case, read_case
from tsbot.cases.conflicts import kept_away
from tsbot.cases.filing import account_index, author_index
from tsbot.cases.opened import read_opened
from tsbot.console.access import Act
from tsbot.console.console import Console, Visit
from tsbot.errors import ForbiddenError, InputError
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.text.titles import canonical_name

IN_CLAUSE = 500
NO = "You may not do this, or it does not exist."


def names_of(visit: Visit) -> tuple[str, ...]:
    """Names of somebody's account: when they signed in, and as the wiki says now."""
    return tuple({name for name in (visit.person.name, visit.rights.groups.name) if name})


def with_part(connection: Connection, key: MasterKey, names: Iterable[str], case_ids: Sequence[str]) -> set[str]:
    """Those of some cases in which an account of one of these names is author or target."""
    known = {canonical_name(name) for name in names} - {""}
    found: set[str] = set()
    c = t.flag.c
    everywhere = [account_index(key, name) for name in known]
    for start in range(0, len(case_ids) if known else 0, IN_CLAUSE):
        some = case_ids[start : start + IN_CLAUSE]
        wikis = connection.scalars(select(c.wiki).where(c.case_id.in_(some)).distinct()).all()
        here = [author_index(key, wiki, name) for wiki in wikis for name in known]
        same = or_(c.account_index.in_(everywhere), c.author_index.in_(here), c.target_index.in_(here))
        found.update(connection.scalars(select(c.case_id).where(c.case_id.in_(some), same).distinct()))
        found |= kept_away(connection, some, everywhere)
        by_hand = connection.scalars(select(t.case.c.id).where(t.case.c.id.in_(some), t.case.c.body.is_not(None))).all()
        for case_id in by_hand:
            told = read_opened(connection, key, case_id)
            if told is not None and known & {canonical_name(told.author), canonical_name(told.target)}:
                found.add(case_id)
    return found


def open_case(console: Console, connection: Connection, visit: Visit, act: Act, case_id: str) -> Case:
    """A case that somebody may see or act on.

    Raises ``ForbiddenError``, which is the same for a case that does not exist, one of another wiki, and one in which they have a part.
    """
    try:
        case = read_case(connection, case_id)
    except InputError as error:
        raise ForbiddenError(NO) from error
    if not visit.rights.may(act, case.wiki) or with_part(connection, console.database.key, names_of(visit), [case.id]):
        raise ForbiddenError(NO)
    return case


def desk_of(console: Console, visit: Visit) -> Desk:
    """Somebody at work on cases."""
    settings = msgspec.structs.replace(console.settings, people={visit.actor: tuple(names_of(visit))})
    return desk(visit.actor, console.database.key, settings)
