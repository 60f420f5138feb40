"""Alembic's entry point: runs on the connection that :mod:`tsbot.store.schema` hands over."""

from alembic import context

from tsbot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter columns in place
)
with context.begin_transaction():
    context.run_migrations()
