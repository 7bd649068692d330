"""Find what happened to one alarm or ticket, years later; keep in sight what a follower could not take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


LONG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite's INTEGER is long by itself, and only it can be the key of a row."""


def upgrade() -> None:
    """Find events by what they are about, and set poison records aside."""
    op.create_index("event_subject", "event", ["subject", "sequence"])
    op.create_table(
        "aside",
        sa.Column("follower", sa.Text, primary_key=True),
        sa.Column("sequence", LONG, primary_key=True),
        sa.Column("cause", sa.Text, nullable=False),
    )
