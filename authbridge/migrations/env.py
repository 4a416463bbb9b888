"""Run by Alembic: carries one migration out on the connection that :mod:`authbridge.schema` hands over."""

from alembic import context

from authbridge.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by building it anew
)
with context.begin_transaction():
    context.run_migrations()
