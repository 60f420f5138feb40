"""Examining the history tables of Wikimedia (mediawiki_history, TSV): summaries, titles and names of all edits, without their texts.

The columns are those of the published tables (wikitech.wikimedia.org, MediaWiki history dumps); they come without a line of names, so
their number must be right. DuckDB reads them; files of bzip2, which it does not know, are made into zstd first, beside the database.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import zstandard

from tsbot.errors import DumpError, InputError
from tsbot.scan.compressed import DAMAGE, compression, opened
from tsbot.scan.dump import Within
from tsbot.scan.examine import Seen
from tsbot.scan.job import Job, JobState
from tsbot.scan.keeper import Keeper, Told
from tsbot.stream.events import Event, EventKind
from tsbot.wiki.accounts import is_temporary
from tsbot.wiki.past import STREAM
from tsbot.wiki.recent import NAMESPACE

_NAMES = """
wiki_db event_entity event_type event_timestamp event_comment event_user_id event_user_text_historical event_user_text
event_user_blocks_historical event_user_blocks event_user_groups_historical event_user_groups event_user_is_bot_by_historical
event_user_is_bot_by event_user_is_created_by_self event_user_is_created_by_system event_user_is_created_by_peer event_user_is_anonymous
event_user_registration_timestamp event_user_creation_timestamp event_user_first_edit_timestamp event_user_revision_count
event_user_seconds_since_previous_revision page_id page_title_historical page_title page_namespace_historical
page_namespace_is_content_historical page_namespace page_namespace_is_content page_is_redirect page_is_deleted page_creation_timestamp
page_first_edit_timestamp page_revision_count page_seconds_since_previous_revision user_id user_text_historical user_text
user_blocks_historical user_blocks user_groups_historical user_groups user_is_bot_by_historical user_is_bot_by user_is_created_by_self
user_is_created_by_system user_is_created_by_peer user_is_anonymous user_registration_timestamp user_creation_timestamp
user_first_edit_timestamp revision_id revision_parent_id revision_minor_edit revision_deleted_parts
revision_deleted_parts_are_suppressed revision_text_bytes revision_text_bytes_diff revision_text_sha1 revision_content_model
revision_content_format revision_is_deleted_by_page_deletion revision_deleted_by_page_deletion_timestamp revision_is_identity_reverted
revision_first_identity_reverting_revision_id revision_seconds_to_identity_revert revision_is_identity_revert
revision_is_from_before_page_creation revision_tags
"""
COLUMNS = tuple(_NAMES.split())
WANTED = (
    *("wiki_db", "revision_id", "revision_parent_id", "event_timestamp", "event_comment", "event_user_text_historical"),
    *("page_id", "page_title_historical", "page_namespace_historical", "revision_deleted_parts"),
)
PORTION = 2_000
LONGEST = 1 << 20
"""Bytes of a line; DuckDB's buffers are sixteen times as large."""
MEMORY = "512MB"
"""Most that DuckDB may use."""


@dataclass
class HistoryScan:
    """A look through one file of a history table. ``base`` tells a wiki's address, empty where it is not known."""

    keeper: Keeper
    path: Path
    within: Within
    folder: Path
    """Where a file is unpacked to for the time."""
    base: Callable[[str], str] = lambda _wiki: ""
    stop: Callable[[], bool] = bool

    def run(self, fresh: Job) -> Iterator[Told]:
        """Examine from where the job stands. Damage ends it with the state ``broken`` and is no exception."""
        job = self.keeper.begin(fresh)
        yield Told(job, ())
        done = int(job.position or 0)
        try:
            with _readable(self.path, self.folder) as path:
                rows = islice(_rows(path, self.within), done, None)
                while portion := list(islice(rows, PORTION)):
                    if self.stop():
                        return
                    done += len(portion)
                    told = self.keeper.keep(job, [self._seen(row) for row in portion], str(done))
                    job = told.job
                    yield told
        except DumpError:
            yield Told(self.keeper.end(job, JobState.BROKEN), ())
            return
        yield Told(self.keeper.end(job), ())

    def _seen(self, row: tuple[Any, ...]) -> Seen:
        values = dict(zip(WANTED, row, strict=True))
        wiki, rev_id = values["wiki_db"], int(values["revision_id"])
        user = values["event_user_text_historical"] or None
        base = self.base(wiki)
        moment = datetime.fromisoformat(values["event_timestamp"]).replace(tzinfo=UTC)
        return Seen(
            Event(
                id=str(uuid.uuid5(NAMESPACE, f"scan|{wiki}|rev|{rev_id}")),
                stream=STREAM,
                kind=EventKind.EDIT,
                wiki=wiki,
                domain=urlsplit(base).netloc,
                server_url=base,
                time=moment.timestamp(),
                title=(values["page_title_historical"] or "").replace("_", " "),
                namespace=int(values["page_namespace_historical"] or 0),
                page_id=int(values["page_id"] or 0) or None,
                user=user,
                user_is_temp=None if user is None else is_temporary(user),
                comment=values["event_comment"] or "",
                rev_id=rev_id,
                parent_id=int(values["revision_parent_id"] or 0) or None,
            )
        )


def is_history_table(path: Path) -> bool:
    """Whether a file is one of a history table, by its first line: that of an export is XML. Raises ``InputError``."""
    try:
        with opened(path) as file:
            return file.read(4096).count(b"\t") >= 10
    except (DumpError, *DAMAGE):
        return False


@contextmanager
def _readable(path: Path, folder: Path) -> Iterator[Path]:
    """A file that DuckDB can read."""
    if compression(path) in ("", "gz", "zst"):
        yield path
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="history-", dir=folder) as scratch:
        made = Path(scratch) / "table.tsv.zst"
        try:
            with opened(path) as file, made.open("wb") as out, zstandard.ZstdCompressor(1).stream_writer(out, closefd=False) as packed:
                shutil.copyfileobj(file, packed, 1 << 20)
        except DAMAGE as error:
            raise DumpError(f"it cannot be unpacked to its end ({type(error).__name__})") from error
        yield made


def _rows(path: Path, within: Within) -> Iterator[tuple[Any, ...]]:
    how = {"": "none", "gz": "gzip", "zst": "zstd"}[compression(path)]
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS) + "}"
    asked = ["event_entity = 'revision'", "event_type = 'create'", "revision_id IS NOT NULL"]
    given: list[Any] = [str(path)]
    if within.namespaces:
        asked.append(f"TRY_CAST(page_namespace_historical AS INTEGER) IN ({', '.join(map(str, within.namespaces))})")
    for operator, moment in ((">=", within.since or None), ("<", within.until)):
        if moment is not None:
            asked.append(f"event_timestamp {operator} ?")
            given.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S"))
    # Fields hold no tabs and no line ends; a quotation mark is one.
    source = f"read_csv(?, delim='\t', quote='', escape='', header=false, compression='{how}', columns={columns}, max_line_size={LONGEST})"
    query = f"SELECT {', '.join(WANTED)} FROM {source} WHERE {' AND '.join(asked)}"  # noqa: S608 - nothing in it is a stranger's
    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 1})
    try:
        found = connection.execute(query, given)
        while rows := found.fetchmany(PORTION):
            yield from rows
    except duckdb.OutOfMemoryException as error:
        raise InputError(f"DuckDB needs more than {MEMORY} for {path.name}.") from error
    except duckdb.Error as error:
        words = f"it is no history table of {len(COLUMNS)} columns, or is damaged ({type(error).__name__})"
        raise DumpError(words) from error
    finally:
        connection.close()


def check_table(path: Path) -> None:
    """Refuse a table with another number of columns before anything is read of it. Raises ``InputError``."""
    with opened(path) as file:
        columns = file.readline(1 << 20).count(b"\t") + 1
    if columns != len(COLUMNS):
        raise InputError(f"{path.name} has {columns} columns; the history tables that are known have {len(COLUMNS)}.")
