"""Signing in with the wiki on the public page: nobody needs to, nothing typed is lost, and it is good for being written to, no more."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tsbot.reception import hearing as hearings
from tsbot.reception import mailing
from tsbot.reception.signing import BEGIN, RETURN
from tsbot.reception.web import create_app
from tsbot.settings import ConsoleSettings, ReceptionSettings
from tsbot.store import outbox
from tsbot.store import tables as t

from .conftest import CANARY, House

ANN = {"sub": 7, "username": "Ann Wiki", "blocked": False}
URL = "https://tell-us.test"


@pytest.fixture(scope="module")
def _provider() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("reception_provider", Path(__file__).parent.parent / "console" / "provider.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    running = module.Running()
    running.provider.client = module.Client("page-client", "", f"{URL}{RETURN}")
    yield running
    running.close()


@pytest.fixture
def provider(_provider: Any) -> Any:
    _provider.provider.user = ANN
    return _provider.provider


@pytest.fixture
def browser(house: House, provider: Any) -> TestClient:
    reception = ReceptionSettings(
        url=URL, address="tell-us@example.org", client_id="page-client", certificate="cert.pem", private_key="key.pem"
    )
    console = ConsoleSettings(oauth_url=provider.url, central_wiki="metawiki")
    house.settings = house.desk.settings = msgspec.structs.replace(house.settings, reception=reception, console=console)
    return TestClient(create_app(house.desk), base_url=URL, headers={"accept-language": "en"}, follow_redirects=False)


def authorize(browser: TestClient) -> str:
    """Begin, and what the wiki answers: the address that leads back, as path and query."""
    begun = browser.get(BEGIN, params={"lang": "en"})
    assert begun.status_code == 303
    answer = httpx.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"


def sign_in(browser: TestClient) -> Any:
    back = browser.get(authorize(browser))
    assert (back.status_code, back.headers["location"]) == (303, f"{BEGIN}/done?lang=en")
    return browser.get(back.headers["location"])


def said(house: House) -> Any:
    with house.database.read() as connection:
        (found,) = hearings._many(connection)
        return hearings.read_said(connection, house.database.key, found)


def test_it_is_offered_in_a_page_of_its_own_and_not_needed(house: House, browser: TestClient) -> None:
    page = browser.get("/")
    assert f'href="{BEGIN}?lang=en" target="_blank" rel="noreferrer noopener"' in page.text
    assert "set-cookie" not in page.headers
    assert browser.post("/", data={"text": CANARY}).status_code == 200
    assert (said(house).account, said(house).vouched) == ("", False)


def test_without_a_client_there_is_no_such_page(house: House) -> None:
    browser = house.browser()
    assert "sign-in" not in browser.get("/").text
    assert browser.get(BEGIN).status_code == 404


def test_who_signed_in_is_written_to_through_their_wiki(house: House, browser: TestClient) -> None:
    page = sign_in(browser)
    assert "Ann Wiki" in page.text
    assert "close this page" in page.text
    assert "You are signed in as" in browser.get("/").text
    sent = browser.post("/", data={"text": CANARY})
    assert sent.status_code == 200
    assert (said(house).account, said(house).vouched) == ("Ann Wiki", True)
    with house.database.read() as connection:
        (row,) = outbox.listing(connection)
        mail = mailing.compose(connection, house.database.key, house.settings, row, house.now).message
    assert (row.channel, mail.recipient) == ("emailuser", "metawiki:Ann Wiki")
    assert "Ann" not in f"{row.recipient} {row.subject}"
    assert "/l/" in mail.text
    assert CANARY not in mail.text
    assert "signed in as" not in browser.get("/").text.lower(), "the report has taken it along"


def test_cookies_are_sealed_and_for_this_host_only(browser: TestClient) -> None:
    begun = browser.get(BEGIN)
    done = browser.get(authorize(browser))
    for cookie in (begun.headers["set-cookie"], *done.headers.get_list("set-cookie")):
        assert cookie.startswith("__Host-tsbot-report")
        assert "HttpOnly" in cookie
        assert "Secure" in cookie
        assert "SameSite=lax" in cookie
        assert "Ann" not in cookie
    assert parse_qs(urlsplit(begun.headers["location"]).query)["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize("typed", [{"account": "Somebody else"}, {"mail": "me@example.net"}], ids=["other_account", "mail"])
def test_what_is_typed_goes_first(house: House, browser: TestClient, typed: dict[str, str]) -> None:
    sign_in(browser)
    browser.post("/", data={"text": CANARY, **typed})
    if "account" in typed:
        assert (said(house).account, said(house).vouched) == ("Somebody else", False)
    with house.database.read() as connection:
        assert connection.scalars(select(t.report.c.channel)).all() == ([] if "account" in typed else ["smtp"])


def test_signing_out_forgets_it_and_keeps_what_was_typed(browser: TestClient) -> None:
    sign_in(browser)
    page = browser.post("/", data={"text": CANARY, "do": "sign-out"})
    assert CANARY in page.text
    assert "You are signed in as" not in page.text
    assert "You are signed in as" not in browser.get("/").text
    sign_in(browser)
    assert browser.post("/sign-out").headers["location"] == "/"
    assert "You are signed in as" not in browser.get("/").text


def _other_state(address: str) -> str:
    return address.replace("state=", "state=x")


@pytest.mark.parametrize(
    "spoil", [_other_state, lambda _: RETURN, lambda a: a.replace("code=", "code=x")], ids=["state", "nothing", "code"]
)
def test_a_return_that_was_not_begun_here_is_nobody(house: House, browser: TestClient, spoil: Callable[[str], str]) -> None:
    answer = browser.get(spoil(authorize(browser)))
    assert answer.status_code == 400
    assert "The sign-in did not work. You need none" in answer.text
    assert "You are signed in as" not in browser.get("/").text
    assert browser.post("/", data={"text": CANARY}).status_code == 200


@pytest.mark.parametrize("profile", [{"sub": 7, "blocked": True}, ANN | {"blocked": True}, {}], ids=str)
def test_who_is_blocked_or_nobody_reports_without_it(house: House, provider: Any, browser: TestClient, profile: dict[str, Any]) -> None:
    provider.user = profile or {"blocked": False}
    assert browser.get(authorize(browser)).status_code == 400
    assert browser.post("/", data={"text": CANARY}).status_code == 200


def test_it_is_forgotten_after_an_hour_and_so_is_one_half_done(house: House, browser: TestClient) -> None:
    sign_in(browser)
    address = authorize(browser)
    house.now += 3601
    assert "You are signed in as" not in browser.get("/").text
    assert browser.get(address).status_code == 400


def test_a_cookie_made_by_somebody_else_says_nothing(browser: TestClient) -> None:
    browser.cookies.set("__Host-tsbot-reporter", "QW5u", domain="tell-us.test")
    assert "You are signed in as" not in browser.get("/").text
