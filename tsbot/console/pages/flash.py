"""What the last act was, for the page after it: words, and for some seconds a way back. In the address, so that it needs no memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

DID = frozenset(
    ("closed", "claimed", "taken_over", "released", "noted", "labelled", "reopened", "asked", "approved", "undone", "letter", "astray",
     "not_waiting", "taken_up", "marked", "saved", "none", "answered", "stepped",
     "watched", "unwatched", "disputed", "undisputed")
)  # fmt: skip
UNDOABLE = {"closed": "close", "labelled": "label", "letter": "letter"}
ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class Flash:
    """One act that was done. ``of`` is the case, ``about`` the flag or letter."""

    did: str = ""
    of: str = ""
    about: str = ""

    @property
    def undo(self) -> str:
        """What :mod:`tsbot.console.undoing` calls it; empty where it cannot be undone."""
        return UNDOABLE.get(self.did, "") if self.of else ""

    @property
    def query(self) -> str:
        """For an address."""
        return urlencode({name: getattr(self, name) for name in self.__slots__ if getattr(self, name)})


def read_flash(request: Request) -> Flash:
    """The act that an address tells of; an empty one if it tells of none that there is."""
    did, of, about = (request.query_params.get(name, "") for name in ("did", "of", "about"))
    if did not in DID:
        return Flash()
    return Flash(did, of if ID.fullmatch(of) else "", about if ID.fullmatch(about) else "")
