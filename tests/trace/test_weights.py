"""Weights: what a file must hold, what curves do, and that fitting finds what is in made-up data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tsbot.errors import ModelError
from tsbot.trace.activity import Account, Activity, Edit
from tsbot.trace.fit import Pairs, calibrate, fit_curves, half
from tsbot.trace.score import add_up
from tsbot.trace.training import VARIANTS, Label, measure, pairs
from tsbot.trace.weights import FORMAT, Curve, Model, Weights, load_weights, shipped_weights

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
TWINS = [(f"a{person} {number}", f"p{person}") for person in range(8) for number in (1, 2)]
FALLING = Curve((1.0, 0.0), (0.0, 1.0))


def test_the_shipped_weights_have_every_variant_and_say_where_they_come_from() -> None:
    weights = shipped_weights()
    assert {(model.source, model.without) for model in weights.models} >= {("wiki", without) for without in VARIANTS}
    assert weights.data
    assert all(value < 1 for value in weights.figures.values())


def test_curves_never_fall() -> None:
    for model in shipped_weights().models:
        for name, curve in model.curves.items():
            assert (np.diff(curve.values) >= -1e-3).all(), name


def test_a_choice_that_was_not_fitted_takes_the_nearest_that_was() -> None:
    models = (Model((), 0.0, {}), Model(("dates",), 1.0, {}), Model((), 2.0, {}, "repository"))
    weights = Weights(FORMAT, "", "", {}, models)
    assert weights.model(("dates", "hours"), "wiki").intercept == 1.0
    assert weights.model(("names",), "wiki").intercept == 0.0
    assert weights.model(("names",), "repository").intercept == 2.0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"{", "truncated"),
        (b'{"format": 1}', "made"),
        (msgspec.json.encode(Weights(99, "", "", {}, (Model((), 0.0, {}),))), "format 99"),
        (msgspec.json.encode(Weights(FORMAT, "", "", {}, ())), "0 models"),
        (msgspec.json.encode(Weights(FORMAT, "", "", {}, (Model((), 0.0, {"hours.day": FALLING}),))), "hours.day"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "weights.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=why):
        load_weights(path)


def test_numbers_that_are_missing_weigh_nothing() -> None:
    curve = Curve((0.0, 1.0), (-2.0, 2.0))
    assert curve(np.array([np.nan, -5.0, 0.5, 9.0])).tolist() == [0.0, -2.0, 0.0, 2.0]


def test_a_fit_finds_what_tells_and_ignores_what_does_not() -> None:
    rng = np.random.default_rng(1)
    same = np.arange(3000) % 20 == 0
    telling = rng.normal(np.where(same, 2.0, 0.0))
    numbers = {"pages.cosine": telling, "style.typed": telling + 0.01 * rng.normal(size=3000), "hours.day": rng.normal(size=3000)}
    model = fit_curves(Pairs(numbers, same, np.ones(3000)), ())
    spans = {name: curve.values[-1] - curve.values[0] for name, curve in model.curves.items()}
    # The truth is a line of slope 2 in what tells, from 2 * -2 to 2 * 4 or so; two numbers that say the same share it.
    assert 4 < spans.get("pages.cosine", 0) + spans.get("style.typed", 0) < 14
    assert spans.get("hours.day", 0) < 1
    total, kinds = add_up(model, numbers)
    assert total == pytest.approx(sum(kinds.values()) + model.intercept)
    slope, _ = calibrate(total, same, np.ones(3000))
    assert 0.8 < slope < 1.2


def test_halves_are_the_same_everywhere() -> None:
    assert [half(f"person {number}") for number in range(8)] == [half(f"person {number}") for number in range(8)]
    assert {half(f"person {number}") for number in range(20)} == {0, 1}


def test_a_disputed_link_is_a_pair_of_two_persons_and_nothing_else() -> None:
    """Of accounts without labels the fit learns that pair, in one half with the other account; what labels contradict is left out."""
    accounts = [Account(name, (Edit("enwiki", START, (page,)),)) for name, page in (*TWINS, ("x", "p0"), ("y", "p0"), ("z", "p1"))]
    labels = {name: Label(name, name[:2]) for name, _ in TWINS}
    disputed = [("x", "y"), ("a0 1", "z"), ("a1 1", "a1 2"), ("x", "nobody")]
    plain = measure(Activity(tuple(accounts)), labels)
    data = measure(Activity(tuple(accounts)), labels, disputed)
    names = [account.name for account in accounts]
    found = {tuple(sorted((names[one], names[other]))) for one, other in data.disputed}
    assert found == {("x", "y"), ("a0 1", "z")}
    assert half(data.groups[names.index("x")]) == half(data.groups[names.index("y")])
    assert half(data.groups[names.index("z")]) == half(data.groups[names.index("a0 1")])
    before, after = pairs([plain], None, ()), pairs([data], None, ())
    assert (after.same.sum(), after.weights[after.same].sum()) == (before.same.sum(), pytest.approx(before.weights[before.same].sum()))
    assert (~after.same).sum() > (~before.same).sum()
