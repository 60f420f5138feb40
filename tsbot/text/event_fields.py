"""The free text that an event itself carries, and which of it is judged.

========== =========================== ======= ===== ==== =======
event      log type                    summary title user comment
========== =========================== ======= ===== ==== =======
edit       any                         yes     yes     yes
attempt    any                         yes     yes     yes
log        newusers, renameuser                yes     yes  yes
log        create, move, upload,               yes          yes
           import
log        any other (block, delete,                        yes
           protect, rights ...)
any other
========== =========================== ======= ===== ==== =======

* A title is judged without its namespace, at each edit: whoever starts to watch a wiki has not seen it being given. A page is
  flagged for its title once (:mod:`tsbot.cases.filing`).
* A user name is judged when it is given, and at edits too: the attack is repeated with each line of a history.
  Addresses and the names of temporary accounts are given by the software and not judged. A title that is the user's
  own page says nothing that the name does not.
* The comment of a categorisation, a change on Wikidata or a deletion event is written by software, or is the comment
  of a log event, which is judged as such.
* Of a move the new title is judged too, of a renamed account the new name.
"""

from __future__ import annotations

import re

from tsbot.stream.events import Event, EventKind
from tsbot.text.markup import Allowance
from tsbot.text.passage import Field, Passage
from tsbot.text.plain import plain_passage

NEW_ACCOUNTS = frozenset(("newusers", "renameuser"))
NEW_TITLES = frozenset(("create", "move", "upload", "import"))

_GIVEN_BY_SOFTWARE = re.compile(r"~\d{4}-[\d-]+|[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}")
"""Names of temporary accounts (``~2025-12345-6``), IPv4 and IPv6 addresses."""


def event_passages(event: Event) -> list[Passage]:
    """Passages of the summary, title, user name and comment of an event, as the table above has it.

    ``source_span`` points into ``event.comment``, ``event.title``, ``event.user`` or ``event.new_name``. No passage is blank.
    """
    passages: list[Passage | None]
    if event.kind is EventKind.EDIT:
        passages = [_comment(event, Field.SUMMARY), _user(event), _title(event)]
    elif event.kind is EventKind.ATTEMPT:
        passages = [_comment(event, Field.SUMMARY), _user(event), _title(event), _new_name(event)]
    elif event.kind is EventKind.LOG:
        passages = [_comment(event, Field.COMMENT)]
        if event.log_type in NEW_ACCOUNTS:
            passages += (_user(event), _title(event), _new_name(event))
        elif event.log_type in NEW_TITLES:
            passages += (_title(event), _new_name(event))
    else:
        return []
    return [passage for passage in passages if passage is not None]


def _comment(event: Event, field: Field) -> Passage | None:
    """A summary without the marks of its automatic section name (``/* Sources */ more``); the name is free text too."""
    text = event.comment
    if not text:
        return None
    spans = [(start, end) for start, end in _parts(text) if start < end]
    return plain_passage(field, text, spans, Allowance()) if spans else None


def _parts(text: str) -> list[tuple[int, int]]:
    """Automatic section name and rest, else all; trimmed. No regular expression: a long run of white space made one very slow."""
    opening = len(text) - len(text.lstrip())
    closing = text.find("*/", opening + 2) if text.startswith("/*", opening) else -1
    parts = [(0, len(text))] if closing < 0 else [(opening + 2, closing), (closing + 2, len(text))]
    return [(end - len(text[start:end].lstrip()), start + len(text[start:end].rstrip())) for start, end in parts]


def _title(event: Event) -> Passage | None:
    title = event.title
    start = title.find(":") + 1 if event.namespace else 0
    if not title[start:].strip() or title[start:] == event.user:
        return None
    return Passage(Field.TITLE, title[start:], start)


def _new_name(event: Event) -> Passage | None:
    name = event.new_name
    if not name.strip() or name in (event.title, event.user):
        return None
    return Passage(Field.USER if event.log_type in NEW_ACCOUNTS else Field.TITLE, name)


def _user(event: Event) -> Passage | None:
    user = event.user
    if not user or event.user_is_temp or user.isspace() or _GIVEN_BY_SOFTWARE.fullmatch(user):
        return None
    return Passage(Field.USER, user)
