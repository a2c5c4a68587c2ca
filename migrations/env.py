"""Runs the history on the connection that `tertulia.kernel.schema` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)

with context.begin_transaction():
    context.run_migrations()
