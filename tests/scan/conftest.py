"""A wiki in memory that tells its history as the action API does, and a detector that finds one harmless word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tsbot.cases.filing import Windows
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.errors import WikiError, WikiRefusedError
from tsbot.scan.api_scan import ApiScan, Texts
from tsbot.scan.examine import Examiner
from tsbot.scan.job import Counts, Job, JobState, What
from tsbot.scan.keeper import Keeper
from tsbot.store.database import Database
from tsbot.text.passage import Field
from tsbot.wiki.budget import Budget
from tsbot.wiki.history import PageRef
from tsbot.wiki.past import Past
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

WORD = "walrus"
START = 1_600_000_000
BASE = "https://en.wikipedia.org"


class WordDetector:
    """Flags texts with the word; fails on texts with the word ``crash``."""

    version = "word-1"

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """One finding per text."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Finding:
        if "crash" in text:
            raise RuntimeError("crash")
        start = text.find(WORD)
        if start < 0:
            return Finding(language="en", coverage=Coverage.SCORED)
        return Finding(
            kinds={Kind.VIOLENCE: 0.9},
            flagged=(Kind.VIOLENCE,),
            specificity=2,
            plausibility=2,
            imminence=1,
            evidence=(Evidence(start, start + len(WORD), "violence"),),
            language="en",
            coverage=Coverage.SCORED,
        )


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class OldWiki:
    """Pages with their revisions, and a log. Both a source of histories and of texts."""

    revisions: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    trouble: list[WikiError] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    per_request: int = 4

    def edit(self, page: int, text: str, *, at: float = 0, user: str = "Grey Pebble", comment: str = "a remark") -> int:
        """An edit; the id of its revision."""
        rev_id = 100 + len(self.revisions)
        parent = next((one["revid"] for one in reversed(self.revisions) if one["pageid"] == page), 0)
        moment = stamp(START + (at or 60 * len(self.revisions)))
        self.revisions.append(
            {"revid": rev_id, "parentid": parent, "pageid": page, "user": user, "comment": comment, "timestamp": moment, "size": len(text)}
        )
        self.texts[rev_id] = text
        return rev_id

    def logged(self, comment: str, *, kind: str = "delete", at: float = 0) -> int:
        """An entry of the log."""
        entry = {"logid": 500 + len(self.log), "type": kind, "action": kind, "ns": 1, "title": "Talk:P1", "user": "Maple Reader"}
        self.log.append(entry | {"comment": comment, "timestamp": stamp(START + (at or 60 * len(self.log)))})
        return int(entry["logid"])  # type: ignore[call-overload]

    # -- as histories

    def pages(self, titles: Sequence[str]) -> list[PageRef]:
        known = {f"Talk:P{one['pageid']}": int(one["pageid"]) for one in self.revisions}
        return [PageRef(known[title], title, 1) for title in titles if title in known]

    def follow(self, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.asked.append(parameters)
        what = parameters.get("list") or parameters["prop"]
        prefix = {"revisions": "rv", "usercontribs": "uc", "allrevisions": "arv", "logevents": "le"}[what]
        assert parameters[f"{prefix}dir"] == "newer"
        since, until = parameters.get(f"{prefix}start", ""), parameters.get(f"{prefix}end", "9")
        if what == "logevents":
            entries = [one for one in self.log if since <= one["timestamp"] <= until]
        else:
            entries = [one for one in self.revisions if since <= one["timestamp"] <= until]
            entries = [one for one in entries if "pageids" not in parameters or one["pageid"] == parameters["pageids"]]
            entries = [one for one in entries if parameters.get("ucuser", one["user"]) == one["user"]]
        entries.sort(key=lambda one: (one["timestamp"], one.get("revid", 0), one.get("logid", 0)))
        for start in range(0, len(entries), self.per_request):
            self.requests += 1
            yield {"query": self._shaped(what, entries[start : start + self.per_request])}

    def _shaped(self, what: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
        if what == "logevents":
            return {what: entries}
        pages = {one["pageid"]: {"pageid": one["pageid"], "ns": 1, "title": f"Talk:P{one['pageid']}"} for one in entries}
        if what == "usercontribs":
            return {what: [pages[one["pageid"]] | one for one in entries]}
        grouped = [page | {"revisions": [one for one in entries if one["pageid"] == number]} for number, page in pages.items()]
        return {"pages" if what == "revisions" else what: grouped}

    # -- as texts

    def batch_size(self, wiki: str) -> int:
        return 2

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        self.requests += 1
        if self.trouble:
            raise self.trouble.pop(0)
        if any(ref.rev_id in self.refused for ref in refs):
            raise WikiRefusedError("The wiki refuses the request (internal).", "internal_api_error")
        return [self._one(ref) for ref in refs]

    def _one(self, ref: RevisionRef) -> FetchedRevision:
        if ref.rev_id in self.hidden:
            return FetchedRevision(ref, RevisionState.HIDDEN)
        return FetchedRevision(ref, RevisionState.PRESENT, text=self.texts[ref.rev_id], parent_text=self.texts.get(ref.parent_id))


@dataclass
class Look:
    """One database from which an old wiki is looked through; each :meth:`scan` is a process of its own."""

    database: Database
    wiki: OldWiki
    slept: list[float] = field(default_factory=list)

    def job(self, *, dry: bool = False, name: str = "job-1") -> Job:
        return Job(name, What.PAGE, "enwiki", "word-1", dry, JobState.RUNNING, "", Counts(), 1.0, 1.0, None, "page Talk:P1")

    def scan(self, stop: Any = bool) -> ApiScan:
        histories: Any = self.wiki
        texts = Texts(self.wiki, "enwiki", Budget(None), self.slept.append, 2)
        examiner = Examiner(WordDetector(), wants_log=lambda kind: kind != "patrol")
        keeper = Keeper(self.database, examiner, Windows(), lambda: 1_700_000_000.0, self.slept.append)
        return ApiScan(keeper, Past(histories, "enwiki", BASE), texts, stop)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.fixture
def wiki() -> OldWiki:
    """An empty wiki."""
    return OldWiki()


@pytest.fixture
def look(database: Database, wiki: OldWiki) -> Look:
    """An empty database beside it."""
    return Look(database, wiki)


@pytest.fixture
def detector() -> WordDetector:
    """Finds the word ``walrus``."""
    return WordDetector()
