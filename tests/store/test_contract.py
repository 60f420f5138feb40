"""What the store promises on every database: one suite, with a class for each database."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, inspect, select, update

from tsbot.bus.roster import Membership
from tsbot.demo.engines.mariadb import MariaDB
from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.errors import LeaseLostError, SettingsError, StoreBusyError
from tsbot.store import audit, claims, engines, ledger, locks, outbox, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.store.ledger import DeadLetter, PendingEvent, Stage
from tsbot.store.outbox import Purpose, Report, ReportState
from tsbot.store.tables import metadata
from tsbot.stream.events import Event, EventKind

KEY = MasterKey(b"k" * 32)
VICTIM = Path(__file__).with_name("migration_victim.py")
LEASE = 30.0
REVISIONS = [script.revision for script in ScriptDirectory.from_config(schema._config()).walk_revisions()][:0:-1]
"""Of the schema, the first one first, without the newest."""
T = TypeVar("T")


def edit(identity: str, lane: str = "page", *, wiki: str = "enwiki", rev_id: int = 7) -> PendingEvent:
    """A fresh edit of a page."""
    event = Event(id=identity, stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki=wiki, time=5.0, rev_id=rev_id)
    return PendingEvent(event, stage=Stage.FRESH, lane=lane)


def ids(items: Sequence[PendingEvent]) -> list[str]:
    return [item.event.id for item in items]


def at_once(work: Callable[[int], object], times: int) -> list[object]:
    """What ``work`` returned, or raised, in as many threads that begin together."""
    start = threading.Barrier(times)
    results: list[object] = [None] * times

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


class StoreContract(ABC):
    """One database of the newest schema, and promises about it."""

    @abstractmethod
    @pytest.fixture
    def url(self) -> str:
        """URL of an empty database."""

    @abstractmethod
    @pytest.fixture
    def another(self) -> Callable[[], str]:
        """Makes further empty databases; their URLs."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[Database]:
        """The database, opened."""
        store = Database(connect(url), KEY)
        schema.upgrade(store)
        store.check_key()
        yield store
        store.close()

    # -- the schema ---------------------------------------------------------------------------------------------------

    def test_migrations_make_just_the_tables_that_the_program_declares(self, store: Database) -> None:
        with store.read() as connection:
            found = compare_metadata(MigrationContext.configure(connection), metadata)
        changes = [change for group in found for change in (group if isinstance(group, list) else [group])]
        # What a column's comment says may be put better without a migration.
        assert [change for change in changes if change[0] != "modify_comment"] == []

    def test_each_migration_goes_down_again_and_up(self, store: Database) -> None:
        for revision in (*reversed(REVISIONS), "base"):
            schema.downgrade(store, revision)
        with store.read() as connection:
            assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
        for revision in (*REVISIONS, "head"):
            schema.upgrade(store, revision)
        assert schema.current(store) == schema.newest()

    def test_a_migration_that_was_killed_half_way_is_done_at_the_next_start(self, url: str, another: Callable[[], str]) -> None:
        def start(url: str, number: int) -> subprocess.CompletedProcess[str]:
            return subprocess.run([sys.executable, str(VICTIM), url, str(number)], capture_output=True, text=True, check=False)

        whole = start(url, 0)
        assert whole.returncode == 0, whole.stderr
        number = int(whole.stdout)
        assert number > 50
        for part in (0.02, 0.3, 0.55, 0.8, 1.0):
            broken = another()
            assert start(broken, max(1, int(part * number))).returncode == -signal.SIGKILL
            store = Database(connect(broken), KEY)
            try:
                schema.upgrade(store)
                self.test_migrations_make_just_the_tables_that_the_program_declares(store)
                assert schema.current(store) == schema.newest()
            finally:
                store.close()

    def test_processes_that_start_at_once_make_one_schema(self, url: str) -> None:
        def start(_number: int) -> str | None:
            store = Database(connect(url), KEY)
            try:
                schema.upgrade(store)
                store.check_key()
                return schema.current(store)
            finally:
                store.close()

        assert set(at_once(start, 4)) == {schema.newest()}

    def test_names_that_differ_in_case_only_or_in_a_space_are_different(self, store: Database) -> None:
        with store.write() as connection:
            for name in ("skipped.x", "skipped.X", "skipped.x "):
                connection.execute(insert(t.counter).values(name=name, value=1))
        with store.read() as connection:
            assert len(connection.execute(select(t.counter)).all()) == 3

    def test_any_text_and_any_length_of_what_is_sealed_comes_back(self, store: Database) -> None:
        letter = DeadLetter("e", "not_json", "d", bytes(range(256)) * 4000, wiki="x\0\U0001f600")
        with store.write() as connection:
            ledger.add_dead_letters(connection, store.key, [letter], 1.0)
            ledger.save_seen(connection, "event", b"x" * (1 << 20))
            ledger.save_wikis(connection, {f"wiki{n}": f"https://{n}.example.org" for n in range(3000)})
        with store.read() as connection:
            (found,) = ledger.dead_letters(connection, store.key)
            assert found.message == letter.message
            assert found.wiki.endswith("\U0001f600")
            assert len(ledger.load_wikis(connection)) == 3000
            assert len(next(ledger.load_seen(connection, "event"))) == 1 << 20

    # -- many at once -------------------------------------------------------------------------------------------------

    def test_acts_recorded_at_once_are_one_unbroken_chain(self, store: Database) -> None:
        def act(number: int) -> int:
            for step in range(10):
                with store.write() as connection:
                    audit.record(connection, f"actor-{number}", "tested", f"{number}:{step}", 1.0)
            return number

        assert at_once(act, 6) == list(range(6))
        with store.read() as connection:
            assert audit.verify(connection) is None
            assert audit.head(connection).number == 60

    def test_counters_counted_at_once_add_up(self, store: Database) -> None:
        names = [f"skipped.rule{n}" for n in range(5)]

        def count(number: int) -> None:
            shuffled = random.Random(number).sample(names, 5)
            for _ in range(20):
                patiently(store, lambda connection: ledger.count(connection, dict.fromkeys(shuffled, 1)))

        assert at_once(count, 4) == [None] * 4
        with store.read() as connection:
            assert ledger.totals(connection).skipped == {name.removeprefix("skipped."): 80 for name in names}

    def test_who_reads_sees_one_moment(self, store: Database) -> None:
        with store.write() as connection:
            ledger.count(connection, {"received": 1, "cleared": 1})
        with store.read() as reader:
            before = ledger.totals(reader)
            with store.write() as connection:
                ledger.count(connection, {"received": 5, "cleared": 4})
                ledger.add_pending(connection, store.key, [edit("later")])
            assert ledger.totals(reader) == before
        with store.read() as connection:
            assert ledger.totals(connection).received == 6
            assert ledger.totals(connection).balanced

    # -- leases -------------------------------------------------------------------------------------------------------

    def test_of_many_who_take_a_lease_one_has_it(self, store: Database) -> None:
        def take(number: int) -> bool:
            return patiently(store, lambda connection: locks.take(connection, "listener", f"p{number}", LEASE) is not None)

        assert sorted(map(str, at_once(take, 5))) == ["False"] * 4 + ["True"]

    def test_a_lease_that_ran_out_is_the_next_ones_and_its_first_holder_writes_nothing_any_more(self, store: Database) -> None:
        first, second = (locks.Reign(store, "listener", name, 0.0 if name == "first" else LEASE) for name in ("first", "second"))
        assert first.begin()
        assert second.begin()
        with pytest.raises(LeaseLostError, match="taken over"), store.write() as connection:
            first.enter(connection)
        assert not locks.Reign(store, "listener", "third").begin()
        second.end()
        assert locks.Reign(store, "listener", "third").begin()

    def test_a_commit_whose_confirmation_was_lost_is_recognised(self, store: Database) -> None:
        reign = locks.Reign(store, "listener", "p")
        assert reign.begin()
        with store.write() as connection:
            assert reign.enter(connection)
        with store.write() as connection:
            assert not reign.enter(connection), "it was committed, and nobody said so"
        reign.confirm()
        with store.write() as connection:
            assert reign.enter(connection)

    def test_time_is_the_databases_own(self, store: Database) -> None:
        with store.read() as connection:
            first = engines.now(connection)
        with store.read() as connection:
            assert 0 <= engines.now(connection) - first < 60
        assert first > 1_700_000_000

    # -- events that workers share ------------------------------------------------------------------------------------

    def add(self, store: Database, *items: PendingEvent) -> None:
        with store.write() as connection:
            ledger.add_pending(connection, store.key, items)

    def alive(self, store: Database, *owners: str) -> None:
        """Workers give a sign of life."""
        for owner in owners:
            Membership(store, "work", lambda: 0.0, owner).beat(0.0, broker=True)

    def claim(self, store: Database, owner: str, *event_ids: str) -> list[str]:
        with store.write() as connection:
            return ids(claims.claim(connection, store.key, owner, event_ids, LEASE).items)

    def test_an_event_is_claimed_once_with_all_that_waits_of_its_page(self, store: Database) -> None:
        self.alive(store, "one", "two")
        self.add(store, edit("a1", "a"), edit("b1", "b"), edit("a2", "a"), edit("a3", "a"))
        assert self.claim(store, "one", "a2") == ["a1", "a2", "a3"]
        assert self.claim(store, "one", "a1") == ["a1", "a2", "a3"], "not judged yet: it may ask again"
        assert self.claim(store, "two", "a1", "b1", "unheard of") == ["b1"]

    def test_what_comes_while_somebody_has_the_page_is_handed_over(self, store: Database) -> None:
        self.alive(store, "one", "two")
        self.add(store, edit("a1", "a"))
        assert self.claim(store, "one", "a1") == ["a1"]
        self.add(store, edit("a2", "a"))
        assert self.claim(store, "two", "a2") == []
        with store.read() as connection:
            assert list(claims.held(connection, "one")) == ["a1", "a2"]
            assert ids(claims.load(connection, store.key, "one", ["a2"])) == ["a2"]

    def test_of_a_page_that_a_silent_worker_had_nothing_is_left_to_it(self, store: Database) -> None:
        self.alive(store, "quick")
        self.add(store, edit("a1", "a"), edit("a2", "a"), edit("a3", "a"))
        self.claim(store, "slow", "a1")
        assert self.claim(store, "quick", "a1") == ["a1", "a2", "a3"]
        self.alive(store, "slow")
        with store.read() as connection:
            assert claims.held(connection, "slow") == {}

    def test_what_a_dead_worker_had_is_found_and_claimed_again(self, store: Database) -> None:
        self.add(store, edit("a1", "a"), edit("a2", "a"))
        self.alive(store, "alive")
        self.claim(store, "dead", "a2")
        self.claim(store, "dead, too", "a2")
        with store.read() as connection:
            assert claims.lost(connection, LEASE, forgotten=60.0, limit=10) == ["a1", "a2"]
        with store.write() as connection:
            found = claims.claim(connection, store.key, "alive", ["a1", "a2"], LEASE).items
            assert [item.attempts for item in found] == [2, 2], "which is when an event is tried alone"
            assert claims.begin_again(connection, found[0], "alive")
            assert not claims.begin_again(connection, found[0], "alive"), "it was counted"
        with store.read() as connection:
            assert claims.lost(connection, LEASE, forgotten=60.0, limit=10) == []

    def test_what_no_worker_heard_of_is_found(self, store: Database) -> None:
        self.add(store, edit("a1", "a"), edit("b1", "b"))
        with store.read() as connection:
            assert claims.lost(connection, LEASE, forgotten=60.0, limit=10) == []
            assert claims.lost(connection, LEASE, forgotten=-1.0, limit=10) == ["a1", "b1"]
            assert [name for _, name in claims.unheard(connection, 0, 10)] == ["a1", "b1"]
            assert claims.backlog(connection)[0] == 2

    def test_what_was_taken_over_is_not_the_first_ones_to_finish(self, store: Database) -> None:
        self.add(store, edit("a1", "a"))
        self.claim(store, "slow", "a1")
        assert self.claim(store, "quick", "a1") == ["a1"]
        with store.write() as connection:
            assert claims.fresh_ones(connection, "slow", ["a1"]) == set()
            assert claims.remove(connection, "slow", ["a1"]) == set()
            assert claims.fresh_ones(connection, "quick", ["a1"]) == {"a1"}
            assert claims.remove(connection, "quick", ["a1"]) == {"a1"}

    def test_what_is_given_back_is_as_if_nobody_had_begun(self, store: Database) -> None:
        self.add(store, edit("a1", "a"))
        self.claim(store, "one", "a1")
        with store.write() as connection:
            assert claims.release(connection, "one") == 1
            (item,) = claims.claim(connection, store.key, "two", ["a1"], LEASE).items
        assert item.attempts == 0

    def test_an_outcome_is_ripe_once_no_earlier_edit_of_its_wiki_is_pending(self, store: Database) -> None:
        def waiting(identity: str, waits_for: str) -> PendingEvent:
            return replace(edit(identity, identity), stage=Stage.WAITING, waits_for=waits_for)

        self.add(store, edit("en", "a"), edit("de", "b", wiki="dewiki"), waiting("hidden", "enwiki"), waiting("locked", "*"))
        self.add(store, edit("later", "c"))

        def ripe() -> list[str]:
            with store.write() as connection:
                return ids(claims.ripe(connection, store.key, 10))

        assert ripe() == []
        with store.write() as connection:
            claims.remove(connection, None, ["en"])
        assert ripe() == ["hidden"]
        with store.write() as connection:
            claims.remove(connection, None, ["de"])
        assert ripe() == ["hidden", "locked"]

    def test_many_workers_claim_each_event_once_and_in_order_of_its_page(self, store: Database) -> None:
        pages, each = 6, 12
        names = [(f"p{page}", f"p{page}.{number:02}") for number in range(each) for page in range(pages)]
        self.add(store, *(edit(name, lane) for lane, name in names))
        done: list[tuple[str, str]] = []

        self.alive(store, *(f"w{number}" for number in range(4)))

        def work(number: int) -> None:
            owner, rng = f"w{number}", random.Random(number)
            mine = [name for index, (_, name) in enumerate(names) if index % 4 == number]
            while mine or patiently(store, lambda c: claims.held(c, owner)):
                asked, mine = mine[:5], mine[5:]
                rng.shuffle(asked)
                patiently(store, partial(claim, owner, asked))
                for name in patiently(store, lambda c: claims.held(c, owner)):
                    if patiently(store, partial(remove, owner, name)):
                        done.append((owner, name))

        def claim(owner: str, asked: list[str], connection: Connection) -> None:
            claims.claim(connection, store.key, owner, asked, LEASE)

        def remove(owner: str, name: str, connection: Connection) -> set[str]:
            return claims.remove(connection, owner, [name])

        assert at_once(work, 4) == [None] * 4
        assert sorted(name for _, name in done) == sorted(name for _, name in names)
        for page in range(pages):
            order = [name for _, name in done if name.startswith(f"p{page}.")]
            assert order == sorted(order)

    # -- the outbox ---------------------------------------------------------------------------------------------------

    def report(self, store: Database, number: int) -> Report:
        """A message that may leave now."""
        report = Report(
            id=str(uuid.uuid4()),
            case_id=f"case-{number}",
            flag_id=f"flag-{number}",
            subject=f"enwiki:rev:{number}",
            kind="violence",
            purpose=Purpose.LETTER,
            recipient="team@example.org",
            channel="spool",
            state=ReportState.QUEUED,
            auto=True,
            created=1.0,
            due=1.0,
            message_id=f"<{number}@example.org>",
            released=1.0,
        )
        case = {"wiki": "enwiki", "kind": "violence", "state": "new", "opened": 1.0, "updated": 1.0}
        flag: dict[str, Any] = dict.fromkeys(("probability", "event_time", "created"), 1.0)
        flag |= dict.fromkeys(("specificity", "plausibility", "imminence"), 1)
        flag |= dict.fromkeys(("field", "language", "coverage", "detector", "source"), "x")
        with store.write() as connection:
            connection.execute(insert(t.case).values(id=report.case_id, **case))
            named = {"id": report.flag_id, "subject": report.subject, "kind": "violence", "case_id": report.case_id, "wiki": "enwiki"}
            connection.execute(insert(t.flag).values(**named, **flag, body=b""))
            outbox.insert_report(connection, report)
        return report

    def test_deliverers_on_several_machines_take_different_messages(self, store: Database) -> None:
        known = {self.report(store, number).id for number in range(8)}
        taken: list[str] = []

        def deliver(_number: int) -> None:
            while found := patiently(store, take):
                taken.append(found)

        def take(connection: Connection) -> str | None:
            for report in outbox.due(connection, 10.0, 3, locked=True):
                if outbox.begin(connection, report.id, 310.0):
                    return report.id
            return None

        assert at_once(deliver, 3) == [None] * 3
        assert sorted(taken) == sorted(known)

    def test_what_a_dead_deliverer_claimed_is_due_again_after_a_while(self, store: Database) -> None:
        report = self.report(store, 1)
        with store.write() as connection:
            assert outbox.begin(connection, report.id, 310.0)
        with store.read() as connection:
            assert outbox.due(connection, 300.0, 10) == []
            assert [one.id for one in outbox.due(connection, 320.0, 10)] == [report.id]

    # -- trouble ------------------------------------------------------------------------------------------------------

    def test_a_row_that_two_write_at_once_is_trouble_that_passes(self, store: Database) -> None:
        if not store.shared:
            return  # SQLite has one writer at a time
        with pytest.raises(StoreBusyError), store.write() as connection:
            connection.execute(insert(t.counter).values(name="x", value=1))
            connection.execute(insert(t.counter).values(name="x", value=1))

    def test_who_waits_for_each_other_is_told_to_try_again(self, store: Database) -> None:
        if not store.shared:
            return
        with store.write() as connection:
            for name in ("a", "b"):
                connection.execute(insert(t.counter).values(name=name, value=0))
        both = threading.Barrier(2, timeout=30)

        def cross(number: int) -> str:
            first, second = ("a", "b") if number else ("b", "a")
            with store.write() as connection:
                connection.execute(update(t.counter).where(t.counter.c.name == first).values(value=1))
                both.wait()
                connection.execute(update(t.counter).where(t.counter.c.name == second).values(value=1))
            return "done"

        results = at_once(cross, 2)
        assert "done" in results
        assert any(isinstance(result, StoreBusyError) for result in results)


def patiently(store: Database, work: Callable[[Connection], T]) -> T:
    """Do ``work`` in a transaction, again where another was faster."""
    while True:
        try:
            with store.write() as connection:
                return work(connection)
        except StoreBusyError:
            continue


class ServerContract(StoreContract):
    """Further promises of databases in which several write at once."""

    def test_a_counter_that_another_makes_meanwhile_is_added_to(self, store: Database) -> None:
        asked: list[str] = []

        def meanwhile(connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
            asked.append(statement)
            if len(asked) == 1:  # behind the first statement of the one, all of the other
                with store.write() as other:
                    ledger.count(other, {"skipped.new": 1})

        def work(connection: Connection) -> None:
            event.listen(connection, "after_cursor_execute", meanwhile)
            try:
                ledger.count(connection, {"skipped.new": 1})
            finally:
                event.remove(connection, "after_cursor_execute", meanwhile)

        patiently(store, work)
        with store.read() as connection:
            assert ledger.totals(connection).skipped == {"new": 2}


class TestSqlite(StoreContract):
    """The default."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'tsbot.sqlite'}"

    @pytest.fixture
    def another(self, tmp_path: Path) -> Callable[[], str]:
        return lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}"


@pytest.mark.live
class TestPostgreSQL(ServerContract):
    """Debian's, on loopback."""

    @pytest.fixture
    def url(self, postgresql: PostgreSQL) -> str:
        return postgresql.create(f"test_{uuid.uuid4().hex}")

    @pytest.fixture
    def another(self, postgresql: PostgreSQL) -> Callable[[], str]:
        return lambda: postgresql.create(f"test_{uuid.uuid4().hex}")


@pytest.mark.live
class TestMariaDB(ServerContract):
    """Debian's, on loopback."""

    @pytest.fixture
    def url(self, mariadb: MariaDB) -> str:
        return mariadb.create(f"test_{uuid.uuid4().hex}")

    @pytest.fixture
    def another(self, mariadb: MariaDB) -> Callable[[], str]:
        return lambda: mariadb.create(f"test_{uuid.uuid4().hex}")


@pytest.mark.live
@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_a_server_that_was_killed_is_waited_for_and_then_used_again(backend: str) -> None:
    with (PostgreSQL if backend == "postgresql" else MariaDB)() as server:
        store = Database(connect(server.create("killed")), KEY)
        schema.upgrade(store)
        with store.write() as connection:
            ledger.count(connection, {"received": 1})
        server.kill()
        with pytest.raises(StoreBusyError, match="does not answer"), store.read():
            pass
        server.start()
        with store.read() as connection:
            assert ledger.totals(connection).received == 1
        store.close()


@pytest.mark.parametrize(
    ("url", "extra"), [("postgresql://h/d", "postgresql"), ("mysql://h/d", "mariadb"), ("mariadb+pymysql://h/d", "mariadb")]
)
def test_a_missing_driver_is_named_with_what_to_install(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg", "pymysql"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=rf"pip install 'tsbot\[{extra}\]'"):
        connect(url)
