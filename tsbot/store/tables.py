"""The tables, for SQLite, PostgreSQL and MariaDB alike.

Times are seconds since the epoch (float). ``*_index`` columns hold keyed fingerprints of names, ``body``-like binary columns hold
ciphertext (:mod:`tsbot.store.crypto`): names and texts stand nowhere in clear. Changes come as Alembic migrations
(``tsbot/store/migrations``); a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows by itself only for a column that is plainly INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")

fact = Table(
    "fact",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="What the database says of itself: the fingerprint of the master key.",
)

cursor = Table(
    "cursor",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("position", Text, nullable=False),
    Column("updated", Double, nullable=False),
    comment="Where to go on reading each source.",
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(96), primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="The accounting: received, duplicates, cleared, flagged, outcome, failed, skipped.RULE.",
)

seen = Table(
    "seen",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("scope", String(16), nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    comment="64-bit hashes of events and revisions already received, a batch a row.",
)

gap = Table(
    "gap",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source", String(255), nullable=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("noticed", Double, nullable=False),
    Column("filled", Double, comment="When a back-fill completed; empty while open."),
    Column("note", String(255), nullable=False, default=""),
    comment="Times for which events may be missing.",
)

pending = Table(
    "pending",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("wiki", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("time", Double, nullable=False),
    Column("flagged", Boolean, nullable=False, default=False, comment="Summary, title or name flagged already."),
    Column("body", LargeBinary, nullable=False, comment="The event, sealed."),
    Index(None, "subject"),
    comment="Admitted events whose text is still to be fetched, and outcomes that wait for them.",
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False),
    Column("wiki", String(64), nullable=False, default=""),
    Column("reason", String(64), nullable=False),
    Column("detail", String(255), nullable=False, default=""),
    Column("failed", Double, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="The message as received, sealed."),
    Index(None, "reason"),
    comment="Events that could not be handled, with the reason; they can be driven through again.",
)

case = Table(
    "case_file",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("wiki", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("data_key", LargeBinary, comment="Wrapped; empty once destroyed."),
    Column("author_index", LargeBinary, comment="Author of the first flag."),
    Column("page_index", LargeBinary, comment="Page of the first flag."),
    Index(None, "wiki", "author_index"),
    Index(None, "wiki", "page_index"),
    comment="One incident: one or more flags.",
)

flag = Table(
    "flag",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv5 of subject and kind."),
    Column("subject", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("wiki", String(64), nullable=False),
    Column("field", String(16), nullable=False),
    Column("probability", Double, nullable=False),
    Column("specificity", Integer, nullable=False),
    Column("plausibility", Integer, nullable=False),
    Column("imminence", Integer, nullable=False),
    Column("language", String(16), nullable=False),
    Column("coverage", String(16), nullable=False),
    Column("detector", String(64), nullable=False),
    Column("source", String(16), nullable=False, comment="patrol, backfill or hand."),
    Column("event_time", Double, nullable=False),
    Column("created", Double, nullable=False),
    Column("author_index", LargeBinary),
    Column("account_index", LargeBinary, comment="The author on all wikis, for global locks."),
    Column("page_index", LargeBinary),
    Column("body", LargeBinary, nullable=False, comment="Excerpt, evidence, names, links: sealed with the case's key."),
    Column("priority", Integer, nullable=False, server_default="0", comment="0-100, the sum of the points of its reasons."),
    Column("reasons", Text, nullable=False, server_default="[]", comment="JSON: name, points and words of each; no text, no names."),
    Column("text_family", BigId, comment="Near-equal texts; empty where none was sought."),
    Column("repeated", Integer, nullable=False, server_default="0", comment="Near-equal texts flagged before this one."),
    UniqueConstraint("subject", "kind"),
    Index(None, "case_id"),
    Index(None, "created"),
    Index(None, "priority"),
    Index(None, "wiki", "author_index", "event_time"),
    Index(None, "account_index"),
    Index(None, "wiki", "page_index", "event_time"),
    comment="A stored finding.",
)

text_family = Table(
    "text_family",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("signature", LargeBinary, nullable=False, comment="MinHash of the first text, keyed with the master key."),
    Column("first", Double, nullable=False),
    Column("last", Double, nullable=False),
    Column("texts", Integer, nullable=False, comment="Near-equal texts flagged so far."),
    Index(None, "last"),
    comment="Flagged texts that are nearly equal.",
)

text_band = Table(
    "text_band",
    metadata,
    Column("band", String(34), primary_key=True, comment="In hexadecimal."),
    Column("family", BigId, ForeignKey("text_family.id"), primary_key=True),
    Index(None, "family"),
    comment="By what families of texts are found: bands of their signatures.",
)

revision_score = Table(
    "revision_score",
    metadata,
    Column("subject", String(128), primary_key=True),
    Column("service", String(64), nullable=False, comment="Who was asked: service and model."),
    Column("score", Double, comment="Probability that the revision will be reverted; empty: unknown."),
    Column("attempts", Integer, nullable=False),
    Column("due", Double, comment="Not asked again before; empty once settled."),
    Column("updated", Double, nullable=False),
    Index(None, "due"),
    comment="What outside models say of flagged revisions.",
)

label = Table(
    "label",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("flag_id", String(36), ForeignKey("flag.id"), nullable=False),
    Column("by", String(64), nullable=False),
    Column("verdict", String(16), nullable=False, comment="right, wrong_kind, wrong_score, false_alarm."),
    Column("kind", String(32), nullable=False, comment="What it should have been."),
    Column("specificity", Integer, nullable=False),
    Column("plausibility", Integer, nullable=False),
    Column("imminence", Integer, nullable=False),
    Column("created", Double, nullable=False),
    Index(None, "flag_id"),
    comment="What reviewers say of flags; the last word on a flag counts.",
)

shadow_difference = Table(
    "shadow_difference",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("candidate", String(64), nullable=False, comment="Version of the detector that is tried out."),
    Column("live", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("wiki", String(64), nullable=False),
    Column("field", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("scores", Text, nullable=False, comment="JSON: what both say, probabilities and grades; no text."),
    Column("created", Double, nullable=False),
    Index(None, "candidate"),
    comment="Passages of which a candidate detector flags something else than the live one.",
)

shadow_count = Table(
    "shadow_count",
    metadata,
    Column("candidate", String(64), primary_key=True),
    Column("what", String(32), primary_key=True, comment="both.KIND, live.KIND, candidate.KIND, cleared, failed, skipped."),
    Column("language", String(16), primary_key=True),
    Column("passages", BigInteger, nullable=False),
    comment="How often a candidate detector says what the live one says.",
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("flag_id", String(36), ForeignKey("flag.id"), nullable=False),
    Column("what", String(32), nullable=False, comment="hidden, shown, page_deleted, blocked, unblocked, locked, unlocked."),
    Column("time", Double, nullable=False, comment="When it happened on the wiki."),
    Column("event_id", String(64), nullable=False),
    UniqueConstraint("flag_id", "what", "time"),
    comment="What the wiki did about a flag, as the stream tells it.",
)

report = Table(
    "report",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv5 of purpose, subject, kind and recipient."),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("flag_id", String(36), ForeignKey("flag.id"), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("purpose", String(8), nullable=False, comment="letter or page."),
    Column("recipient", String(255), nullable=False, comment="Role address from the routing, never a person's from a text."),
    Column("channel", String(16), nullable=False),
    Column("state", String(16), nullable=False, comment="new, held, queued, sent, dead."),
    Column("auto", Boolean, nullable=False, comment="Released by a rule of the settings."),
    Column("created", Double, nullable=False),
    Column("released", Double),
    Column("released_by", String(64)),
    Column("sent", Double),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due", Double, nullable=False, comment="Not tried before."),
    Column("last_error", String(255), nullable=False, default="", comment="Class and code only."),
    Column("message_id", String(255), nullable=False),
    Column("body", LargeBinary, comment="The letter as JSON, sealed with the case's key; empty until prepared."),
    Index(None, "state", "due"),
    Index(None, "case_id"),
    Index(None, "subject"),
    comment="The outbox.",
)
