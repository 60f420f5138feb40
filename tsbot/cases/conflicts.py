"""Nobody handles a case in which they are author or target.

Whose accounts are whose stands in the settings (``[people]``); names are compared through the keyed fingerprints that flags carry, so
that no name has to be read for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from tsbot.cases.filing import account_index, author_index
from tsbot.cases.opened import read_opened
from tsbot.errors import PartyError
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.text.titles import canonical_name


@dataclass(frozen=True)
class People:
    """Which accounts on wikis belong to whom."""

    key: MasterKey
    accounts: Mapping[str, Sequence[str]]
    """User names by operator."""

    def is_party(self, connection: Connection, case_id: str, who: str) -> bool:
        """Whether somebody is the author or the target of what a case is about, under an account that is known to be theirs."""
        names = {canonical_name(name) for name in self.accounts.get(who, ())} - {""}
        if not names:
            return False
        everywhere = [account_index(self.key, name) for name in names]
        wikis = connection.scalars(select(t.flag.c.wiki).where(t.flag.c.case_id == case_id).distinct()).all()
        here = [author_index(self.key, wiki, name) for wiki in wikis for name in names]
        c = t.flag.c
        same = or_(c.account_index.in_(everywhere), c.author_index.in_(here), c.target_index.in_(here))
        if connection.execute(select(c.id).where(c.case_id == case_id, same).limit(1)).first() is not None:
            return True
        if kept_away(connection, [case_id], everywhere):
            return True
        told = read_opened(connection, self.key, case_id)
        return told is not None and bool(names & {canonical_name(told.author), canonical_name(told.target)})

    def refuse(self, connection: Connection, case_id: str, who: str) -> None:
        """Refuse whoever is a party to a case, or decided what a person appeals against. Raises ``PartyError``."""
        if self.is_party(connection, case_id, who):
            raise PartyError(f"You are a party to case {case_id[:8]} (author or target): somebody else must handle it.")
        c = t.hearing.c
        decided = select(c.id).where(c.case_id == case_id, c.appeal.is_not(None), c.decided_by == who)
        if connection.execute(decided.limit(1)).first() is not None:
            raise PartyError(f"You decided case {case_id[:8]}, and a person asks for somebody else to look again: it is not for you.")


def kept_away(connection: Connection, case_ids: Sequence[str], accounts: Sequence[bytes | None]) -> set[str]:
    """Those of some cases that a person reported and that name one of these accounts (:func:`account_index`): not for its owner."""
    marks = {account.hex() for account in accounts if account is not None}
    if not marks or not case_ids:
        return set()
    c = t.hearing.c
    rows = connection.execute(select(c.case_id, c.away).where(c.case_id.in_(case_ids), c.away != ""))
    return {row.case_id for row in rows if marks & set(row.away.split())}
