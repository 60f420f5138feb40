"""The books: what goes in comes out, and the sum is right."""

from __future__ import annotations

from tsbot.store import claims, ledger
from tsbot.store.database import Database
from tsbot.store.ledger import DeadLetter, PendingEvent
from tsbot.stream.events import Event, EventKind
from tsbot.stream.source import Gap


def edit(identity: str, rev_id: int = 7, comment: str = "mild canary-1138") -> Event:
    return Event(id=identity, stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki="enwiki", time=5.0, rev_id=rev_id, comment=comment)


def test_counters_add_up_over_transactions(database: Database) -> None:
    for _ in range(2):
        with database.write() as connection:
            ledger.count(connection, {"received": 4, "cleared": 1, "skipped.bot": 2, "failed": 0, "flagged": 1, "duplicates": 3})
    with database.read() as connection:
        totals = ledger.totals(connection)
    assert (totals.received, totals.cleared, totals.flagged, totals.duplicates) == (8, 2, 2, 6)
    assert totals.skipped == {"bot": 4}
    assert totals.balanced


def test_an_event_counted_nowhere_is_noticed(database: Database) -> None:
    with database.write() as connection:
        ledger.count(connection, {"received": 1})
    with database.read() as connection:
        assert not ledger.totals(connection).balanced


def test_pending_events_come_back_in_order_and_balance(database: Database) -> None:
    items = [PendingEvent(edit("b", 1), flagged=True), PendingEvent(edit("a", 2))]
    with database.write() as connection:
        ledger.count(connection, {"received": 2})
        ledger.add_pending(connection, database.key, items)
    with database.read() as connection:
        first, second = ledger.load_pending(connection, database.key)
        assert ledger.totals(connection).balanced
    assert first == items[0]
    assert second == PendingEvent(edit("a", 2))
    with database.write() as connection:
        assert claims.remove(connection, None, ["a", "b", "unheard of"]) == {"a", "b"}
        assert ledger.totals(connection).pending == 0


def test_what_waits_or_failed_is_sealed(database: Database) -> None:
    with database.write() as connection:
        ledger.add_pending(connection, database.key, [PendingEvent(edit("a"))])
        ledger.add_dead_letters(connection, database.key, [DeadLetter("b", "not_json", "", b"mild canary-1138")], now=1.0)
    with database.read() as connection:
        stored = b"".join(connection.exec_driver_sql("select body from pending union all select body from dead_letter").scalars())
    assert b"canary-1138" not in stored


def test_dead_letters_are_listed_by_reason_and_removed(database: Database) -> None:
    letters = [
        DeadLetter("a", "not_json", "d", b"{"),
        DeadLetter("b", "unknown_wiki", "", b"{}", "xxwiki"),
        DeadLetter("c", "not_json", "", b"["),
    ]
    with database.write() as connection:
        ledger.add_dead_letters(connection, database.key, letters, now=2.0)
    with database.write() as connection:
        found = ledger.dead_letters(connection, database.key, "not_json")
        assert [(letter.event_id, letter.message) for letter in found] == [("a", b"{"), ("c", b"[")]
        assert ledger.dead_letter_reasons(connection) == {"not_json": 2, "unknown_wiki": 1}
        assert ledger.remove_dead_letters(connection, [letter.id for letter in found]) == 2
        assert ledger.dead_letter_reasons(connection) == {"unknown_wiki": 1}


def test_the_cursor_is_kept_per_source(database: Database) -> None:
    with database.write() as connection:
        assert ledger.load_cursor(connection, "live") is None
        ledger.save_cursor(connection, "live", "1", 1.0)
        ledger.save_cursor(connection, "file", "9", 1.0)
        ledger.save_cursor(connection, "live", "2", 2.0)
        assert ledger.load_cursor(connection, "live") == "2"


def test_old_keys_are_dropped_beyond_what_is_remembered(database: Database) -> None:
    with database.write() as connection:
        for n in range(10):
            ledger.save_seen(connection, "event", bytes([n]) * 80)
        ledger.save_seen(connection, "subject", b"s" * 8)
        ledger.trim_seen(connection, "event", most=25)
        kept = list(ledger.load_seen(connection, "event"))
    assert kept == [bytes([n]) * 80 for n in (7, 8, 9)]
    with database.write() as connection:
        ledger.compact_seen(connection, "event", kept)
        assert list(ledger.load_seen(connection, "event")) == [b"".join(kept)]
        assert list(ledger.load_seen(connection, "subject")) == [b"s" * 8]


def test_gaps_are_written_down(database: Database) -> None:
    with database.write() as connection:
        ledger.record_gaps(connection, "live", [Gap(1.0, 9.0, "silence")], now=10.0)
        assert ledger.totals(connection).gaps == 1
