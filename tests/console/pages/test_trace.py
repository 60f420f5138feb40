"""A steward asks who else an account is: the form, the answer, what is done with it, and what is not shown."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tsbot.console.access import Groups
from tsbot.console.pages.trace import few, odds
from tsbot.console.tracing.jobs import KEPT_SECONDS, Jobs
from tsbot.store import audit

PUPPETS = [f"Plain Facts {number}" for number in range(4)]
CASE = "request on Meta, 3 August"


@pytest.fixture
def steward(house: Any, make_jobs: Callable[..., Jobs]) -> Any:
    """Somebody who may ask, in a browser."""
    house.more["traces"] = make_jobs(lambda: house.now)
    return house.sign_in("Steward")


def ask(browser: Any, account: str = "Plain Facts 1", **fields: str) -> str:
    """Ask, wait for the answer; the address of its page."""
    sent = browser.send("/trace", account=account, **{"why": CASE, **fields})
    assert sent.status_code == 303, sent.text
    wait(browser, sent.headers["location"])
    return str(sent.headers["location"])


def wait(browser: Any, address: str) -> None:
    job_id = address.split("/")[2].split("?", maxsplit=1)[0]
    assert browser.house.more["traces"].get(browser.session.person.id, job_id).wait(60)


def text(page: str) -> str:
    """A page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def cards(page: str) -> list[str]:
    """Names of the accounts that are listed, and their tiers, in their order."""
    found = re.findall(r'<h3 id="c-\d+">\d+\. <bdi[^>]*>([^<]+)</bdi> <span[^>]*>([^<]+)</span>', page)
    return [f"{name}: {tier}" for name, tier in found]


def test_the_answer_ranks_explains_draws_and_hands_over(steward: Any) -> None:
    address = ask(steward)
    page = steward.get(address).text
    listed = cards(page)
    assert sorted(listed[:3]) == [f"Plain Facts {number}: very strong" for number in (0, 2, 3)]
    assert listed[3:] == ["Weir Keeper: weak"]
    told = text(page)
    assert "The evidence is consistent with one person, very strongly." in told
    assert "Expected coincidences: of 3,000 accounts, fewer than 0.001 strangers would look as similar." in told
    assert re.search(r"of 3,000 accounts, at most \d{2,3} strangers", told)  # the look-alike
    assert "145 accounts were compared" in told
    assert "side--against" in page
    assert "side--for" in page
    assert page.count("pair__side") >= 12
    assert 'href="https://enwiki.test/w/index.php?diff=prev&amp;oldid=' in page
    assert "<svg" in page.split('class="picture')[1]
    assert re.search(r"Cluster 1: +Plain Facts 0 +, Plain Facts 1", told)
    assert "{{MultiLock|1=Plain Facts 1|2=Plain Facts" in page
    assert "Suspected accounts" in page
    assert not re.search(r"\b(is|are) (the same person|one person|a sockpuppet)", told.replace("if one person is", ""))


def test_where_and_when_stand_in_tables_as_well_as_in_pictures(steward: Any, farm: Any) -> None:
    farm.blocks["enwiki", "Plain Facts 1"] = [
        {"expiry": "2026-12-01T00:00:00Z", "by": "Example", "nocreate": True, "partial": True, "restrictions": {"pages": [{"title": "A"}]}}
    ]
    page = text(steward.get(ask(steward)).text)
    assert "partially blocked (one restriction) until 2026-12-01T00:00:00Z nocreate" in page
    assert "rollbacker" in page
    assert re.search(r"Day or month Edits 2026-01-24 1 ", page)
    assert re.search(r"UTC Mon Tue Wed Thu Fri Sat Sun 21 ", page)


def test_imitation_is_named(steward: Any) -> None:
    page = steward.get(ask(steward, "Quiet Organist")).text
    assert cards(page) == ["Quiet 0rganist: imitation"]
    assert "do not act on this link" in page
    assert "it does not count" in page
    assert "times as probable if one person" not in page
    assert "Quiet 0rganist" not in page.split("MultiLock")[1].split("}}")[0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"account": ""}, "Name an account"),
        ({"account": "a|b"}, "No account of MediaWiki"),
        ({"account": "10.0.0.0/8"}, "Ranges wider than"),
        ({"why": " a "}, "Say why you ask"),
        ({"wikis": "w " * 1 + " ".join(f"x{n}wiki" for n in range(30))}, "At most 20"),
        ({"against": "ok\nnot<ok"}, "No account of MediaWiki"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_said_and_keeps_what_was_typed(steward: Any, fields: dict[str, str], words: str) -> None:
    sent = steward.send("/trace", **{"account": "Plain Facts 1", "why": CASE} | fields)
    assert sent.status_code == 422
    assert words in sent.text
    for value in ({"account": "Plain Facts 1", "why": CASE} | fields).values():
        assert value.strip().split("<")[0][:40] in sent.text


def test_a_wiki_that_nobody_knows_is_told_where_the_answer_would_be(steward: Any) -> None:
    page = steward.get(ask(steward, wikis="nosuchwiki")).text
    assert "No wiki is known by the database name" in page
    assert "hx-get" not in page


def test_the_name_stands_in_no_address_and_not_in_the_log(steward: Any, house: Any) -> None:
    address = ask(steward, why=f"{CASE}, about Plain Facts 1")
    assert re.fullmatch(r"/trace/[0-9a-f-]{36}", address)
    page = steward.get(address)
    assert not re.search(r"(href|src|action|hx-get)=\"/[^\"]*Plain", page.text)
    assert page.headers["cache-control"] == "no-store"
    with house.database.read() as connection:
        assert audit.verify(connection) is None
        asked = [entry for entry in audit.entries(connection) if entry.act == "trace.asked"]
    assert [entry.actor for entry in asked] == [steward.actor]
    assert "Plain Facts" not in str(asked)
    assert CASE in str(asked[0].details)


def test_wikis_that_have_answered_are_shown_while_others_are_asked(steward: Any, farm: Any) -> None:
    held, answer = threading.Event(), farm.get

    def slow(wiki: str, parameters: Any, **more: Any) -> Any:
        if wiki == "frwiki":
            held.wait(30)
        return answer(wiki, parameters, **more)

    farm.get = slow
    address = steward.send("/trace", account="Plain Facts 1", why=CASE).headers["location"]
    job = steward.house.more["traces"].get(steward.session.person.id, address.split("/")[2])
    try:
        for _ in range(500):
            if job.trace is not None and len(job.trace.where) == 2:
                break
            threading.Event().wait(0.02)
        page = steward.get(address).text
        assert 'hx-trigger="every 1s"' in page
        assert re.findall(r'aria-label="Contributions on (\w+)"', page) == ["enwiki", "dewiki"]
        assert "accounts on the wikis" in page
        assert cards(page) == []
        part = re.search(r'hx-get="([^"]+)"', page)[1]
        assert steward.get(part, **{"hx-request": "true"}).status_code == 204
    finally:
        held.set()
    assert job.wait(60)
    whole = steward.get(part, **{"hx-request": "true"})
    assert whole.text.startswith('<div id="trace">')
    assert len(cards(whole.text)) == 4


def test_a_wiki_that_is_down_is_named(steward: Any, farm: Any) -> None:
    farm.down.add("dewiki")
    page = text(steward.get(ask(steward)).text)
    assert "One wiki did not answer" in page
    assert "partial answer" in page
    assert "dewiki The wiki answers HTTP 503." in page


@pytest.mark.parametrize(("account", "words"), [("Nobody Of That Name", "or none tells of it"), ("Vanished user 12", "right to vanish")])
def test_accounts_of_which_nothing_is_told(steward: Any, account: str, words: str) -> None:
    address = ask(steward, account)
    page = steward.get(address).text
    assert words in page
    assert "h-who" not in page
    assert steward.get(f"{address}/as/svg").status_code == 200


def test_an_answer_is_its_askers_and_is_forgotten(steward: Any, house: Any) -> None:
    address = ask(steward)
    other = house.sign_in("Another")
    for path in ("", "/part", "/as/json"):
        assert other.get(address + path).status_code == 404
    assert other.send(f"{address}/again").status_code == 404
    assert "Plain Facts 1" in steward.get("/trace").text
    assert "Plain Facts 1" not in other.get("/trace").text
    house.now += KEPT_SECONDS / 2
    steward.get("/trace")
    house.now += KEPT_SECONDS / 2 + 1
    assert steward.get(address).status_code == 404
    assert "Plain Facts 1" not in steward.get("/trace").text


def test_two_questions_at_a_time(steward: Any, farm: Any) -> None:
    held, answer = threading.Event(), farm.get
    farm.get = lambda *given, **more: (held.wait(30), answer(*given, **more))[1]
    sent = [steward.send("/trace", account=name, why=CASE) for name in PUPPETS[:3]]
    held.set()
    assert [one.status_code for one in sent] == [303, 303, 429]
    assert "Wait for an answer" in sent[2].text
    for one in sent[:2]:
        wait(steward, one.headers["location"])


def test_downloads_say_what_they_are_and_are_logged(steward: Any, house: Any) -> None:
    address = ask(steward)
    found = {form: steward.get(f"{address}/as/{form}") for form in ("csv", "json", "stix", "lock", "spi", "svg")}
    assert {one.status_code for one in found.values()} == {200}
    assert all(one.headers["content-disposition"].startswith('attachment; filename="trace-') for one in found.values())
    assert json.loads(found["json"].text)["subject"]["name"] == "Plain Facts 1"
    assert json.loads(found["stix"].text)["type"] == "bundle"
    assert found["svg"].text.startswith("<svg")
    assert steward.get(f"{address}/as/exe").status_code == 400
    with house.database.read() as connection:
        exported = [json.loads(entry.details)["form"] for entry in audit.entries(connection) if entry.act == "trace.exported"]
    assert exported == list(found)


def test_a_disputed_link_is_not_listed_until_the_dispute_is_taken_back(steward: Any) -> None:
    address = ask(steward)
    sent = steward.send(f"{address}/dispute", account="Plain Facts 2", why="different people, met both")
    assert sent.headers["location"].endswith("?did=disputed")
    wait(steward, sent.headers["location"])
    page = steward.get(sent.headers["location"]).text
    assert "Plain Facts 2: very strong" not in cards(page)
    assert f"disputed by {steward.actor}" in page
    clusters = re.findall(r"<li>Cluster \d+: (.*?)</li>", page)
    assert clusters
    assert not [one for one in clusters if "Plain Facts 1" in one and "Plain Facts 2" in one]
    assert "Weak bridge between" in page
    back = steward.send(sent.headers["location"].split("?")[0] + "/dispute", account="Plain Facts 2", why="it was a mistake", take_back="1")
    wait(steward, back.headers["location"])
    assert "Plain Facts 2: very strong" in cards(steward.get(back.headers["location"]).text)
    assert steward.send(f"{address}/dispute", account="Somebody Else", why="not in the answer").status_code == 400


def test_watching(steward: Any, house: Any) -> None:
    address = ask(steward)
    sent = steward.client.post(
        f"{address}/watch", data={"csrf": steward.session.csrf, "account": ["Plain Facts 1", "Plain Facts 2", "Nobody"], "why": CASE}
    )
    assert sent.headers["location"].endswith("did=watched")
    page = steward.get("/trace").text
    assert "Plain Facts 1</bdi>, <bdi" in page
    assert "Nobody" not in page
    assert "Plain Facts 2" not in house.sign_in("Another").get("/trace").text.split("h-watched")[1]
    watch = re.search(r"/trace/watches/([0-9a-f-]{36})/end", page)[1]
    assert house.sign_in("Another").send(f"/trace/watches/{watch}/end").status_code == 400
    assert steward.send(f"/trace/watches/{watch}/end").status_code == 303
    assert "You watch no accounts" in steward.get("/trace").text


def test_from_a_case_the_author_is_traced_after_the_reveal_only(steward: Any, house: Any) -> None:
    flag = house.flag(by="Plain Facts 1")
    masked = steward.get(f"/cases/{flag.case_id}").text
    assert "Plain Facts 1" not in masked
    assert "Trace the author" not in masked
    revealed = steward.act(flag.case_id, "reveal", flag=flag.id).text
    form = re.search(r'<form method="post" action="/trace/form">(.*?)</form>', revealed)[1]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    filled = steward.send("/trace/form", **{name: value for name, value in fields.items() if name != "csrf"}).text
    assert 'value="Plain Facts 1"' in filled
    assert f'value="case {flag.case_id[:8]}"' in filled
    assert 'value="enwiki"' in filled


def test_our_flags_are_seen_by_those_who_may_see_cases_and_have_no_part_in_them(steward: Any, house: Any) -> None:
    flag = house.flag(by="Plain Facts 1")
    page = text(steward.get(ask(steward)).text)
    assert f"one flag {flag.case_id[:8]}" in page
    house.groups["central:Check"] = Groups({"enwiki": frozenset(("checkuser",))})
    checkuser = house.sign_in("Check")
    page = text(checkuser.get(ask(checkuser)).text)
    assert flag.case_id[:8] not in page
    assert "flag" not in page.split("On 3 wikis")[1].split("When")[0].replace("Our flags, cases", "")
    party = house.sign_in("Plain Facts 1")
    assert flag.case_id[:8] not in party.get(ask(party)).text


def test_a_flagged_edit_says_nothing_here(steward: Any, house: Any, farm: Any) -> None:
    page = steward.get(ask(steward)).text
    pair = re.search(r'href="https://(\w+)\.test/w/index\.php\?diff=prev&amp;oldid=(\d+)"[^>]*aria-label="Diff of Plain Facts 1', page)
    wiki, number = pair[1], int(pair[2])
    (edit,) = (one for one in farm.edits[wiki] if one["revid"] == number)
    edit["comment"] = "a made-up threat that nobody else wrote"
    house.flag(by="Plain Facts 1", wiki=wiki, rev_id=number)
    page = steward.get(ask(steward, fresh="1")).text
    assert "This edit was flagged" in page
    assert "made-up threat" not in page


def test_strange_names_stay_text(steward: Any, farm: Any) -> None:
    for some in farm.edits.values():
        for one in some:
            if one["user"] == "Plain Facts 2":
                one["user"] = 'Plain Facts "&\u202e'
            one["comment"] = one["comment"].replace("!!", "<script>")
    page = steward.get(ask(steward, against='Plain Facts "&\u202e')).text
    assert "<script>" not in page.split("<main")[1]
    # Fields that send the name back, and the template that locks it, have it as it is.
    assert "\u202e" not in re.sub(r' value="[^"]*"|<textarea.*?</textarea>', "", page, flags=re.DOTALL)
    assert "Plain Facts &#34;&amp;\\u{202E}" in page


def test_a_form_that_was_forged_asks_nothing(steward: Any, house: Any) -> None:
    assert steward.send("/trace", _csrf="wrong", account="Plain Facts 1", why=CASE).status_code == 403
    assert house.rows("select * from audit where act = 'trace.asked'") == []


def test_who_has_no_queue_begins_with_the_question(house: Any, steward: Any) -> None:
    house.groups["central:Check"] = Groups({"enwiki": frozenset(("checkuser",))})
    checkuser = house.sign_in("Check")
    assert checkuser.get("/").headers["location"] == "/trace"
    page = checkuser.get("/trace").text
    assert 'href="/preferences"' not in page
    assert 'href="/"' in page  # the name of the house
    assert page.count('href="/trace"') == 1


def test_a_fault_is_told_without_its_words(house: Any) -> None:
    def broken(_progress: Any, _early: Any) -> Any:
        raise RuntimeError("secret words")

    house.more["traces"] = Jobs(broken, lambda: house.now)
    steward = house.sign_in("Steward")
    page = steward.get(ask(steward)).text
    assert "Something went wrong here" in page
    assert "secret" not in page


def test_numbers_in_words() -> None:
    assert [odds(value) for value in (0.0, 1.0, -2.3, 12.3, 40.0)] == ["1", "2.7", "10", "220,000", "1,000,000,000"]
    assert [few(value) for value in (74.2, 9.96, 0.0621, 1e-9, 12345.0)] == ["74", "10", "0.062", "0.001", "12,345"]


def test_all_steps_and_kinds_have_words() -> None:
    from pathlib import Path

    import tsbot.trace
    from tsbot.console.words import I18N
    from tsbot.trace.tiers import FAMILIES, WORDING

    sources = "".join(path.read_text(encoding="utf-8") for path in Path(tsbot.trace.__file__).parent.glob("*.py"))
    steps = {step.replace(" ", "_") for step in re.findall(r'(?:gather|progress)\("([a-z ]+)"', sources)}
    assert steps
    wanted = {f"console-trace-step-{step}" for step in steps} | {f"console-trace-sort-{kind}" for kind in FAMILIES}
    wanted |= {f"console-trace-tier-{tier.replace(' ', '_')}" for tier in WORDING}
    wanted |= {f"console-trace-family-{family}" for family in FAMILIES.values()}
    assert wanted - set(json.loads((I18N / "en.json").read_text(encoding="utf-8"))) == set()


def test_without_wikis_to_ask_it_says_so(house: Any) -> None:
    assert house.sign_in("Steward").get("/trace").status_code == 503
