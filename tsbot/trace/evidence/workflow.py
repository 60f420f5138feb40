"""Workflow: what follows what, and how fast: kinds of pages, own user space first, drafts, talk pages, pauses.

Measures the Bayes factor that both draw their steps (kind of page, then kind of page, after which pause) from one distribution. Source:
one of eight cases that were read shares no page at all, but the same first four steps within forty seconds.
Fails on: accounts with a handful of edits; steps that a wiki's software suggests to every newcomer (these are frequent and weigh little).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tsbot.trace.categories import Habit
from tsbot.trace.gallery import Gallery, ReadEdit, is_talk, owner, subject
from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told, most, said

_PAUSES = (60, 600, 3600, 86400)
_PAUSE_NAMES = ("at once", "within minutes", "within the hour", "the same day", "days later")


class Workflow:
    """Kinds of pages and steps between them."""

    kind = "workflow"
    features = ("pages", "steps", "start")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        self._places = Habit([[_place(one) for one in edits] for edits in gallery.read], 4.0)
        self._steps = Habit([_steps(edits) for edits in gallery.read], 8.0)
        self._start = Habit([["|".join(_place(one) for one in edits[:2])] if len(edits) > 1 else [] for edits in gallery.read], 2.0)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Log Bayes factors of one habit of places, of steps, and of the first steps."""
        return np.stack([self._places.compare(rows), self._steps.compare(rows), self._start.compare(rows)])

    def words(self, first: int, second: int) -> Told:
        """The most frequent places of both."""
        return said("workflow", most(self._places.most(first)), most(self._places.most(second)))


def _place(one: ReadEdit) -> str:
    if not one.edit.pages:
        return "nowhere"
    title = one.edit.pages[0]
    space, rest = subject(title)
    name = "own user pages" if one.own else f"{space or 'article'}{' talk' if is_talk(title) else ''} pages"
    if not one.own and not space and "." in rest.rpartition("/")[2]:
        name = f"*.{rest.rpartition('.')[2].lower()[:8]}"
    if owner(title) and "/" in rest:
        name += " below"
    many = len(one.edit.pages)
    return name if many == 1 else f"{name}, {'few' if many < 4 else 'many'} at once"


def _steps(edits: Sequence[ReadEdit]) -> list[str]:
    steps = []
    for before, after in pairwise(edits):
        pause = after.time - before.time
        same = bool(set(before.subjects) & set(after.subjects))
        steps.append(f"{'same page' if same else 'other page'} {_PAUSE_NAMES[bisect_left(_PAUSES, pause)]}")
    return steps
