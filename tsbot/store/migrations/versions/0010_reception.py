"""what people report to us, and the answers to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob, Fingerprint, LongText

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COMMENTS = (
    ("case_file", "source", 16, False, "patrol", "patrol, backfill, hand, drill, scan or intake."),
    ("flag", "source", 16, False, None, "patrol, backfill, hand or scan."),
    ("report", "flag_id", 36, True, None, "Empty for an answer to a person who reported something."),
    ("report", "purpose", 8, False, None, "letter, page, reminder or answer."),
    ("report", "recipient", 255, False, None, "Role address from the routing, or `hearing:ID`; never a person's from a text."),
)
INDEXES = (("case_id",), ("text_index", "created"), ("sender_index", "created"), ("judged",), ("check_in",))


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "hearing",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False, comment="What the person calls it by; says nothing."),
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the private link's token."),
        sa.Column("channel", sa.String(length=8), nullable=False, comment="web or mail."),
        sa.Column("language", sa.String(length=16), nullable=False, comment="In which we answer."),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False, comment="Of the private link."),
        sa.Column("revoked", sa.Double(), nullable=True, comment="When the person ended the private link."),
        sa.Column("withdrawn", sa.Double(), nullable=True, comment="When the person took the report back."),
        sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False, comment="It reads as danger to life."),
        sa.Column("minors", sa.Boolean(), server_default=sa.false(), nullable=False, comment="It reads as if it concerned minors."),
        sa.Column("judged", sa.Double(), nullable=True, comment="When the detector read it; empty while it has not."),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False, comment="What it gives its case at least, 0-100."),
        sa.Column("research", sa.Boolean(), server_default=sa.false(), nullable=False, comment="The person consents to research."),
        sa.Column("about", sa.String(length=8), server_default="", nullable=False, comment="self or other, if they said."),
        sa.Column("text_index", Fingerprint, nullable=True, comment="Keyed fingerprint of the text, for what is sent twice."),
        sa.Column(
            "sender_index",
            Fingerprint,
            nullable=True,
            comment="Keyed fingerprint of the mail address, for what comes from one place.",
        ),
        sa.Column(
            "away", LongText, server_default="", nullable=False, comment="Fingerprints of handlers' accounts that it names: not for them."
        ),
        sa.Column(
            "check_in",
            sa.Double(),
            nullable=True,
            comment="By when the person was told that there would be news; empty once there were all.",
        ),
        sa.Column("answered", sa.Double(), nullable=True, comment="Last answer."),
        sa.Column("ended", sa.Double(), nullable=True, comment="When they were told the end of it."),
        sa.Column(
            "appeal", sa.Double(), nullable=True, comment="When they asked for somebody else to look again; empty once that was done."
        ),
        sa.Column(
            "decided_by", sa.String(length=64), nullable=True, comment="Who decided what the appeal is against: it is not for them."
        ),
        sa.Column(
            "body", Blob, nullable=True, comment="What they wrote, and how to reach them: sealed with the case's key."
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_hearing_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearing")),
        sa.UniqueConstraint("reference", name=op.f("uq_hearing_reference")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_hearing_token_hash")),
        comment="What a person reported to us, and where we stand with them.",
    )
    with op.batch_alter_table("hearing", schema=None) as batch_op:
        for columns in INDEXES:
            batch_op.create_index(batch_op.f(f"ix_hearing_{'_'.join(columns)}"), list(columns), unique=False)
    op.create_table(
        "hearing_word",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("hearing_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column(
            "by",
            sa.String(length=64),
            nullable=True,
            comment="Who of the team answered; empty for the person themselves, and for what the software says.",
        ),
        sa.Column(
            "situation",
            sa.String(length=16),
            nullable=False,
            comment="added, or that of the answer: received, more, delayed, acted, ...",
        ),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("read", sa.Double(), nullable=True, comment="When the other side first saw it."),
        sa.Column("body", Blob, nullable=False, comment="Sealed with the case's key."),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=op.f("fk_hearing_word_case_id")),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearing.id"], name=op.f("fk_hearing_word_hearing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearing_word")),
        comment="What was said after a report: what the person added, and what we answered.",
    )
    with op.batch_alter_table("hearing_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hearing_word_hearing_id"), ["hearing_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hearing_word_case_id"), ["case_id"], unique=False)
    op.create_table(
        "research_export",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False, comment="Reports in it."),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the file that was reviewed."),
        sa.Column("reviewed", sa.Double(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=64), nullable=True, comment="Who read the sample; never who made the export."),
        sa.Column("verdict", sa.String(length=16), server_default="", nullable=False, comment="approved or rejected."),
        sa.Column("released", sa.Double(), nullable=True),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("recipient", sa.String(length=255), server_default="", nullable=False, comment="The institution that received it."),
        sa.Column("agreement", sa.String(length=255), server_default="", nullable=False, comment="Under which agreement."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_research_export")),
        comment="Exports for research: what was made, reviewed, and given to whom.",
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.alter_column("flag_id", existing_type=sa.String(length=36), nullable=True)
    if op.get_bind().dialect.name != "sqlite":  # SQLite keeps no comments
        for table, column, length, nullable, default, comment in COMMENTS:
            op.alter_column(
                table,
                column,
                existing_type=sa.String(length=length),
                existing_nullable=nullable,
                existing_server_default=default,
                comment=comment,
            )


def downgrade() -> None:
    """Go down. Answers to people are about no flag, and go."""
    op.execute("DELETE FROM report WHERE flag_id IS NULL")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.alter_column("flag_id", existing_type=sa.String(length=36), nullable=False)
    op.drop_table("research_export")
    op.drop_table("hearing_word")
    op.drop_table("hearing")
