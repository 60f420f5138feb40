"""Reports of people in the console: masked, read one at a time, answered with a draft and advice, merged with the bot's flag."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tsbot.cases.case import read_case
from tsbot.dealings.asking import Farm
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import Arrival, Hearing, Terms
from tsbot.reception.said import Said
from tsbot.reception.tokens import hearing_id
from tsbot.store import tables as t

CANARY = "canary seven three nine one five"
HIDE = Path(__file__).parent.parent / "hide" / "conftest.py"
TERMS = Terms("enwiki", 180.0, 7.0, 24.0)


def memory_wiki() -> Any:
    """The wiki in memory of the tests of hiding."""
    spec = importlib.util.spec_from_file_location("console_memory_wiki", HIDE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.MemoryWiki()


def take(house: Any, text: str = CANARY, *, language: str = "en", wiki: str = "enwiki", **more: Any) -> Hearing:
    identity = hearing_id(house.database.key, f"{text}{language}{more}" + "x" * 22)
    with house.database.write() as connection:
        arrival = Arrival(identity, Said(text=text, **more), "web", language, wiki)
        return hearings.take_in(connection, house.database.key, arrival, TERMS, house.now)


def post(client: Any, hearing: Hearing, act: str, /, **fields: str) -> Any:
    return client.post(f"/cases/{hearing.case_id}/{act}", data={"csrf": client.csrf, "hearing": hearing.id} | fields)


def test_before_anything_is_revealed_the_page_has_no_word_of_it(house: Any) -> None:
    hearing = take(house, mail="rosa@example.org")
    page = house.client().get(f"/cases/{hearing.case_id}").text
    assert hearing.reference in page
    assert CANARY not in page
    assert "rosa@example.org" not in page


def test_a_report_is_revealed_with_its_links_and_that_is_written_down(house: Any) -> None:
    hearing = take(house, links="https://en.wikipedia.org/w/index.php?diff=1001", hope="peace", about="other")
    client = house.client()
    page = post(client, hearing, "hearing").text
    assert CANARY in page
    assert "https://en.wikipedia.org/w/index.php?diff=1001" in page
    assert "ask that person privately" in page
    assert (client.person.pseudonym, "hearing.revealed") in house.acts(hearing.case_id)


def test_an_answer_begins_with_a_draft_in_the_persons_language_and_advice(house: Any) -> None:
    hearing = take(house, language="ar")
    client = house.client()
    page = post(client, hearing, "hearing", situation="received").text
    assert "قرأنا بلاغك" in page
    assert "Promise nothing else" in page
    assert post(client, hearing, "answer", situation="received", text="شكرًا لك.").status_code == 303
    with house.database.read() as connection:
        (word,) = hearings.words(connection, house.database.key, hearing)
    assert (word.by, word.text) == (client.person.pseudonym, "شكرًا لك.")
    refused = post(client, hearing, "answer", situation="received", text=f"Yours, {client.person.pseudonym}")
    assert refused.status_code == 400
    assert "who handles it" in refused.text


def test_a_case_beside_the_bots_flag_is_offered_and_merged(house: Any) -> None:
    flag = house.flag(rev_id=4242)
    hearing = take(house, links="https://en.wikipedia.org/w/index.php?diff=4242")
    house.console.database_of = {"https://en.wikipedia.org": "enwiki"}.get
    client = house.client()
    page = client.get(f"/cases/{hearing.case_id}").text
    assert f'name="into" value="{flag.case_id}"' in page
    done = client.post(f"/cases/{hearing.case_id}/merge", data={"csrf": client.csrf, "into": flag.case_id, "version": "1"})
    assert done.headers["location"] == f"/cases/{flag.case_id}"
    merged = client.get(f"/cases/{flag.case_id}").text
    assert hearing.reference in merged


def test_a_case_of_another_wiki_is_no_target_for_merging(house: Any) -> None:
    hearing, other = take(house), house.case(wiki="dewiki")
    client = house.client()
    assert client.post(f"/cases/{hearing.case_id}/merge", data={"csrf": client.csrf, "into": other, "version": "1"}).status_code == 403


def test_the_steps_lead_to_the_end(house: Any) -> None:
    hearing = take(house)
    client = house.client()

    def close() -> int:
        version = str(house_version(house, hearing.case_id))
        return int(post(client, hearing, "close", outcome="handled", version=version).status_code)

    assert close() == 409
    assert post(client, hearing, "note", text="found").status_code == 303
    assert 'value="nothing_to_act"' in client.get(f"/cases/{hearing.case_id}").text
    assert post(client, hearing, "step", what="nothing_to_act").status_code == 303
    assert post(client, hearing, "step", what="nobody_sanctioned").status_code == 303
    assert post(client, hearing, "answer", situation="nothing", text="Nothing that we can do ourselves.").status_code == 303
    assert close() == 303


def house_version(house: Any, case_id: str) -> int:
    with house.database.read() as connection:
        return read_case(connection, case_id).version


def test_people_who_wait_are_counted_above_the_queue(house: Any) -> None:
    take(house)
    house.now += 8 * 86400
    assert "One person waits longer for news" in house.client().get("/").text
    assert "waits longer" not in house.client("elsewhere").get("/").text


def test_a_handler_whom_it_names_sees_nothing_of_it(house: Any) -> None:
    identity = hearing_id(house.database.key, "y" * 30)
    with house.database.write() as connection:
        arrival = Arrival(identity, Said(text="It is Mallory."), "web", "en", "enwiki", away=("Mallory",))
        hearing = hearings.take_in(connection, house.database.key, arrival, TERMS, house.now)
    mallory = house.client(name="Mallory")
    assert mallory.get(f"/cases/{hearing.case_id}").status_code == 403
    assert hearing.case_id[:8] not in mallory.get("/").text
    assert hearing.case_id[:8] in house.client().get("/").text


@pytest.mark.parametrize("kind", ["violence", "harassment"])
def test_after_a_hard_case_a_debrief_is_offered(house: Any, kind: str) -> None:
    hearing = take(house)
    with house.database.write() as connection:
        connection.execute(update(t.case).values(state="closed", kind=kind, outcome="handled", closed=house.now))
    client = house.client()
    page = client.get(f"/cases/{hearing.case_id}").text
    assert ("This was a hard case" in page) is (kind == "violence")
    if kind == "violence":
        assert post(client, hearing, "debrief", text="It was much.").status_code == 303
        assert "This was a hard case" not in client.get(f"/cases/{hearing.case_id}").text


def test_dealings_and_origins_are_asked_of_the_wiki_and_written_down(house: Any) -> None:
    wiki = memory_wiki()
    wiki.edit("User talk:Ann", "hello", user="Ann")
    bad = wiki.edit("User talk:Ann", "anvilsanvilsanvils made-up", user="Bob")
    flag = house.flag(user="Bob", title="User talk:Ann", namespace=3, rev_id=bad)
    house.console.farm = Farm(lambda _wiki, _server: wiki, lambda _name: None, "metawiki")
    house.now = wiki.now
    client = house.client()
    page = client.post(f"/cases/{flag.case_id}/meeting", data={"csrf": client.csrf, "flag": flag.id}).text
    assert "User talk:Ann" in page
    assert (client.person.pseudonym, "dealings.accounts") in house.acts(flag.id)
    client.post(f"/cases/{flag.case_id}/origin", data={"csrf": client.csrf, "flag": flag.id})
    assert (client.person.pseudonym, "dealings.phrase") in house.acts(flag.id)


def test_everything_that_is_verified_is_written_down_and_shown(house: Any) -> None:
    wiki = memory_wiki()
    words = "anvilsanvilsanvils made-up"
    wiki.edit("User talk:Ann/Archive 1", words, user="Ann")
    bad = wiki.edit("User talk:Ann", words, user="Bob")
    wiki.note("block", "block", "User:Bob", "Sysop", "a reason given")
    flag = house.flag(user="Bob", title="User talk:Ann", namespace=3, rev_id=bad)
    house.console.farm = Farm(lambda _wiki, _server: wiki, lambda _name: None, "metawiki")
    house.now = wiki.now
    client = house.client()

    def ask(what: str, **fields: str) -> str:
        return str(client.post(f"/cases/{flag.case_id}/{what}", data={"csrf": client.csrf, "flag": flag.id} | fields).text)

    assert "Both have edits on one wiki" in ask("everywhere")
    assert "a reason given" in ask("sanctions")
    ask("spread")
    archives = ask("archives", phrase=words)
    assert "User talk:Ann/Archive 1" in archives
    assert "has them:" in archives
    acts = {act for _, act in house.acts(flag.id)}
    assert {"dealings.everywhere", "dealings.sanctions", "dealings.spread", "dealings.archives"} <= acts


def test_whom_a_person_accuses_is_verified_from_their_report(house: Any) -> None:
    wiki = memory_wiki()
    wiki.edit("Harbour", "x", user="Bob")
    wiki.edit("Harbour", "y", user="Ann")
    wiki.note("block", "block", "User:Bob", "Sysop", "a reason given")
    house.console.farm = Farm(lambda _wiki, _server: wiki, lambda _name: None, "metawiki")
    house.now = wiki.now
    hearing = take(house, accused="Bob", account="Ann")
    client = house.client()
    assert 'value="Ann"' in post(client, hearing, "hearing").text
    assert "Harbour" in post(client, hearing, "everywhere").text
    assert "a reason given" in post(client, hearing, "sanctions").text
    assert {"dealings.everywhere", "dealings.sanctions"} <= {act for _, act in house.acts(hearing.id)}
    other = take(house)
    client.post(f"/cases/{other.case_id}/sanctions", data={"csrf": client.csrf, "hearing": hearing.id})
    assert client.post(f"/cases/{other.case_id}/sanctions", data={"csrf": client.csrf, "hearing": "x"}).status_code == 403
