"""Model files are checked before they are believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsbot.detect.finding import DETECTED
from tsbot.detect.weights import FORMAT, MANIFEST, WEIGHTS, Manifest, Scale, load_model, save_model
from tsbot.errors import ModelError


def small_model(folder: Path) -> Path:
    manifest = Manifest(
        format=FORMAT,
        version="small",
        bits=8,
        heads=("threat",),
        intercepts=(-1.0,),
        sha256="",
        languages=("en",),
        calibration={"margin": 1.0, "pack": 1.0, "intercept": 0.0},
        thresholds=dict.fromkeys(DETECTED, 0.5),
        plausibility=Scale(coefficients={"ability": 1.0}, intercept=0.0, cuts=(0.5,)),
        seed=1,
        trained_on={"made up": 3},
    )
    save_model(folder, manifest, np.linspace(-1, 1, 256, dtype=np.float32)[None, :])
    return folder


def change(key: str, value: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tree = json.loads((folder / MANIFEST).read_text())
        tree[key] = value
        (folder / MANIFEST).write_text(json.dumps(tree))

    return apply


def test_what_is_written_is_read(tmp_path: Path) -> None:
    model = load_model(small_model(tmp_path))
    assert model.manifest.version == "small"
    assert model.weights["threat"].shape == (257,)
    assert model.weights["threat"][-1] == 0
    assert model.weights["threat"][0] == -1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / WEIGHTS).unlink(), "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "damaged"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"rubbish"), "SHA-256"),
        (change("format", 99), "another format"),
        (change("unheard", 1), "damaged"),
        (change("bits", 9), "shape"),
        (change("heads", ["violence"]), "lacks the head"),
    ],
)
def test_damage_is_told(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(small_model(tmp_path))
    with pytest.raises(ModelError, match=told):
        load_model(tmp_path)


def test_pickles_are_refused(tmp_path: Path) -> None:
    small_model(tmp_path)
    np.save(tmp_path / WEIGHTS, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    import hashlib

    change("sha256", hashlib.sha256((tmp_path / WEIGHTS).read_bytes()).hexdigest())(tmp_path)
    with pytest.raises(ModelError, match="no array"):
        load_model(tmp_path)


def test_grades_count_the_cuts_that_are_reached() -> None:
    scale = Scale(coefficients={"when": 1.0, "how": 0.5}, intercept=0.25, cuts=(0.5, 1.0, 1.75))
    assert [scale.grade({}), scale.grade({"how": 1.0}), scale.grade({"when": 1.0, "how": 1.0})] == [0, 1, 3]
