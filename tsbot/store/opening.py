"""Opening the store that the settings name: key, schema, and whether they belong together."""

from __future__ import annotations

from sqlalchemy import inspect, select

from tsbot.settings import Settings
from tsbot.store import schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, create_key, load_key
from tsbot.store.database import Database, connect


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
    """The master key; a new one only where nothing was ever encrypted."""
    if settings.key_path.exists():
        return load_key(settings.key_path)
    with database.read() as connection:
        used = inspect(connection).has_table(t.fact.name) and connection.scalar(
            select(t.fact.c.value).where(t.fact.c.name == "master_key")
        )
    if used:
        return load_key(settings.key_path)  # raises: the database was encrypted with a key that is not here
    return create_key(settings.key_path)
