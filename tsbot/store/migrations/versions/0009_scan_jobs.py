"""looks back at history, and how far they got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob, LongText

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "scan_job",
        sa.Column(
            "id", sa.String(length=36), nullable=False, comment="UUIDv5 of a keyed fingerprint of what is examined, and of the detector."
        ),
        sa.Column("what", sa.String(length=16), nullable=False, comment="page, user, wiki, period, filters, dump or history."),
        sa.Column("wiki", sa.String(length=64), nullable=False),
        sa.Column("detector", sa.String(length=64), nullable=False),
        sa.Column("dry", sa.Boolean(), nullable=False, comment="Nothing is flagged, only told."),
        sa.Column("state", sa.String(length=16), nullable=False, comment="running, done or broken."),
        sa.Column("position", LongText, nullable=False, comment="JSON: up to where it is examined; numbers only."),
        sa.Column("counts", LongText, nullable=False, comment="JSON: edits, log entries, flags and what could not be read."),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("updated", sa.Double(), nullable=False),
        sa.Column("finished", sa.Double(), nullable=True),
        sa.Column("body", Blob, nullable=False, comment="What was asked for, names and titles included, sealed."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_job")),
        comment="Looks back at history: what is examined, and how far it got.",
    )


def downgrade() -> None:
    """Go down."""
    op.drop_table("scan_job")
