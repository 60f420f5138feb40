"""What the API takes and gives. Times are seconds since the epoch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from tsbot.console.tracing.jobs import State

WIKI = r"^[a-z0-9_-]{1,64}$"
CaseId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="Id of the case, whole.")]
TraceId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="Id of the question.")]
Wiki = Annotated[str, Field(pattern=WIKI, description="Database name of a wiki, for instance enwiki.")]
RevisionId = Annotated[int, Field(ge=1, le=2**53)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Given(BaseModel):
    """What is sent to us: nothing beyond what is known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Claim(Given):
    """Take a case."""

    take_over: bool = Field(default=False, description="Take it from whoever has it; the log keeps it.")


class NewNote(Given):
    """A note."""

    text: str = Field(min_length=1, max_length=20_000)


class Close(Given):
    """Close a case."""

    outcome: str = Field(pattern=r"^[a-z_]{1,32}$", description="What became of it: handled, no_action, ...")
    seen: Version = Field(description="Version of the case that you have seen.")


class Hidden(Given):
    """Revisions that somebody has hidden on the wiki."""

    wiki: Wiki
    revids: list[RevisionId] = Field(min_length=1, max_length=50)


class Question(Given):
    """Who else is this, and where."""

    account: str = Field(min_length=1, max_length=300, description="User name, temporary account, IP address or range.")
    why: str = Field(min_length=3, max_length=200, description="Why you ask; written into the log with your name.")
    wikis: list[Wiki] = Field(default=[], max_length=20, description="Wikis to ask in any case.")
    against: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        default=[], max_length=20, description="Accounts to compare with in any case."
    )
    fresh: bool = Field(default=False, description="Ask the wikis anew, whatever they answered within the last hour.")


class Error(BaseModel):
    """Why something was not done."""

    error: str = Field(description="Short name, for programs.")
    message: str = Field(description="Words, for people.")


class Line(BaseModel):
    """A case as the queue has it."""

    id: str
    lane: str
    kind: str
    wiki: str
    state: str
    outcome: str | None
    priority: int
    due: float | None
    overdue: bool
    lease: str | None = Field(description="Who works on it now, by pseudonym.")
    flags: int
    tlp: str
    opened: float
    version: int


class Lines(BaseModel):
    """Cases in the order in which to work on them."""

    cases: list[Line]
    more: int = Field(description="Cases beyond those that are listed.")


class Flag(BaseModel):
    """A flag, without what it rests on."""

    id: str
    subject: str
    kind: str
    field: str
    priority: int
    outcomes: list[str]
    event_time: float


class Entry(BaseModel):
    """Something that was done to the case."""

    time: float
    actor: str
    act: str


class CaseRecord(BaseModel):
    """A case without texts."""

    case: Line
    lease_until: float | None
    flags: list[Flag]
    reports: dict[str, int] = Field(description="Letters by state.")
    notes: int
    waits_for_second_person: list[str] = Field(description="Acts that another person must approve.")
    history: list[Entry]


class Mark(BaseModel):
    """A revision that has an open case. What it is about stays here."""

    revid: int
    case: str


class Marks(BaseModel):
    """Which of some revisions are marked."""

    wiki: str
    marks: list[Mark]


class Told(BaseModel):
    """What a report of hidden revisions concerns."""

    revisions: int = Field(description="Of them, how many are flagged.")


class Duration(BaseModel):
    """How long something took, in seconds; cases that still wait are taken into account."""

    median: float | None
    p90: float | None
    done: int
    waiting: int


class Statistics(BaseModel):
    """Counts, for the team: numbers are not rounded, so they are not for publication."""

    wiki: str | None
    cases: int
    flags: int
    counts: dict[str, dict[str, int]]
    states: dict[str, int]
    times: dict[str, Duration]


class Step(BaseModel):
    """One round of questions to wikis."""

    what: str
    done: int
    of: int


class Answer(BaseModel):
    """How far a question is, and what is known. Kept for half an hour, for whoever asked."""

    id: str
    state: State
    trouble: str = Field(description="Why it failed; else empty.")
    steps: list[Step]
    trace: dict[str, Any] | None = Field(
        description="The answer; while the question is under way, what is known so far. Its `format` says which shape; docs/tracing.md."
    )


Dimension = Literal["language", "kind", "outcome", "source", "month"]
