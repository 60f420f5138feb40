"""The private page: read answers, add, take back, ask for another look, end the link."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import select

from tsbot.cases import lifecycle
from tsbot.cases.acts import desk
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.conflicts import People
from tsbot.cases.joining import merge
from tsbot.cases.purge import purge_case
from tsbot.errors import PartyError
from tsbot.reception import hearing as hearings
from tsbot.reception.tokens import hashed, token_of
from tsbot.store import tables as t

from .conftest import CANARY, House


def link(house: House, hearing: hearings.Hearing) -> str:
    return f"/l/{token_of(house.database.key, hearing.id)}"


def close(house: House, case_id: str, by: str = "alice") -> None:
    with house.database.write() as connection:
        lifecycle.move(connection, case_id, CaseState.CLOSED, by=by, now=house.now, outcome="handled", person=True)


def test_the_database_has_a_hash_of_the_token_only(house: House) -> None:
    hearing = house.take(CANARY)
    token = token_of(house.database.key, hearing.id)
    with house.database.read() as connection:
        assert connection.scalar(select(t.hearing.c.token_hash)) == hashed(token)
    assert len(token) == 43


@pytest.mark.parametrize("way", ["link", "pasted", "pasted_whole"])
def test_the_link_leads_to_what_was_said(house: House, way: str) -> None:
    hearing = house.take(CANARY)
    browser, path = house.browser(), link(house, hearing)
    pasted = path.removeprefix("/l/") if way == "pasted" else f"https://tell-us.test{path}"
    page = browser.get(path) if way == "link" else browser.post("/read", data={"token": pasted})
    assert CANARY in page.text
    assert hearing.reference in page.text


def test_answers_are_read_there_and_we_see_that_they_were(house: House) -> None:
    hearing = house.take("x")
    with house.database.write() as connection:
        hearings.add_word(connection, house.database.key, hearing, "We looked at it.", situation="acted", by="Oak 1", now=house.now)
    page = house.browser().get(link(house, hearing))
    assert "We looked at it." in page.text
    assert "Oak" not in page.text
    with house.database.read() as connection:
        (word,) = hearings.words(connection, house.database.key, hearing)
    assert word.read == house.now


def test_what_is_added_brings_a_closed_case_back(house: House) -> None:
    hearing = house.take("x")
    close(house, hearing.case_id)
    page = house.browser().post("/read", data={"token": link(house, hearing), "do": "add", "text": CANARY})
    assert "It was added." in page.text
    assert CANARY in page.text
    with house.database.read() as connection:
        assert read_case(connection, hearing.case_id).state is CaseState.NEW


def test_taking_back_forgets_how_to_reach_them_and_ends_research(house: House) -> None:
    hearing = house.take(CANARY, mail="me@example.org", account="Me", research=True)
    page = house.browser().post("/read", data={"token": link(house, hearing), "do": "withdraw"})
    assert "You took it back" in page.text
    fresh = house.hearing(hearing.id)
    assert fresh.withdrawn == house.now
    assert not fresh.research
    with house.database.read() as connection:
        said = hearings.read_said(connection, house.database.key, fresh)
        states = connection.scalars(select(t.report.c.state)).all()
    assert said is not None
    assert (said.mail, said.account, said.text) == ("", "", CANARY)  # no report is deleted unread
    assert states == ["withdrawn"]


def test_an_ended_expired_or_wrong_link_leads_nowhere(house: House) -> None:
    hearing = house.take(CANARY)
    browser = house.browser()
    assert browser.get(link(house, hearing).swapcase().replace("/L/", "/l/")).status_code == 404
    assert browser.get("/l/short").status_code == 404
    house.now = hearing.expires
    assert browser.get(link(house, hearing)).status_code == 404
    house.now -= 1
    assert "The link is ended" in browser.post("/read", data={"token": link(house, hearing), "do": "end"}).text
    page = browser.get(link(house, hearing))
    assert page.status_code == 404
    assert CANARY not in page.text


def test_tokens_cannot_be_guessed_at_speed(house: House) -> None:
    browser = house.browser()
    codes = [browser.get(f"/l/{number:043d}").status_code for number in range(house.settings.reception.tries_per_hour + 5)]
    assert set(codes[:-5]) == {404}
    assert set(codes[-5:]) == {429}


def test_an_appeal_goes_to_somebody_else(house: House) -> None:
    hearing = house.take("x")
    browser = house.browser()
    assert "There is no text" in browser.post("/read", data={"token": link(house, hearing), "do": "appeal"}).text  # nothing was decided yet
    close(house, hearing.case_id, by="alice")
    page = browser.post("/read", data={"token": link(house, hearing), "do": "appeal"})
    assert "Somebody else will look at it again" in page.text
    fresh = house.hearing(hearing.id)
    assert (fresh.appeal, fresh.decided_by) == (house.now, "alice")
    with house.database.read() as connection:
        assert read_case(connection, hearing.case_id).state is CaseState.NEW
    with house.database.write() as connection, pytest.raises(PartyError, match="somebody else"):
        desk("alice", house.database.key, house.settings).claim(connection, hearing.case_id, house.now)
    with house.database.write() as connection:
        desk("bob", house.database.key, house.settings).claim(connection, hearing.case_id, house.now)


def test_a_report_about_a_handler_is_not_for_them(house: House) -> None:
    people = {"alice": ("Alice on wiki",), "bob": ("Bob",)}
    house.settings = house.desk.settings = msgspec.structs.replace(house.settings, people=people)
    accused = house.take("She does it.", accused="alice_on wiki")
    named = house.take("It is alice on wiki who does it!")
    other = house.take("Somebody bobs up and down.")
    judge = People(house.database.key, people)
    with house.database.read() as connection:
        for hearing, alice, bob in ((accused, True, False), (named, True, False), (other, False, False)):
            assert judge.is_party(connection, hearing.case_id, "alice") is alice
            assert judge.is_party(connection, hearing.case_id, "bob") is bob


def test_purging_the_case_destroys_it(house: House) -> None:
    hearing = house.take(CANARY, mail="me@example.org")
    with house.database.write() as connection:
        hearings.add_word(connection, house.database.key, hearing, CANARY, situation="added", by=None, now=house.now)
        purge_case(connection, hearing.case_id, why="test", by="x", now=house.now)
    with house.database.read() as connection:
        assert hearings.read_said(connection, house.database.key, hearing) is None
        assert [word.text for word in hearings.words(connection, house.database.key, hearing)] == [None]
        row = connection.execute(select(t.hearing)).mappings().one()
    assert (row["body"], row["text_index"], row["sender_index"]) == (None, None, None)


def test_merging_takes_hearings_along_readable(house: House) -> None:
    first, second = house.take("one", mail="me@example.org"), house.take("two")
    with house.database.write() as connection:
        source, into = read_case(connection, first.case_id), read_case(connection, second.case_id)
        hearings.add_word(connection, house.database.key, first, "more", situation="added", by=None, now=house.now)
        merge(connection, house.database.key, source, into, by="alice", now=house.now)
    moved = house.hearing(first.id)
    assert moved.case_id == second.case_id
    with house.database.read() as connection:
        said = hearings.read_said(connection, house.database.key, moved)
        assert said is not None
        assert said.text == "one"
        assert [word.text for word in hearings.words(connection, house.database.key, moved)] == ["more"]
