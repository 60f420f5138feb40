"""Accounts that belong together: complete-link clusters that respect evidence against.

Two clusters become one only if every account of the one is linked to every account of the other, so a chain of coincidences joins nothing,
and only if nothing forbids it (cannot-link). Of all possible unions the one whose weakest link is strongest comes first; equal ones are
taken in the order of names: the result does not depend on the order of the input. Links between clusters that stayed apart are bridges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tsbot.errors import InputError
from tsbot.trace.tiers import STRONG, WEAK

MOST_ACCOUNTS = 300


@dataclass(frozen=True, slots=True)
class Bridge:
    """A link between two clusters that are not one, and the pair that keeps them apart."""

    first: str
    second: str
    log_lr: float
    weakest: tuple[str, str]
    weakest_log_lr: float
    forbidden: bool
    """Whether evidence against keeps them apart, rather than too little evidence."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of two accounts or more, singles, and bridges; each in the order of names."""

    clusters: tuple[tuple[str, ...], ...]
    singles: tuple[str, ...]
    bridges: tuple[Bridge, ...]


def pair(first: str, second: str) -> tuple[str, str]:
    """A pair without direction."""
    return (first, second) if first <= second else (second, first)


def cluster(
    accounts: Iterable[str],
    links: Mapping[tuple[str, str], float],
    cannot: Collection[tuple[str, str]] = (),
    least: float = STRONG,
) -> Clusters:
    """Clusters of accounts from log-likelihood ratios of pairs; a pair without one is not linked.

    ``cannot`` holds pairs that people or evidence rule out; a pair at ``-WEAK`` or below is ruled out by its own number. Raises
    ``InputError`` for more than ``MOST_ACCOUNTS`` accounts.
    """
    names = sorted(set(accounts))
    if len(names) > MOST_ACCOUNTS:
        raise InputError(f"{len(names)} accounts are too many to draw clusters of; at most {MOST_ACCOUNTS}.")
    values: dict[tuple[str, str], float] = {}
    for (first, second), value in links.items():
        key = pair(first, second)
        values[key] = min(value, values.get(key, value))  # told twice, in both directions: the more careful number
    forbidden = {pair(*two) for two in cannot} | {key for key, value in values.items() if value <= -WEAK}
    groups: list[tuple[str, ...]] = [(name,) for name in names]
    while best := _best(groups, values, forbidden, least):
        one, other = best
        groups = sorted([group for group in groups if group not in best] + [tuple(sorted(one + other))])
    bridges = [
        bridge
        for index, one in enumerate(groups)
        for other in groups[index + 1 :]
        if (bridge := _bridge(one, other, values, forbidden, least))
    ]
    return Clusters(
        tuple(group for group in groups if len(group) > 1), tuple(group[0] for group in groups if len(group) == 1), tuple(bridges)
    )


def _weakest(
    one: tuple[str, ...], other: tuple[str, ...], values: Mapping[tuple[str, str], float], forbidden: Collection[tuple[str, str]]
) -> tuple[float, tuple[str, str]]:
    """The weakest pair of two groups; a forbidden one is weaker than any."""
    return min((float("-inf") if key in forbidden else values.get(key, 0.0), key) for a in one for b in other for key in [pair(a, b)])


def _best(
    groups: list[tuple[str, ...]], values: Mapping[tuple[str, str], float], forbidden: Collection[tuple[str, str]], least: float
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    best: tuple[float, tuple[str, ...], tuple[str, ...]] | None = None
    for index, one in enumerate(groups):
        for other in groups[index + 1 :]:
            value, _ = _weakest(one, other, values, forbidden)
            if value >= least and (best is None or (-value, one, other) < best):
                best = (-value, one, other)
    return (best[1], best[2]) if best else None


def _bridge(
    one: tuple[str, ...],
    other: tuple[str, ...],
    values: Mapping[tuple[str, str], float],
    forbidden: Collection[tuple[str, str]],
    least: float,
) -> Bridge | None:
    strongest, (first, second) = max((values.get(pair(a, b), 0.0), pair(a, b)) for a in one for b in other)
    if strongest < least:
        return None
    _, weakest = _weakest(one, other, values, forbidden)
    return Bridge(first, second, strongest, weakest, values.get(weakest, 0.0), weakest in forbidden)
