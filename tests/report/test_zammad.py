"""Tickets in Zammad, against a server that keeps to its API and whose search index is behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tsbot.demo.contract import Reply
from tsbot.demo.zammad import Zammad
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.channels.zammad import ZammadChannel, thread_key
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import ZammadSettings

MakeLetter = Callable[..., OutboundMessage]
HOSTILE = ('"}, "type": "Users"', "\r\nX-Header: 1", "<script>alert(1)</script>", "\u202e\u0000 ' OR 1=1 --", "😀" * 400)
OTHER_GROUP = "Night shift"


@pytest.fixture
def zammad() -> Iterator[Zammad]:
    with Zammad(("Trust and Safety", OTHER_GROUP)) as server:
        yield server


def channel_of(zammad: Zammad, **more: Any) -> ZammadChannel:
    return ZammadChannel(ZammadSettings(**{"url": zammad.url, "token": zammad.token, "timeout": 5.0} | more), "reporter@example.org")


@pytest.fixture
def channel(zammad: Zammad) -> ZammadChannel:
    return channel_of(zammad)


def test_a_letter_becomes_a_ticket_with_an_internal_note(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    assert channel.send(letter()) == Receipt("1")
    ticket = zammad.tickets[1]
    assert ticket["title"] == f"[{thread_key(letter())}] [TS] report 0c5e1a2b: threats-public-harm, examplewiki"
    assert (ticket["group"], ticket["priority"], ticket["customer"]) == ("Trust and Safety", "3 high", "reporter@example.org")
    (article,) = zammad.of(1)
    assert article["body"] == f"{letter().text}\nReport: {letter().id}\n"
    assert (article["internal"], article["type"], article["content_type"]) == (True, "note", "text/plain")


@pytest.mark.parametrize(("priority", "there"), [(80, "3 high"), (79, "2 normal"), (40, "2 normal"), (39, "1 low")])
def test_priorities(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter, priority: int, there: str) -> None:
    channel.send(letter(priority=priority))
    assert zammad.tickets[1]["priority"] == there


def test_a_letter_sent_again_after_a_crash_is_found_though_the_index_is_behind(zammad: Zammad, letter: MakeLetter) -> None:
    for _ in range(3):
        assert channel_of(zammad).send(letter()) == Receipt("1")
    assert (len(zammad.tickets), len(zammad.articles)) == (1, 1)


def test_an_answer_that_is_lost_leaves_one_ticket(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    zammad.faults.silent_after = 1
    with pytest.raises(DeliveryDeferredError, match=r"^zammad: ProtocolError$"):
        channel.send(letter())
    assert channel.send(letter()) == Receipt("1")
    assert (len(zammad.tickets), len(zammad.articles)) == (1, 1)


def test_follow_ups_are_articles_of_the_ticket_each_once(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    channel.send(letter(1))
    zammad.faults.silent_after = 1
    with pytest.raises(DeliveryDeferredError):
        channel.send(letter(2, external_id="1"))
    for _ in range(2):
        assert channel.send(letter(2, external_id="1")) == Receipt("1")
    assert channel.send(letter(3)) == Receipt("1")  # the number was not noted: found by its key
    assert [article["body"].splitlines()[-1][-1] for article in zammad.of(1)] == ["1", "2", "3"]
    assert len(zammad.tickets) == 1


def test_a_follow_up_opens_the_ticket_again_and_makes_it_more_urgent_never_less(
    zammad: Zammad, channel: ZammadChannel, letter: MakeLetter
) -> None:
    channel.send(letter(priority=50))
    zammad.tickets[1]["state"] = "closed"
    channel.send(letter(2, external_id="1", priority=90))
    channel.send(letter(3, external_id="1", priority=10))
    assert (zammad.tickets[1]["state"], zammad.tickets[1]["priority"]) == ("open", "3 high")
    assert len(zammad.asked("PUT")) == 1


@pytest.mark.parametrize("external_id", ["7", "not a number", "²", ""])
def test_a_ticket_that_is_not_there_any_more_is_made_anew(
    zammad: Zammad, channel: ZammadChannel, letter: MakeLetter, external_id: str
) -> None:
    assert channel.send(letter(2, external_id=external_id)) == Receipt("1")


def test_a_ticket_that_was_merged_into_another_gets_no_more(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    channel.send(letter(1))
    zammad.tickets[1]["state"] = "merged"
    assert channel.send(letter(2, external_id="1")) == Receipt("2")


def test_groups_and_cases_have_tickets_of_their_own(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    channel.send(letter(1))
    channel.send(letter(2, recipient=OTHER_GROUP))
    channel.send(letter(3, case_id="0c5e1a2b-0000-4000-8000-000000000002"))
    assert [zammad.tickets[number]["group"] for number in (1, 2, 3)] == ["Trust and Safety", OTHER_GROUP, "Trust and Safety"]
    assert len({ticket["title"][:25] for ticket in zammad.tickets.values()}) == 3


def test_a_server_that_knows_no_conditions_and_answers_with_everything_is_not_believed(
    zammad: Zammad, channel: ZammadChannel, letter: MakeLetter
) -> None:
    zammad.faults.answers = [Reply(200, [{"id": 99, "title": "Printer on fire", "state": "open"}, None, {"title": 7}])]
    assert channel.send(letter()) == Receipt("1")


# -- trouble --------------------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_trouble_of_ours_and_costs_no_letter(zammad: Zammad, letter: MakeLetter) -> None:
    with pytest.raises(DeliveryDeferredError, match=r"^zammad: 401 at search$"):
        channel_of(zammad, token="wrong").send(letter())
    with pytest.raises(DeliveryDeferredError, match=r"^zammad: 401 at read$"):
        channel_of(zammad, token="wrong").check()
    channel_of(zammad).check()


def test_a_group_that_is_not_there_needs_a_person(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter) -> None:
    with pytest.raises(DeliveryRefusedError, match=r"^zammad: 422 at create$"):
        channel.send(letter(recipient="Nobody"))


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    zammad: Zammad, channel: ZammadChannel, letter: MakeLetter, status: int
) -> None:
    zammad.faults.answers = [Reply(status, headers={"Retry-After": "60"})]
    with pytest.raises(DeliveryDeferredError, match=rf"^zammad: {status} at search$") as caught:
        channel.send(letter())
    assert caught.value.retry_after == 60


@pytest.mark.parametrize("value", [None, {}, "text", [{"id": "1", "title": "KEY"}]])
def test_a_search_that_cannot_be_understood_creates_nothing(
    zammad: Zammad, channel: ZammadChannel, letter: MakeLetter, value: Any
) -> None:
    if isinstance(value, list):
        value[0]["title"] = f"[{thread_key(letter())}]"
    zammad.faults.answers = [Reply(200, value)]
    with pytest.raises(DeliveryDeferredError, match="cannot be understood"):
        channel.send(letter())
    assert zammad.tickets == {}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text(zammad: Zammad, channel: ZammadChannel, letter: MakeLetter, hostile: str) -> None:
    channel.send(letter(text=hostile, private_subject=hostile))
    (article,) = zammad.of(1)
    assert article["body"].startswith(hostile)
    assert (article["content_type"], len(zammad.tickets[1]["title"]) <= 250) == ("text/plain", True)
