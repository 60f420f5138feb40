"""The letterbox: many writers, one transaction, and whatever becomes of one of them, it goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest
from sqlalchemy import Connection

from tsbot.errors import InputError
from tsbot.reception import hearing as hearings
from tsbot.reception.letterbox import Letterbox
from tsbot.store.database import Database

from .conftest import House


@pytest.fixture
def letterbox(database: Database) -> Iterator[Letterbox]:
    made = Letterbox(database)
    made.start()
    yield made
    made.stop()


def _held(letterbox: Letterbox) -> tuple[threading.Event, threading.Event, Future[str]]:
    """Work under way that ends when it is told to."""
    begun, go_on = threading.Event(), threading.Event()

    def work(_connection: Connection) -> str:
        begun.set()
        assert go_on.wait(30)
        return "held"

    done = letterbox.put(work)
    assert begun.wait(30)
    return begun, go_on, done


def test_who_gave_up_waiting_stops_nobody_else(letterbox: Letterbox) -> None:
    written: list[str] = []
    _, go_on, held = _held(letterbox)
    gone = letterbox.put(lambda _: written.append("gone"))
    other = letterbox.put(lambda _: written.append("other"))
    assert gone.cancel()
    go_on.set()
    assert held.result(30) == "held"
    other.result(30)
    assert written == ["other"]  # and the one who was told "not stored" is not stored
    with pytest.raises(CancelledError):
        gone.result(0)
    letterbox.put(lambda _: written.append("later")).result(30)
    assert written == ["other", "later"]


def test_what_is_begun_cannot_be_called_off(letterbox: Letterbox) -> None:
    _, go_on, held = _held(letterbox)

    async def impatient() -> None:
        await asyncio.wait_for(asyncio.wrap_future(held), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    go_on.set()
    assert held.result(30) == "held"
    assert letterbox.put(lambda _: "later").result(30) == "later"


def test_a_sender_who_gave_up_is_told_the_truth(house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from tsbot.reception import web

    monkeypatch.setattr(web, "PATIENCE", 0.2)
    _, go_on, _ = _held(house.letterbox)
    browser = house.browser()
    assert browser.post("/", data={"text": "a report"}).status_code == 503
    go_on.set()
    assert house.letterbox.put(lambda _: "later").result(30) == "later"
    with house.database.read() as connection:
        assert hearings._many(connection) == []
    assert not caplog.records, "what is called when it is stored minds no cancelling"


def test_what_is_being_stored_already_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from tsbot.reception import web

    begun, go_on = threading.Event(), threading.Event()
    take_in, wait_for = hearings.take_in, asyncio.wait_for
    waited: list[Any] = []

    def slow(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return take_in(*given)

    async def impatient(what: Any, _seconds: float) -> Any:
        waited.append(what)
        if len(waited) == 1:
            assert begun.wait(30)  # it is under way
            return await wait_for(what, 0.01)
        go_on.set()
        return await wait_for(what, 30)

    monkeypatch.setattr(hearings, "take_in", slow)
    monkeypatch.setattr(web.asyncio, "wait_for", impatient)
    assert house.browser().post("/", data={"text": "a report"}).status_code == 200
    with house.database.read() as connection:
        assert len(hearings._many(connection)) == 1


def test_one_that_fails_is_told_and_the_others_are_written(letterbox: Letterbox) -> None:
    def fails(_connection: Connection) -> None:
        raise InputError("no")

    _, go_on, _ = _held(letterbox)
    first, second, third = letterbox.put(lambda _: 1), letterbox.put(fails), letterbox.put(lambda _: 3)
    go_on.set()
    assert (first.result(30), third.result(30)) == (1, 3)
    with pytest.raises(InputError):
        second.result(30)
