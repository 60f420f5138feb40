"""kill -9 in every stage: afterwards the books balance, and flags and reports are those of an undisturbed run."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

VICTIM = Path(__file__).with_name("victim.py")
EDITS = 60
MOMENTS = [
    ("before_sorting", 1),
    ("after_judging", 1),
    ("after_judging", 3),
    ("inside_the_batch_transaction", 1),
    ("after_flags_before_commit", 1),
    ("after_flags_before_commit", 4),
    ("after_the_batch_commit", 1),
    ("inside_the_text_transaction", 2),
    ("after_the_text_commit", 1),
    ("before_a_letter_is_handed_over", 2),
    ("after_a_letter_was_handed_over", 1),
    ("after_a_letter_was_noted", 3),
]


MILD = ("apples ", "bridges ", "candles ", "dormice ", "evenings ", "ferries ")
"""No text is nearly equal to another: which of several near-equal ones comes first decides on what they are grouped by."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recorded stream with edits, a flagged summary, flagged texts, an outcome, duplicates and a broken line; and the texts."""
    folder = tmp_path_factory.mktemp("recorded")
    lines, texts = [], {}
    for number in range(EDITS):
        texts[str(1000 + number)] = f"{MILD[number // 10] * 5} {number}" + (" and a walrus" if number % 10 == 0 else "")
        lines.append(_edit(number, comment="the walrus" if number == 7 else "mild", bot=number % 6 == 5))
    lines += [*lines[:5], "{broken", _visibility(1010)]
    events, store = folder / "events.jsonl", folder / "texts.json"
    events.write_text("\n".join(lines) + "\n")
    store.write_text(json.dumps(texts))
    return events, store


def _edit(number: int, **more: Any) -> str:
    meta = {"id": f"event-{number}", "dt": "2023-11-14T22:13:20Z", "domain": "en.wikipedia.org", "stream": "mediawiki.recentchange"}
    change: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": meta,
        "type": "edit",
        "namespace": 1,
        "title": f"Talk:Example {number}",
        "timestamp": 1_700_000_000 + number,
        "user": f"Editor {number}",
        "revision": {"old": 0, "new": 1000 + number},
        "server_url": "https://en.wikipedia.org",
        "wiki": "enwiki",
    }
    return json.dumps(change | more)


def _visibility(rev_id: int) -> str:
    meta = {"id": "event-v", "dt": "2023-11-14T23:13:20Z", "domain": "en.wikipedia.org", "stream": "mediawiki.revision-visibility-change"}
    seen = {"text": False, "user": True, "comment": True}
    schema = "/mediawiki/revision/visibility-change/1.0.0"
    return json.dumps(
        {"$schema": schema, "meta": meta, "database": "enwiki", "page_title": "x", "rev_id": rev_id, "visibility": seen}
    )


def _run(folder: Path, recorded: tuple[Path, Path], moment: str, occurrence: int = 1) -> int:
    command = [sys.executable, str(VICTIM), str(folder), *map(str, recorded), moment, str(occurrence)]
    return subprocess.run(command, check=False, timeout=120, capture_output=True).returncode


def _results(folder: Path) -> dict[str, Any]:
    database = sqlite3.connect(folder / "tsbot.sqlite")
    try:
        flags = sorted(database.execute("select id, subject, kind from flag"))
        reports = sorted(database.execute("select id, subject, kind, recipient, state, message_id from report"))
        outcomes = sorted(database.execute("select flag_id, what from outcome"))
        cases = database.execute("select count(*) from case_file").fetchone()
    finally:
        database.close()
    summary = json.loads((folder / "summary.json").read_text())
    del summary["duplicates"], summary["cursor"]
    spool = {path.name: message_from_bytes(path.read_bytes())["Message-ID"] for path in (folder / "spool").glob("*.eml")}
    return {"flags": flags, "reports": reports, "outcomes": outcomes, "cases": cases, "summary": summary, "spool": spool}


@pytest.fixture(scope="module")
def undisturbed(recorded: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run without disturbance leaves."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert _run(folder, recorded, "none") == 0
    return _results(folder)


def test_an_undisturbed_run_finds_what_is_there(undisturbed: dict[str, Any]) -> None:
    summary = undisturbed["summary"]
    # Edits 0, 10, 20, 30, 40, 50 by their texts, 7 by its summary; every sixth, from 5 on, is a bot's.
    assert (summary["flagged"], summary["skipped"], summary["failed"], summary["outcome"]) == (7, {"bot": 10}, 1, 1)
    assert summary["received"] == EDITS + 2 == sum((7, 10, 1, 1)) + summary["cleared"]
    assert summary["pending"] == 0
    assert len(undisturbed["spool"]) == len(undisturbed["reports"]) == 7
    assert all(state == "sent" for *_, state, _ in undisturbed["reports"])


@pytest.mark.parametrize(("moment", "occurrence"), MOMENTS)
def test_killed_and_started_again_the_results_are_the_same(
    recorded: tuple[Path, Path], undisturbed: dict[str, Any], tmp_path: Path, moment: str, occurrence: int
) -> None:
    assert _run(tmp_path, recorded, moment, occurrence) == -signal.SIGKILL, "the moment was never reached"
    assert _run(tmp_path, recorded, "none") == 0
    assert _results(tmp_path) == undisturbed
