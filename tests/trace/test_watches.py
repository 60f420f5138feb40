"""Watches and disputes: what is told to whom, what is stored, and that it ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from tsbot.errors import DeliveryDeferredError, InputError
from tsbot.housekeeping import Housekeeper
from tsbot.report.message import OutboundMessage
from tsbot.settings import OnCallPerson, OnCallSettings, Settings, TraceSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.trace.activity import Account
from tsbot.trace.disputes import dispute, disputes, take_back
from tsbot.trace.index import DAY, ActivityIndex
from tsbot.trace.upkeep import trim
from tsbot.trace.watches import MOST_ACCOUNTS, add_watch, end_watch, look_round, read_news, watches
from tsbot.watching import tend_watches

SETTINGS = TraceSettings(index_days=3650)


@pytest.fixture
def newest(village: tuple[Account, ...]) -> float:
    """When the last puppet was last seen."""
    return max(edit.timestamp.timestamp() for account in village for edit in account.edits if account.name == "Plain Facts 3")


def feed(database: Database, accounts: Sequence[Account], now: float) -> None:
    events = [
        Event(
            id=f"{account.name}{number}", stream="s", kind=EventKind.EDIT, wiki=edit.wiki, time=edit.timestamp.timestamp(),
            title=edit.pages[0], namespace=0, user=account.name, rev_id=hash((account.name, number)) % 10**9 + 1, comment=edit.summary,
        )
        for account in accounts
        for number, edit in enumerate(account.edits)
    ]  # fmt: skip
    with database.write() as connection:
        ActivityIndex(SETTINGS).add(connection, events, now)


@pytest.fixture
def watched(database: Database, village: tuple[Account, ...], newest: float) -> Database:
    """An index in which the first two puppets are known, and are watched."""
    feed(database, [account for account in village if account.name not in ("Plain Facts 2", "Plain Facts 3")], newest)
    with database.write() as connection:
        names = ("Plain Facts 0", "Plain Facts 1")
        add_watch(connection, database.key, names, by="lime", why="case 12 on Plain Facts 1", now=newest - 20 * DAY, days=90)
    return database


def news(database: Database, by: str = "lime", now: float = 0.0) -> list[str]:
    with database.write() as connection:
        return [match.account for _, matches in read_news(connection, database.key, by, now) for match in matches]


def test_a_new_account_that_behaves_alike_is_news_once(watched: Database, village: tuple[Account, ...], newest: float) -> None:
    assert look_round(watched, SETTINGS, newest - 10 * DAY) == []
    feed(watched, [account for account in village if account.name == "Plain Facts 3"], newest)
    (fresh,) = look_round(watched, SETTINGS, newest)
    assert (fresh.news, [(match.account, match.tier) for match in fresh.matches]) == (1, [("Plain Facts 3", "very strong")])
    assert look_round(watched, SETTINGS, newest) == []
    assert news(watched, "mint") == []
    assert news(watched) == ["Plain Facts 3"]
    assert news(watched) == []


def test_more_news_is_added_to_what_was_not_read(watched: Database, village: tuple[Account, ...], newest: float) -> None:
    for name in ("Plain Facts 3", "Plain Facts 2"):
        feed(watched, [account for account in village if account.name == name], newest)
        with watched.write() as connection:
            connection.execute(update(t.trace_watch).values(looked=newest - 40 * DAY))
        look_round(watched, SETTINGS, newest)
    assert news(watched) == ["Plain Facts 3", "Plain Facts 2"]


def test_a_disputed_link_is_no_news(watched: Database, village: tuple[Account, ...], newest: float) -> None:
    feed(watched, [account for account in village if account.name == "Plain Facts 3"], newest)
    with watched.write() as connection:
        for name in ("Plain Facts 0", "Plain Facts 1"):
            dispute(connection, watched.key, "Plain Facts 3", name, by="mint", why="two people", now=newest)
    assert look_round(watched, SETTINGS, newest) == []


def test_a_watch_ends_by_hand_and_by_itself(watched: Database, newest: float) -> None:
    with watched.write() as connection:
        (watch,) = watches(connection, watched.key, "lime", newest)
        with pytest.raises(InputError, match="0 watches of yours"):
            end_watch(connection, watched.key, watch.id[:8], by="mint", now=newest)
        end_watch(connection, watched.key, watch.id[:8], by="lime", now=newest)
        assert watches(connection, watched.key, "lime", newest) == []
        add_watch(connection, watched.key, ["Plain Facts 0"], by="lime", why="case 13", now=newest, days=5)
    assert trim(watched, SETTINGS, newest + 4 * DAY).watches == 0
    assert trim(watched, SETTINGS, newest + 100 * DAY).watches == 2


@pytest.mark.parametrize("names", [[], [f"A {number}" for number in range(MOST_ACCOUNTS + 1)]])
def test_a_watch_has_some_accounts(database: Database, names: list[str]) -> None:
    with pytest.raises(InputError, match="1 to 50"), database.write() as connection:
        add_watch(connection, database.key, names, by="lime", why="case 12", now=1.0, days=1)


class Ways:
    """Ways out that remember what went."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.sent: list[OutboundMessage] = []
        self.trouble = trouble

    def send(self, message: OutboundMessage) -> None:
        if self.trouble:
            raise self.trouble
        self.sent.append(message)


ON_CALL = Settings(trace=SETTINGS, oncall=OnCallSettings(people=(OnCallPerson(name="lime", mail="lime@example.org"),)))


@pytest.mark.parametrize("trouble", [None, DeliveryDeferredError("smtp: 451")])
def test_who_watches_gets_a_mail_with_ids_only(
    watched: Database, village: tuple[Account, ...], newest: float, trouble: Exception | None
) -> None:
    feed(watched, [account for account in village if account.name == "Plain Facts 3"], newest)
    ways = Ways(trouble)
    (watch,) = tend_watches(watched, ON_CALL, newest, lambda: {"spool": ways})
    if trouble is None:
        (message,) = ways.sent
        assert message.recipient == "lime@example.org"
        assert watch.id[:8] in message.text
        assert "Plain" not in message.text + message.subject
        assert tend_watches(watched, ON_CALL, newest + 1, lambda: {"spool": ways}) == []
        assert len(ways.sent) == 1
    assert news(watched) == ["Plain Facts 3"]


@pytest.mark.parametrize("settings", [Settings(trace=SETTINGS), Settings(trace=TraceSettings(index=False))])
def test_nobody_is_mailed_who_is_not_on_the_list_or_without_an_index(
    watched: Database, village: tuple[Account, ...], newest: float, settings: Settings
) -> None:
    feed(watched, [account for account in village if account.name == "Plain Facts 3"], newest)
    ways = Ways()
    tend_watches(watched, settings, newest, lambda: {"spool": ways})
    assert ways.sent == []


def test_names_stand_nowhere_in_clear(watched: Database, newest: float) -> None:
    with watched.write() as connection:
        dispute(connection, watched.key, "Plain Facts 1", "Weir Keeper", by="mint", why="Weir Keeper is another person", now=newest)
        bodies = [bytes(body) for table in (t.trace_watch, t.trace_dispute) for body in connection.scalars(select(table.c.body))]
        noted = [entry.details for entry in audit.entries(connection)]
    assert bodies
    assert not [one for one in bodies if b"Plain" in one or b"Weir" in one]
    assert not [one for one in noted if "Plain Facts" in one or "Weir Keeper" in one]


def test_a_dispute_is_a_label_until_it_is_taken_back(database: Database) -> None:
    key = database.key
    with database.write() as connection:
        dispute(connection, key, "B", "A", by="mint", why="met both", now=1.0, evidence={"pages": 3.0})
        with pytest.raises(InputError, match="disputed already"):
            dispute(connection, key, "A", "B", by="lime", why="the same", now=2.0)
        (one,) = disputes(connection, key)
        assert (one.first, one.second, one.by, one.why, one.evidence) == ("A", "B", "mint", "met both", {"pages": 3.0})
        take_back(connection, key, "A", "B", by="mint", why="mistaken", now=3.0)
        assert disputes(connection, key) == []
        dispute(connection, key, "A", "B", by="mint", why="after all", now=4.0)
        acts = [entry.act for entry in audit.entries(connection)]
    assert acts == ["trace.disputed", "trace.undisputed", "trace.disputed"]


@pytest.mark.parametrize(("first", "second", "why", "said"), [("A", "A", "no reason", "two accounts"), ("A", "B", " ", "Say why")])
def test_a_dispute_needs_two_accounts_and_a_reason(database: Database, first: str, second: str, why: str, said: str) -> None:
    with pytest.raises(InputError, match=said), database.write() as connection:
        dispute(connection, database.key, first, second, by="mint", why=why, now=1.0)
    with pytest.raises(InputError, match="not disputed"), database.write() as connection:
        take_back(connection, database.key, "A", "B", by="mint", why="mistaken", now=1.0)


def test_the_patrol_looks_about_once_an_hour_and_survives_a_database_that_closes(
    watched: Database, village: tuple[Account, ...], newest: float
) -> None:
    feed(watched, [account for account in village if account.name == "Plain Facts 3"], newest)
    ways = Ways()
    keeper = Housekeeper(watched, ON_CALL, lambda: newest, channels=lambda: {"spool": ways})
    keeper.tend(1.0, None)  # nothing was read yet: the clock may be anything
    assert keeper._watching is None
    keeper.tend(2.0, newest)
    first = keeper._watching
    assert first is not None
    first.join(60)
    assert [message.recipient for message in ways.sent] == ["lime@example.org"]
    keeper.tend(3.0, newest)
    assert keeper._watching is first
    keeper.database = None  # type: ignore[assignment]
    keeper._look()
