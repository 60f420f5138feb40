"""The forms in which an answer is handed over, and what of it is private: for the command line and the console alike."""

from __future__ import annotations

import json
from enum import StrEnum

from tsbot.store.database import Database
from tsbot.trace.answer import Trace
from tsbot.trace.handover import HandOver, Private, investigation, lock_request, public_json, table
from tsbot.trace.records import flagged
from tsbot.trace.stix import bundle


class Form(StrEnum):
    """Ways to hand an answer over."""

    LOCK = "lock"
    SPI = "spi"
    CSV = "csv"
    JSON = "json"
    STIX = "stix"


def private_of(store: Database, trace: Trace) -> Private:
    """What of an answer must not be led to in public."""
    with store.read() as connection:
        names = [trace.subject.name, trace.subject.asked_as, *trace.subject.former, *(one.account for one in trace.candidates)]
        return Private(*flagged(connection, store.key, [name for name in names if name]))


def hand_over(trace: Trace, form: Form, private: Private) -> HandOver:
    """An answer in one of the forms."""
    match form:
        case Form.LOCK:
            return lock_request(trace, private)
        case Form.SPI:
            return investigation(trace, private)
        case Form.CSV:
            return table(trace, private)
        case Form.JSON:
            told, left_out = public_json(trace, private)
            return HandOver(json.dumps(told, ensure_ascii=False, indent=1) + "\n", left_out)
        case Form.STIX:
            text = json.dumps(bundle(trace, private), ensure_ascii=False, indent=1) + "\n"
            return HandOver(text, lock_request(trace, private).left_out)  # the same accounts, and no summaries
