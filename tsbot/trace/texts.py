"""Added text of the accounts of a question: the same stretches in what two of them put on pages, shown side by side.

The weights were fitted on edit summaries, so what is found here weighs nothing: it is noted, for a person to open. Texts are read for the
question, kept in memory only, and of each edit the first characters count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tsbot.text.passages import added_passages
from tsbot.trace.activity import Account, Edit
from tsbot.trace.answer import Candidate, DiffPair, EvidenceLine, Side
from tsbot.trace.evidence.phrases import fingerprints
from tsbot.trace.pairs import side_by_side
from tsbot.trace.tiers import FAMILIES
from tsbot.trace.words import said
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionSource

READ, STRANGERS = 8, 6
"""Candidates whose texts are read, the first ones; strangers whose texts tell what everybody writes."""
LONGEST = 5_000
LEAST_SHARED = 3
"""Fingerprints that two edits share at least: a stretch of some thirty characters or more."""
MOST_PAIRS = 2
KIND = "phrases"
_Prints = dict[tuple[str, int], set[int]]


@dataclass(frozen=True)
class Texts:
    """Reads what edits added. ``pay`` takes a request from the budget, and waits for it."""

    source: RevisionSource
    pay: Callable[[], None]
    most: int
    """Latest edits of each account whose text is read."""

    def prints(self, fan: FanOut, accounts: Iterable[Account]) -> dict[str, _Prints]:
        """Fingerprints of what accounts added, by account, wiki and revision. Texts that are hidden or no text are left out."""
        owners: dict[tuple[str, int], str] = {}
        by_wiki: dict[str, list[RevisionRef]] = {}
        for account in accounts:
            for edit in account.edits[-self.most :]:
                if edit.rev_id and (edit.wiki, edit.rev_id) not in owners:
                    owners[edit.wiki, edit.rev_id] = account.name
                    ref = RevisionRef(edit.wiki, edit.rev_id, edit.parent_id, fan.addresses.get(edit.wiki, ""))
                    by_wiki.setdefault(edit.wiki, []).append(ref)
        jobs = {}
        for wiki, refs in by_wiki.items():
            size = self.source.batch_size(wiki)
            for start in range(0, len(refs), size):
                jobs[wiki, start] = (wiki, partial(self._fetch, wiki, refs[start : start + size]))
        found: dict[str, _Prints] = {}
        for revisions in fan.gather("texts", jobs).values():
            for revision in revisions:
                if revision.text is None:
                    continue
                added = added_passages(revision.parent_text, revision.text, max_chars=LONGEST)
                prints = fingerprints("\n".join(passage.text for passage in added.passages)[:LONGEST])
                key = (revision.ref.wiki, revision.ref.rev_id)
                if prints:
                    found.setdefault(owners[key], {})[key] = prints
        return found

    def _fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        self.pay()
        return self.source.fetch(wiki, refs)


def with_texts(
    candidates: Sequence[Candidate],
    subject: Account,
    others: Mapping[str, Account],
    prints: Mapping[str, _Prints],
    strangers: Iterable[str],
    link: Callable[[str, int], str],
) -> tuple[Candidate, ...]:
    """Candidates with what of their added text is the subject's too."""
    mine = prints.get(subject.name, {})
    # What strangers write too (a template, a signature) points to nobody.
    common = {one for name in strangers for some in prints.get(name, {}).values() for one in some}
    told = []
    for candidate in candidates:
        theirs = prints.get(candidate.account, {})
        shared = [
            (len(rest), key, other)
            for key, some in mine.items()
            for other, more in theirs.items()
            if len(rest := (some & more) - common) >= LEAST_SHARED
        ]
        shared.sort(key=lambda one: (-one[0], one[1], one[2]))
        pairs = tuple(
            side_by_side(said("added", count), _side(subject, *key, link), _side(others[candidate.account], *other, link))
            for count, key, other in shared[:MOST_PAIRS]
        )
        told.append(_noted(candidate, pairs) if pairs else candidate)
    return tuple(told)


def _noted(candidate: Candidate, pairs: tuple[DiffPair, ...]) -> Candidate:
    lines = list(candidate.evidence)
    at = next((number for number, line in enumerate(lines) if line.kind == KIND), None)
    if at is None:
        lines.append(EvidenceLine(KIND, FAMILIES[KIND], 0.0, pairs[0].what, pairs, pairs[0].said))
    else:
        lines[at] = replace(lines[at], pairs=(*pairs, *lines[at].pairs))
    return replace(candidate, evidence=tuple(lines))


def _side(account: Account, wiki: str, rev_id: int, link: Callable[[str, int], str]) -> Side:
    edit: Edit = next(one for one in account.edits if (one.wiki, one.rev_id) == (wiki, rev_id))
    return Side(account.name, wiki, edit.timestamp.timestamp(), edit.pages[0], edit.summary, link(wiki, rev_id), rev_id)
