"""Sign-in with the name and password of a wiki that has no OAuth."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from sqlalchemy import select

from tsbot import log
from tsbot.console.security import RateLimit
from tsbot.console.signin import before, wiki_login
from tsbot.console.signin.wiki_login import PAGE, WikiLogin
from tsbot.store import tables as t
from tsbot.wiki.api import Api

PASSWORD = "a made-up passphrase & more"


@pytest.fixture
def door(house: Any, wikis: Any, make_api: Callable[..., Api]) -> TestClient:
    """A browser before a console that asks enwiki."""
    login = WikiLogin("enwiki", lambda: make_api(keep_cookies=True), "http://testserver/sign-in/wiki")
    wiki_login.register(house.app, house.console, login, RateLimit(5, 3600.0, lambda: house.now))
    wikis.add("en", 3, "Ann", "suppress")
    wikis.passwords["Ann"] = PASSWORD
    house.become("enwiki:3", "oversighter", "Ann")
    return house.stranger()  # type: ignore[no-any-return]


@pytest.fixture
def sign_in(csrf_of: Callable[[str], str]) -> Callable[..., Any]:
    def send(browser: TestClient, name: str = "Ann", password: str = PASSWORD, **headers: str) -> Any:
        form = {"csrf": csrf_of(browser.get(PAGE, params={"back": "/tokens"}).text), "name": name, "password": password}
        return browser.post(PAGE, data=form, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return send


def test_somebody_signs_in(house: Any, wikis: Any, door: TestClient, sign_in: Any) -> None:
    answer = sign_in(door)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tokens")
    assert door.get("/").status_code == 200
    with house.database.read() as connection:
        assert connection.scalar(select(t.person.c.subject)) == "enwiki:3"
    assert wikis.sessions == {}, "the session on the wiki is ended"


def test_each_sign_in_has_a_session_of_its_own(wikis: Any, house: Any, door: TestClient, sign_in: Any) -> None:
    sign_in(door)
    begun = len(wikis.requests)
    sign_in(house.stranger())
    cookies = [sent for _, _, sent in wikis.requests]
    assert (cookies[0], cookies[begun]) == ("", "")
    assert set(cookies[:begun]) & set(cookies[begun:]) == {""}


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("Ann", "wrong", "does not accept"),
        ("Nobody", PASSWORD, "does not accept"),
        ("", PASSWORD, "Give your user name"),
        ("Ann", "", "Give your user name"),
    ],
)
def test_a_wrong_password(door: TestClient, sign_in: Any, name: str, password: str, words: str) -> None:
    answer = sign_in(door, name, password)
    assert (answer.status_code, words in answer.text) == (400, True)
    assert door.get("/").status_code == 303


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"status": "UI", "messagecode": "oathauth-auth-ui", "requests": []}, "second factor"),
        ({"status": "REDIRECT", "redirecttarget": "https://example.org"}, "second factor"),
        ({"status": "RESTART"}, "does not accept"),
        ({}, "does not accept"),
        ([], "cannot be asked"),
    ],
    ids=str,
)
def test_the_wiki_wants_something_else(wikis: Any, door: TestClient, sign_in: Any, says: Any, words: str) -> None:
    wikis.login_says = says
    answer = sign_in(door)
    assert (answer.status_code, words in answer.text) == (400, True)


def test_a_blocked_account(wikis: Any, door: TestClient, sign_in: Any) -> None:
    wikis.local["en"][0] |= {"blockid": 4}
    answer = sign_in(door)
    assert (answer.status_code, "blocked" in answer.text) == (400, True)


def test_the_wiki_is_down(wikis: Any, door: TestClient, sign_in: Any) -> None:
    wikis.down.add("en")
    answer = sign_in(door)
    assert (answer.status_code, "cannot be asked" in answer.text) == (400, True)


@pytest.mark.parametrize("password", ["wrong but long enough to be seen", PASSWORD])
def test_the_password_is_in_no_log_page_or_row(house: Any, wikis: Any, door: TestClient, sign_in: Any, password: str) -> None:
    out = io.StringIO()
    log.configure(out)
    try:
        answers = [sign_in(door, password=password).text]
        wikis.odd = {"error": {"code": "internal_api_error_Exception", "info": password}}
        answers.append(sign_in(house.stranger(), password=password).text)
    finally:
        structlog.reset_defaults()
    database = b"".join(path.read_bytes() for path in Path(house.database.engine.url.database).parent.glob("tsbot.sqlite*"))
    assert "console.refused" in out.getvalue()
    for place in (out.getvalue(), *answers):
        assert password not in place
        assert "Ann" not in place.replace("Sign in with", "")
    assert password.encode() not in database


def test_tries_are_counted_by_address_before_the_wiki_is_asked(wikis: Any, door: TestClient, sign_in: Any) -> None:
    answers = [sign_in(door, f"Name {number}", "wrong").status_code for number in range(5)]
    asked = len(wikis.requests)
    limited = sign_in(door)
    assert (answers, limited.status_code) == ([400] * 5, 429)
    assert int(limited.headers["retry-after"]) > 60
    assert len(wikis.requests) == asked


def test_tries_are_counted_by_name_from_everywhere(house: Any, door: TestClient, sign_in: Any) -> None:
    answers = []
    for number, name in enumerate(("Ann", "ann", "ANN ", " Ann", "aNN", "Ann")):
        browser = TestClient(house.app, base_url="http://testserver", client=(f"192.0.2.{number}", 1), follow_redirects=False)
        answers.append(sign_in(browser, name, "wrong").status_code)
    assert answers == [400] * 5 + [429]


def test_a_form_of_another_site_is_refused(wikis: Any, door: TestClient, sign_in: Any) -> None:
    assert sign_in(door, sec_fetch_site="cross-site").status_code == 403
    assert sign_in(door, sec_fetch_site="same-site").status_code == 403
    assert wikis.requests == []


def test_a_form_that_was_not_given_to_this_browser_is_refused(house: Any, wikis: Any, door: TestClient, csrf_of: Any) -> None:
    token = csrf_of(house.stranger().get(PAGE).text)
    form = {"csrf": token, "name": "Ann", "password": PASSWORD}
    assert door.post(PAGE, data=form).status_code == 403, "without a cookie"
    door.get(PAGE)
    assert door.post(PAGE, data=form).status_code == 403, "with another form's cookie"
    house.now += before.SECONDS + 1
    assert wikis.requests == []


def test_an_oauth_cookie_is_none_for_this_form(house: Any, door: TestClient) -> None:
    from fastapi.responses import Response

    answer = Response()
    before.remember(house.console, answer, before.Begun(way="oauth", secret="s", time=house.now))
    cookie = answer.headers["set-cookie"].partition(";")[0]
    given = door.post(PAGE, data={"csrf": "s", "name": "Ann", "password": PASSWORD}, headers={"cookie": cookie})
    assert given.status_code == 403


@pytest.mark.parametrize("form", [{}, {"csrf": "x"}, {"name": "Ann", "password": PASSWORD}])
def test_a_form_that_lacks_something(door: TestClient, form: dict[str, str]) -> None:
    door.get(PAGE)
    assert door.post(PAGE, data=form).status_code == 403
