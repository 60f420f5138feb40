"""Added text: what two accounts both wrote is shown side by side; what everybody writes, and what cannot be read, is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tsbot.errors import WikiUnavailableError
from tsbot.trace.activity import Account, Edit
from tsbot.trace.answer import Candidate, EvidenceLine
from tsbot.trace.texts import Texts, with_texts
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

PET = "As the archive plainly shows, the weir stood long before the mill did."
BOX = "{{Infobox mill | name = Old mill | built = unknown | status = restored by friends of the river}}"


def account(name: str, *revisions: int) -> Account:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Account(name, tuple(Edit("enwiki", start + timedelta(days=number), (f"P{number}",), rev_id=number) for number in revisions))


class Source:
    """Texts by revision; the parent of a revision has everything but its own sentence."""

    def __init__(self, texts: dict[int, str | None], trouble: Exception | None = None) -> None:
        self.texts, self.trouble = texts, trouble
        self.fetched: list[int] = []

    def batch_size(self, wiki: str) -> int:
        return 2

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        if self.trouble:
            raise self.trouble
        self.fetched += [ref.rev_id for ref in refs]
        old = "An old paragraph that nobody here added, about the river and the town.\n\n"
        return [self._one(ref, old) for ref in refs]

    def _one(self, ref: RevisionRef, old: str) -> FetchedRevision:
        text = self.texts[ref.rev_id]
        if text is None:
            return FetchedRevision(ref, RevisionState.HIDDEN)
        return FetchedRevision(ref, RevisionState.PRESENT, old + text, old)


A, B, C, D = account("A", 1, 2), account("B", 3, 4), account("C", 5), account("D", 6)
TEXTS = {1: PET, 2: f"{BOX} Something of A.", 3: f"{PET} Again.", 4: f"{BOX} Of B.", 5: f"{BOX} Of C.", 6: f"{BOX} Of D."}


def compared(texts: dict[int, str | None], *candidates: Candidate, most: int = 10) -> dict[str, Candidate]:
    fan: Any = FanOut(None, None, lambda _seconds: None)  # type: ignore[arg-type]
    prints = Texts(Source(texts), lambda: None, most).prints(fan, [A, B, C, D])
    told = with_texts(candidates, A, {"B": B, "C": C, "D": D}, prints, ["C", "D"], lambda wiki, rev_id: f"{wiki}/{rev_id}")
    return {one.account: one for one in told}


def candidate(name: str, *lines: EvidenceLine) -> Candidate:
    return Candidate(1, name, 5.0, "moderate", "w", 1.0, lines)


def test_what_two_wrote_is_shown_with_their_edits_and_weighs_nothing() -> None:
    (line,) = compared(TEXTS, candidate("B"))["B"].evidence
    (pair,) = line.pairs
    assert (line.kind, line.log_lr) == ("phrases", 0.0)
    assert (pair.first.link, pair.second.link, pair.first.account, pair.second.account) == ("enwiki/1", "enwiki/3", "A", "B")
    assert "stretches of added text in common" in pair.what


def test_what_stood_there_before_or_is_everybodys_points_to_nobody() -> None:
    assert compared(TEXTS, candidate("C"), candidate("D"))["C"].evidence == ()


def test_it_stands_beside_equal_summaries() -> None:
    found = compared(TEXTS, candidate("B", EvidenceLine("pages", "where", 3.0, "w"), EvidenceLine("phrases", "text", 2.0, "summaries")))[
        "B"
    ]
    assert [(line.kind, line.log_lr, len(line.pairs)) for line in found.evidence] == [("pages", 3.0, 0), ("phrases", 2.0, 1)]


def test_hidden_texts_are_left_out() -> None:
    assert compared({**TEXTS, 3: None}, candidate("B"))["B"].evidence == ()


def test_only_the_latest_edits_are_read() -> None:
    assert compared(TEXTS, candidate("B"), most=1)["B"].evidence == ()


def test_a_wiki_that_does_not_answer_leaves_a_gap() -> None:
    fan: Any = FanOut(None, None, lambda _seconds: None)  # type: ignore[arg-type]
    source = Source({}, WikiUnavailableError("The wiki answers HTTP 503."))
    assert Texts(source, lambda: None, 10).prints(fan, [A, B]) == {}
    assert list(fan.silent) == ["enwiki"]
