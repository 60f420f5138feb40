"""many machines: events that workers share, leases, and who works."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False, comment="Random name of a process."),
        sa.Column("until", sa.Double(), nullable=False, comment="Of the database's clock."),
        sa.Column("mark", sa.BigInteger(), nullable=False, comment="Counts what its holder has committed."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
        comment="What only one process may do at a time, and which one does.",
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=64), nullable=False, comment="Random; no host, no person."),
        sa.Column("role", sa.String(length=16), nullable=False, comment="listen, work or deliver."),
        sa.Column("started", sa.Double(), nullable=False, comment="Of the database's clock."),
        sa.Column("seen", sa.Double(), nullable=False, comment="Of the database's clock."),
        sa.Column("skew", sa.Double(), nullable=False, comment="Seconds by which its own clock is ahead."),
        sa.Column("broker", sa.Boolean(), server_default=sa.false(), nullable=False, comment="Whether it reaches the broker."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
        comment="Processes that share the work, while they run.",
    )
    with op.batch_alter_table("pending", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "stage",
                sa.Integer(),
                server_default="1",
                nullable=False,
                comment="0 not judged, 1 text to be fetched, 2 outcome that waits.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "lane",
                sa.String(length=32),
                server_default="",
                nullable=False,
                comment="Keyed fingerprint of its page: what stays in order.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "waits_for",
                sa.String(length=64),
                server_default="",
                nullable=False,
                comment="Of outcomes: the wiki whose edits it waits for; * all.",
            )
        )
        batch_op.add_column(
            sa.Column("queued", sa.Double(), server_default="0", nullable=False, comment="When it was stored, by the database's clock.")
        )
        batch_op.add_column(
            sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="How often a worker began with it.")
        )
        batch_op.add_column(
            sa.Column("lease_by", sa.String(length=64), nullable=True, comment="The worker that has it, for as long as that lives.")
        )
        batch_op.create_index(batch_op.f("ix_pending_lane_id"), ["lane", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_pending_lease_by_stage"), ["lease_by", "stage"], unique=False)
        batch_op.create_index(batch_op.f("ix_pending_stage_wiki_id"), ["stage", "wiki", "id"], unique=False)


def downgrade() -> None:
    """Go down."""
    with op.batch_alter_table("pending", schema=None, recreate="never") as batch_op:
        batch_op.drop_index(batch_op.f("ix_pending_stage_wiki_id"))
        batch_op.drop_index(batch_op.f("ix_pending_lease_by_stage"))
        batch_op.drop_index(batch_op.f("ix_pending_lane_id"))
        for name in ("lease_by", "attempts", "queued", "waits_for", "lane", "stage"):
            batch_op.drop_column(name)
    op.drop_table("worker")
    op.drop_table("lease")
