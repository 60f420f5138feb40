"""What a person wrote who opened a case by hand, sealed with the case's key."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from tsbot.cases.filing import case_key
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An outside report: free text, and whom it is about as far as that is known."""

    text: str
    author: str = ""
    target: str = ""


def seal_opened(data_key: bytes, case_id: str, told: Opened) -> bytes:
    """The column ``body`` of a case."""
    return seal(data_key, msgspec.json.encode(told), f"case|body|{case_id}")


def read_opened(connection: Connection, key: MasterKey, case_id: str) -> Opened | None:
    """What was written; None where nothing was, or where it was destroyed. Raises ``KeyFileError`` for a wrong master key."""
    body = connection.scalar(select(t.case.c.body).where(t.case.c.id == case_id))
    data_key = case_key(connection, key, case_id) if body else None
    return msgspec.json.decode(unseal(data_key, body, f"case|body|{case_id}"), type=Opened) if body and data_key else None
