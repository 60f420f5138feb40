"""Which revisions of a page show a text. Pure; the texts are read elsewhere, each distinct one once.

Equal texts have equal ``rev_sha1`` (and sizes), whichever edits they belong to: what one of them shows, all show. Nothing else
is concluded. That the first and the last of some revisions show a text says nothing of those between them, since people take
things out and put them back; so no search by halves is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tsbot.hide.matter import Matter
from tsbot.text.passage import Field
from tsbot.wiki.history import Revision

Answers = Mapping[int, bool | None]
"""By revision, whether its text shows the matter; None where the text could not be read."""


class Why(StrEnum):
    """What a revision has to do with the text on its page."""

    INSERTED = "inserted"
    """The first that shows it."""
    KEPT = "kept"
    """The one before shows it too."""
    REINSERTED = "reinserted"
    """It was away and came back."""
    BESIDE = "beside"
    """Its text does not show it, its summary or user name does."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A revision that shows the matter, in some of text, summary and user name."""

    revision: Revision
    fields: tuple[Field, ...]
    why: Why


def content_key(revision: Revision) -> tuple[str, int]:
    """What revisions of equal text have in common; of others it is their own."""
    return (revision.sha1, revision.size) if revision.sha1 else (f"revision {revision.rev_id}", 0)


def to_read(revisions: Iterable[Revision], answers: Answers) -> list[int]:
    """Revisions to read next so that of each distinct text one is known; empty if that is so, or cannot be.

    Where reading one fails (it was hidden meanwhile), another of the same text may still be open.
    """
    known = {content_key(revision) for revision in revisions if answers.get(revision.rev_id) is not None}
    chosen: dict[tuple[str, int], int] = {}
    for revision in revisions:
        key = content_key(revision)
        readable = revision.sha1 is not None or not revision.text_hidden
        if readable and key not in known and revision.rev_id not in answers:
            chosen.setdefault(key, revision.rev_id)
    return list(chosen.values())


def spread(revisions: Iterable[Revision], answers: Answers) -> dict[int, bool | None]:
    """What is known of each revision, from what was read of one of each text."""
    known = {content_key(revision): shows for revision in revisions if (shows := answers.get(revision.rev_id)) is not None}
    return {revision.rev_id: known.get(content_key(revision)) for revision in revisions}


def exposures(revisions: Sequence[Revision], shows: Answers, matter: Matter) -> list[Exposure]:
    """The revisions of a page, oldest first, that show the matter. ``shows`` is what :func:`spread` made."""
    found: list[Exposure] = []
    before = False
    ever = False
    for revision in revisions:
        shown = shows.get(revision.rev_id)
        fields = list[Field]()
        if shown:
            fields.append(Field.TEXT)
        if matter.shows_cut(revision.comment):
            fields.append(Field.SUMMARY)
        if matter.shows(revision.user):
            fields.append(Field.USER)
        if fields:
            why = Why.BESIDE if not shown else Why.KEPT if before else Why.REINSERTED if ever else Why.INSERTED
            found.append(Exposure(revision, tuple(fields), why))
        if shown is not None:  # of an unreadable one nothing is known: what was before goes on
            before = shown
            ever = ever or shown
    return found


def clean_before(revisions: Sequence[Revision], shows: Answers) -> int | None:
    """The newest revision whose readable text does not show the matter; None if there is none."""
    return next((revision.rev_id for revision in reversed(revisions) if shows.get(revision.rev_id) is False), None)
