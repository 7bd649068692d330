"""What Alembic runs to reach the store: the connection that `migrate` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from gateway.stores.journal_schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
