"""Clusters: complete link, evidence against, bridges, and the same picture whatever the order."""

from __future__ import annotations

import random
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import InputError
from tsbot.trace.clusters import MOST_ACCOUNTS, cluster, pair
from tsbot.trace.picture import draw
from tsbot.trace.tiers import STRONG

NAMES = "ABCDEF"
PAIRS = list(combinations(NAMES, 2))
numbers = st.lists(st.integers(-5, 14).map(float), min_size=len(PAIRS), max_size=len(PAIRS))


def test_a_chain_of_coincidences_joins_nothing() -> None:
    found = cluster("ABC", {("A", "B"): 9.0, ("B", "C"): 8.0})
    assert (found.clusters, found.singles) == ((("A", "B"),), ("C",))
    (bridge,) = found.bridges
    assert ((bridge.first, bridge.second), bridge.weakest, bridge.forbidden) == (("B", "C"), ("A", "C"), False)


def test_evidence_against_keeps_apart() -> None:
    links = dict.fromkeys(PAIRS, 12.0)
    found = cluster(NAMES, links, cannot=[("F", "A")])
    assert all(not {"A", "F"} <= set(group) for group in found.clusters)
    assert any(bridge.forbidden for bridge in found.bridges)
    assert cluster(NAMES, links).clusters == (tuple(NAMES),)


def test_a_link_told_twice_is_the_weaker_one() -> None:
    assert cluster("AB", {("A", "B"): 12.0, ("B", "A"): 1.0}).clusters == ()


@given(numbers, st.sets(st.sampled_from(PAIRS), max_size=3), st.integers(0, 1000))
def test_the_order_of_the_input_does_not_matter(values: list[float], cannot: set[tuple[str, str]], chance: int) -> None:
    links = dict(zip(PAIRS, values, strict=True))
    shuffled = list(links.items())
    random.Random(chance).shuffle(shuffled)
    turned = {(b, a) if chance % 2 else (a, b): value for (a, b), value in shuffled}
    first, second = cluster(NAMES, links, cannot), cluster(reversed(NAMES), turned, [(b, a) for a, b in cannot])
    assert first == second
    assert draw(first, links) == draw(second, turned)


@given(numbers, st.sets(st.sampled_from(PAIRS), max_size=3))
def test_within_a_cluster_all_are_linked_and_nothing_is_forbidden(values: list[float], cannot: set[tuple[str, str]]) -> None:
    links = dict(zip(PAIRS, values, strict=True))
    found = cluster(NAMES, links, cannot)
    for group in found.clusters:
        for two in combinations(group, 2):
            assert links[pair(*two)] >= STRONG
            assert pair(*two) not in cannot
    assert sorted([*found.singles, *(name for group in found.clusters for name in group)]) == list(NAMES)


def test_the_picture_is_well_formed_and_harmless() -> None:
    names = ('<script>"&', "A\u202eB", "n" * 80)
    links = dict.fromkeys(combinations(sorted(names), 2), 12.0)
    picture = draw(cluster(names, links), links)
    root = ElementTree.fromstring(picture)
    assert len(root.findall("{*}circle")) == len(names)
    assert len(root.findall("{*}line")) == 3
    assert "\u202e" not in picture


def test_too_many_accounts() -> None:
    with pytest.raises(InputError, match="too many"):
        cluster(map(str, range(MOST_ACCOUNTS + 1)), {})
