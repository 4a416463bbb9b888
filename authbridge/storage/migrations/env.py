"""Runs one migration for Alembic, on the connection that ``storage/schema.py`` hands over."""

from alembic import context

from authbridge.storage.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by building it anew
)
with context.begin_transaction():
    context.run_migrations()
