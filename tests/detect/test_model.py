"""Model files are checked before they are believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsbot.detect.finding import DETECTED
from tsbot.detect.learn.base import read_base, shorten
from tsbot.detect.learn.export import onnx_graphs
from tsbot.detect.learn.network import Network, pieces_model
from tsbot.detect.model import (
    FILES,
    FIRST,
    FORMAT,
    MANIFEST,
    NGRAMS,
    PIECES,
    REST,
    WORDS,
    Calibration,
    Line,
    Manifest,
    load_model,
    save_model,
)
from tsbot.errors import ModelError


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small model: the real pretrained encoder, cut down to a few layers and pieces."""
    base = shorten(read_base(), 2000)
    line = Line(slope=1.0, intercept=0.0)
    calibration = Calibration(
        encoder=1.0, ngrams=0.0, pattern=1.0, intercept=0.0, gate=0.0, gates={}, unread=line, glance=0.0, glanced=line, others={}
    )
    manifest = Manifest(
        format=FORMAT,
        version="small",
        bits=8,
        intercept=-1.0,
        sha256={},
        languages={"en": 100},
        calibration=calibration,
        thresholds=dict.fromkeys(DETECTED, 0.5),
        seed=1,
        trained_on={"made up": 3},
    )
    folder = tmp_path_factory.mktemp("model")
    pieces = pieces_model(base.pieces, base.scores)
    save_model(folder, manifest, np.linspace(-1, 1, 256, dtype=np.float32), base.words, pieces, onnx_graphs(Network(base, 4)))
    return {name: (folder / name).read_bytes() for name in (MANIFEST, *FILES)}


@pytest.fixture
def folder(tmp_path: Path, content: dict[str, bytes]) -> Path:
    for name, some in content.items():
        (tmp_path / name).write_bytes(some)
    return tmp_path


def change(key: str, value: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tree = json.loads((folder / MANIFEST).read_text())
        tree[key] = value
        (folder / MANIFEST).write_text(json.dumps(tree))

    return apply


def replace(name: str, some: bytes) -> Callable[[Path], None]:
    """Another file under the name of one, with a manifest that knows it."""

    def apply(folder: Path) -> None:
        (folder / name).write_bytes(some)
        sums = json.loads((folder / MANIFEST).read_text())["sha256"]
        change("sha256", sums | {name: hashlib.sha256(some).hexdigest()})(folder)

    return apply


def test_what_is_written_is_read(folder: Path) -> None:
    model = load_model(folder)
    assert model.manifest.version == "small"
    assert model.ngrams.shape == (257,)
    assert model.ngrams[-1] == 0
    assert model.ngrams[0] == -1
    assert len(model.encoder.read("Hello there").spans) >= 2


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / NGRAMS).unlink(), "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "damaged"),
        (lambda folder: (folder / WORDS).write_bytes(b"rubbish"), "SHA-256"),
        (lambda folder: (folder / FIRST).write_bytes(b""), "SHA-256"),
        (change("format", 99), "another format"),
        (change("unheard", 1), "damaged"),
        (change("bits", 9), "shape"),
        (replace(NGRAMS, b"rubbish"), "no array"),
        (replace(PIECES, b"rubbish"), "cannot be opened"),
        (replace(REST, b"rubbish"), "cannot be opened"),
    ],
)
def test_damage_is_told(folder: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=told):
        load_model(folder)


def test_pickles_are_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("pickle") / NGRAMS
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    replace(NGRAMS, path.read_bytes())(folder)
    with pytest.raises(ModelError, match="no array"):
        load_model(folder)
