"""Two people at one case: each act names the version that was seen, and who acts on an old one is told what changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from tsbot.cases.case import Case
from tsbot.errors import CaseChangedError
from tsbot.store import audit
from tsbot.store import tables as t

TOLD = 5
"""Changes of which a message tells; those before are counted."""


def check_seen(connection: Connection, case: Case, version: int) -> None:
    """Refuse an act of somebody who has seen another version. Raises ``CaseChangedError`` that says what changed since, and by whom."""
    if version == case.version:
        return
    if version > case.version:
        raise CaseChangedError(f"Case {case.id[:8]} has version {case.version}; there is no version {version} yet.")
    since = changes(connection, case.id, version)
    lines = "; ".join(since[-TOLD:]) or "details are not in the log"
    more = f"{len(since) - TOLD} other changes; " if len(since) > TOLD else ""
    words = f"Case {case.id[:8]} has changed since version {version}: {more}{lines}."
    raise CaseChangedError(f"{words} Look at it again, then repeat with --seen {case.version}.")


def changes(connection: Connection, case_id: str, version: int) -> list[str]:
    """What was done to a case after a version, by whom and when, oldest first; equal acts in a row are told together."""
    runs: list[tuple[audit.Entry, int]] = []
    for entry in audit.entries(connection, obj=case_id):
        if (version_in(entry) or 0) <= version:
            continue
        last, times = runs[-1] if runs else (None, 0)
        if last is not None and (last.act, last.actor) == (entry.act, entry.actor):
            runs[-1] = entry, times + 1
        else:
            runs.append((entry, 1))
    return [f"{entry.act} by {entry.actor} at {moment(entry.time)}{f' ({times} times)' if times > 1 else ''}" for entry, times in runs]


def moment(time: float) -> str:
    """A time for people."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def last_seen(connection: Connection, case_id: str, by: str) -> int | None:
    """The version after somebody's own last act on a case; None if they have not acted on it."""
    query = select(t.audit).where(t.audit.c.object == case_id, t.audit.c.actor == by[:64]).order_by(t.audit.c.number.desc())
    for row in connection.execute(query.limit(20)).mappings():
        found = version_in(audit.Entry(**row))
        if found is not None:
            return found
    return None


def version_in(entry: audit.Entry) -> int | None:
    """The version of a case that an entry of the log left behind."""
    found = json.loads(entry.details).get("version")
    return found if isinstance(found, int) else None
