"""Ranges that cover addresses, within what can be blocked, and who else would be hit: cases in ranges.txt."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import InputError
from tsbot.trace.ranges import WIDEST, OtherEdit, collateral, covering, subscriber

CASES = [line.split("|") for line in Path(__file__).with_name("ranges.txt").read_text().splitlines() if line[0] != "#"]
# A few bits only, so that addresses have something in common.
v4 = st.integers(0, 2**12 - 1).map(lambda bits: str(IPv4Address((198 << 24) + (bits << 7))))
v6 = st.integers(0, 2**12 - 1).map(lambda bits: str(IPv6Address((0x20010DB8 << 96) + (bits << 92))))
addresses = st.lists(st.one_of(v4, v6), min_size=1, max_size=8)
FIRST = date(2025, 3, 1)


@pytest.mark.parametrize(("given_", "most", "expected"), CASES)
def test_covering(given_: str, most: str, expected: str) -> None:
    assert [str(network) for network in covering(given_.split(), int(most))] == expected.split()


@given(addresses, st.integers(1, 4))
def test_every_address_is_covered_once_within_the_limits(some: list[str], most: int) -> None:
    found = covering(some, most)
    for address in some:
        assert sum(ip_address(address) in network for network in found) == 1
    assert all(network.prefixlen >= WIDEST[network.version] for network in found)
    assert all(any(ip_address(address) in network for address in some) for network in found)
    assert found == covering(reversed(some), most)


@pytest.mark.parametrize("name", ["~2026-12345-67", "Mill Keeper", "192.0.2.256", ""])
def test_what_is_no_address_is_never_made_one(name: str) -> None:
    with pytest.raises(InputError, match="no IP address"):
        subscriber(name)


def test_collateral_counts_others_by_day() -> None:
    (network,) = covering(["192.0.2.7", "192.0.2.9"])
    edits = [OtherEdit(f"192.0.2.{number % 4}", FIRST + timedelta(days=number % 10), reverted=number % 5 == 0) for number in range(40)]
    edits.append(OtherEdit("203.0.113.5", FIRST))
    found = collateral(network, edits, days=20)
    assert (found.actors, found.kept_edits, found.reverted_share) == (4, 32, 0.2)
    assert found.low < found.actors_a_day < found.high
    assert "not visible" in found.note


def test_nobody_seen_is_not_nobody() -> None:
    (network,) = covering(["192.0.2.7"])
    found = collateral(network, [], days=30)
    assert (found.actors, found.high) == (0, 0.0)
    assert "the true number is higher" in found.note
