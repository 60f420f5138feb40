"""From labelled activity to weights: pairs, two halves of persons, figures on the half that was not seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from tsbot.errors import InputError
from tsbot.trace.activity import Account, Activity, account_name, read_activity, seconds
from tsbot.trace.figures import cost
from tsbot.trace.fit import Pairs, calibrate, calibrated, fit_curves, half
from tsbot.trace.gallery import Gallery
from tsbot.trace.score import Measured, add_up
from tsbot.trace.sparse import Floats
from tsbot.trace.weights import FORMAT, Model, Weights

VARIANTS: tuple[tuple[str, ...], ...] = ((), ("names", "opposition"), ("dates",), ("dates", "names", "opposition"))
"""Kinds left out for which curves are fitted of their own: `--no-names`, no dates, both."""
WINDOW = timedelta(days=90)
"""As far back as activity is kept by default."""
SHRINK = 0.9
"""By what curves of one half are stretched before they are measured on the other: sums of fitted curves are always a little too sure."""
_EASY_KEPT = 0.06
"""Share of the pairs with nothing in common that is used; each counts for all it stands for."""
_SEED = 1
_Row = TypeVar("_Row")


class Label(msgspec.Struct, frozen=True):
    """Which person an account belongs to."""

    account: str
    person: str | None = None
    """The same for all accounts of one person; none for an account that is known as nobody else's."""
    group: str | None = None
    """What must stay together when persons are split in two halves: an investigation with its bystanders. By default the person."""


@dataclass(frozen=True)
class Labelled:
    """Activity with labels, measured."""

    persons: tuple[str | None, ...]
    groups: tuple[str, ...]
    numbers: dict[str, Floats]
    """Every number of evidence, shape (queries, accounts)."""
    queries: tuple[int, ...]
    """Accounts whose person has another one, and behind them those of disputed links."""
    source: str = "wiki"
    twins: int | None = None
    """How many of the queries have another account of their person; None: all."""
    disputed: frozenset[tuple[int, int]] = frozenset()
    """Positions of two accounts that somebody knows to be two persons', in either order."""


class DisputedPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two accounts of which somebody says that they are two persons' (``tsbot trace disputes --labels``)."""

    first: str
    second: str


def read_disputed(path: Path) -> tuple[tuple[str, str], ...]:
    """Read JSON Lines of disputed links. Raises ``InputError`` naming file and line."""
    return tuple((account_name(one.first), account_name(one.second)) for one in _json_lines(path, DisputedPair))


def read_labels(path: Path) -> dict[str, Label]:
    """Read JSON Lines of labels. Raises ``InputError`` naming file and line."""
    return {account_name(label.account): label for label in _json_lines(path, Label)}


def _json_lines(path: Path, kind: type[_Row]) -> Iterator[_Row]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise InputError(f"{path}, line {number}: {error}.") from error


def measure(activity: Activity, labels: dict[str, Label], disputed: Collection[tuple[str, str]] = ()) -> Labelled:
    """All numbers of the accounts that have a twin, and of those of disputed links. Raises ``InputError`` if there is no twin."""
    labels = with_disputed(labels, disputed)
    accounts = [account for account in activity.accounts if account.name in labels]
    persons = tuple(labels[account.name].person for account in accounts)
    groups = tuple(labels[account.name].group or labels[account.name].person or account.name for account in accounts)
    count = Counter(person for person in persons if person is not None)
    queries = tuple(position for position, person in enumerate(persons) if person is not None and count[person] > 1)
    if len({half(groups[query]) for query in queries}) < 2:
        raise InputError("Fitting needs persons with two or more accounts in both halves; these labels have too few.")
    if any(labels[account.name].group for account in accounts):
        accounts = aligned(accounts, groups)
    gallery = Gallery(accounts)
    position = {account.name: number for number, account in enumerate(accounts)}
    found = [(position[one], position[other]) for one, other in disputed if one in position and other in position]
    found = [(one, other) for one, other in found if persons[one] is None or persons[one] != persons[other]]
    apart = frozenset(pair for one, other in found for pair in ((one, other), (other, one)))
    twins = len(queries)
    queries += tuple(sorted({one for one, _ in apart} - set(queries)))
    measured = Measured(gallery).numbers(queries)
    numbers: dict[str, Floats] = {name: values.astype(np.float32) for name, values in measured.items()}
    return Labelled(persons, groups, numbers, queries, gallery.source, twins, apart)


def with_disputed(labels: dict[str, Label], disputed: Collection[tuple[str, str]]) -> dict[str, Label]:
    """Labels with those for accounts of disputed links that have none: nobody else's as far as is known; both are kept in one half."""
    known = dict(labels)
    for one, other in disputed:
        for name, beside in ((one, other), (other, one)):
            if name not in known:
                near = known.get(beside)
                known[name] = Label(name, None, (near.group or near.person or near.account) if near else name)
    return known


def aligned(accounts: Sequence[Account], groups: Sequence[str]) -> list[Account]:
    """Accounts with every group moved, by whole weeks, so that all groups begin within the same ``WINDOW``.

    Investigations of a sample lie years apart only because of how they were drawn; in use everything is of the same months, and dates
    that separate strangers by years would make each stranger of the same month a suspect. Hours and weekdays stay.
    """
    first: dict[str, float] = {}
    for account, group in zip(accounts, groups, strict=True):
        times = [seconds(edit) for edit in account.edits]
        first[group] = min([*times, first.get(group, float("inf"))])
    week, base = 7 * 86400, min(first.values())
    moved = []
    for account, group in zip(accounts, groups, strict=True):
        place = int.from_bytes(hashlib.sha256(group.encode()).digest()[1:5]) % WINDOW.days / 7
        shift = timedelta(weeks=round(place - (first[group] - base) / week))
        moved.append(Account(account.name, tuple(replace(edit, timestamp=edit.timestamp + shift) for edit in account.edits)))
    return moved


def pairs(labelled: Sequence[Labelled], part: int | None, without: Collection[str]) -> Pairs:
    """Labelled pairs of one half of the persons (or of all): every person has the same weight, every data set the weight of its persons."""
    chunks: list[tuple[dict[str, Floats], np.ndarray[Any, Any], Floats]] = []
    for data in labelled:
        chosen = _pairs_of(data, part)
        numbers = {
            name: values[chosen[0], chosen[1]].astype(float) for name, values in data.numbers.items() if name.split(".")[0] not in without
        }
        chunks.append((numbers, chosen[2], chosen[3]))
    names = chunks[0][0].keys()
    return Pairs(
        {name: np.concatenate([chunk[0][name] for chunk in chunks]) for name in names},
        np.concatenate([chunk[1] for chunk in chunks]),
        np.concatenate([chunk[2] for chunk in chunks]),
    )


def _pairs_of(data: Labelled, part: int | None) -> tuple[Any, Any, Any, Any]:
    persons = np.array([person if person is not None else f"\0{position}" for position, person in enumerate(data.persons)])
    groups, halves = np.array(data.groups), np.array([half(group) for group in data.groups])
    columns = np.arange(len(persons)) if part is None else np.flatnonzero(halves == part)
    rows = np.array([row for row, query in enumerate(data.queries) if part is None or halves[query] == part])
    row, column = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
    query = np.array(data.queries)[row]
    row, column, query = row[query != column], column[query != column], query[query != column]
    same = persons[query] == persons[column]
    near = (data.numbers["pages.cosine"][row, column] > 0) | (groups[query] == groups[column])
    near |= np.nan_to_num(data.numbers["style.folded.z"][row, column]) > 2
    apart = np.zeros((len(persons), len(persons)), dtype=bool)
    for one, other in data.disputed:
        apart[one, other] = True
    disputed, twins_known = apart[query, column], len(data.queries) if data.twins is None else data.twins
    near |= disputed
    kept = same | near | (np.random.default_rng(_SEED).random(len(row)) < _EASY_KEPT)
    kept &= (row < twins_known) | disputed  # of an account without a twin nothing else is known
    row, column, query, same, near = (values[kept] for values in (row, column, query, same, near))
    count = Counter(persons[np.array(data.queries)[rows[rows < twins_known]]].tolist())
    weights = np.where(near, 1.0, 1 / _EASY_KEPT)
    twins = np.array([count[person] for person in persons[query].tolist()])
    weights = np.where(same, 1.0 / np.maximum(twins * (twins - 1), 1), weights)
    people = len(count)
    for which in (same, ~same):
        weights[which] *= people / weights[which].sum()
    return row, column, same, weights


def fit_weights(labelled: Sequence[Labelled], data: str, made: str) -> Weights:
    """Weights for every sort of activity and every variant, and what they are worth on persons that the curves did not see."""
    models, figures = [], {}
    for source in sorted({one.source for one in labelled}, reverse=True):
        some = [one for one in labelled if one.source == source]
        for without in VARIANTS:
            halves = fit_halves(some, without)
            unseen = [pairs(some, 1 - part, without) for part in (0, 1)]
            sums = np.concatenate([add_up(model, one.numbers)[0] for model, one in zip(halves, unseen, strict=True)])
            same, weights = (np.concatenate([getattr(one, name) for one in unseen]) for name in ("same", "weights"))
            everybody = fit_curves(pairs(some, None, without), without)
            final = calibrated(everybody, *calibrate(sums, same, weights))
            models.append(Model(final.without, final.intercept, final.curves, source))
            name = "all kinds" if not without else "without " + ", ".join(without)
            figures[f"Cllr, {source}, {name}"] = round(cost(sums, same, weights), 4)
    return Weights(FORMAT, made, data, figures, tuple(models))


def fit_halves(labelled: Sequence[Labelled], without: Sequence[str]) -> list[Model]:
    """Two models, each fitted on one half of the persons and calibrated within it, so that the other half is truly unseen."""
    models = []
    for part in (0, 1):
        model = fit_curves(pairs(labelled, part, without), without)
        models.append(calibrated(model, SHRINK, 0.0))
    return models


def read_labelled(activity: Path, labels: Path, disputed: Collection[tuple[str, str]] = ()) -> Labelled:
    """Read and measure one data set."""
    return measure(read_activity(activity), read_labels(labels), disputed)
