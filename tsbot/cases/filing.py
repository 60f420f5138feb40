"""Findings to flags, and flags to cases, inside the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from tsbot.cases import copypasta, earlier
from tsbot.cases.case import SCAN
from tsbot.cases.context import context_of
from tsbot.cases.copypasta import Signer
from tsbot.cases.flag import EXCERPT_CHARS, Flag, FlagContent, Span, flag_id
from tsbot.cases.grouping import LONG_TEXT, Marks, Windows, case_for, enliven
from tsbot.cases.priority import Reason, prioritise
from tsbot.detect.finding import GRAVITY, Finding, Kind
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage
from tsbot.text.titles import page_owner
from tsbot.wiki.sites import base_url

__all__ = ["Judged", "Windows", "account_index", "author_index", "case_key", "file_flags", "lift", "page_index", "read_flag"]

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half characters, which JSON can spell and UTF-8 cannot."""
MARGIN = 300
"""Code points of context kept around the evidence when a passage is longer than an excerpt."""
REPEATABLE = frozenset((Field.TEXT, Field.SUMMARY, Field.COMMENT))
"""Fields in which a text that was flagged before is told; a name or title comes again with each edit anyway."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage of an event with the finding on it."""

    event: Event
    passage: Passage
    finding: Finding
    wikitext: str = ""
    """What the passage of a page's text comes from, for its surroundings; empty for other fields."""


def author_index(key: MasterKey, wiki: str, user: str | None) -> bytes | None:
    """Fingerprint of an account on one wiki."""
    return key.index("user", wiki, user) if user else None


def account_index(key: MasterKey, user: str | None) -> bytes | None:
    """Fingerprint of an account on all wikis."""
    return key.index("account", user) if user else None


def page_index(key: MasterKey, wiki: str, title: str) -> bytes | None:
    """Fingerprint of a page."""
    return key.index("page", wiki, title) if title else None


def file_flags(
    connection: Connection,
    key: MasterKey,
    judged: Iterable[Judged],
    *,
    detector: str,
    source: str,
    windows: Windows,
    now: float,
) -> list[Flag]:
    """Store the flags of findings; one per subject and kind, made of the passage that judges gravest.

    Returns the flags that are new or became stronger; filing the same again changes nothing. A look back (``scan``) leaves what others
    flagged as it is; what it flagged itself and the patrol meets later is the patrol's from then on, as if it were new.
    """
    best: dict[tuple[str, Kind], Judged] = {}
    for item in judged:
        subject = item.event.subject
        if subject is None:
            continue
        for kind in item.finding.flagged:
            known = best.get((subject, kind))
            if known is None or _strength(item.finding, kind) > _strength(known.finding, kind):
                best[subject, kind] = item
    ordered = sorted(best.items(), key=lambda entry: (entry[1].event.time, entry[0][0], GRAVITY.index(entry[0][1])))
    filed = []
    for (subject, kind), item in ordered:
        result = _file(connection, key, subject, kind, item=item, detector=detector, source=source, windows=windows, now=now)
        if result is not None:
            filed.append(result)
    return filed


def _strength(finding: Finding, kind: Kind) -> tuple[int, float]:
    return finding.specificity + finding.plausibility + finding.imminence, finding.probability(kind)


def _file(
    connection: Connection,
    key: MasterKey,
    subject: str,
    kind: Kind,
    *,
    item: Judged,
    detector: str,
    source: str,
    windows: Windows,
    now: float,
) -> Flag | None:
    event, finding = item.event, item.finding
    identity = flag_id(subject, kind)
    scores: dict[str, Any] = {
        "field": item.passage.field.value,
        "probability": finding.probability(kind),
        "specificity": finding.specificity,
        "plausibility": finding.plausibility,
        "imminence": finding.imminence,
        "language": finding.language[:16],
        "coverage": finding.coverage.value,
        "detector": detector[:64],
    }
    content = _content(item, kind)
    author = author_index(key, event.wiki, event.user)
    page = page_index(key, event.wiki, event.title)
    known = connection.execute(select(t.flag).where(t.flag.c.id == identity)).mappings().first()
    if known is not None:
        stored = (known["specificity"] + known["plausibility"] + known["imminence"], known["probability"])
        data_key = case_key(connection, key, known["case_id"])
        taken_over = known["source"] == SCAN != source
        if data_key is None or (source == SCAN != known["source"]):
            return None
        if taken_over:
            scores["source"] = source
            enliven(connection, known["case_id"], source, now)
        if _strength(finding, kind) <= stored:
            if not taken_over:
                return None
            connection.execute(update(t.flag).where(t.flag.c.id == identity).values(source=source))
            return read_flag(connection, key, identity)
        sealed = seal(data_key, msgspec.json.encode(content), f"flag|body|{identity}")
        scores |= _place(connection, key, subject, kind, item, author=author, page=page, now=now)
        connection.execute(update(t.flag).where(t.flag.c.id == identity).values(**scores, body=sealed))
        lift(connection, known["case_id"], None if scores["priority"] < known["priority"] else scores["priority"])
        return _flag(dict(known) | scores, content)
    if item.passage.field is Field.TITLE and page and _is_title_known(connection, event.wiki, page, kind):
        return None
    scores |= _place(connection, key, subject, kind, item, author=author, page=page, now=now)
    marks = Marks(
        subject,
        event.wiki,
        event.time,
        author=author,
        account=account_index(key, event.user),
        target=_target(key, event),
        page=page,
        family=scores["text_family"],
        long_text=sum(map(str.isalnum, item.passage.text)) >= LONG_TEXT,
    )
    case_id, data_key = case_for(
        connection, key, kind, scores["priority"], marks, flag=identity, source=source, windows=windows, now=now
    )
    row = scores | {
        "id": identity,
        "subject": subject,
        "kind": kind.value,
        "case_id": case_id,
        "wiki": event.wiki,
        "source": source,
        "event_time": event.time,
        "created": now,
        "author_index": author,
        "account_index": marks.account,
        "page_index": page,
        "target_index": marks.target,
        "body": seal(data_key, msgspec.json.encode(content), f"flag|body|{identity}"),
    }
    connection.execute(insert(t.flag).values(**row))
    return _flag(row, content)


def _place(
    connection: Connection,
    key: MasterKey,
    subject: str,
    kind: Kind,
    item: Judged,
    *,
    author: bytes | None,
    page: bytes | None,
    now: float,
) -> dict[str, Any]:
    """The columns of a flag that say where it stands in the queue, and why."""
    event, finding = item.event, item.finding
    family, repeated = _repetition(connection, key, subject, kind, item, now)
    context = replace(
        context_of(event, item.passage, finding.evidence, kind, item.wikitext),
        earlier_author=earlier.by_author(connection, event.wiki, author, subject, event.time),
        earlier_page=earlier.on_page(connection, event.wiki, page, author, subject, event.time),
        repeated=repeated,
        revert_risk=connection.scalar(select(t.revision_score.c.score).where(t.revision_score.c.subject == subject)),
    )
    priority = prioritise(finding, kind, context)
    reasons = msgspec.json.encode(priority.reasons).decode()
    return {"priority": priority.value, "reasons": reasons, "text_family": family, "repeated": repeated}


def _repetition(
    connection: Connection, key: MasterKey, subject: str, kind: Kind, item: Judged, now: float
) -> tuple[int | None, int]:
    """The family of near-equal texts that a passage belongs to, and how many of them were flagged before."""
    # Of what is flagged for minors nothing is kept, not even a signature.
    if item.passage.field not in REPEATABLE or Kind.MINORS in (kind, *item.finding.flagged):
        return None, 0
    signature = Signer(key).sign(item.passage.text)
    if signature is None:
        return None, 0
    # An edit with several flags is one text.
    found = copypasta.find(connection, signature, now)
    if found is not None:
        # By the edit alone, which is one row or two: an index of the family would lead through all of a flood.
        same = select(t.flag.c.text_family, t.flag.c.repeated).where(t.flag.c.subject == subject)
        counted = next((row.repeated for row in connection.execute(same) if row.text_family == found.id), None)
        if counted is not None:
            return found.id, counted
    family = copypasta.note(connection, signature, now, found)
    return family.id, family.earlier


def _is_title_known(connection: Connection, wiki: str, page: bytes, kind: Kind) -> bool:
    """Whether a page was flagged for its title before; its later edits do not name it anew."""
    query = select(t.flag.c.id).where(t.flag.c.wiki == wiki, t.flag.c.page_index == page)
    return connection.execute(query.where(t.flag.c.field == Field.TITLE.value, t.flag.c.kind == kind.value).limit(1)).first() is not None


def _target(key: MasterKey, event: Event) -> bytes | None:
    """The account that an edit is aimed at, where the page tells it: whose user page it is, unless it is the author's own."""
    owner = page_owner(event.title, event.namespace) if event.kind in (EventKind.EDIT, EventKind.ATTEMPT) else ""
    return author_index(key, event.wiki, owner) if owner != event.user else None


def lift(connection: Connection, case_id: str, priority: int | None = None) -> None:
    """Give a case the priority of its gravest flag, or of what a person reported, after one of them changed its own.

    To ``priority``, if it only rose.
    """
    if priority is None:
        flags = connection.scalar(select(func.max(t.flag.c.priority)).where(t.flag.c.case_id == case_id)) or 0
        highest = max(flags, connection.scalar(select(func.max(t.hearing.c.priority)).where(t.hearing.c.case_id == case_id)) or 0)
        other = t.case.c.priority != highest
    else:
        highest, other = priority, t.case.c.priority < priority
    connection.execute(update(t.case).where(t.case.c.id == case_id, other).values(priority=highest))


def case_key(connection: Connection, key: MasterKey, case_id: str) -> bytes | None:
    """The bare data key of a case; None once destroyed. Raises ``KeyFileError`` for a wrong master key."""
    wrapped = connection.scalar(select(t.case.c.data_key).where(t.case.c.id == case_id))
    return key.unwrap(wrapped, case_id) if wrapped else None


def _content(item: Judged, kind: Kind) -> FlagContent:
    event, finding = item.event, item.finding
    # What is flagged for minors is not kept under another kind either.
    excerpt, offset, evidence = _excerpt(item) if Kind.MINORS not in (kind, *finding.flagged) else ("", 0, ())
    facets = finding.facets
    return FlagContent(
        title=event.title,
        user=event.user,
        user_is_temp=event.user_is_temp,
        user_edit_count=event.user_edit_count,
        user_registered=event.user_registered,
        namespace=event.namespace,
        server_url=base_url(event.server_url, event.domain),
        rev_id=event.rev_id,
        parent_id=event.parent_id,
        log_id=event.log_id,
        log_type=event.log_type,
        abuse_id=event.abuse_id,
        excerpt=excerpt,
        excerpt_start=item.passage.source_span(offset, offset)[0],
        evidence=evidence,
        target=facets.target,
        when=facets.when,
        where=facets.where,
        how=facets.how,
        ability=facets.ability,
        conditional=facets.conditional,
        stance=facets.stance.value,
    )


def _excerpt(item: Judged) -> tuple[str, int, tuple[Span, ...]]:
    """The part of the passage around the evidence, its offset in the passage, and the evidence within it."""
    text = item.passage.text
    spans = item.finding.evidence
    telling = [span for span in spans if span.label in set(Kind)] or spans
    start = max(0, min((span.start for span in telling), default=0) - MARGIN) if len(text) > EXCERPT_CHARS else 0
    excerpt = text[start : start + EXCERPT_CHARS]
    kept = tuple(
        Span(span.start - start, min(span.end - start, len(excerpt)), span.label)
        for span in spans
        if start <= span.start < start + len(excerpt)
    )
    return SURROGATE.sub("\ufffd", excerpt), start, kept


def _flag(row: Mapping[str, object], content: FlagContent | None) -> Flag:
    names = ("id", "subject", "kind", "case_id", "wiki", "field", "probability", "specificity", "plausibility", "imminence")
    more = ("language", "coverage", "detector", "source", "event_time", "created", "priority")
    reasons = msgspec.json.decode(str(row["reasons"]), type=tuple[Reason, ...])
    return msgspec.convert({name: row[name] for name in names + more} | {"reasons": reasons, "content": content}, Flag)


def read_flag(connection: Connection, key: MasterKey, identity: str) -> Flag | None:
    """A flag with its private part; None if there is no such flag. Raises ``KeyFileError`` for a wrong key."""
    row = connection.execute(select(t.flag).where(t.flag.c.id == identity)).mappings().first()
    if row is None:
        return None
    data_key = case_key(connection, key, row["case_id"])
    content = None
    if data_key is not None:
        content = msgspec.json.decode(unseal(data_key, row["body"], f"flag|body|{identity}"), type=FlagContent)
    return _flag(dict(row), content)
