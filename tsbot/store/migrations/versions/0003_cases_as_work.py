"""cases as the work of people: leases, times, notes, annotations, approvals, the audit log, disclosures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob, Fingerprint, LongText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False, comment="As cases/approvals.toml names it."),
        sa.Column("object", sa.String(length=64), nullable=False, comment="Id of the case or report."),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False, comment="Void afterwards."),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved", sa.Double(), nullable=True),
        sa.Column("used", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        comment="Acts that one person asked for and another must approve.",
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approval_object"), ["object"], unique=False)

    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("object", sa.String(length=128), nullable=False, comment="Id of what it was done to."),
        sa.Column("details", LongText, nullable=False, comment="Canonical JSON: ids, states, counts; no text, no names of strangers."),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of all of the above."),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        comment="Who did what: a chain in which each entry confirms all before it.",
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_object"), ["object"], unique=False)

    op.create_table(
        "annotation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("report_id", sa.String(length=36), nullable=True, comment="Empty where it is about the case as a whole."),
        sa.Column(
            "what", sa.String(length=32), nullable=False, comment="acknowledged, passed_on, no_action, false_positive, hidden, blocked, ..."
        ),
        sa.Column("by", sa.String(length=64), nullable=False, comment="An operator, a role, or `stream`."),
        sa.Column("time", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_annotation_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
        sa.UniqueConstraint("case_id", "report_id", "what", "time", name=op.f("uq_annotation_case_id_report_id_what_time")),
        comment="What became of a case and its reports, for the whole team to see.",
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("report_id", sa.String(length=36), nullable=True, comment="The message that carried it."),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False, comment="The sort of datum: user_name, excerpt, personal_data, ..."),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_disclosure_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        comment="Every private datum that left, to whom, why, and who decided it.",
    )
    with op.batch_alter_table("disclosure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disclosure_case_id"), ["case_id"], unique=False)

    op.create_table(
        "note",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("body", Blob, nullable=False, comment="Sealed with the case's key."),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_note_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        comment="What handlers write on cases.",
    )
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_note_case_id"), ["case_id"], unique=False)

    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "source", sa.String(length=16), server_default="patrol", nullable=False, comment="patrol, backfill, hand, drill or intake."
            )
        )
        batch_op.add_column(
            sa.Column("priority", sa.Integer(), server_default="0", nullable=False, comment="0-100, that of its gravest flag.")
        )
        batch_op.add_column(
            sa.Column(
                "tlp", sa.String(length=16), server_default="amber+strict", nullable=False, comment="Traffic Light Protocol 2.0 label."
            )
        )
        batch_op.add_column(
            sa.Column(
                "version",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="Counts the acts on it; an act names the one it has seen.",
            )
        )
        batch_op.add_column(sa.Column("lease_by", sa.String(length=64), nullable=True, comment="Who works on it."))
        batch_op.add_column(sa.Column("lease_until", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column("due", sa.Double(), nullable=True, comment="When somebody must have acted next; empty while nothing is due.")
        )
        batch_op.add_column(sa.Column("triaged", sa.Double(), nullable=True, comment="First human act."))
        batch_op.add_column(sa.Column("reported", sa.Double(), nullable=True, comment="First letter sent."))
        batch_op.add_column(sa.Column("acknowledged", sa.Double(), nullable=True, comment="First acknowledgement."))
        batch_op.add_column(sa.Column("hidden", sa.Double(), nullable=True, comment="First outcome that hides what was flagged."))
        batch_op.add_column(sa.Column("closed", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("outcome", sa.String(length=32), nullable=True, comment="Of a closed case."))
        batch_op.add_column(sa.Column("merged_into", sa.String(length=36), nullable=True, comment="The case that took its flags over."))
        batch_op.add_column(sa.Column("hold_until", sa.Double(), nullable=True, comment="Legal hold: not purged before."))
        batch_op.add_column(
            sa.Column(
                "sealed", sa.Double(), nullable=True, comment="When our copy of the text was destroyed because the wiki suppressed it."
            )
        )
        batch_op.add_column(sa.Column("purged", sa.Double(), nullable=True, comment="When its key was destroyed."))
        batch_op.add_column(
            sa.Column("body", Blob, nullable=True, comment="What a person wrote who opened it by hand, sealed with its key.")
        )
        batch_op.create_index(batch_op.f("ix_case_file_state_priority"), ["state", "priority"], unique=False)

    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("target_index", Fingerprint, nullable=True, comment="The account that it is aimed at, where the page tells it.")
        )
        batch_op.create_index(batch_op.f("ix_flag_text_family_event_time"), ["text_family", "event_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_wiki_target_index_event_time"), ["wiki", "target_index", "event_time"], unique=False)

    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "policy", sa.String(length=16), server_default="plain", nullable=False, comment="plain, prefer, require or links_only."
            )
        )
        batch_op.add_column(
            sa.Column("external_id", sa.String(length=64), server_default="", nullable=False, comment="Number that the other side gave it.")
        )
        batch_op.add_column(sa.Column("acknowledged", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "acknowledged_by",
                sa.String(length=64),
                nullable=True,
                comment="A role or an operator, never a person's name at the receiving end.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "result", sa.String(length=16), server_default="", nullable=False, comment="passed_on, no_action, false_positive, ..."
            )
        )
        batch_op.add_column(sa.Column("step", sa.Integer(), server_default="0", nullable=False, comment="Escalations so far."))
        batch_op.add_column(sa.Column("step_due", sa.Double(), nullable=True, comment="Next escalation; empty where none is left."))
        batch_op.add_column(sa.Column("drill", sa.Boolean(), server_default=sa.false(), nullable=False, comment="Part of an exercise."))
        batch_op.create_index(batch_op.f("ix_report_step_due"), ["step_due"], unique=False)


def downgrade() -> None:
    """Go down."""
    with op.batch_alter_table("report", schema=None, recreate="never") as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_step_due"))
        batch_op.drop_column("drill")
        batch_op.drop_column("step_due")
        batch_op.drop_column("step")
        batch_op.drop_column("result")
        batch_op.drop_column("acknowledged_by")
        batch_op.drop_column("acknowledged")
        batch_op.drop_column("external_id")
        batch_op.drop_column("policy")

    with op.batch_alter_table("flag", schema=None, recreate="never") as batch_op:
        batch_op.drop_index(batch_op.f("ix_flag_wiki_target_index_event_time"))
        batch_op.drop_index(batch_op.f("ix_flag_text_family_event_time"))
        batch_op.drop_column("target_index")

    with op.batch_alter_table("case_file", schema=None, recreate="never") as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_file_state_priority"))
        batch_op.drop_column("body")
        batch_op.drop_column("purged")
        batch_op.drop_column("sealed")
        batch_op.drop_column("hold_until")
        batch_op.drop_column("merged_into")
        batch_op.drop_column("outcome")
        batch_op.drop_column("closed")
        batch_op.drop_column("hidden")
        batch_op.drop_column("acknowledged")
        batch_op.drop_column("reported")
        batch_op.drop_column("triaged")
        batch_op.drop_column("due")
        batch_op.drop_column("lease_until")
        batch_op.drop_column("lease_by")
        batch_op.drop_column("version")
        batch_op.drop_column("tlp")
        batch_op.drop_column("priority")
        batch_op.drop_column("source")

    op.drop_table("note")
    op.drop_table("disclosure")
    op.drop_table("annotation")
    op.drop_table("audit")
    op.drop_table("approval")
