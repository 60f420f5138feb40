"""Ranges of historic IP edits: the smallest that cover them within what a wiki can block, and who else would be hit.

MediaWiki blocks at most /16 (IPv4) and /19 (IPv6); of IPv6 a /64 is one subscriber. Only addresses that made public edits are looked at;
temporary accounts are never resolved to addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import numpy as np

from tsbot.errors import InputError

Network = IPv4Network | IPv6Network
WIDEST = {4: 16, 6: 19}
"""Shortest prefix that can be blocked (``$wgBlockCIDRLimit``)."""
SUBSCRIBER = {4: 32, 6: 64}
UNSEEN = "Registered users behind the range are not visible, and temporary accounts are not resolved: the true number is higher."
_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class OtherEdit:
    """A public edit by another address."""

    address: str
    day: date
    reverted: bool = False


@dataclass(frozen=True, slots=True)
class Collateral:
    """Who else edits from a range; per day, with a 95 % interval from drawing days anew."""

    actors: int
    actors_a_day: float
    low: float
    high: float
    kept_edits: int
    """Edits of others that were not reverted."""
    reverted_share: float
    note: str = UNSEEN


def subscriber(address: str) -> Network:
    """The smallest range that one subscriber has. Raises ``InputError`` for what is no address (a temporary account, for one)."""
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise InputError(f"{address!r} is no IP address.") from error
    return ip_network((parsed, SUBSCRIBER[parsed.version]), strict=False)


def common(first: Network, second: Network) -> Network | None:
    """The smallest range that holds both; none if that is wider than can be blocked or the versions differ."""
    if first.version != second.version:
        return None
    size = 32 if first.version == 4 else 128
    different = (int(first.network_address) ^ int(second.network_address)).bit_length()
    prefix = min(size - different, first.prefixlen, second.prefixlen)
    return first.supernet(new_prefix=prefix) if prefix >= WIDEST[first.version] else None


def covering(addresses: Iterable[str], most: int = 1) -> tuple[Network, ...]:
    """At most ``most`` ranges that hold all addresses, with as few addresses as merging neighbours gives; more where the limits demand it.

    Neighbours whose union adds the fewest addresses are joined first.
    """
    ranges = sorted({subscriber(address) for address in addresses}, key=_order)
    while len(ranges) > max(1, most):
        unions = [(union, index) for index in range(len(ranges) - 1) if (union := common(ranges[index], ranges[index + 1]))]
        if not unions:
            break
        union, _ = min(unions, key=lambda one: (_blocked(one[0]) - _blocked(ranges[one[1]]) - _blocked(ranges[one[1] + 1]), one[1]))
        ranges = sorted({union, *(some for some in ranges if not _within(some, union))}, key=_order)
    return tuple(ranges)


def collateral(network: Network, others: Sequence[OtherEdit], days: int, seed: int = 1) -> Collateral:
    """What a block of a range over ``days`` of observation would have hit."""
    inside = [edit for edit in others if _within(subscriber(edit.address), network)]
    by_day: dict[date, set[Network]] = {}
    for edit in inside:
        by_day.setdefault(edit.day, set()).add(subscriber(edit.address))
    actors = {subscriber(edit.address) for edit in inside}
    counts = np.zeros(max(days, len(by_day), 1))
    counts[: len(by_day)] = [len(by_day[day]) for day in sorted(by_day)]
    means = counts[np.random.default_rng(seed).integers(0, len(counts), (_ROUNDS, len(counts)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    reverted = sum(edit.reverted for edit in inside)
    share = reverted / len(inside) if inside else 0.0
    return Collateral(len(actors), float(counts.mean()), float(low), float(high), len(inside) - reverted, share)


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _blocked(network: Network) -> int:
    """How many subscribers a range has."""
    return 1 << (SUBSCRIBER[network.version] - network.prefixlen)


def _within(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version or inner.prefixlen < outer.prefixlen:
        return False
    return inner.supernet(new_prefix=outer.prefixlen) == outer
