"""A revision source that reads from a file what ``traffic.py`` made: for benchmarks, where no wiki is to be asked.

A revision is stored as what it changed on one of a pool of base pages, and put together when it is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import zstandard

from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

SCHEMA = """
CREATE TABLE base (id INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE revision (
    rev_id INTEGER PRIMARY KEY,
    wiki TEXT NOT NULL,
    title TEXT NOT NULL,
    page_id INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    base_id INTEGER,           -- the parent's text; NULL for a new page
    position INTEGER NOT NULL, -- code points of the parent's text before the change
    removed INTEGER NOT NULL,  -- code points of it that the change replaced
    added TEXT NOT NULL
);
"""


class LocalTexts:
    """Implements :class:`tsbot.wiki.types.RevisionSource`; at most 64 base pages (about a megabyte) are held in memory."""

    def __init__(self, path: str | Path, batch_size: int = 25) -> None:
        self._database = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True, check_same_thread=False)
        self._batch_size = batch_size
        self._base = lru_cache(maxsize=64)(self._read_base)

    def batch_size(self, wiki: str) -> int:
        """How many edits one call may carry."""
        return self._batch_size

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """Old and new text of each revision; one that the file does not have is deleted."""
        marks = ",".join("?" * len(refs))
        rows = {
            row[0]: row
            for row in self._database.execute(
                "SELECT rev_id, title, page_id, namespace, base_id, position, removed, added"
                f" FROM revision WHERE wiki = ? AND rev_id IN ({marks})",
                (wiki, *(ref.rev_id for ref in refs)),
            )
        }
        return [self._revision(ref, rows.get(ref.rev_id)) for ref in refs]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _revision(self, ref: RevisionRef, row: tuple[int, str, int, int, int | None, int, int, str] | None) -> FetchedRevision:
        if row is None:
            return FetchedRevision(ref=ref, state=RevisionState.DELETED)
        _rev_id, title, page_id, namespace, base_id, position, removed, added = row
        before = self._base(base_id) if base_id is not None else None
        text = added if before is None else before[:position] + added + before[position + removed :]
        return FetchedRevision(
            ref=ref,
            state=RevisionState.PRESENT,
            text=text,
            parent_text=before,
            title=title,
            page_id=page_id,
            namespace=namespace,
        )

    def _read_base(self, base_id: int) -> str:
        (data,) = self._database.execute("SELECT text FROM base WHERE id = ?", (base_id,)).fetchone()
        return zstandard.ZstdDecompressor().decompress(data).decode()
