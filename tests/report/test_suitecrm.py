"""Cases in SuiteCRM, against a server that keeps to its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tsbot.demo.contract import Reply
from tsbot.demo.suitecrm import MEDIA_TYPE, SuiteCrm
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.channels.suitecrm import SuiteCrmChannel
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import SuiteCrmSettings

MakeLetter = Callable[..., OutboundMessage]
HOSTILE = ('"}, "type": "Users"', "\r\nX-Header: 1", "<script>alert(1)</script>", "\u202e\u0000 ' OR 1=1 --", "😀" * 400)
FIRST = "6a0c0f2e-0000-5000-8000-000000000001"
SECOND = "6a0c0f2e-0000-5000-8000-000000000002"


@dataclass
class Clock:
    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crm(clock: Clock) -> Iterator[SuiteCrm]:
    with SuiteCrm(clock=clock) as server:
        yield server


def settings_for(crm: SuiteCrm, **more: Any) -> SuiteCrmSettings:
    defaults = {"url": crm.url, "client_id": crm.client_id, "client_secret": crm.client_secret, "timeout": 5.0}
    return SuiteCrmSettings(**defaults | more)


@pytest.fixture
def channel(crm: SuiteCrm, clock: Clock) -> SuiteCrmChannel:
    return SuiteCrmChannel(settings_for(crm), clock)


def test_a_letter_becomes_a_case_under_its_own_id(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter) -> None:
    assert channel.send(letter()) == Receipt(FIRST)
    assert crm.records == {
        ("Cases", FIRST): {
            "name": "[TS] report 0c5e1a2b: threats-public-harm, examplewiki",
            "status": "Open_New",
            "state": "Open",
            "priority": "P1",
            "type": "User",
            "description": letter().text,
        }
    }
    (request,) = crm.asked("POST", "/module")
    assert (request.headers["content-type"], request.headers["accept"]) == (MEDIA_TYPE, MEDIA_TYPE)


@pytest.mark.parametrize(("priority", "there"), [(100, "P1"), (80, "P1"), (79, "P2"), (40, "P2"), (39, "P3"), (0, "P3")])
def test_priorities(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, priority: int, there: str) -> None:
    channel.send(letter(priority=priority))
    assert crm.records["Cases", FIRST]["priority"] == there


def test_a_letter_sent_again_after_a_crash_is_found_there(crm: SuiteCrm, clock: Clock, letter: MakeLetter) -> None:
    for _ in range(2):
        assert SuiteCrmChannel(settings_for(crm), clock).send(letter()) == Receipt(FIRST)
    assert len(crm.records) == 1
    assert [request.path for request in crm.asked("GET")] == [f"/Api/V8/module/Cases/{FIRST}"]


def test_an_answer_that_is_lost_leaves_one_case(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter) -> None:
    crm.faults.silent_after = 1
    with pytest.raises(DeliveryDeferredError, match=r"^suitecrm: ProtocolError$"):
        channel.send(letter())
    assert channel.send(letter()) == Receipt(FIRST)
    assert len(crm.records) == 1


def test_follow_ups_are_notes_of_the_case(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter) -> None:
    channel.send(letter())
    for _ in range(2):
        assert channel.send(letter(2, external_id=FIRST, text="One more edit.\n")) == Receipt(FIRST)
    assert set(crm.records) == {("Cases", FIRST), ("Notes", SECOND)}
    note = crm.records["Notes", SECOND]
    assert (note["parent_type"], note["parent_id"], note["description"]) == ("Cases", FIRST, "One more edit.\n")
    assert crm.asked("PATCH") == []


def test_a_follow_up_opens_the_case_again_and_makes_it_more_urgent_never_less(
    crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter
) -> None:
    channel.send(letter(priority=50))
    crm.records["Cases", FIRST] |= {"state": "Closed", "status": "Closed_Closed"}
    channel.send(letter(2, external_id=FIRST, priority=90))
    channel.send(letter(3, external_id=FIRST, priority=10))
    case = crm.records["Cases", FIRST]
    assert (case["state"], case["status"], case["priority"]) == ("Open", "Open_New", "P1")
    assert len(crm.asked("PATCH")) == 1


def test_a_case_that_was_deleted_there_is_made_anew(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter) -> None:
    channel.send(letter())
    crm.delete("Cases", FIRST)
    assert channel.send(letter(2, external_id=FIRST)) == Receipt(SECOND)
    assert set(crm.records) == {("Cases", SECOND)}
    with pytest.raises(DeliveryRefusedError, match="somebody deleted it"):
        channel.send(letter())


def test_the_path_of_suitecrm_8(clock: Clock, letter: MakeLetter) -> None:
    with SuiteCrm("/legacy/Api", clock=clock) as crm:
        SuiteCrmChannel(settings_for(crm, api_path="/legacy/Api"), clock).send(letter())
        assert set(crm.records) == {("Cases", FIRST)}
        with pytest.raises(DeliveryRefusedError, match=r"^suitecrm: 404 at token$"):
            SuiteCrmChannel(settings_for(crm), clock).send(letter())


# -- signing in -----------------------------------------------------------------------------------------------------------


def test_a_token_is_used_until_it_ends(crm: SuiteCrm, channel: SuiteCrmChannel, clock: Clock, letter: MakeLetter) -> None:
    channel.send(letter(1))
    channel.send(letter(2))
    assert len(crm.asked("POST", "/access_token")) == 1
    clock.now += 3600
    channel.send(letter(3))
    assert len(crm.asked("POST", "/access_token")) == 2
    assert [request.json() for request in crm.asked("POST", "/access_token")] == [
        {"grant_type": "client_credentials", "client_id": crm.client_id, "client_secret": crm.client_secret}
    ] * 2


def test_a_token_that_is_not_taken_any_more_is_renewed_once(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter) -> None:
    channel.send(letter(1))
    crm.tokens.clear()
    channel.send(letter(2))
    assert len(crm.records) == 2
    crm.faults.answers = [Reply(401), Reply(200, {"access_token": "another", "expires_in": 3600})]
    with pytest.raises(DeliveryDeferredError, match=r"^suitecrm: 401 at create$"):
        channel.send(letter(3))


def test_wrong_credentials_are_trouble_of_ours_and_cost_no_letter(crm: SuiteCrm, clock: Clock, letter: MakeLetter) -> None:
    with pytest.raises(DeliveryDeferredError, match=r"^suitecrm: 401 at token$"):
        SuiteCrmChannel(settings_for(crm, client_secret="wrong"), clock).send(letter())
    assert crm.records == {}


# -- trouble --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detail", "error", "words"),
    [
        ("Property colour in Cases module is invalid", DeliveryRefusedError, "an attribute or value that it does not know"),
        ('The required option "data" is missing.', DeliveryRefusedError, "something missing"),
        ("Access Denied", DeliveryRefusedError, "not allowed"),
        ("SQLSTATE[HY000] server has gone away", DeliveryDeferredError, "400 at create$"),
        (None, DeliveryDeferredError, "400 at create$"),
    ],
)
def test_a_400_may_mean_anything(
    crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, detail: str | None, error: type[Exception], words: str
) -> None:
    channel.check()
    crm.faults.answers = [Reply(400, {"errors": {"detail": detail}})]
    with pytest.raises(error, match=words):
        channel.send(letter())


def test_a_server_that_enforces_what_is_documented_finds_nothing_amiss_in_the_way_we_ask(crm: SuiteCrm, channel: SuiteCrmChannel) -> None:
    """The contract server is worth something: it refuses each of these."""
    headers = {"Authorization": f"Bearer {channel._sign_in(fresh=True)}", "Content-Type": MEDIA_TYPE}
    case = {"type": "Cases", "id": FIRST, "attributes": {"name": "x"}}
    for body, kind in (
        ({"data": case | {"attributes": {"colour": "red"}}}, MEDIA_TYPE),
        ({"data": case | {"attributes": {"priority": "High"}}}, MEDIA_TYPE),
        ({"data": case | {"id": "not-a-uuid"}}, MEDIA_TYPE),
        ({"data": case | {"type": "Threats"}}, MEDIA_TYPE),
        ({"data": case}, "application/json"),
        ({}, MEDIA_TYPE),
    ):
        sent = headers | {"Content-Type": kind}
        answer = channel.client.ask("POST", f"{crm.url}/Api/V8/module", headers=sent, body=msgspec.json.encode(body))
        assert answer.status == 400, body
    assert crm.records == {}


@pytest.mark.parametrize(("status", "asked"), [(429, 120.0), (503, 120.0), (500, None)])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, status: int, asked: float | None
) -> None:
    channel.check()
    crm.faults.answers = [Reply(status, headers={"Retry-After": "120"} if asked else {})]
    with pytest.raises(DeliveryDeferredError, match=rf"^suitecrm: {status} at create$") as caught:
        channel.send(letter())
    assert caught.value.retry_after == asked


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, status: int) -> None:
    channel.check()
    crm.faults.answers = [Reply(status, headers={"Location": f"{crm.url}/elsewhere"})]
    with pytest.raises(DeliveryRefusedError, match=rf"^suitecrm: {status} at create$"):
        channel.send(letter())
    assert crm.asked("POST", "/elsewhere") == crm.asked("GET", "/elsewhere") == []


@pytest.mark.parametrize(
    "value", [None, [], "text", 7, {}, {"data": None}, {"data": {"id": 7}}, {"data": {"id": SECOND}}, {"data": [{"id": FIRST}]}]
)
def test_an_answer_that_says_nothing_is_no_confirmation(
    crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, value: Any
) -> None:
    channel.check()
    crm.faults.answers = [Reply(201, value)]
    with pytest.raises(DeliveryDeferredError, match="cannot be understood"):
        channel.send(letter())


@pytest.mark.parametrize(
    "value", [None, [], {}, {"access_token": 7, "expires_in": 3600}, {"access_token": "a\r\nb", "expires_in": 3600}, {"access_token": "a"}]
)
def test_a_token_that_is_none(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, value: Any) -> None:
    crm.faults.answers = [Reply(200, value)]
    with pytest.raises(DeliveryDeferredError, match="the answer to token cannot be understood"):
        channel.send(letter())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text(crm: SuiteCrm, channel: SuiteCrmChannel, letter: MakeLetter, hostile: str) -> None:
    channel.send(letter(text=hostile, private_subject=hostile))
    assert crm.records["Cases", FIRST]["description"] == hostile
    assert crm.records["Cases", FIRST]["name"] == hostile[:255]
    assert set(crm.records) == {("Cases", FIRST)}
