"""The first journal: events in a chain, the states that they led to, and how far each follower has read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


LONG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite's INTEGER is long by itself, and only it can be the key of a row."""


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "event",
        sa.Column("sequence", LONG, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_table(
        "state",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    standing = sa.text("standing")
    op.create_index("state_standing", "state", ["kind", "id"], sqlite_where=standing, postgresql_where=standing)
    op.create_table(
        "cursor",
        sa.Column("follower", sa.Text, primary_key=True),
        sa.Column("sequence", LONG, nullable=False),
    )
