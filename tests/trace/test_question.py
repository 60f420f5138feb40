"""The question of a steward, asked of a farm of wikis: places, candidates, partial answers, and what is not told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tsbot.errors import InputError
from tsbot.settings import Settings, TraceSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.trace.activity import Edit
from tsbot.trace.answer import Trace, of_json, to_json
from tsbot.trace.disputes import dispute
from tsbot.trace.index import ActivityIndex
from tsbot.trace.question import Asked, Tracer
from tsbot.trace.view import lines
from tsbot.wiki.budget import Budget

WIKIS = ("enwiki", "dewiki", "frwiki", "metawiki")
NOW = datetime(2026, 3, 20, tzinfo=UTC).timestamp()
PUPPETS = [f"Plain Facts {number}" for number in range(4)]


@pytest.fixture
def ask(database: Database, farm: Any) -> Callable[..., Trace]:
    def asking(name: str, *, settings: Settings | None = None, **more: Any) -> Trace:
        settings = settings or Settings()
        return tracer(database, farm, settings).ask(Asked(name, "lime", more.pop("why", "case 12"), **more))

    return asking


def tracer(database: Database, farm: Any, settings: Settings) -> Tracer:
    return Tracer(settings, database, farm, Budget(None), lambda: NOW, lambda _seconds: None)


def test_a_puppet_is_found_on_all_wikis_with_the_others(ask: Any) -> None:
    trace = ask("plain_Facts 1")
    assert {place.wiki for place in trace.where} == {"enwiki", "dewiki", "frwiki"}
    assert sum(place.seen for place in trace.where) == 12
    assert all(place.groups == ("rollbacker",) and place.complete for place in trace.where)
    assert [link.account for link in trace.candidates][:3] == sorted(set(PUPPETS) - {"Plain Facts 1"}, key=trace_order(trace))
    assert {link.account for link in trace.links if link.tier in ("strong", "very strong")} == set(PUPPETS) - {"Plain Facts 1"}
    assert trace.grouping.clusters == (tuple(PUPPETS),)
    assert "<svg" in trace.grouping.svg
    assert (trace.partial, trace.subject.locked, trace.subject.home) == (False, False, "enwiki")
    assert sum(count for _, count in trace.timeline) == sum(map(sum, trace.hours)) == 12
    assert {hour for row in trace.hours for hour, count in enumerate(row) if count} <= {21, 22, 23}


def trace_order(trace: Trace) -> Callable[[str], float]:
    return lambda name: -trace.candidate(name).log_lr


def test_every_listed_link_has_two_families_and_diffs_to_open(ask: Any) -> None:
    trace = ask("Plain Facts 1")
    assert trace.links
    for link in trace.links:
        assert len(link.families) >= 2
        pairs = [two for line in link.evidence for two in line.pairs]
        assert pairs
        for two in pairs:
            assert (two.first.account, two.second.account) == ("Plain Facts 1", link.account) or two.what.startswith(
                ("the last", link.account)
            )
            assert two.first.link.startswith(f"https://{two.first.wiki}.test/w/index.php?diff=")
            assert two.first.rev_id
    shared = [line for line in trace.candidate("Plain Facts 2").evidence if line.kind == "phrases"]
    assert any("true version" in two.first.summary for line in shared for two in line.pairs)


def test_the_innocent_look_alike_is_no_strong_link_and_no_part_of_the_cluster(ask: Any) -> None:
    trace = ask("Plain Facts 1")
    assert trace.candidate("Weir Keeper").tier not in ("strong", "very strong")
    assert "Weir Keeper" not in trace.grouping.clusters[0]
    assert trace.candidate("Weir Keeper").against


@pytest.mark.parametrize("volume", [1, 2, 10])
@pytest.mark.parametrize(("asked", "other"), [("Quiet Organist", "Quiet 0rganist"), ("Quiet 0rganist", "Quiet Organist")])
def test_a_framed_victim_is_told_as_imitation(ask: Any, farm: Any, asked: str, other: str, volume: int) -> None:
    """However much whoever frames him edits; and it is said what gives the imitation away."""
    for some in farm.edits.values():
        more = [one for one in some if one["user"] == "Quiet 0rganist"]
        some[:0] = [one | {"revid": one["revid"] + 10_000 * again} for again in range(1, volume) for one in more]
    trace = ask(asked)
    (line,) = [line for line in trace.candidate(other).evidence if line.kind == "imitation"]
    assert (line.log_lr, "other hours" in line.words) == (0.0, True)
    assert [one.account for one in trace.imitations] == [other]
    assert not [one for one in trace.links if one.account == other]
    assert not any(other in group for group in trace.grouping.clusters)
    assert any("framing" in note for note in trace.notes)
    assert any("IMITATION" in line for line in lines(trace))


def test_a_wiki_that_is_down_leaves_a_gap_that_is_told(ask: Any, farm: Any) -> None:
    farm.down.add("dewiki")
    trace = ask("Plain Facts 1")
    assert [one.wiki for one in trace.silent] == ["dewiki"]
    assert trace.partial
    assert trace.links
    assert any(line.startswith("PARTIAL") for line in lines(trace))
    asked = [parameters for wiki, parameters in farm.requests if wiki == "dewiki"]
    assert len(asked) <= 2 * 4  # given up after two tries, by each of the few that were under way


def test_without_the_central_wiki_those_that_are_known_are_asked(ask: Any, farm: Any) -> None:
    farm.down.add("metawiki")
    trace = ask("Plain Facts 1")
    assert [one.wiki for one in trace.silent] == ["metawiki"]
    assert sum(place.seen for place in trace.where) == 12
    assert trace.subject.locked is None


def test_no_wiki_answers(ask: Any, farm: Any) -> None:
    farm.down.update(WIKIS)
    trace = ask("Plain Facts 1")
    assert (trace.subject.state, trace.where, trace.candidates) == ("unknown", (), ())


@pytest.mark.parametrize("central", ["metawiki", ""])
def test_hidden_and_missing_accounts_are_told_alike(ask: Any, farm: Any, database: Database, central: str) -> None:
    farm.central = central
    farm.hidden.add("Plain Facts 1")
    with database.write() as connection:  # even if the index remembers
        ActivityIndex(TraceSettings()).add(connection, [event("Plain Facts 1", "Mill of Oakham Parva")], NOW)
    hidden, missing = ask("Plain Facts 1"), ask("Nobody Of That Name")
    told = [to_json(replace(one, id="", subject=replace(one.subject, name=""))) for one in (hidden, missing)]
    assert told[0] == told[1]
    assert hidden.subject.state == "missing"
    assert "Plain Facts 1" not in {one.account for one in ask("Plain Facts 2").candidates}


def event(user: str, title: str, number: int = 1) -> Event:
    return Event(
        id=f"e{number}", stream="s", kind=EventKind.EDIT, wiki="enwiki", time=NOW - 60, title=title, user=user, rev_id=number, namespace=0
    )


@pytest.mark.parametrize("name", ["Vanished user 8z7f", "Renamed user 12", "Verschwundener Benutzer 5"])
def test_the_vanished_are_left_alone(ask: Any, farm: Any, name: str) -> None:
    farm.edits["enwiki"].append(farm.entry(name, "Mill", datetime(2026, 1, 1, tzinfo=UTC)))
    before = len(farm.requests)
    trace = ask(name)
    assert (trace.subject.state, trace.where, trace.candidates, len(farm.requests)) == ("vanished", (), (), before)


def test_who_vanished_is_not_led_to_by_the_old_name(ask: Any, farm: Any) -> None:
    farm.renames.append(("metawiki", "Old Miller", "Vanished user 8z7f"))
    trace = ask("Old Miller")
    assert trace.subject.state == "vanished"
    assert "8z7f" not in json.dumps(to_json(trace))


@pytest.mark.parametrize("wiki", ["metawiki", "dewiki"])
def test_a_renamed_account_is_the_same(ask: Any, farm: Any, wiki: str) -> None:
    farm.renames.append((wiki, "Old Facts", "Plain Facts 1"))
    trace = ask("Old Facts")
    assert (trace.subject.name, trace.subject.asked_as, trace.subject.former) == ("Plain Facts 1", "Old Facts", ("Old Facts",))
    assert "Old Facts" not in {one.account for one in trace.candidates}
    if wiki == "metawiki":
        assert ask("Plain Facts 1").subject.former == ("Old Facts",)


def test_locks_and_blocks_of_candidates_are_told(ask: Any, farm: Any) -> None:
    farm.locked.add("Plain Facts 2")
    farm.blocks["enwiki", "Plain Facts 3"] = [{"expiry": "infinity", "by": "Sysop", "partial": False}]
    farm.blocks["dewiki", "Plain Facts 1"] = [
        {"expiry": "2026-05-01T00:00:00Z", "partial": True, "restrictions": {"pages": [{}], "namespaces": [1, 2]}, "nocreate": True}
    ]
    trace = ask("Plain Facts 1")
    assert trace.candidate("Plain Facts 2").locked is True
    assert trace.candidate("Plain Facts 3").blocked == ("enwiki",)
    (block,) = next(place for place in trace.where if place.wiki == "dewiki").blocks
    assert (block.partial, block.restrictions, block.flags) == (True, 3, ("nocreate",))


def test_two_million_edits_cost_what_the_settings_allow(ask: Any, farm: Any) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    many = [farm.entry("Tireless", f"Page {number % 40}", start + timedelta(minutes=number)) for number in range(9000)]
    farm.edits["enwiki"] = [*reversed(many), *farm.edits["enwiki"]]
    farm.editcounts["Tireless"] = 2_000_000
    trace = ask("Tireless", settings=Settings(trace=TraceSettings(most_edits=800)))
    (place,) = trace.where
    assert (place.seen, place.complete, place.edits) == (800, False, 2_000_000)
    assert any("latest edits" in note for note in trace.notes)
    asked = [p for _, p in farm.requests if p.get("list") == "usercontribs" and p.get("ucuser") == "Tireless"]
    assert len(asked) == 2


def test_one_edit_says_little(ask: Any, farm: Any) -> None:
    farm.edits["enwiki"].insert(0, farm.entry("Once Only", "Mill of Oakham Parva", datetime(2026, 3, 1, tzinfo=UTC), rev_id=9_999))
    trace = ask("Once Only")
    assert any("So few edits" in note for note in trace.notes)
    assert not [one for one in trace.links if one.tier in ("strong", "very strong")]


def test_a_page_of_fifty_thousand_is_passed_over(ask: Any, farm: Any) -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    for number in range(620):
        user = f"~2026-{number}-7" if number < 600 else "Plain Facts 1"
        farm.edits["enwiki"].insert(0, farm.entry(user, "Main sandbox", start + timedelta(minutes=number), rev_id=20_000 + number))
    trace = ask("Plain Facts 1")
    assert not [one for one in trace.candidates if one.temporary]
    assert any("Main sandbox" in note for note in trace.notes)
    assert {one.account for one in trace.links} >= set(PUPPETS) - {"Plain Facts 1"}


def test_edits_of_the_future_are_left_out_and_told(ask: Any, farm: Any) -> None:
    farm.edits["enwiki"].insert(0, farm.entry("Plain Facts 1", "Mill", datetime(2031, 1, 1, tzinfo=UTC), rev_id=9_999))
    trace = ask("Plain Facts 1")
    assert sum(count for _, count in trace.timeline) == 12
    assert any("future" in note for note in trace.notes)


def test_wikis_that_opted_out_are_not_asked(ask: Any, farm: Any) -> None:
    ask("Plain Facts 1", settings=Settings(trace=TraceSettings(skip_wikis=("dewiki",))))
    assert "dewiki" not in {wiki for wiki, _ in farm.requests}


def test_a_disputed_link_is_not_listed_and_keeps_clusters_apart(ask: Any, database: Database) -> None:
    with database.write() as connection:
        dispute(connection, database.key, "Plain Facts 2", "Plain Facts 1", by="mint", why="two people", now=NOW)
    trace = ask("Plain Facts 1")
    assert trace.candidate("Plain Facts 2").disputed == "mint"
    assert "Plain Facts 2" not in {one.account for one in trace.links}
    assert not any({"Plain Facts 1", "Plain Facts 2"} <= set(group) for group in trace.grouping.clusters)


def test_the_index_finds_who_shares_a_page_that_the_wikis_histories_do_not_show(ask: Any, farm: Any, database: Database) -> None:
    settings = Settings(trace=TraceSettings(pages=0))
    farm.edits["enwiki"].append(farm.entry("Somebody Else", "Fair", datetime(2026, 3, 1, tzinfo=UTC)))
    without = ask("Plain Facts 1", settings=settings)
    assert "Somebody Else" not in {one.account for one in without.candidates}
    with database.write() as connection:
        ActivityIndex(TraceSettings()).add(connection, [event("Somebody Else", "Mill of Oakham Parva")], NOW)
    trace = ask("Plain Facts 1", settings=settings)
    assert trace.candidate("Somebody Else").found_by == ("page",)
    assert trace.index_days == 1


def test_who_asks_and_why_is_in_the_audit_log_without_names(ask: Any, database: Database) -> None:
    trace = ask("Plain Facts 1", why="Plain  Facts 1 again, see case 12")
    with database.read() as connection:
        (noted,) = [one for one in audit.entries(connection) if one.act == "trace.asked"]
    assert (noted.actor, noted.object) == ("lime", trace.id)
    assert "Plain Facts" not in noted.details
    assert "see case 12" in noted.details
    assert database.key.index("account", "Plain Facts 1").hex() in noted.details


def test_asking_again_costs_the_wikis_nothing_for_a_while(ask: Any, farm: Any, database: Database) -> None:
    first = ask("Plain Facts 1")
    cost = len(farm.requests)
    again = ask("Plain Facts 1")
    assert len(farm.requests) == cost
    assert replace(again, id=first.id) == first
    ask("Plain Facts 1", fresh=True)
    assert len(farm.requests) == 2 * cost
    with database.read() as connection:
        kept = b"".join(bytes(body) for body in connection.scalars(select(t.trace_cache.c.body)))
    assert b"Plain" not in kept


def test_nothing_is_kept_where_the_settings_say_so(ask: Any, database: Database) -> None:
    ask("Plain Facts 1", settings=Settings(trace=TraceSettings(cache_minutes=0)))
    with database.read() as connection:
        assert connection.execute(select(t.trace_cache)).all() == []


def test_the_answer_is_the_same_after_json(ask: Any) -> None:
    trace = ask("Plain Facts 1", against=("Weir Keeper",))
    assert of_json(json.loads(json.dumps(to_json(trace)))) == trace
    assert trace.candidate("Weir Keeper").found_by[-1] == "asked"


@pytest.mark.parametrize(
    ("name", "why", "wikis", "said"),
    [
        ("", "case 12", (), "Name an account"),
        ("A|B", "case 12", (), "No account of MediaWiki"),
        ("x" * 300, "case 12", (), "too long"),
        ("10.0.0.0/8", "case 12", (), "wider than /16"),
        ("2001:db8::/16", "case 12", (), "wider than /16"),
        ("Plain Facts 1", " ", (), "Say why"),
        ("Plain Facts 1", "case 12", ("nowiki",), "No wiki is known"),
    ],
)
def test_what_cannot_be_asked(ask: Any, farm: Any, name: str, why: str, wikis: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask(name, why=why, wikis=wikis)
    assert farm.requests == []


def test_an_address_has_ranges_and_a_temporary_account_has_none(ask: Any, farm: Any) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number, user in enumerate(("198.51.100.7", "198.51.100.7", "~2026-1-7")):
        farm.edits["enwiki"].insert(0, farm.entry(user, "Mill", start + timedelta(hours=number), rev_id=9_000 + number))
    trace = ask("198.51.100.7")
    assert [one.network for one in trace.ranges] == ["198.51.100.7/32"]
    assert "not visible" in trace.ranges[0].note
    temporary = ask("~2026-1-7")
    assert temporary.ranges == ()
    assert "198.51.100.7" not in json.dumps(to_json(temporary))
    assert "~2026-1-7" not in {one.account for one in trace.candidates}
    assert ask("203.0.113.9").subject.state == "missing"


def test_edit_type_is_untouched_by_the_new_field() -> None:
    assert Edit("enwiki", datetime(2026, 1, 1, tzinfo=UTC), ("A",)).rev_id == 0


def test_a_range_is_not_linked_to_its_own_addresses(ask: Any, farm: Any) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number, user in enumerate(("198.51.100.7", "198.51.100.9", "203.0.113.1")):
        farm.edits["enwiki"].insert(0, farm.entry(user, "Mill", start + timedelta(hours=number), rev_id=9_000 + number))
    trace = ask("198.51.100.0/28")
    assert {place.seen for place in trace.where} == {2}
    assert {one.account for one in trace.candidates} >= {"203.0.113.1"}
    assert not {one.account for one in trace.candidates} & {"198.51.100.7", "198.51.100.9"}
    # Covered are its own addresses, and those that are linked to it.
    assert {one.addresses for one in trace.ranges} >= {("198.51.100.7",), ("198.51.100.9",)}
