"""The bus that the settings name."""

from __future__ import annotations

import importlib

from tsbot.bus.embedded import DatabaseBus
from tsbot.bus.engine import Bus
from tsbot.errors import SettingsError
from tsbot.settings import BusSettings
from tsbot.store.database import Database

ENGINES = {"nats": ("tsbot.bus.nats", "NatsBus"), "kafka": ("tsbot.bus.kafka", "KafkaBus")}


def open_bus(settings: BusSettings, database: Database) -> Bus:
    """Not connected yet. Raises ``SettingsError`` where what it needs is not installed."""
    return open_broker(settings) if settings.engine else DatabaseBus(database, settings.batch)


def open_broker(settings: BusSettings) -> Bus:
    """The broker that the settings name, not connected yet. Raises as :func:`open_bus`."""
    module, name = ENGINES[settings.engine]
    try:
        made: Bus = getattr(importlib.import_module(module), name)(settings)
    except ImportError as error:
        words = f"bus.engine = {settings.engine!r} needs packages that are not installed. Run: pip install 'tsbot[{settings.engine}]'"
        raise SettingsError(words) from error
    return made
