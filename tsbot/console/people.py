"""Who is signed in, and what they may do: asked afresh, and no if nobody answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tsbot.console.access import Groups, Matrix, Rights
from tsbot.errors import RightsUnknownError, WikiError

FRESH_SECONDS = 300.0
"""How old the answer of a wiki may be for reading; for a reveal or an act it is asked for anew."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account in the console."""

    id: str
    """Ours, random."""
    subject: str
    """What the sign-in calls them, for ever: the central id, or ``wiki:id``. Names change."""
    name: str
    """User name now; shown to the person and in the log, nowhere else."""
    pseudonym: str
    """How others see them."""


class AskGroups(Protocol):
    """Asks the wikis for somebody's groups."""

    def __call__(self, person: Person) -> Groups:
        """Raises ``WikiError`` where that cannot be told now, or the account is hidden, blocked or gone."""


class FreshRights:
    """The rights of people, remembered for a few minutes. Safe to share between threads."""

    def __init__(self, ask: AskGroups, matrix: Matrix, clock: Callable[[], float], fresh_seconds: float = FRESH_SECONDS) -> None:
        self._ask, self._matrix, self._clock, self._fresh = ask, matrix, clock, fresh_seconds
        self._known: dict[str, Rights] = {}
        self._lock = threading.Lock()

    @property
    def matrix(self) -> Matrix:
        """The table of who may do what."""
        return self._matrix

    def of(self, person: Person, *, anew: bool = False) -> Rights:
        """What somebody may do. ``anew`` asks the wikis now.

        Raises ``RightsUnknownError`` if they do not answer: then nothing is allowed.
        """
        with self._lock:
            known = self._known.get(person.id)
        if known is not None and not anew and 0 <= self._clock() - known.groups.at <= self._fresh:
            return known
        try:
            rights = Rights(self._ask(person), self._matrix)
        except WikiError as error:
            with self._lock:
                self._known.pop(person.id, None)
            raise RightsUnknownError("The wiki does not say now what you may do, so nothing is shown. Try again in a minute.") from error
        with self._lock:
            self._known[person.id] = rights
        return rights

    def forget(self, person_id: str) -> None:
        """Ask anew next time."""
        with self._lock:
            self._known.pop(person_id, None)
