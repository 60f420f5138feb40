"""The answer: everything of it survives JSON, and what counts as a link."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tsbot.trace.answer import (
    Block,
    Candidate,
    CoveringRange,
    DiffPair,
    EvidenceLine,
    Grouping,
    Place,
    Side,
    Silent,
    Subject,
    Trace,
    WeakBridge,
    of_json,
    to_json,
)

SIDE = Side("Plain Facts 1", "enwiki", 1.7e9, "Talk:Mill", "true version", "https://en.wikipedia.org/w/index.php?diff=5", 5)
LINK = Candidate(
    1, "Plain Facts 2", 9.5, "strong", "the evidence is consistent with one person, strongly", 0.2,
    (EvidenceLine("pages", "where", 6.0, "2 pages in common", (DiffPair("Mill", SIDE, SIDE),)), EvidenceLine("hours", "time", -1.0, "")),
    ("where", "text"), ("page", "name"), 12, ("enwiki",), False, ("enwiki",),
)  # fmt: skip
TRACE = Trace(
    "trace:1", 1.8e9, Subject("Plain Facts 1", "account", former=("Old Facts",), locked=False),
    (Place("enwiki", "https://en.wikipedia.org", 12, 12, blocks=(Block(True, "infinity", ("noemail",), 2),), cases=("c1",), flags=1),),
    (("2026-01-15", 4),), candidates=(LINK,), compared=150, population=40_000,
    grouping=Grouping((("A", "C"),), (), (WeakBridge("A", "B", 7.0, ("A", "C"), -3.0, True),), (("A", "B", 7.0),), "<svg/>"),
    ranges=(CoveringRange("198.51.100.0/28", ("198.51.100.3",)),), silent=(Silent("dewiki", "does not answer"),), notes=("cut",),
)  # fmt: skip


def test_everything_survives_json() -> None:
    assert of_json(json.loads(json.dumps(to_json(TRACE)))) == TRACE


@pytest.mark.parametrize("change", [{"format": 99}, {"subject": 5}, {"candidates": [{"rank": "first"}]}])
def test_another_shape_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        of_json({**to_json(TRACE), **change})


def test_json_says_that_it_is_partial() -> None:
    assert to_json(TRACE)["partial"] is True
    assert to_json(replace(TRACE, silent=()))["partial"] is False


@pytest.mark.parametrize(
    ("tier", "disputed", "link", "imitation"),
    [("strong", "", True, False), ("strong", "Lime", False, False), ("insufficient", "", False, False), ("imitation", "", False, True)],
)
def test_what_is_a_link(tier: str, disputed: str, link: bool, imitation: bool) -> None:
    trace = replace(TRACE, candidates=(replace(LINK, tier=tier, disputed=disputed),))
    assert (bool(trace.links), bool(trace.imitations)) == (link, imitation)


def test_evidence_for_and_against() -> None:
    assert [line.kind for line in LINK.supporting] == ["pages"]
    assert [line.kind for line in LINK.against] == ["hours"]
