"""Find what happened to one alarm or ticket, years later; keep in sight what a follower could not take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Find events by what they are about, and set poison records aside."""
    op.create_index("event_subject", "event", ["subject", "sequence"])
    op.create_table(
        "aside",
        sa.Column("follower", sa.Text, primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("cause", sa.Text, nullable=False),
    )
