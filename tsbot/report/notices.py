"""What is said around a letter, and on a page: exercises, reminders, how to acknowledge. Nothing here comes from a wiki."""

from __future__ import annotations

import msgspec

from tsbot.report.escalation import Reason
from tsbot.report.wording import moment, shown

EXERCISE = "EXERCISE"
EXERCISE_LINE = (
    "EXERCISE - EXERCISE - EXERCISE\n"
    "This is a test of the way that reports take. Nothing happened on any wiki, nobody is at risk.\n"
    "Please acknowledge it as you would a real one, and do nothing else.\n"
)
REASON_WORDS = {
    Reason.UNRELEASED: "A report waits for a person to release it.",
    Reason.UNDELIVERED: "A report was released and has not left yet.",
    Reason.DEAD: "A report cannot be delivered.",
    Reason.UNACKNOWLEDGED: "A report was not acknowledged by those who got it.",
}
ANSWER_WORDS = {
    "smtp": "; the reply address has a code of its own.",
    "spool": "; the reply address has a code of its own.",
    "emailuser": " and leave the code below in it.",  # a wiki's mail has no reply address of ours
}
PLAIN_REASON = "A case waits for a person."


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter that goes out once more says of the first one."""

    of: str
    """Id of the report that it repeats."""
    to: str
    """Recipient of that one."""
    sent: float
    message_id: str
    second: bool
    """Whether it goes to a second address, because nobody acknowledged the first."""


class PageNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a page about waiting reports is for. Ids only; sealed all the same, as it stands in the place of a letter."""

    reason: Reason
    reports: tuple[str, ...]
    """The gravest first."""


def reminder_words(reminder: Reminder) -> str:
    """The paragraph before a letter that goes out once more."""
    if reminder.second:
        return (
            f"The report below was sent to {shown(reminder.to)} at {moment(reminder.sent)}.\n"
            "Nobody there has acknowledged it so far, so it is sent to you as well. Please look at it, or make sure that somebody does.\n"
        )
    return f"The report below was sent to you at {moment(reminder.sent)} and is sent once more, in case it did not arrive.\n"


def answer_words(code: str, channel: str) -> str:
    """The paragraph after a letter that says how to acknowledge it; empty for channels that nobody answers by mail."""
    how = ANSWER_WORDS.get(channel)
    if how is None:
        return ""
    return (
        f"To acknowledge this report, answer this message{how} If you like, begin with a line such as\n"
        "`Result: passed_on` (or no_action, false_positive). An automatic answer does not count.\n"
        f"Acknowledgement code: {code}\n"
    )


def page_text(case: str, flag: str, note: PageNote | None, drill: bool) -> str:
    """The text of a page: ids only."""
    lines = [REASON_WORDS[note.reason] if note else PLAIN_REASON, "", f"Case: {case}", f"Flag: {flag}"]
    if note:
        lines += [f"Report: {identity}" for identity in note.reports[:20]]
        if len(note.reports) > 20:
            lines.append(f"and {len(note.reports) - 20} more")
        lines += ["", f"To see it: tsbot reports show {note.reports[0]}", "All that wait: tsbot reports list --overdue"]
    else:
        lines += ["", f"To see it: tsbot flags show {flag}"]
    return (EXERCISE_LINE + "\n" if drill else "") + "\n".join(lines) + "\n"
