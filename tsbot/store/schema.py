"""The schema's version: bring a database up to this program's, or say why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event

from tsbot.errors import SchemaError
from tsbot.store.database import Database

_IF = (
    (re.compile(r"^(\s*CREATE TABLE) (?!IF )", re.IGNORECASE), r"\1 IF NOT EXISTS "),
    (re.compile(r"^(\s*CREATE (?:UNIQUE )?INDEX) (?!IF )", re.IGNORECASE), r"\1 IF NOT EXISTS "),
    (re.compile(r"^(\s*ALTER TABLE \S+ ADD COLUMN) (?!IF )", re.IGNORECASE), r"\1 IF NOT EXISTS "),
    (re.compile(r"^(\s*ALTER TABLE \S+ DROP COLUMN) (?!IF )", re.IGNORECASE), r"\1 IF EXISTS "),
    (re.compile(r"^(\s*DROP (?:TABLE|INDEX)) (?!IF )", re.IGNORECASE), r"\1 IF EXISTS "),
)
"""What a statement becomes where a migration may have been half done before."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """Revision of the schema that this program works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(database: Database) -> str | None:
    """Revision of the schema that the database has; None for an empty database."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to ``revision``. Raises ``SchemaError`` if it was made by a newer program."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    have = current(database)
    if have == newest() and revision == "head":
        return
    with database.exclusive("schema"):
        _upgrade(database, revision, known)


def _upgrade(database: Database, revision: str, known: set[str]) -> None:
    have = current(database)  # another process may have been faster
    if have is not None and have not in known:
        raise SchemaError(f"The database has schema {have}, unknown to this version of tsbot. Install the newer tsbot that made it.")
    with database.write() as connection:
        if connection.dialect.name in ("mysql", "mariadb"):
            # Tables that are made from now on tell upper from lower case and a space at the end, as the other databases do. Each time: a
            # connection that was opened before the first time does not know of it, and would make tables that fit no others.
            connection.exec_driver_sql("alter database character set utf8mb4 collate utf8mb4_nopad_bin")
        with _repeatable(connection):
            command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to ``revision`` (``base`` removes everything)."""
    with database.write() as connection, _repeatable(connection):
        command.downgrade(_config(connection), revision)


@contextmanager
def _repeatable(connection: Connection) -> Iterator[None]:
    """Have migrations go on where one was killed.

    SQLite and PostgreSQL undo a migration that was killed. MariaDB cannot: each statement that changes a table is kept. Which version
    the database has is written at the end of each migration, so that the next start does all of it again, and passes over what is done.
    """
    if not getattr(connection.dialect, "is_mariadb", False):
        yield
        return

    def rewrite(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        for pattern, put in _IF:
            statement = pattern.sub(put, statement)
        return statement, parameters

    event.listen(connection, "before_cursor_execute", rewrite, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", rewrite)
