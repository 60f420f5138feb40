"""The schema's version: bring a database up to this program's, or say why not."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tsbot.errors import SchemaError
from tsbot.store.database import Database


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
        if have is None and connection.dialect.name in ("mysql", "mariadb"):
            # Tables that are made from now on tell upper from lower case and a space at the end, as the other databases do.
            connection.exec_driver_sql("alter database character set utf8mb4 collate utf8mb4_nopad_bin")
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to ``revision`` (``base`` removes everything)."""
    with database.write() as connection:
        command.downgrade(_config(connection), revision)
