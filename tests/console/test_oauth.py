"""Sign-in with OAuth 2, against a provider built with Authlib that answers as MediaWiki does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from tsbot.console.security import RateLimit
from tsbot.console.signin import before, oauth
from tsbot.console.signin.oauth import BEGIN, RETURN, OAuth
from tsbot.settings import ConsoleSettings
from tsbot.store import tables as t

ANN = {"sub": 7, "username": "Ann", "editcount": 5, "confirmed_email": True, "blocked": False, "groups": ["*"], "rights": [], "grants": []}
SECRET = "client-secret-0123456789"
Door = Callable[..., TestClient]


@pytest.fixture(params=[SECRET, ""], ids=["confidential", "public"])
def door(request: Any, house: Any, provider: Any) -> TestClient:
    """A browser before a console to which this provider signs people in."""
    secret: str = request.param
    settings = ConsoleSettings(oauth_url=provider.url, client_id="console-client", client_secret=secret)
    provider.client = type(provider.client)("console-client", secret, f"http://testserver{RETURN}")
    provider.user = ANN
    protocol = OAuth(settings, f"http://testserver{RETURN}", "tsbot (tests)")
    oauth.register(house.app, house.console, protocol, RateLimit(20, 3600.0, lambda: house.now))
    house.become("7", "oversighter", "Ann")
    return house.stranger()  # type: ignore[no-any-return]


def authorize(browser: TestClient, back: str = "/") -> str:
    """Begin, and what the wiki answers: the address that leads back, as path and query."""
    begun = browser.get(BEGIN, params={"back": back})
    assert begun.status_code == 303
    answer = httpx.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"http://testserver{RETURN}"
    return f"{parts.path}?{parts.query}"


def people(house: Any) -> int:
    with house.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(t.person)))


def test_somebody_signs_in(house: Any, provider: Any, door: TestClient) -> None:
    answer = door.get(authorize(door, "/cases/1"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert door.get("/").status_code == 200
    with house.database.read() as connection:
        row = connection.execute(select(t.person)).mappings().one()
    assert row["subject"] == "7", "the central id, which lasts, and not the name"
    assert b"Ann" not in row["name"]


def test_nothing_secret_is_in_the_browser_or_the_address(provider: Any, door: TestClient) -> None:
    begun = door.get(BEGIN)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    door.get(authorize(door))
    sent = dict(provider.requests)[f"{urlsplit(provider.url).path}/access_token"]
    verifier = sent["code_verifier"]
    assert len(verifier) >= 43
    assert verifier not in str(begun.headers)


def test_a_renamed_account_keeps_its_place(house: Any, provider: Any, door: TestClient) -> None:
    door.get(authorize(door))
    provider.user = ANN | {"username": "Ann Renamed"}
    door.get(authorize(door))
    assert people(house) == 1


@pytest.mark.parametrize(
    "profile",
    [
        {"sub": 7, "blocked": False},  # hidden: MediaWiki tells no more
        {"sub": 7, "blocked": True},
        ANN | {"blocked": True},
        ANN | {"blocked": None},
        {"sub": 7, "username": "", "blocked": False},
    ],
    ids=str,
)
def test_who_is_hidden_or_blocked_is_kept_out(house: Any, provider: Any, door: TestClient, profile: dict[str, Any]) -> None:
    provider.user = profile
    answer = door.get(authorize(door))
    assert answer.status_code == 403
    assert "blocked or hidden" in answer.text
    assert people(house) == 0


WITHOUT_ID = ({}, {"username": "Ann", "blocked": False}, ANN | {"sub": "x"}, ANN | {"sub": -1}, ANN | {"sub": "٧"})


@pytest.mark.parametrize("profile", WITHOUT_ID, ids=str)
def test_a_profile_without_an_id_is_nobody(house: Any, provider: Any, door: TestClient, profile: dict[str, Any]) -> None:
    provider.user = profile or {"blocked": False}
    answer = door.get(authorize(door))
    assert answer.status_code == 400
    assert people(house) == 0


def test_a_code_works_once(house: Any, door: TestClient) -> None:
    address = authorize(door)
    cookie = door.cookies[before.cookie_name(house.console)]
    assert door.get(address).status_code == 303
    assert door.get(address).status_code == 403, "the browser has forgotten what it began"
    door.cookies.set(before.cookie_name(house.console), cookie)
    replayed = door.get(address)
    assert (replayed.status_code, "refuses this sign-in" in replayed.text) == (400, True)


def test_a_wrong_code(door: TestClient) -> None:
    address = authorize(door)
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = door.get(RETURN, params={"code": "guessed", "state": state})
    assert (answer.status_code, "refuses this sign-in" in answer.text) == (400, True)


def test_a_code_of_another_sign_in(house: Any, door: TestClient) -> None:
    """Somebody has their own code sent to a victim, who would work in the attacker's name."""
    address = authorize(house.stranger())
    assert door.get(address).status_code == 403, "this browser began nothing"
    door.get(BEGIN)
    assert door.get(address).status_code == 403, "this browser began another one"
    assert people(house) == 0


def test_a_wrong_verifier(house: Any, provider: Any, door: TestClient) -> None:
    """A stolen code is worth nothing without the verifier, which only this browser's sealed cookie has."""
    stolen = parse_qs(urlsplit(authorize(house.stranger())).query)["code"][0]
    state = parse_qs(urlsplit(door.get(BEGIN).headers["location"]).query)["state"][0]
    answer = door.get(RETURN, params={"code": stolen, "state": state})
    assert (answer.status_code, "refuses this sign-in" in answer.text) == (400, True)
    assert provider.tokens == {}


def test_a_token_that_has_ended(house: Any, provider: Any, door: TestClient) -> None:
    provider.expired = True
    answer = door.get(authorize(door))
    assert (answer.status_code, "does not say who you are" in answer.text) == (400, True)
    assert people(house) == 0


def test_a_wrong_client_secret(house: Any, provider: Any, door: TestClient) -> None:
    address = authorize(door)
    provider.client.secret = "another"
    assert door.get(address).status_code == 400
    assert people(house) == 0


def test_consent_is_refused(provider: Any, door: TestClient) -> None:
    provider.allow = False
    answer = door.get(authorize(door))
    assert (answer.status_code, "You did not allow the sign-in." in answer.text) == (400, True)


@pytest.mark.parametrize("endpoint", ["access_token", "resource/profile"])
def test_the_wiki_answers_a_page_instead(house: Any, provider: Any, door: TestClient, endpoint: str) -> None:
    provider.broken = endpoint
    answer = door.get(authorize(door))
    assert answer.status_code == 400
    assert "<title>A page" not in answer.text
    assert people(house) == 0


def test_a_sign_in_that_takes_too_long(house: Any, door: TestClient) -> None:
    address = authorize(door)
    house.now += before.SECONDS + 1
    assert door.get(address).status_code == 403


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "é", "=" * 5000])
def test_a_forged_cookie(house: Any, door: TestClient, cookie: str) -> None:
    address = authorize(door)
    answer = house.stranger().get(address, headers={"cookie": f"{before.cookie_name(house.console)}={cookie}".encode()})
    assert answer.status_code == 403


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "/a\nb"])
def test_it_leads_back_here_and_nowhere_else(door: TestClient, back: str) -> None:
    assert door.get(authorize(door, back)).headers["location"] == "/"


def test_tries_are_counted(door: TestClient) -> None:
    answers = [door.get(BEGIN).status_code for _ in range(21)]
    assert (answers[:20], answers[20]) == ([303] * 20, 429)
