"""Messages that are no letters: pages that wake somebody, and word to a recipient that a case is closed. Ids only, no names."""

from __future__ import annotations

from tsbot.i18n.voice import Phrase
from tsbot.report import wording
from tsbot.report.letter import AS_WRITTEN, Manner
from tsbot.report.notices import PageNote
from tsbot.report.stationery import Stationery, shipped_stationery
from tsbot.settings import ReportSettings

MOST_LISTED = 20
"""Reports that a page names; of more it says how many."""
OUTCOMES = frozenset(("hidden", "deleted", "blocked", "locked", "passed_on", "no_action", "false_positive"))
"""Outcomes of cases that recipients are told by name; of any other they hear that a person decided."""


def page_text(
    case_id: str,
    flag_id: str,
    language: str,
    manner: Manner = AS_WRITTEN,
    stationery: Stationery | None = None,
    note: PageNote | None = None,
) -> str:
    """What a page says; ``note`` is what it is for, where it is about reports that wait. Raises ``LetterError``."""
    reports = note.reports if note else ()
    return (stationery or shipped_stationery()).fill(
        "page",
        manner.language or language,
        case_id=case_id,
        flag_id=flag_id,
        why=f"page-{note.reason}" if note else "page-waits",
        reports=reports[:MOST_LISTED],
        more=max(0, len(reports) - MOST_LISTED),
        command=f"tsbot reports show {reports[0]}" if reports else f"tsbot flags show {flag_id}",
        all_command="tsbot reports list --overdue" if reports else "",
        manner=manner,
        reminder=None,
    )


def answer_text(code: str, language: str, stationery: Stationery | None = None) -> str:
    """What is said after a letter that can be acknowledged by answering it."""
    voice = (stationery or shipped_stationery()).voice(language)
    return f"{voice.say('answer-acknowledges')}\n{voice.say('answer-result', 'Result: passed_on')}\n{voice.say('answer-code', code)}\n"


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
