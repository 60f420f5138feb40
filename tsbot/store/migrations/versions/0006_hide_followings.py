"""plans of what to hide, and how far they are carried out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "hide_following",
        sa.Column("subject", sa.String(128), nullable=False, comment="wiki:rev:ID or wiki:log:ID of the flags that the plan is for."),
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("wiki", sa.String(64), nullable=False),
        sa.Column(
            "state",
            sa.String(16),
            nullable=False,
            comment="open, partly, done, reopened; waiting: no plan yet; none: none can be made.",
        ),
        sa.Column("revisions", sa.Integer(), server_default="0", nullable=False, comment="Revisions that show it, hidden or not."),
        sa.Column(
            "exposed", sa.Integer(), server_default="0", nullable=False, comment="Those of them that readers can still see something of."
        ),
        sa.Column("to_suppress", sa.Integer(), server_default="0", nullable=False, comment="Those that only administrators can still see."),
        sa.Column("to_look", sa.Integer(), server_default="0", nullable=False, comment="Newer edits that nobody has looked at yet."),
        sa.Column("since", sa.Double(), nullable=False, comment="When the plan was made."),
        sa.Column("exposed_since", sa.Double(), nullable=True, comment="When it was first shown."),
        sa.Column("hidden_at", sa.Double(), nullable=True, comment="When readers could see nothing any more; empty while they can."),
        sa.Column(
            "done_at", sa.Double(), nullable=True, comment="When all was hidden as thoroughly as the plan says; empty while it is not."
        ),
        sa.Column("due", sa.Double(), nullable=True, comment="When the wiki is asked again; empty once nothing is left to ask."),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="In vain, one after the other."),
        sa.Column(
            "trouble", sa.String(64), server_default="", nullable=False, comment="Class of the error that keeps a plan from being made."
        ),
        sa.Column("serial", sa.BigInteger(), nullable=False, comment="Grows with every change of any row."),
        sa.Column(
            "body",
            Blob,
            nullable=True,
            comment="The plan, what became of it and, while it is not done, the text: sealed with the case's key.",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_hide_following_case_id")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_hide_following")),
        comment="Plans of what to hide, and how far they are carried out.",
    )
    with op.batch_alter_table("hide_following", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hide_following_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hide_following_due"), ["due"], unique=False)
        batch_op.create_index(batch_op.f("ix_hide_following_serial"), ["serial"], unique=False)


def downgrade() -> None:
    """Go down."""
    op.drop_table("hide_following")
