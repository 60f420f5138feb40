"""The answer on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tsbot.i18n.voice import Voice
from tsbot.trace.answer import Block, Candidate, CoveringRange, EvidenceLine, Grouping, Place, Silent, Subject, Trace, WeakBridge
from tsbot.trace.charts import hours, timeline
from tsbot.trace.view import lines
from tsbot.trace.words import said, shipped_words

GERMAN = Voice(shipped_words(), "de")
TIMES = [1_768_471_200.0 + 86_400 * day for day in range(12)]
TRACE = Trace(
    "trace:1",
    1.78e9,
    Subject("Plain \u202eFacts", "account", former=("Old",), home="enwiki", global_edits=1200, locked=True),
    (
        Place("enwiki", edits=12, seen=12, first=TIMES[0], last=TIMES[-1], groups=("rollbacker",), flags=2, cases=("12345678-aaaa",)),
        Place(
            "dewiki", edits=9000, seen=50, complete=False, first=TIMES[0], last=TIMES[1], blocks=(Block(True, "infinity", ("noemail",), 2),)
        ),
    ),
    timeline(TIMES),
    hours(TIMES),
    (
        Candidate(1, "Second", 12.0, "very strong", "w", 1e-9, (EvidenceLine("pages", "where", 5.0, "2 pages\nin common"),), locked=True),
        Candidate(2, "Third", 9.0, "imitation", "w", 40.0, (EvidenceLine("hours", "time", -2.0, "other hours"),)),
        Candidate(3, "Fourth", 1.0, "insufficient", "w", 40.0),
        Candidate(4, "Fifth", 9.0, "strong", "w", 1.0, disputed="lime"),
    ),
    200,
    5000,
    Grouping((("Plain", "Second"),), (), (WeakBridge("Second", "Third", 8.0, ("Plain", "Third"), -3.0, True),)),
    (CoveringRange("198.51.100.0/28", ("198.51.100.3",), 4, 0.5, 0.1, 0.9, 7, 0.25, 90, "More are not visible."),),
    (Silent("frwiki", "The wiki answers HTTP 503."),),
    ("A note.",),
)


def test_evidence_is_told_in_another_language_where_it_has_messages() -> None:
    line = EvidenceLine("hours", "time", 2.0, "all day", said=said("all-day"))
    (told,) = [
        one for one in lines(replace(TRACE, candidates=(replace(TRACE.candidates[0], evidence=(line,)),)), voice=GERMAN) if "hours" in one
    ]
    assert told.endswith("den ganzen Tag")
    assert any("2 pages" in one for one in lines(TRACE, voice=GERMAN))  # what has no message stays as it is


def shown(trace: Trace) -> str:
    return "\n".join(lines(trace))


@pytest.mark.parametrize(
    "said",
    [
        "GLOBALLY LOCKED",
        "formerly Old",
        "enwiki: 12 edits",
        "2 flags of ours in 1 cases (12345678)",
        "(latest 50)",
        "PARTIALLY BLOCKED (2 restrictions) without end [noemail]",
        "1 very strong, 1 imitation",
        "Second - VERY STRONG (locked)",
        "Third - IMITATION",
        "fewer than 0.001 strangers",
        "at most 40 strangers",
        "for     pages       +5.0  2 pages\ufffdin common",
        "against hours       -2.0",
        "Fifth: disputed by lime",
        "Fourth (insufficient +1.0)",
        "Cluster 1 (each linked to each): Plain, Second",
        "Weak bridge: Second - Third (+8.0)",
        "Range 198.51.100.0/28 covers 1 addresses",
        "0.50 (0.10 to 0.90)",
        "PARTIAL",
        "frwiki: The wiki answers HTTP 503.",
        "Note: A note.",
        "evidence, not proof",
        "Edits from 2026-01-15 to 2026-01-26",
    ],
)
def test_it_is_all_there(said: str) -> None:
    assert said in shown(TRACE)


def test_what_would_steer_a_terminal_does_not_come_out() -> None:
    assert "\u202e" not in shown(TRACE)


@pytest.mark.parametrize(
    ("state", "said"), [("missing", "No wiki that answered"), ("vanished", "has left"), ("unknown", "No wiki answered")]
)
def test_who_is_not_there(state: str, said: str) -> None:
    trace = replace(TRACE, subject=Subject("A", "account", state), candidates=(), where=())
    assert said in shown(trace)
    assert "Who else" not in shown(trace)


def test_charts_count_everything() -> None:
    assert sum(count for _, count in timeline(TIMES)) == 12
    months = timeline([TIMES[0], TIMES[0] + 200 * 86_400])
    assert [name for name, _ in months] == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08"]
    assert timeline([]) == ()
    assert hours([TIMES[0]])[3][10] == 1  # Thursday, 15 January 2026, 10:00 UTC
