"""the activity index; answers of wikis, disputes and watches of traces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "activity_wiki",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False, comment="Database name."),
        sa.Column("base", sa.String(length=255), nullable=False, comment="Scheme and host."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_wiki")),
        sa.UniqueConstraint("name", name=op.f("uq_activity_wiki_name")),
        comment="Wikis of the activity index.",
    )
    op.create_table(
        "activity_account",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False, comment="63 bits of a hash of the name."),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("skeleton", sa.BigInteger(), nullable=False, comment="Hash of the folded name, equal for look-alikes."),
        sa.Column("stem", sa.BigInteger(), nullable=False, comment="Hash of the name without its trailing number."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_account")),
        comment="Accounts that edited within the days that the index keeps.",
    )
    op.create_index(op.f("ix_activity_account_skeleton"), "activity_account", ["skeleton"])
    op.create_index(op.f("ix_activity_account_stem"), "activity_account", ["stem"])
    op.create_table(
        "activity_page",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False, comment="63 bits of a hash of wiki and title."),
        sa.Column("wiki", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=320), nullable=False, comment="With English namespace names."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_page")),
        comment="Pages that were edited within the days that the index keeps.",
    )
    op.create_table(
        "activity_edit",
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Its second times 2^28, plus a hash of wiki and revision."
        ),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Integer(), nullable=False, comment="31 bits of the summary without its heading; 0 for none."),
        sa.PrimaryKeyConstraint("account", "id", name=op.f("pk_activity_edit")),
        sqlite_with_rowid=False,
        comment="What accounts did, each in the order of time: public metadata of the stream's edits, no text.",
    )
    op.create_table(
        "activity_touch",
        sa.Column("page", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("page", "account", name=op.f("pk_activity_touch")),
        sqlite_with_rowid=False,
        comment="Who edited a page.",
    )
    op.create_table(
        "trace_cache",
        sa.Column("id", sa.String(length=64), nullable=False, comment="SHA-256 of what was asked, keyed."),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("body", Blob, nullable=False, comment="What a wiki answered about an account, sealed."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_cache")),
        comment="Answers of wikis to questions of a trace, kept for minutes.",
    )
    op.create_index(op.f("ix_trace_cache_expires"), "trace_cache", ["expires"])
    op.create_table(
        "trace_dispute",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "pair_index",
            sa.String(length=32),
            nullable=False,
            comment="Keyed fingerprint of both accounts, without direction; hexadecimal.",
        ),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), comment="When it was taken back."),
        sa.Column("body", Blob, nullable=False, comment="Names, why, and the evidence of the time: sealed."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_dispute")),
        comment="Links that people hold to be wrong: counter-evidence, and labels.",
    )
    op.create_index(op.f("ix_trace_dispute_pair_index"), "trace_dispute", ["pair_index"])
    op.create_table(
        "trace_watch",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double()),
        sa.Column("looked", sa.Double(), nullable=False, comment="Up to when new activity was looked at."),
        sa.Column("news", sa.Integer(), nullable=False, comment="Matches that were not read yet."),
        sa.Column("body", Blob, nullable=False, comment="The accounts, why, and what matched: sealed."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_watch")),
        comment="Sets of accounts that somebody wants to hear news of.",
    )
    op.create_index(op.f("ix_trace_watch_by"), "trace_watch", ["by"])
    op.create_index(op.f("ix_trace_watch_expires"), "trace_watch", ["expires"])


def downgrade() -> None:
    """Go down."""
    activity = ("activity_touch", "activity_edit", "activity_page", "activity_account", "activity_wiki")
    for name in ("trace_watch", "trace_dispute", "trace_cache", *activity):
        op.drop_table(name)
