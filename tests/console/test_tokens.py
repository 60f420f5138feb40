"""Personal tokens: made once, shown once, never worth more than their owner."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from tsbot.console import tokens
from tsbot.console.access import Act
from tsbot.errors import ForgedError, InputError
from tsbot.store import tables as t

DAY = 86400.0


def make(browser: Any, **fields: Any) -> Any:
    """Ask for a token by the form."""
    form = {"csrf": browser.csrf, "label": "the gadget", "scope": ["see_queue", "handle"], "days": "30"} | fields
    return browser.post("/tokens", data=form)


def token_in(page: str) -> str:
    return next(word for word in page.replace('"', " ").split() if word.startswith(tokens.PREFIX))


def test_a_token_is_made_used_and_revoked(house: Any) -> None:
    browser = house.client()
    made = make(browser)
    assert made.status_code == 200
    token = token_in(made.text)
    program = house.stranger()
    program.headers["authorization"] = f"Bearer {token}"
    assert program.get("/api/v1/cases").status_code == 200
    page = browser.get("/tokens").text
    assert token not in page, "it is shown once"
    assert "the gadget" in page
    with house.database.read() as connection:
        row = connection.execute(select(t.token)).mappings().one()
    assert token not in str(dict(row))
    assert (row["scopes"], row["expires"] - row["created"]) == ("see_queue handle", 30 * DAY)
    assert browser.post(f"/tokens/{row['id']}/revoke", data={"csrf": browser.csrf}).status_code == 303
    assert program.get("/api/v1/cases").status_code == 401
    assert [act for _, act in house.acts(row["id"])] == ["token.made", "token.revoked"]


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": []},
        {"scope": ["reveal"]},
        {"scope": ["manage_tokens"]},
        {"scope": ["see_audit"]},
        {"label": ""},
        {"label": "   "},
        {"label": "x" * 65},
        {"label": "a\u202eb"},
        {"days": "0"},
        {"days": "91"},
        {"days": "-1"},
        {"days": "1e1"},
        {"days": "٣"},
        {"days": ""},
    ],
    ids=str,
)
def test_what_is_no_token(house: Any, fields: dict[str, Any]) -> None:
    answer = make(house.client(), **fields)
    assert answer.status_code == 422
    assert tokens.PREFIX not in answer.text
    with house.database.read() as connection:
        assert connection.execute(select(t.token)).first() is None


def test_a_token_has_only_acts_that_its_owner_may_do(house: Any) -> None:
    browser = house.client("checkuser")
    assert make(browser, scope=["see_queue", "handle"]).status_code == 422
    assert 'value="see_queue"' not in browser.get("/tokens").text


def test_somebody_elses_token(house: Any) -> None:
    program, other = house.program(), house.client()
    with house.database.read() as connection:
        identity = connection.scalar(select(t.token.c.id))
    assert other.post(f"/tokens/{identity}/revoke", data={"csrf": other.csrf}).status_code == 400
    assert program.get("/api/v1/cases").status_code == 200
    assert "You have none." in other.get("/tokens").text


def test_a_token_ends(house: Any) -> None:
    program = house.program(days=2)
    house.now += 2 * DAY - 1
    assert program.get("/api/v1/cases").status_code == 200
    house.now += 1
    assert program.get("/api/v1/cases").status_code == 401


@pytest.mark.parametrize("values", [{"created": 1e12, "expires": 1e12 + DAY}, {"expires": 1e12}], ids=str)
def test_a_token_of_a_wrong_clock_ends(house: Any, values: dict[str, float]) -> None:
    program = house.program()
    with house.database.write() as connection:
        connection.execute(update(t.token).values(**values))
    house.now += 91 * DAY
    assert program.get("/api/v1/cases").status_code == 401


def test_a_disabled_person_has_no_token(house: Any) -> None:
    program = house.program()
    with house.database.write() as connection:
        connection.execute(update(t.person).values(disabled=True))
    assert program.get("/api/v1/cases").status_code == 401


def test_lost_rights_end_sessions_tokens_and_leases(house: Any) -> None:
    browser, case = house.client(), house.case()
    program = house.stranger()
    program.headers["authorization"] = f"Bearer {token_in(make(browser).text)}"
    assert program.post(f"/api/v1/cases/{case}/claim", json={}).status_code == 200
    house.become(browser.person.subject, "nobody")
    assert browser.get("/").status_code == 200, "groups are asked for every five minutes"
    house.now += 301
    assert browser.get("/").status_code == 403
    assert browser.get("/").status_code == 303, "the session is gone"
    assert program.get("/api/v1/cases").status_code == 401
    with house.database.read() as connection:
        assert connection.scalar(select(t.case.c.lease_by)) is None
    house.become(browser.person.subject, "oversighter")
    assert (browser.get("/").status_code, program.get("/api/v1/cases").status_code) == (303, 401)


def test_a_wiki_that_does_not_answer_shuts_everybody_out_and_ends_nothing(house: Any) -> None:
    program = house.program()
    groups = house.groups.pop(program.person.subject)
    assert program.get("/api/v1/cases").status_code == 503
    house.groups[program.person.subject] = groups
    assert program.get("/api/v1/cases").status_code == 200


def test_nobody_has_endless_tokens(house: Any) -> None:
    browser = house.client()
    with house.database.write() as connection:
        for _ in range(tokens.MOST):
            tokens.make(connection, browser.person, "one", [Act.SEE_CASE], 1, house.now)
        with pytest.raises(InputError, match="Revoke one"):
            tokens.make(connection, browser.person, "one", [Act.SEE_CASE], 1, house.now)
        tokens.make(connection, browser.person, "one", [Act.SEE_CASE], 1, house.now + DAY)


@pytest.mark.parametrize("token", ["", "tsbot_", "x", "\ud800", "é", "tsbot_" + "A" * 43])
def test_what_is_none_of_ours(house: Any, token: str) -> None:
    with house.database.read() as connection, pytest.raises(ForgedError):
        tokens.find(connection, house.database.key, token, house.now)
