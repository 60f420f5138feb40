"""A stored finding, and what of it is private."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec

from tsbot.cases.priority import Reason
from tsbot.detect.finding import Kind
from tsbot.text.passage import Field

NAMESPACE = uuid.UUID("8d7f5c0e-6f0b-5d52-9a51-0f6c3a0d2b11")
"""Namespace of all deterministic ids; changing it would double every flag and report."""


def flag_id(subject: str, kind: Kind) -> str:
    """The id of the flag of ``kind`` on ``subject``: the same in every run."""
    return str(uuid.uuid5(NAMESPACE, f"flag|{subject}|{kind}"))


class Span(msgspec.Struct, frozen=True):
    """A labelled stretch of the excerpt, offsets in code points of the excerpt, end exclusive."""

    start: int
    end: int
    label: str


class FlagContent(msgspec.Struct, frozen=True, kw_only=True):
    """The private part of a flag; stored sealed with the case's key."""

    title: str
    user: str | None
    user_is_temp: bool | None = None
    user_edit_count: int | None = None
    user_registered: float | None = None
    namespace: int | None = None
    server_url: str = ""
    rev_id: int | None = None
    parent_id: int | None = None
    log_id: int | None = None
    log_type: str = ""
    abuse_id: int | None = None
    """Entry of the wiki's abuse log, where a filter stopped it."""
    excerpt: str = ""
    """The flagged passage, at most ``EXCERPT_CHARS`` code points; never stored for kind ``minors``."""
    excerpt_start: int = 0
    """Offset of the excerpt in its source (for ``text``: the wikitext of the revision)."""
    evidence: tuple[Span, ...] = ()
    target: int = 0
    when: bool = False
    where: bool = False
    how: bool = False
    ability: bool = False
    conditional: bool = False
    stance: str = "none"


EXCERPT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Flag:
    """A stored finding on one subject, of one kind."""

    id: str
    subject: str
    kind: Kind
    case_id: str
    wiki: str
    field: Field
    probability: float
    specificity: int
    plausibility: int
    imminence: int
    language: str
    coverage: str
    detector: str
    source: str
    """``patrol``, ``backfill``, ``hand``, ``scan`` or ``drill``."""
    event_time: float
    created: float
    content: FlagContent | None
    """None once its key was destroyed."""
    priority: int = 0
    """0-100, where it stands in the queue of people."""
    reasons: tuple[Reason, ...] = ()
    """What the priority is the sum of."""
