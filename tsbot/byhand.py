"""``tsbot flag URL``: a revision or log entry that a person points at, on the same way as the patrol's finds."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace

import msgspec

from tsbot.cases.browse import FlagLine, list_flags
from tsbot.detect.detector import Detector, load_detector
from tsbot.detect.finding import GRAVITY, Finding, Kind
from tsbot.errors import WikiUnavailableError
from tsbot.intake import redrivable
from tsbot.parts import Wikis, open_pipeline, open_wikis
from tsbot.settings import Settings
from tsbot.store.opening import open_store
from tsbot.stream.source import Batch
from tsbot.text.passage import Field
from tsbot.wiki.links import Target, parse_link
from tsbot.wiki.lookup import database_of, describe

NAMED = re.compile(r"[a-z][a-z0-9_]{0,63}:(rev:|log:)?[1-9][0-9]{0,17}")
"""``enwiki:123``, ``enwiki:rev:123``, ``enwiki:log:123``."""
PATIENCE = 60.0
"""Seconds to wait for the wiki's answer."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What became of a link."""

    subject: str
    flags: tuple[FlagLine, ...]

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"subject": self.subject, "flags": [asdict(flag) for flag in self.flags]})

    def lines(self) -> Iterator[str]:
        """Words for a terminal."""
        if not self.flags:
            yield f"{self.subject}: not flagged. The detector finds nothing (add --kind), or the text cannot be read (see tsbot dead list)."
        for flag in self.flags:
            yield f"{self.subject}: flag {flag.id} of {flag.kind}, case {flag.case}"


class Insistent:
    """A detector that flags one kind on whatever it reads: the judgement of the person who pointed at it."""

    def __init__(self, detector: Detector, kind: Kind) -> None:
        self._detector = detector
        self._kind = kind

    @property
    def version(self) -> str:
        """That of the detector."""
        return self._detector.version

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """As the detector judges, with the kind added."""
        findings = self._detector.judge(texts, languages=languages, fields=fields)
        return [self._insist(finding, field) for finding, field in zip(findings, fields or [Field.TEXT] * len(texts), strict=True)]

    def _insist(self, finding: Finding, field: Field) -> Finding:
        flagged = sorted({*finding.flagged, self._kind}, key=GRAVITY.index)
        # What people point at is mostly the text; a summary beside it must not become the excerpt.
        sure = 1.0 if field is Field.TEXT else 0.5
        kinds = {**finding.kinds, self._kind: max(sure, finding.probability(self._kind))}
        # Grades of what the detector would not have flagged are not about what the person saw.
        graded = finding if finding.flagged else replace(finding, specificity=0, plausibility=0, imminence=0)
        return replace(graded, flagged=tuple(flagged), kinds=kinds)


def _named(wikis: Wikis, words: str) -> tuple[Target, str]:
    """What ``WIKI:REV`` or ``WIKI:log:ID`` is about. Raises ``UnknownWikiError``."""
    wiki, _, rest = words.partition(":")
    what, _, number = rest.rpartition(":")
    base = wikis.api.sites.base(wiki)
    return (Target(base, log_id=int(number)) if what == "log" else Target(base, rev_id=int(number))), wiki


def flag_by_hand(settings: Settings, url: str, kind: Kind | None) -> ByHand:
    """Judge what ``url`` points at, and flag it: as the detector finds, and as ``kind`` if that is given.

    ``url`` may also be ``WIKI:REV`` or ``WIKI:log:ID``, with the wiki's database name. Works beside a running patrol. Raises
    ``InputError`` for a link that is none, ``WikiError`` and errors of the store.
    """
    named = NAMED.fullmatch(url.strip())
    target = None if named else parse_link(url)
    wikis = open_wikis(settings)
    if named or target is None:
        target, wiki = _named(wikis, url.strip())
    else:
        wiki = database_of(wikis.api, target)
    seen = describe(wikis.api, wiki, rev_id=target.rev_id, log_id=target.log_id, server_url=target.base)
    event = msgspec.structs.replace(seen, id=str(uuid.uuid4()))  # each time a person points, it is a new event
    detector = load_detector(settings.detect.thresholds, settings.detect.identify)
    with closing(open_store(settings)) as database:
        pipeline = open_pipeline(
            settings,
            database,
            wikis,
            fetch=True,
            detector=Insistent(detector, kind) if kind else detector,
            resume=False,
        )
        pipeline.take(Batch([redrivable(event)]), "hand")
        deadline = time.monotonic() + PATIENCE
        while pipeline.fetching:
            if not pipeline.fetch():
                time.sleep(0.05)
            if time.monotonic() > deadline:
                raise WikiUnavailableError(f"{wiki} does not answer. The patrol will fetch the text at its next start.")
        with database.read() as connection:
            flags = list_flags(connection, subject=event.subject)
    return ByHand(event.subject or "", tuple(flags))
