"""Messages that are no letters: pages that wake somebody, and word to a recipient that a case is closed. Ids only, no names."""

from __future__ import annotations

from collections.abc import Sequence

from tsbot.i18n.voice import Phrase
from tsbot.report import wording
from tsbot.report.escalation import Reason
from tsbot.report.letter import AS_WRITTEN, Manner
from tsbot.report.stationery import Stationery, shipped_stationery
from tsbot.settings import ReportSettings

MOST_REPORTS = 20
"""Reports that a page names; of more it says how many."""
OUTCOMES = frozenset(
    ("handled", "hidden", "page_deleted", "blocked", "locked", "passed_on", "no_action", "not_actionable", "false_positive")
)
"""Outcomes of cases that recipients are told by name; of any other they hear that a person decided."""


def page_text(
    case_id: str,
    flag_id: str,
    language: str,
    manner: Manner = AS_WRITTEN,
    stationery: Stationery | None = None,
    *,
    reason: str = "",
    reports: Sequence[str] = (),
) -> str:
    """What a page says. Raises ``LetterError``.

    ``reason`` is empty for a case that waits, else what is the matter with ``reports`` (their ids, the gravest first): ``unreleased``,
    ``undelivered``, ``dead`` or ``unacknowledged``; or ``waiting``, and ``reports`` are references of people's reports.
    """
    people = reason == Reason.WAITING
    shown = f"tsbot hearings show {case_id}" if people else f"tsbot reports show {reports[0]}" if reports else f"tsbot flags show {flag_id}"
    return (stationery or shipped_stationery()).fill(
        "page",
        manner.language or language,
        case_id=case_id,
        flag_id=flag_id,
        command=shown,
        reason=reason,
        reports=tuple(reports[:MOST_REPORTS]),
        more=max(0, len(reports) - MOST_REPORTS),
        all_waiting="tsbot hearings due" if people else "tsbot reports list --overdue",
        manner=manner,
        reminder=None,
    )


def closed_text(
    case_id: str,
    outcome: str,
    language: str,
    settings: ReportSettings,
    manner: Manner = AS_WRITTEN,
    stationery: Stationery | None = None,
) -> str:
    """What those read who had a report about a case that is closed now; ``outcome`` may be empty. Raises ``LetterError``."""
    return (stationery or shipped_stationery()).fill(
        "closed",
        manner.language or language,
        case_id=case_id,
        outcome=Phrase(f"outcome-{outcome if outcome in OUTCOMES else 'other'}") if outcome else None,
        reporter_contact=wording.named(settings.reporter_contact),
        manner=manner,
        reminder=None,
    )
