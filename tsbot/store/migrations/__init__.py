"""Migrations of the schema, run by :mod:`tsbot.store.schema`."""
