"""Opening the store that the settings name: key, schema, and whether they belong together."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import inspect, select

from tsbot.settings import Settings
from tsbot.store import schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import MASTER_KEY, Database, connect
from tsbot.store.keyfile import KeyFile, key_source


def open_store(settings: Settings) -> Database:
    """The database of the settings, its schema brought up to date and its key checked.

    The first start makes the key file. Raises ``KeyFileError``, ``SchemaError``, ``SettingsError`` or ``StoreError``.
    """
    engine = connect(settings.database_url)
    database = Database(engine, MasterKey(b""))
    try:
        database.key = _key(settings, database)
        schema.upgrade(database)
        database.check_key()
    except BaseException:
        database.close()
        raise
    return database


def _key(settings: Settings, database: Database) -> MasterKey:
    """The master keys; a new one only where nothing was ever encrypted."""
    source = key_source(settings)
    if isinstance(source, KeyFile) and source.writable and not source.path.exists() and not _is_used(database):
        source.create()
    # A file that is missing although it was used raises here.
    return replace(source.read(), reread=source.read)


def _is_used(database: Database) -> bool:
    with database.read() as connection:
        query = select(t.fact.c.value).where(t.fact.c.name == MASTER_KEY)
        return inspect(connection).has_table(t.fact.name) and connection.scalar(query) is not None
