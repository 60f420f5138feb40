"""indexes by which the console lists and counts cases."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_file_state_kind_wiki_due"), ["state", "kind", "wiki", "due"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_file_lease_by"), ["lease_by"], unique=False)
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_language_case_id"), ["language", "case_id"], unique=False)


def downgrade() -> None:
    """Go down."""
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flag_language_case_id"))
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_file_lease_by"))
        batch_op.drop_index(batch_op.f("ix_case_file_state_kind_wiki_due"))
