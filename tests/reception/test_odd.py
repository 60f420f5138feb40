"""What no browser sends, and what no person means well by: nothing is lost, nobody is written to, and the page stays up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from tsbot.cases.retention import due_cases, shipped_retention
from tsbot.reception import hearing as hearings
from tsbot.reception.mailroom import _Clerk
from tsbot.reception.unsealing import closed
from tsbot.store import tables as t

from .conftest import CANARY, House

YEARS = 20 * 365 * 86400.0


def count(house: House, table: Any) -> int:
    with house.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"\xff\xfe\x00", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"text=%zz%00%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 200),
        ({"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400),
        ({"content": b"text=x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"data": {f"f{number}": "x" for number in range(5000)} | {"text": CANARY}}, 400),
        ({"data": {"text": "a\ud800b".encode("utf-8", "surrogatepass").decode("latin-1")}}, 200),
    ],
    ids=["bytes", "json", "escapes", "broken", "no_boundary", "fields", "surrogates"],
)
def test_a_form_that_no_browser_sends_is_refused_or_taken_and_breaks_nothing(house: House, sent: dict[str, Any], status: int) -> None:
    browser = house.browser()
    assert browser.post("/", **sent).status_code == status
    assert count(house, t.hearing) == (status == 200)
    assert browser.post("/", data={"text": CANARY}).status_code == 200


def test_a_file_that_is_sent_along_is_not_opened_and_the_text_is_kept(house: House) -> None:
    page = house.browser().post(
        "/", data={"text": CANARY}, files={"file": ("evidence.zip", b"PK\x03\x04\x00\xff" * 1000, "application/zip")}
    )
    assert page.status_code == 200
    assert "cannot take attachments" in page.text
    with house.database.read() as connection:
        (found,) = hearings._many(connection)
        said = hearings.read_said(connection, house.database.key, found)
    assert said is not None
    assert said.text == CANARY
    assert said.remarks == ("attachments",)


@pytest.mark.parametrize("name", ["mail", "account", "accused", "target", "hope", "links", "country", "about", "lang", "once"])
def test_no_field_makes_a_header_or_a_page(house: House, name: str) -> None:
    browser = house.browser()
    hostile = "x\r\nBcc: other@example.net\r\n\r\n<script>alert(1)</script>"
    page = browser.post("/", data={"text": "x", name: hostile})
    assert page.status_code in (200, 400)
    assert "<script>alert" not in page.text
    assert "bcc" not in {header.lower() for header in page.headers}
    with house.database.read() as connection:
        assert not any("Bcc" in f"{row}" for row in connection.execute(select(t.report)))


def test_mail_in_floods_waits_at_the_mail_server_and_none_is_refused_for_good(house: House) -> None:
    ours = msgspec.structs.replace(house.settings.reception, reports_per_hour=1, mail_listen="127.0.0.1:0")
    house.settings = house.desk.settings = msgspec.structs.replace(house.settings, reception=ours)
    clerk = _Clerk(house.desk, closed)
    import asyncio
    from types import SimpleNamespace

    def send(number: int) -> str:
        raw = f"From: p{number}@example.net\r\nSubject: x\r\n\r\nreport {number}".encode()
        envelope: Any = SimpleNamespace(original_content=raw, mail_from=f"p{number}@example.net")
        nothing: Any = None
        return asyncio.run(clerk.handle_DATA(nothing, nothing, envelope))

    answers = [send(number)[:3] for number in range(6)]
    assert answers == ["250"] * 4 + ["451"] * 2
    house.now += 3600
    assert send(5)[:3] == "250"
    assert count(house, t.hearing) == 5


@pytest.mark.parametrize("withdrawn", [False, True])
def test_no_report_is_ever_deleted_unread(house: House, withdrawn: bool) -> None:
    hearing = house.take(CANARY, mail="me@example.org")
    if withdrawn:
        house.desk.withdraw(hearing).result(60)
    with house.database.read() as connection:
        assert due_cases(connection, shipped_retention(), house.now + YEARS) == []


def test_the_same_person_again_and_again_is_seen_by_handlers_and_shut_out_by_nobody(house: House) -> None:
    taken = [house.take(f"report {number}", mail="me@example.org") for number in range(12)]
    with house.database.read() as connection:
        assert hearings.from_same_sender(connection, taken[-1]) == 11
    assert len({one.case_id for one in taken}) == 12


def test_a_private_page_guessed_at_by_form_is_slowed_as_well(house: House) -> None:
    browser = house.browser()
    most = house.settings.reception.tries_per_hour
    codes = [browser.post("/read", data={"token": f"{number:043d}", "do": "withdraw"}).status_code for number in range(most + 2)]
    assert codes == [404] * most + [429] * 2
