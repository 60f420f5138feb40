"""The answer to "who else is this, and where?": one frozen value that console, command line, JSON and hand-over texts are made from.

Everything in it is public on the wikis. Times are seconds since the epoch, UTC; logarithms are natural. Texts (edit summaries, titles,
user names) are strangers': whoever shows them makes them harmless first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from tsbot.i18n.voice import Phrase

FORMAT = 1
"""Of the JSON; grows when a field is taken away or changes its meaning."""
NO_HOURS: tuple[tuple[int, ...], ...] = tuple((0,) * 24 for _ in range(7))
LISTED = ("very strong", "strong", "moderate", "weak", "imitation")
"""Tiers that are listed as links or warned of; candidates of other tiers are told as compared."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the question is about."""

    name: str
    """As the wikis spell it now: after a rename the new name."""
    kind: str
    """``account``, ``temporary``, ``address`` or ``range``."""
    state: str = "known"
    """``known``; ``missing``: no wiki that answered knows it, or none tells (hidden names are told as missing, as the wikis do);
    ``vanished``: its owner has left, nothing more is computed; ``unknown``: no wiki answered."""
    asked_as: str = ""
    """The name that was typed, where it is another one."""
    former: tuple[str, ...] = ()
    """Earlier names of the same account, newest first."""
    home: str = ""
    registered: float | None = None
    global_edits: int | None = None
    locked: bool | None = None
    """Globally; None where no CentralAuth tells."""
    link: str = ""
    """Its accounts on all wikis (CentralAuth)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block that holds now."""

    partial: bool = False
    expiry: str = "infinity"
    """ISO 8601, or ``infinity``."""
    flags: tuple[str, ...] = ()
    """Of ``nocreate``, ``noemail``, ``autoblock``, ``notalk``, ``anononly``."""
    restrictions: int = 0
    """Pages, namespaces and actions of a partial block."""
    by: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What one wiki tells of the subject."""

    wiki: str
    base: str = ""
    """Scheme and host."""
    edits: int | None = None
    """As the wiki counts; None where it does not say (addresses)."""
    seen: int = 0
    """Edits that were looked at."""
    complete: bool = True
    """False where there are older edits that were not looked at."""
    first: float | None = None
    """Of the edits looked at."""
    last: float | None = None
    registered: float | None = None
    groups: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    locked: bool | None = None
    flags: int = 0
    """Flags of ours on edits of the subject there."""
    cases: tuple[str, ...] = ()
    """Ids of our cases with such flags."""
    link: str = ""
    """Its contributions."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A wiki that did not answer, or not to its end: what it knows is missing from the answer."""

    wiki: str
    why: str
    about: str = ""
    """Whom it did not tell of; empty for the subject."""


@dataclass(frozen=True, slots=True)
class Side:
    """One edit of a pair that stands side by side."""

    account: str
    wiki: str
    time: float
    page: str
    summary: str
    link: str
    """The diff."""
    rev_id: int = 0


@dataclass(frozen=True, slots=True)
class DiffPair:
    """Two edits, one of each account, for a person to compare."""

    what: str
    """What they share, in English."""
    first: Side
    second: Side
    said: Phrase | None = None
    """``what`` as a message."""


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """What one kind of evidence says: above 0 for one person, below 0 for two; 0 where there is something to see that weighs nothing."""

    kind: str
    family: str
    """Kinds of one family are not independent of each other (``tsbot.trace.tiers.FAMILIES``)."""
    log_lr: float
    words: str
    """In English."""
    pairs: tuple[DiffPair, ...] = ()
    said: Phrase | None = None
    """``words`` as a message, for a reader of another language."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that was compared with the subject."""

    rank: int
    account: str
    log_lr: float
    """Natural logarithm of the likelihood ratio, all evidence together."""
    tier: str
    wording: str
    """The tier as a sentence: "consistent with", never "is"."""
    coincidences: float
    """How many strangers of ``Trace.population`` would look at least as similar, at most."""
    evidence: tuple[EvidenceLine, ...] = ()
    families: tuple[str, ...] = ()
    """Independent families that support the link."""
    found_by: tuple[str, ...] = ()
    """Why it was compared: ``page``, ``name``, ``summary``, ``asked``."""
    edits: int = 0
    """Edits that were looked at."""
    wikis: tuple[str, ...] = ()
    locked: bool | None = None
    blocked: tuple[str, ...] = ()
    """Wikis where it is blocked sitewide."""
    temporary: bool = False
    disputed: str = ""
    """By whom (pseudonym) the link was disputed; empty: by nobody."""
    link: str = ""

    @property
    def listed(self) -> bool:
        """Whether it is a link, rather than somebody who was merely compared."""
        return self.tier in LISTED and not self.disputed

    @property
    def supporting(self) -> tuple[EvidenceLine, ...]:
        """Evidence for one person."""
        return tuple(line for line in self.evidence if line.log_lr > 0)

    @property
    def against(self) -> tuple[EvidenceLine, ...]:
        """Evidence for two."""
        return tuple(line for line in self.evidence if line.log_lr < 0)


@dataclass(frozen=True, slots=True)
class WeakBridge:
    """A link between clusters that stayed apart, and the pair that keeps them apart."""

    first: str
    second: str
    log_lr: float
    weakest: tuple[str, str]
    weakest_log_lr: float
    forbidden: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """Accounts that belong together by complete link, and what joins them weakly."""

    clusters: tuple[tuple[str, ...], ...] = ()
    singles: tuple[str, ...] = ()
    bridges: tuple[WeakBridge, ...] = ()
    links: tuple[tuple[str, str, float], ...] = ()
    """Log-likelihood ratios of the pairs."""
    svg: str = ""


@dataclass(frozen=True, slots=True)
class CoveringRange:
    """A range that covers addresses of historic edits, and who else edits from it."""

    network: str
    addresses: tuple[str, ...]
    actors: int = 0
    actors_a_day: float = 0.0
    low: float = 0.0
    high: float = 0.0
    """95 % interval of ``actors_a_day``."""
    kept_edits: int = 0
    reverted_share: float = 0.0
    days: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole answer."""

    id: str
    """The audit entry's object: who asked, when and why stands there."""
    asked: float
    subject: Subject
    where: tuple[Place, ...] = ()
    timeline: tuple[tuple[str, int], ...] = ()
    """Edits per day (``2026-01-15``), or per month (``2026-01``) where they span more than a hundred days."""
    hours: tuple[tuple[int, ...], ...] = NO_HOURS
    """Edits per weekday (0: Monday) and hour, UTC."""
    candidates: tuple[Candidate, ...] = ()
    compared: int = 0
    """Accounts that were compared, strangers included."""
    population: int = 0
    """Accounts among which coincidences are expected."""
    grouping: Grouping = field(default_factory=Grouping)
    ranges: tuple[CoveringRange, ...] = ()
    silent: tuple[Silent, ...] = ()
    notes: tuple[str, ...] = ()
    """What whoever reads it must know, in English: what was cut, passed over, left out."""
    notes_said: tuple[Phrase, ...] = ()
    """``notes`` as messages."""
    index_days: int = 0
    """Days that the activity index reaches back; 0: it is off or empty."""

    @property
    def partial(self) -> bool:
        """Whether some wiki did not answer."""
        return bool(self.silent)

    @property
    def links(self) -> tuple[Candidate, ...]:
        """The candidates that are listed as links, imitations not among them."""
        return tuple(one for one in self.candidates if one.listed and one.tier != "imitation")

    @property
    def imitations(self) -> tuple[Candidate, ...]:
        """Candidates that look like somebody framing the subject, or being framed."""
        return tuple(one for one in self.candidates if one.listed and one.tier == "imitation")

    def candidate(self, account: str) -> Candidate | None:
        """A candidate by name."""
        return next((one for one in self.candidates if one.account == account), None)


def to_json(trace: Trace) -> dict[str, Any]:
    """The answer as JSON's types; ``format`` says which shape."""
    told: dict[str, Any] = msgspec.to_builtins(trace)
    return {"format": FORMAT, "partial": trace.partial, **told}


def of_json(data: dict[str, Any]) -> Trace:
    """The inverse. Raises ``ValueError`` for another shape."""
    if data.get("format") != FORMAT:
        raise ValueError(f"a trace of format {data.get('format')!r}; this program reads {FORMAT}")
    try:
        return msgspec.convert({key: value for key, value in data.items() if key not in ("format", "partial")}, Trace)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
