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
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from tsbot.store.columns import BigId, Blob, Fingerprint, LongText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

fact = Table(
    "fact",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LongText, nullable=False),
    comment="What the database says of itself: the fingerprint of the master key.",
)

cursor = Table(
    "cursor",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("position", LongText, nullable=False),
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
    Column("hashes", Blob, nullable=False),
    comment="64-bit hashes of events and revisions already received, a batch a row.",
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("owner", String(64), nullable=False, comment="Random name of a process."),
    Column("until", Double, nullable=False, comment="Of the database's clock."),
    Column("mark", BigInteger, nullable=False, comment="Counts what its holder has committed."),
    comment="What only one process may do at a time, and which one does.",
)

worker = Table(
    "worker",
    metadata,
    Column("name", String(64), primary_key=True, comment="Random; no host, no person."),
    Column("role", String(16), nullable=False, comment="listen, work or deliver."),
    Column("started", Double, nullable=False, comment="Of the database's clock."),
    Column("seen", Double, nullable=False, comment="Of the database's clock."),
    Column("skew", Double, nullable=False, comment="Seconds by which its own clock is ahead."),
    Column("broker", Boolean, nullable=False, server_default=false(), comment="Whether it reaches the broker."),
    comment="Processes that share the work, while they run.",
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
    Column("body", Blob, nullable=False, comment="The event, sealed."),
    Column("stage", Integer, nullable=False, server_default="1", comment="0 not judged, 1 text to be fetched, 2 outcome that waits."),
    Column("lane", String(32), nullable=False, server_default="", comment="Keyed fingerprint of its page: what stays in order."),
    Column("waits_for", String(64), nullable=False, server_default="", comment="Of outcomes: the wiki whose edits it waits for; * all."),
    Column("queued", Double, nullable=False, server_default="0", comment="When it was stored, by the database's clock."),
    Column("attempts", Integer, nullable=False, server_default="0", comment="How often a worker began with it."),
    Column("lease_by", String(64), comment="The worker that has it, for as long as that lives."),
    Index(None, "subject"),
    Index(None, "lane", "id"),
    Index(None, "lease_by", "stage"),
    Index(None, "stage", "wiki", "id"),
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
    Column("body", Blob, nullable=False, comment="The message as received, sealed."),
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
    Column("data_key", Blob, comment="Wrapped; empty once destroyed."),
    Column("author_index", Fingerprint, comment="Author of the first flag."),
    Column("page_index", Fingerprint, comment="Page of the first flag."),
    Column("source", String(16), nullable=False, server_default="patrol", comment="patrol, backfill, hand, drill, scan or intake."),
    Column("priority", Integer, nullable=False, server_default="0", comment="0-100, that of its gravest flag."),
    Column("tlp", String(16), nullable=False, server_default="amber+strict", comment="Traffic Light Protocol 2.0 label."),
    Column("version", Integer, nullable=False, server_default="0", comment="Counts the acts on it; an act names the one it has seen."),
    Column("lease_by", String(64), comment="Who works on it."),
    Column("lease_until", Double),
    Column("due", Double, comment="When somebody must have acted next; empty while nothing is due."),
    Column("triaged", Double, comment="First human act."),
    Column("reported", Double, comment="First letter sent."),
    Column("acknowledged", Double, comment="First acknowledgement."),
    Column("hidden", Double, comment="First outcome that hides what was flagged."),
    Column("closed", Double),
    Column("outcome", String(32), comment="Of a closed case."),
    Column("merged_into", String(36), comment="The case that took its flags over."),
    Column("hold_until", Double, comment="Legal hold: not purged before."),
    Column("sealed", Double, comment="When our copy of the text was destroyed because the wiki suppressed it."),
    Column("purged", Double, comment="When its key was destroyed."),
    Column("body", Blob, comment="What a person wrote who opened it by hand, sealed with its key."),
    Index(None, "wiki", "author_index"),
    Index(None, "wiki", "page_index"),
    Index(None, "state", "priority"),
    Index(None, "state", "kind", "wiki", "due"),
    Index(None, "lease_by"),
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
    Column("source", String(16), nullable=False, comment="patrol, backfill, hand or scan."),
    Column("event_time", Double, nullable=False),
    Column("created", Double, nullable=False),
    Column("author_index", Fingerprint),
    Column("account_index", Fingerprint, comment="The author on all wikis, for global locks."),
    Column("page_index", Fingerprint),
    Column("target_index", Fingerprint, comment="The account that it is aimed at, where the page tells it."),
    Column("body", Blob, nullable=False, comment="Excerpt, evidence, names, links: sealed with the case's key."),
    Column("priority", Integer, nullable=False, server_default="0", comment="0-100, the sum of the points of its reasons."),
    Column("reasons", LongText, nullable=False, server_default="[]", comment="JSON: name, points and words of each; no text, no names."),
    Column("text_family", BigId, comment="Near-equal texts; empty where none was sought."),
    Column("repeated", Integer, nullable=False, server_default="0", comment="Near-equal texts flagged before this one."),
    UniqueConstraint("subject", "kind"),
    Index(None, "case_id"),
    Index(None, "created"),
    Index(None, "priority"),
    Index(None, "wiki", "author_index", "event_time"),
    Index(None, "account_index"),
    Index(None, "wiki", "page_index", "event_time"),
    Index(None, "wiki", "target_index", "event_time"),
    Index(None, "text_family", "event_time"),
    Index(None, "language", "case_id"),
    comment="A stored finding.",
)

text_family = Table(
    "text_family",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("signature", Blob, nullable=False, comment="MinHash of the first text, keyed with the master key."),
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
    Column("scores", LongText, nullable=False, comment="JSON: what both say, probabilities and grades; no text."),
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

hide_following = Table(
    "hide_following",
    metadata,
    Column("subject", String(128), primary_key=True, comment="wiki:rev:ID or wiki:log:ID of the flags that the plan is for."),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("wiki", String(64), nullable=False),
    Column("state", String(16), nullable=False, comment="open, partly, done, reopened; waiting: no plan yet; none: none can be made."),
    Column("revisions", Integer, nullable=False, server_default="0", comment="Revisions that show it, hidden or not."),
    Column("exposed", Integer, nullable=False, server_default="0", comment="Those of them that readers can still see something of."),
    Column("to_suppress", Integer, nullable=False, server_default="0", comment="Those that only administrators can still see."),
    Column("to_look", Integer, nullable=False, server_default="0", comment="Newer edits that nobody has looked at yet."),
    Column("since", Double, nullable=False, comment="When the plan was made."),
    Column("exposed_since", Double, comment="When it was first shown."),
    Column("hidden_at", Double, comment="When readers could see nothing any more; empty while they can."),
    Column("done_at", Double, comment="When all was hidden as thoroughly as the plan says; empty while it is not."),
    Column("due", Double, comment="When the wiki is asked again; empty once nothing is left to ask."),
    Column("attempts", Integer, nullable=False, server_default="0", comment="In vain, one after the other."),
    Column("trouble", String(64), nullable=False, server_default="", comment="Class of the error that keeps a plan from being made."),
    Column("serial", BigInteger, nullable=False, comment="Grows with every change of any row."),
    Column("body", Blob, comment="The plan, what became of it and, while it is not done, the text: sealed with the case's key."),
    Index(None, "case_id"),
    Index(None, "due"),
    Index(None, "serial"),
    comment="Plans of what to hide, and how far they are carried out.",
)

report = Table(
    "report",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv5 of purpose, subject, kind and recipient."),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("flag_id", String(36), ForeignKey("flag.id"), comment="Empty for an answer to a person who reported something."),
    Column("subject", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("purpose", String(8), nullable=False, comment="letter, page, reminder or answer."),
    Column(
        "recipient", String(255), nullable=False, comment="Role address from the routing, or `hearing:ID`; never a person's from a text."
    ),
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
    Column("body", Blob, comment="The letter as JSON, sealed with the case's key; empty until prepared."),
    Column("policy", String(16), nullable=False, server_default="plain", comment="plain, prefer, require or links_only."),
    Column("external_id", String(64), nullable=False, server_default="", comment="Number that the other side gave it."),
    Column("acknowledged", Double),
    Column("acknowledged_by", String(64), comment="A role or an operator, never a person's name at the receiving end."),
    Column("result", String(16), nullable=False, server_default="", comment="passed_on, no_action, false_positive, ..."),
    Column("step", Integer, nullable=False, server_default="0", comment="Escalations so far."),
    Column("step_due", Double, comment="Next escalation; empty where none is left."),
    Column("drill", Boolean, nullable=False, server_default=false(), comment="Part of an exercise."),
    Index(None, "state", "due"),
    Index(None, "step_due"),
    Index(None, "case_id"),
    Index(None, "subject"),
    comment="The outbox.",
)

note = Table(
    "note",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("by", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("body", Blob, nullable=False, comment="Sealed with the case's key."),
    Index(None, "case_id"),
    comment="What handlers write on cases.",
)

annotation = Table(
    "annotation",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("report_id", String(36), comment="Empty where it is about the case as a whole."),
    Column("what", String(32), nullable=False, comment="acknowledged, passed_on, no_action, false_positive, hidden, blocked, ..."),
    Column("by", String(64), nullable=False, comment="An operator, a role, or `stream`."),
    Column("time", Double, nullable=False),
    UniqueConstraint("case_id", "report_id", "what", "time"),
    comment="What became of a case and its reports, for the whole team to see.",
)

hearing = Table(
    "hearing",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("reference", String(16), nullable=False, unique=True, comment="What the person calls it by; says nothing."),
    Column("token_hash", String(64), nullable=False, unique=True, comment="SHA-256 of the private link's token."),
    Column("channel", String(8), nullable=False, comment="web or mail."),
    Column("language", String(16), nullable=False, comment="In which we answer."),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False, comment="Of the private link."),
    Column("revoked", Double, comment="When the person ended the private link."),
    Column("withdrawn", Double, comment="When the person took the report back."),
    Column("urgent", Boolean, nullable=False, server_default=false(), comment="It reads as danger to life."),
    Column("minors", Boolean, nullable=False, server_default=false(), comment="It reads as if it concerned minors."),
    Column("judged", Double, comment="When the detector read it; empty while it has not."),
    Column("priority", Integer, nullable=False, server_default="0", comment="What it gives its case at least, 0-100."),
    Column("research", Boolean, nullable=False, server_default=false(), comment="The person consents to research."),
    Column("about", String(8), nullable=False, server_default="", comment="self or other, if they said."),
    Column("text_index", Fingerprint, comment="Keyed fingerprint of the text, for what is sent twice."),
    Column("sender_index", Fingerprint, comment="Keyed fingerprint of the mail address, for what comes from one place."),
    Column("away", LongText, nullable=False, server_default="", comment="Fingerprints of handlers' accounts that it names: not for them."),
    Column("check_in", Double, comment="By when the person was told that there would be news; empty once there were all."),
    Column("answered", Double, comment="Last answer."),
    Column("ended", Double, comment="When they were told the end of it."),
    Column("appeal", Double, comment="When they asked for somebody else to look again; empty once that was done."),
    Column("decided_by", String(64), comment="Who decided what the appeal is against: it is not for them."),
    Column("body", Blob, comment="What they wrote, and how to reach them: sealed with the case's key."),
    Index(None, "case_id"),
    Index(None, "text_index", "created"),
    Index(None, "sender_index", "created"),
    Index(None, "judged"),
    Index(None, "check_in"),
    comment="What a person reported to us, and where we stand with them.",
)

hearing_word = Table(
    "hearing_word",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("hearing_id", String(36), ForeignKey("hearing.id"), nullable=False),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("by", String(64), comment="Who of the team answered; empty for the person themselves, and for what the software says."),
    Column("situation", String(16), nullable=False, comment="added, or that of the answer: received, more, delayed, acted, ..."),
    Column("created", Double, nullable=False),
    Column("read", Double, comment="When the other side first saw it."),
    Column("body", Blob, nullable=False, comment="Sealed with the case's key."),
    Index(None, "hearing_id"),
    Index(None, "case_id"),
    comment="What was said after a report: what the person added, and what we answered.",
)

research_export = Table(
    "research_export",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("created", Double, nullable=False),
    Column("by", String(64), nullable=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("reports", Integer, nullable=False, comment="Reports in it."),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the file that was reviewed."),
    Column("reviewed", Double),
    Column("reviewed_by", String(64), comment="Who read the sample; never who made the export."),
    Column("verdict", String(16), nullable=False, server_default="", comment="approved or rejected."),
    Column("released", Double),
    Column("released_by", String(64)),
    Column("recipient", String(255), nullable=False, server_default="", comment="The institution that received it."),
    Column("agreement", String(255), nullable=False, server_default="", comment="Under which agreement."),
    comment="Exports for research: what was made, reviewed, and given to whom.",
)

approval = Table(
    "approval",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("act", String(32), nullable=False, comment="As cases/approvals.toml names it."),
    Column("object", String(64), nullable=False, comment="Id of the case or report."),
    Column("asked_by", String(64), nullable=False),
    Column("asked", Double, nullable=False),
    Column("until", Double, nullable=False, comment="Void afterwards."),
    Column("approved_by", String(64)),
    Column("approved", Double),
    Column("used", Double),
    Index(None, "object"),
    comment="Acts that one person asked for and another must approve.",
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigId, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("act", String(48), nullable=False),
    Column("object", String(128), nullable=False, comment="Id of what it was done to."),
    Column("details", LongText, nullable=False, comment="Canonical JSON: ids, states, counts; no text, no names of strangers."),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, comment="SHA-256 of all of the above."),
    Index(None, "object"),
    comment="Who did what: a chain in which each entry confirms all before it.",
)

disclosure = Table(
    "disclosure",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("case_id", String(36), ForeignKey("case_file.id"), nullable=False),
    Column("report_id", String(36), comment="The message that carried it."),
    Column("time", Double, nullable=False),
    Column("what", String(64), nullable=False, comment="The sort of datum: user_name, excerpt, personal_data, ..."),
    Column("recipient", String(255), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("why", String(255), nullable=False),
    Column("decided_by", String(64), nullable=False),
    Index(None, "case_id"),
    comment="Every private datum that left, to whom, why, and who decided it.",
)

person = Table(
    "person",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject", String(255), nullable=False, unique=True, comment="What the sign-in calls them for ever: central id, or wiki:id."),
    Column("pseudonym", String(64), nullable=False, comment="How others see them."),
    Column("name", Blob, nullable=False, comment="User name when last seen, sealed."),
    Column("created", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    comment="People who use the console.",
)

console_session = Table(
    "console_session",
    metadata,
    Column("id", String(64), primary_key=True, comment="SHA-256 of the cookie."),
    Column("person_id", String(36), ForeignKey("person.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Index(None, "person_id"),
    comment="Who is signed in.",
)

token = Table(
    "token",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True, comment="SHA-256 of the token."),
    Column("person_id", String(36), ForeignKey("person.id"), nullable=False),
    Column("label", String(64), nullable=False),
    Column("scopes", String(255), nullable=False, comment="Acts, separated by spaces."),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("used", Double),
    Column("revoked", Double),
    Index(None, "person_id"),
    comment="Personal tokens of the JSON API, the gadget and the command line.",
)

preference = Table(
    "preference",
    metadata,
    Column("person_id", String(36), ForeignKey("person.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", LongText, nullable=False),
    comment="What people set for themselves: language, blur, saved filters, limits, keys.",
)

exposure = Table(
    "exposure",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("person_id", String(36), ForeignKey("person.id"), nullable=False),
    Column("time", Double, nullable=False),
    Column("case_id", String(36), nullable=False),
    Index(None, "person_id", "time"),
    comment="Texts that somebody had shown: what a person reads in a day is limited.",
)

activity_wiki = Table(
    "activity_wiki",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True, comment="Database name."),
    Column("base", String(255), nullable=False, comment="Scheme and host."),
    comment="Wikis of the activity index.",
)

activity_account = Table(
    "activity_account",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False, comment="63 bits of a hash of the name."),
    Column("name", String(255), nullable=False),
    Column("skeleton", BigInteger, nullable=False, comment="Hash of the folded name, equal for look-alikes."),
    Column("stem", BigInteger, nullable=False, comment="Hash of the name without its trailing number."),
    Index(None, "skeleton"),
    Index(None, "stem"),
    comment="Accounts that edited within the days that the index keeps.",
)

activity_page = Table(
    "activity_page",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False, comment="63 bits of a hash of wiki and title."),
    Column("wiki", Integer, nullable=False),
    Column("title", String(320), nullable=False, comment="With English namespace names."),
    comment="Pages that were edited within the days that the index keeps.",
)

activity_edit = Table(
    "activity_edit",
    metadata,
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="Its second times 2^28, plus a hash of wiki and revision."),
    Column("page", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("digest", Integer, nullable=False, comment="31 bits of the summary without its heading; 0 for none."),
    sqlite_with_rowid=False,
    comment="What accounts did, each in the order of time: public metadata of the stream's edits, no text.",
)

activity_touch = Table(
    "activity_touch",
    metadata,
    Column("page", BigInteger, primary_key=True, autoincrement=False),
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Who edited a page.",
)

trace_cache = Table(
    "trace_cache",
    metadata,
    Column("id", String(64), primary_key=True, comment="SHA-256 of what was asked, keyed."),
    Column("expires", Double, nullable=False),
    Column("body", Blob, nullable=False, comment="What a wiki answered about an account, sealed."),
    Index(None, "expires"),
    comment="Answers of wikis to questions of a trace, kept for minutes.",
)

trace_dispute = Table(
    "trace_dispute",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("pair_index", String(32), nullable=False, comment="Keyed fingerprint of both accounts, without direction; hexadecimal."),
    Column("by", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("ended", Double, comment="When it was taken back."),
    Column("body", Blob, nullable=False, comment="Names, why, and the evidence of the time: sealed."),
    Index(None, "pair_index"),
    comment="Links that people hold to be wrong: counter-evidence, and labels.",
)

trace_watch = Table(
    "trace_watch",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("by", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("ended", Double),
    Column("looked", Double, nullable=False, comment="Up to when new activity was looked at."),
    Column("news", Integer, nullable=False, comment="Matches that were not read yet."),
    Column("body", Blob, nullable=False, comment="The accounts, why, and what matched: sealed."),
    Index(None, "by"),
    Index(None, "expires"),
    comment="Sets of accounts that somebody wants to hear news of.",
)

scan_job = Table(
    "scan_job",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv5 of a keyed fingerprint of what is examined, and of the detector."),
    Column("what", String(16), nullable=False, comment="page, user, wiki, period, filters, dump or history."),
    Column("wiki", String(64), nullable=False),
    Column("detector", String(64), nullable=False),
    Column("dry", Boolean, nullable=False, comment="Nothing is flagged, only told."),
    Column("state", String(16), nullable=False, comment="running, done or broken."),
    Column("position", LongText, nullable=False, comment="JSON: up to where it is examined; numbers only."),
    Column("counts", LongText, nullable=False, comment="JSON: edits, log entries, flags and what could not be read."),
    Column("started", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("finished", Double),
    Column("body", Blob, nullable=False, comment="What was asked for, names and titles included, sealed."),
    comment="Looks back at history: what is examined, and how far it got.",
)
