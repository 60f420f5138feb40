"""Once a wiki has hidden a text, our copy of it goes, too: out of flags and letters. Names and links stay, they are needed to follow up.

The stream's ``revision-visibility-change`` says which fields are hidden, not whether from administrators as well. Both count
as hidden here: whoever may see the text sees it on the wiki. A case under a legal hold is sealed when the hold has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, RowMapping, exists, select, update

from tsbot.cases import outcomes
from tsbot.cases.filing import case_key
from tsbot.cases.flag import FlagContent
from tsbot.report.letter import Letter
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal
from tsbot.store.outbox import LETTERS
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field

SYSTEM = "tsbot"
HIDDEN = "hidden"


def seal_hidden(connection: Connection, key: MasterKey, event: Event, now: float) -> int:
    """Destroy our copies of what an event says is hidden now; in how many cases. Raises ``KeyFileError`` and ``StoreError``."""
    if event.kind is not EventKind.VISIBILITY or not event.rev_id:
        return 0
    query = select(t.flag).where(t.flag.c.subject == f"{event.wiki}:rev:{event.rev_id}")
    hidden = [row for row in connection.execute(query).mappings() if outcomes.hides(event, Field(row["field"]))]
    return _seal(connection, key, hidden, now)


def seal_after_hold(connection: Connection, key: MasterKey, now: float, *, sealing: bool = True) -> int:
    """Clear away the legal holds that have ended, and seal what was hidden meanwhile; how many cases were sealed."""
    over = (t.case.c.hold_until <= now, t.case.c.purged.is_(None))
    ended = list(connection.scalars(select(t.case.c.id).where(*over)))
    if not ended:
        return 0
    for case_id in ended:
        audit.record(connection, SYSTEM, "hold.ended", case_id, now)
    connection.execute(update(t.case).where(t.case.c.id.in_(ended)).values(hold_until=None))
    was_hidden = exists().where(t.outcome.c.flag_id == t.flag.c.id, t.outcome.c.what == HIDDEN)
    query = select(t.flag).where(t.flag.c.case_id.in_(ended), was_hidden)
    return _seal(connection, key, connection.execute(query).mappings().all(), now) if sealing else 0


def _seal(connection: Connection, key: MasterKey, flags: Iterable[RowMapping], now: float) -> int:
    sealed: dict[str, Counter[str]] = {}
    for row in flags:
        case_id = row["case_id"]
        held = connection.scalar(select(t.case.c.hold_until).where(t.case.c.id == case_id))
        data_key = case_key(connection, key, case_id)
        if data_key is None or (held is not None and held > now):
            continue
        flag = _seal_flag(connection, data_key, row)
        letters = _seal_letters(connection, data_key, case_id, row["subject"])
        if flag or letters:
            sealed.setdefault(case_id, Counter()).update(flags=flag, letters=letters)
    for case_id, numbers in sealed.items():
        connection.execute(update(t.case).where(t.case.c.id == case_id).values(sealed=now))
        audit.record(connection, SYSTEM, "case.sealed", case_id, now, dict(numbers))
    return len(sealed)


def _seal_flag(connection: Connection, data_key: bytes, row: RowMapping) -> int:
    """Empty a flag's excerpt; 1 if there was one."""
    context = f"flag|body|{row['id']}"
    content = msgspec.json.decode(unseal(data_key, row["body"], context), type=FlagContent)
    if not content.excerpt:
        return 0
    emptied = msgspec.structs.replace(content, excerpt="", evidence=())
    body = seal(data_key, msgspec.json.encode(emptied), context)
    connection.execute(update(t.flag).where(t.flag.c.id == row["id"]).values(body=body))
    return 1


def _seal_letters(connection: Connection, data_key: bytes, case_id: str, subject: str) -> int:
    """Take the excerpts out of the letters about an edit; how many had some."""
    c = t.report.c
    letters = [purpose.value for purpose in LETTERS]  # pages hold ids only
    mine = (c.case_id == case_id, c.subject == subject, c.body.is_not(None), c.purpose.in_(letters))
    number = 0
    for row in connection.execute(select(t.report.c.id, t.report.c.body).where(*mine)).all():
        context = f"report|body|{row.id}"
        letter = msgspec.json.decode(unseal(data_key, row.body, context), type=Letter)
        if letter.excerpts:
            emptied = msgspec.structs.replace(letter, excerpts=())
            body = seal(data_key, msgspec.json.encode(emptied), context)
            connection.execute(update(t.report).where(t.report.c.id == row.id).values(body=body))
            number += 1
    return number
