"""What a letter that goes out once more says of the first one, and what a page about waiting reports is for."""

from __future__ import annotations

import msgspec

from tsbot.report.escalation import Reason


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
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
