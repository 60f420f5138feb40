"""A story with a puppeteer, a look-alike and a framed victim: who is ranked where, and what is said about it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from tsbot.trace.activity import Account, Edit
from tsbot.trace.candidates import CandidateIndex
from tsbot.trace.evidence.catalogue import KINDS
from tsbot.trace.gallery import Gallery
from tsbot.trace.rank import Link, Ranker
from tsbot.trace.score import Measured
from tsbot.trace.tiers import FAMILIES, STRONG, VERY_STRONG, WORDING, expected_coincidences, families, tier
from tsbot.trace.words import english

PUPPETS = [f"Plain Facts {number}" for number in range(4)]
LISTED = ("very strong", "strong", "moderate", "weak")


@pytest.fixture(scope="module")
def ranker(village: tuple[Account, ...]) -> Ranker:
    return Ranker(village)


def links(ranker: Ranker, name: str, top: int = 200) -> dict[str, Link]:
    (found,) = ranker.rank([name], top)
    return {link.account: link for link in found}


@pytest.mark.parametrize("name", PUPPETS)
def test_a_puppet_finds_the_others_first(ranker: Ranker, name: str) -> None:
    found = links(ranker, name)
    assert {link.account for link in found.values() if link.rank <= 3} == set(PUPPETS) - {name}
    assert all(found[other].tier in ("strong", "very strong") for other in PUPPETS if other != name)


def test_the_look_alike_is_seen_but_not_taken_for_one_of_them(ranker: Ranker) -> None:
    found = links(ranker, "Plain Facts 1")
    assert found["Weir Keeper"].tier not in ("strong", "very strong")
    assert found["Weir Keeper"].log_lr < min(found[name].log_lr for name in PUPPETS if name in found) - 3
    against = {reason.kind for reason in found["Weir Keeper"].evidence if reason.log_lr < 0}
    assert against & {"hours", "style", "dates"}


@pytest.mark.parametrize(("query", "other"), [("Quiet Organist", "Quiet 0rganist"), ("Quiet 0rganist", "Quiet Organist")])
def test_a_framed_victim_is_told_as_imitation(ranker: Ranker, query: str, other: str) -> None:
    assert links(ranker, query)[other].tier == "imitation"


def test_among_ordinary_editors_links_are_as_rare_as_they_say(ranker: Ranker, village: tuple[Account, ...]) -> None:
    ordinary = [account.name for account in village if account.name not in (*PUPPETS, "Weir Keeper", "Quiet Organist", "Quiet 0rganist")]
    found = [link for links in ranker.rank(ordinary, len(village)) for link in links]
    very, strong = (sum(link.log_lr >= least for link in found) for least in (VERY_STRONG, STRONG))
    # Of strangers, one in 1,000 reaches a likelihood ratio of 1,000 at most; a small village may be twice as unlucky.
    assert (very, strong <= len(found) / 500) == (0, True)


def test_every_listed_link_has_two_independent_kinds_and_its_coincidences(ranker: Ranker, village: tuple[Account, ...]) -> None:
    for found in ranker.rank([account.name for account in village][::5] + PUPPETS, 20):
        for link in found:
            kinds = {reason.kind: reason.log_lr for reason in link.evidence}
            if link.tier in LISTED:
                assert len(families(kinds)) >= 2
            assert link.coincidences == pytest.approx(expected_coincidences(link.log_lr, len(village) - 1), rel=1e-3)
            assert link.tier in WORDING


def test_without_names_the_evidence_has_none(village: tuple[Account, ...]) -> None:
    found = links(Ranker(village, names=False), "Plain Facts 1")
    assert {link.account for link in found.values() if link.rank <= 3} == set(PUPPETS) - {"Plain Facts 1"}
    kinds = {reason.kind for link in found.values() for reason in link.evidence}
    assert not kinds & {"names", "opposition"}


def test_a_disguise_of_words_and_hours_does_not_hide_a_puppet(village: tuple[Account, ...]) -> None:
    def disguised(edit: Edit) -> Edit:
        plain = re.sub(r"[^a-z ]", "", edit.summary.lower()).replace("archive", "register").replace("version", "text")
        return replace(edit, summary=plain, timestamp=edit.timestamp + timedelta(hours=8))

    hidden = [replace(one, edits=tuple(map(disguised, one.edits))) if one.name == "Plain Facts 1" else one for one in village]
    found = links(Ranker(hidden, names=False), "Plain Facts 1")
    assert {link.account for link in found.values() if link.rank <= 3} == set(PUPPETS) - {"Plain Facts 1"}


def test_renaming_an_account_changes_nothing_without_names(village: tuple[Account, ...]) -> None:
    before = links(Ranker(village, names=False), "Plain Facts 1")["Plain Facts 2"]
    renamed = sorted((replace(one, name="Zinnia") if one.name == "Plain Facts 2" else one for one in village), key=lambda one: one.name)
    after = links(Ranker(renamed, names=False), "Plain Facts 1")["Zinnia"]
    assert after.log_lr == pytest.approx(before.log_lr, abs=0.01)


def test_names_in_ones_own_words_are_hidden_with_the_names(village: tuple[Account, ...]) -> None:
    def signed(account: Account) -> Account:
        edits = tuple(replace(edit, summary=f"Plain Facts {edit.summary}") for edit in account.edits)
        return replace(account, edits=edits) if account.name in PUPPETS else account

    plain = links(Ranker(village, names=False), "Plain Facts 1")
    named = links(Ranker(tuple(map(signed, village)), names=False), "Plain Facts 1")
    assert {name: link.log_lr for name, link in named.items()} == pytest.approx({name: link.log_lr for name, link in plain.items()})


def test_what_an_account_is_called_in_the_words_of_another_counts_as_name() -> None:
    def one(name: str, page: str, summary: str) -> Account:
        return Account(name, (Edit("enwiki", datetime(2026, 1, 5, tzinfo=UTC), (page,), summary),))

    crowd = [one(f"Keeper {number}", f"Mill {number}", "a typo") for number in range(40)]
    gallery = Gallery([*crowd, one("Ann Ferryman", "Old Weir", "a source"), one("Zed", "New Weir", "leave that to aferryman")])
    mentions = Measured(gallery).numbers([40])["names.mentions"][0]
    assert mentions[41] > 3
    assert mentions[:40].max() == 0


def test_a_clock_that_is_utc_tells_nothing_and_summer_time_is_one_clock() -> None:
    def at(hours: int, month: int) -> tuple[Edit, ...]:
        zone = timezone(timedelta(hours=hours))
        return tuple(Edit("repo", datetime(2026, month, day, 12, tzinfo=zone), ("a", "b")) for day in range(1, 9))

    accounts = [Account(name, at(*when)) for name, when in {"a": (0, 2), "b": (2, 7), "c": (1, 2), "d": (-7, 7), "e": (-8, 2)}.items()]
    numbers = Measured(Gallery(accounts)).numbers([1])
    clock, season = numbers["hours.clock"][0], numbers["hours.season"][0]
    assert np.isnan([clock[0], season[0]]).all()
    assert clock[2] < 0 < season[2]
    assert season[3] < 0


def test_the_order_of_accounts_changes_nothing(village: tuple[Account, ...]) -> None:
    forward, backward = links(Ranker(village), "Weir Keeper"), links(Ranker(village[::-1]), "Weir Keeper")
    expected = {name: pytest.approx(link.log_lr, abs=1e-3) for name, link in forward.items()}
    assert {name: link.log_lr for name, link in backward.items()} == expected


def test_among_many_the_indexes_find_the_same_first(village: tuple[Account, ...]) -> None:
    found = links(Ranker(village, exact=20), "Plain Facts 1", 3)
    assert set(found) == set(PUPPETS) - {"Plain Facts 1"}


def test_candidates_share_something_rare(village: tuple[Account, ...]) -> None:
    gallery = Gallery(village)
    index, names = CandidateIndex(gallery), [account.name for account in village]
    found = [names[position] for position in index.candidates(names.index("Plain Facts 1"))]
    assert set(found[:4]) == {*PUPPETS, "Weir Keeper"} - {"Plain Facts 1"}
    assert len(found) < len(village)


def test_an_account_without_activity_has_no_links(ranker: Ranker) -> None:
    assert list(ranker.rank(["Nobody At All"], 5)) == [[]]


def test_every_kind_has_words_and_numbers_that_are_symmetric(village: tuple[Account, ...]) -> None:
    some = village[:12] + tuple(account for account in village if account.name in PUPPETS)
    measured = Measured(Gallery(some))
    assert {evidence.kind for evidence in measured.evidence} == {kind.kind for kind in KINDS} == set(FAMILIES)
    for name, values in measured.numbers(range(len(some))).items():
        known = ~np.isnan(values)
        assert (abs((values - values.T)[known & known.T]) < 1e-6).all(), name
    for evidence in measured.evidence:
        assert all(isinstance(english(evidence.words(one, other)), str) for one in range(4) for other in range(4))


@pytest.mark.parametrize(
    ("log_lr", "kinds", "expected"),
    [
        (12.0, {"pages": 6.0, "style": 3.0}, "very strong"),
        (12.0, {"pages": 8.0, "topics": 4.0}, "insufficient"),
        (7.0, {"pages": 4.0, "hours": 3.0}, "strong"),
        (5.0, {"style": 4.0, "hours": 1.0}, "moderate"),
        (2.5, {"style": 1.5, "names": 1.0}, "weak"),
        (1.0, {"style": 0.8, "names": 0.8}, "insufficient"),
        (-3.0, {"hours": -3.0}, "against"),
    ],
)
def test_tiers(log_lr: float, kinds: dict[str, float], expected: str) -> None:
    assert tier(log_lr, kinds) == expected


def test_imitation_needs_a_likeness_that_it_explains() -> None:
    assert tier(8.0, {"names": 4.0, "pages": 6.0}, imitation=True) == "imitation"
    assert tier(-3.0, {"names": 1.0, "hours": -4.0}, imitation=True) == "against"


@pytest.mark.parametrize(
    ("one", "other"),
    [("203.0.113.7", "203.0.113.9"), ("~2026-12345-67", "~2026-12345-68"), ("2001:DB8:0:0:0:0:0:1", "2001:DB8:0:0:0:0:0:2")],
)
def test_addresses_and_temporary_accounts_have_no_names_that_could_be_alike(village: tuple[Account, ...], one: str, other: str) -> None:
    renamed = {"Plain Facts 1": one, "Plain Facts 2": other}
    accounts = sorted((replace(account, name=renamed.get(account.name, account.name)) for account in village), key=lambda each: each.name)
    link = links(Ranker(accounts), one)[other]
    assert "names" not in {reason.kind for reason in link.evidence}
    assert link.log_lr < links(Ranker(village), "Plain Facts 1")["Plain Facts 2"].log_lr
    parts = sum(reason.log_lr for reason in link.evidence)
    known = links(Ranker(village), "Plain Facts 1")["Plain Facts 2"]
    assert link.log_lr - parts == pytest.approx(known.log_lr - sum(reason.log_lr for reason in known.evidence), abs=0.15)
