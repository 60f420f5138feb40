"""The public page: one text is enough, nothing typed is lost, and nothing of it stands where others see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from tsbot.cases.case import CaseState, read_case
from tsbot.errors import StoreBusyError
from tsbot.reception import hearing as hearings
from tsbot.store import audit
from tsbot.store import tables as t

from .conftest import CANARY, House


def count(house: House, table: Any) -> int:
    with house.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_one_text_is_enough_and_becomes_a_case_at_once(house: House, link_of: Callable[[str], str]) -> None:
    page = house.browser().post("/", data={"text": f"He follows me. {CANARY}"})
    assert page.status_code == 200
    (hearing,) = _all(house)
    assert hearing.reference in page.text
    link = link_of(page.text)
    with house.database.read() as connection:
        case = read_case(connection, hearing.case_id)
        said = hearings.read_said(connection, house.database.key, hearing)
    assert (case.source, case.state, case.wiki, case.kind) == ("intake", CaseState.NEW, "metawiki", "harassment")
    assert said is not None
    assert CANARY in said.text
    assert link not in house.browser().get("/").text


def _all(house: House) -> list[hearings.Hearing]:
    with house.database.read() as connection:
        return hearings._many(connection)


def test_a_page_keeps_nothing_and_tells_nobody(house: House) -> None:
    page = house.browser().get("/")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    fetched = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {one for one in fetched if not one.startswith(("/", "mailto:"))} == {"https://www.wikipedia.org/"}  # where the exit leads
    assert 'rel="noreferrer noopener"' in page.text


@pytest.mark.parametrize(
    ("accepted", "asked", "language", "direction"),
    [
        ("ar-EG,ar;q=0.9", "", "ar", "rtl"),
        ("de-AT", "", "de", "ltr"),
        ("tlh", "", "en", "ltr"),
        ("en", "ar", "ar", "rtl"),
        ("", "", "en", "ltr"),
        ("en", "../../etc", "en", "ltr"),
    ],
)
def test_it_speaks_the_persons_language(house: House, accepted: str, asked: str, language: str, direction: str) -> None:
    page = house.browser(accepted).get("/", params={"lang": asked} if asked else {})
    assert f'<html lang="{language}" dir="{direction}">' in page.text


def test_changing_the_language_keeps_what_was_typed(house: House) -> None:
    page = house.browser().post("/", data={"text": CANARY, "hope": "peace", "lang": "ar", "do": "language"})
    assert '<html lang="ar" dir="rtl">' in page.text
    assert CANARY in page.text
    assert "peace" in page.text
    assert count(house, t.hearing) == 0


def test_the_database_down_while_somebody_sends_keeps_the_text_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> Any:
        raise StoreBusyError("The database does not answer.")

    browser = house.browser()
    monkeypatch.setattr(type(house.database), "write", down)
    page = browser.post("/", data={"text": CANARY, "links": "https://en.wikipedia.org/?diff=5", "mail": "me@example.org"})
    assert page.status_code == 503
    assert "could not store your report" in page.text
    assert all(one in page.text for one in (CANARY, "https://en.wikipedia.org/?diff=5", "me@example.org"))
    monkeypatch.undo()
    (once,) = re.findall(r'name="once" value="([^"]+)"', page.text)
    assert browser.post("/", data={"text": CANARY, "once": once}).status_code == 200
    assert count(house, t.hearing) == 1


def test_the_same_form_sent_twice_is_one_report_with_the_same_link(house: House, link_of: Callable[[str], str]) -> None:
    browser = house.browser()
    (once,) = re.findall(r'name="once" value="([^"]+)"', browser.get("/").text)
    links = {link_of(browser.post("/", data={"text": CANARY, "once": once}).text) for _ in range(2)}
    assert len(links) == 1
    assert count(house, t.hearing) == 1


def test_the_same_text_from_two_people_is_one_case_with_two_hearings(house: House) -> None:
    first, second = house.take("They  follow me everywhere"), house.take("they follow ME everywhere")
    assert first.case_id == second.case_id
    assert first.reference != second.reference
    assert count(house, t.case) == 1


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({"text": " \n\t "}, 400, "There is no text yet"),
        ({"text": "\u200b\u200b"}, 400, "There is no text yet"),
        ({"text": "x", "mail": "me"}, 400, "e-mail address is not complete"),
        ({"text": "x", "mail": "a@b.org\r\nBcc: c@d.org"}, 400, "e-mail address is not complete"),
        ({"text": "x" * 5_000_001}, 413, "longer than we can take"),
    ],
)
def test_what_cannot_be_taken_is_said_kindly_and_stays_in_the_form(house: House, typed: dict[str, str], status: int, words: str) -> None:
    page = house.browser().post("/", data=typed)
    assert page.status_code == status
    assert words in page.text
    assert typed["text"][:100] in unescape(page.text)
    assert count(house, t.hearing) == 0


def test_five_million_letters_are_taken_whole(house: House) -> None:
    text = "ب" * 4_999_999 + "!"
    hearing = house.take(text)
    with house.database.read() as connection:
        said = hearings.read_said(connection, house.database.key, hearing)
    assert said is not None
    assert said.text == text


def test_a_flood_is_slowed_and_loses_nothing(house: House) -> None:
    house.settings = house.desk.settings = msgspec.structs.replace(
        house.settings, reception=msgspec.structs.replace(house.settings.reception, reports_per_hour=3)
    )
    browser = house.browser()
    pages = [browser.post("/", data={"text": f"report {number}"}) for number in range(5)]
    assert [page.status_code for page in pages] == [200, 200, 200, 429, 429]
    assert "Many reports come from your network" in pages[-1].text
    assert "report 4" in pages[-1].text
    house.now += 1200
    assert browser.post("/", data={"text": "report 4"}).status_code == 200


def test_danger_to_life_brings_the_numbers_of_the_persons_country_first_and_jumps_the_queue(house: House) -> None:
    house.with_reader()
    calm = house.browser("ar").post("/", data={"text": "somebody is rude", "country": "EG"}).text
    urgent = house.browser("ar").post("/", data={"text": "danger", "country": "EG"}).text
    assert urgent.index('class="danger"') < urgent.index('class="reference"') < urgent.index("findahelpline")
    assert calm.index('class="reference"') < calm.index('class="danger"')
    assert "الطوارئ: 123" in urgent.replace("\u2068", "").replace("\u2069", "")
    while house.reader.run_once():
        pass
    with house.database.read() as connection:
        cases = {read_case(connection, one.case_id).priority: one for one in _all(house)}
    assert max(cases) >= 80
    assert cases[max(cases)].urgent
    assert cases[max(cases)].check_in == house.now + 86400.0
    assert min(cases) < 80


def test_a_detector_that_fails_keeps_no_report_out(house: House) -> None:
    house.with_reader()
    page = house.browser().post("/", data={"text": "poison"})
    assert page.status_code == 200
    house.reader.run_once()
    (hearing,) = _all(house)
    assert (hearing.judged, hearing.urgent) == (house.now, False)  # it goes to a person like any other
    assert count(house, t.hearing) == 1


def test_a_report_that_reads_as_about_minors_is_kept_and_marked(house: House) -> None:
    hearing = house.take("minors")
    house.reader.run_once()
    assert house.hearing(hearing.id).minors
    with house.database.read() as connection:
        case = read_case(connection, hearing.case_id)
        assert hearings.read_said(connection, house.database.key, hearing) is not None
    assert case.kind == "harassment"  # nothing may be stored in a case of the kind `minors`
    assert case.priority >= 70


def test_a_report_from_links_goes_to_the_handlers_of_that_wiki(house: House) -> None:
    hearing = house.take("look", links="https://en.wikipedia.org/w/index.php?diff=5&oldid=4")
    with house.database.read() as connection:
        assert read_case(connection, hearing.case_id).wiki == "enwiki"


def test_nothing_of_a_report_stands_in_clear_in_the_database_or_the_log(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    typed = {"text": CANARY, "mail": "canary@example.org", "account": "Canarius", "hope": CANARY, "target": "Canarius", "country": "EG"}
    page = house.browser().post("/", data=typed)
    (token,) = set(re.findall(r"/l/([A-Za-z0-9_-]{43})", page.text))
    house.database.checkpoint()
    url = house.database.engine.url.database
    assert url is not None
    stored = b"".join(Path(name).read_bytes() for name in (url, f"{url}-wal"))
    for secret in (CANARY, "canary@example.org", "Canarius", token):
        assert secret.encode() not in stored
    said = capsys.readouterr()
    assert "canary" not in (said.out + said.err).lower()
    assert token not in said.out + said.err
    with house.database.read() as connection:
        assert audit.verify(connection) is None


def test_the_form_is_light(house: House) -> None:
    browser = house.browser("ar")
    page = browser.get("/")
    parts = [page.content, *(browser.get(one).content for one in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))]
    assert len(parts) == 3
    assert sum(map(len, parts)) < 40_000
