"""Training on a small made-up set: it learns, the same seed gives the same model, and an interrupted run goes on."""

from __future__ import annotations

import gzip
import io
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tsbot.detect.detector import Cascade
from tsbot.detect.language_pack import common_words, load_packs
from tsbot.detect.learn import fit_encoder
from tsbot.detect.learn.datasets import TALK, read_examples
from tsbot.detect.learn.training import STAGES, Plan, train
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.model import FILES, MANIFEST, load_model
from tsbot.errors import InputError
from tsbot.text.language import LanguageGuesser

SMALL = Plan(bits=12, pieces=3000, epochs=2, hard=30, soft=10, layers=1)
SILENT = Console(file=io.StringIO(), width=120)
DAYS = ("now", "tomorrow", "soon", "at noon", "tonight", "on Friday", "again", "badly", "today", "at nine", "one day", "in May")


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentences")
    lines = [f"violence intent 1 p1 i1 when | I will hurt you {day}, {number}" for number, day in enumerate(DAYS * 4)]
    lines += [f"ok talk | I will edit the page {day}, {number}" for number, day in enumerate(DAYS * 8)]
    (folder / "en.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def model(data: Path, sentences: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train(data, folder, 1, SILENT, SMALL, sentences)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (MANIFEST, *FILES)}


def test_it_learns(model: Path) -> None:
    packs = load_packs()
    detector = Cascade(load_model(model), Lexicon(packs), LanguageGuesser(common_words(packs)))
    bad, good = detector.judge(["Fine. I will hurt you on Monday.", "I will edit the heading on Monday."])
    assert bad.threat > 10 * good.threat


def test_the_same_seed_gives_the_same_model(model: Path, data: Path, sentences: Path, tmp_path: Path) -> None:
    train(data, tmp_path, 1, SILENT, SMALL, sentences)
    assert files(tmp_path) == files(model)


def test_an_interrupted_training_goes_on(
    model: Path, data: Path, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Exception):  # noqa: N818 - nobody but this test sees it
        pass

    whole = fit_encoder._loss
    steps = []

    def loss(*arguments: object) -> object:
        steps.append(len(steps))
        if len(steps) == 5:
            raise Stopped
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fit_encoder, "KEEP_EVERY", 2)
    monkeypatch.setattr(fit_encoder, "_loss", loss)
    with pytest.raises(Stopped):
        train(data, tmp_path, 1, SILENT, SMALL, sentences)
    before = len(steps)
    train(data, tmp_path, 1, SILENT, SMALL, sentences)
    assert files(tmp_path) == files(model)
    done = len(steps) - before
    steps.clear()
    train(data, tmp_path, 1, SILENT, SMALL, sentences)
    assert not steps, "what is trained is not trained again"
    assert done > 0
    assert any((tmp_path / STAGES).iterdir())


def test_texts_are_shown_otherwise_now_and_then() -> None:
    rng = random.Random(3)
    shown = {fit_encoder.disturbed("Bring the Émile back, please!", rng) for _ in range(300)}
    assert {"Bring the Émile back, please!", "bring the émile back, please!", "BRING THE ÉMILE BACK, PLEASE!"} <= shown
    assert "Bring the Émile back  please " in shown
    assert len(shown) > 5


def test_annotations_that_disagree_are_left_out(data: Path, sentences: Path) -> None:
    examples = read_examples(data, sentences)
    assert "They disagree" not in {example.text for example in examples}
    assert {example.language for example in examples} == {"en", "de"}
    assert np.mean([example.held_out for example in examples if example.sort]) == pytest.approx(1 / 3, abs=0.12)


def test_a_missing_or_strange_file_is_named(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    with gzip.open(tmp_path / TALK, "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"gc\.csv\.gz is not what is expected: KeyError"):
        read_examples(tmp_path)
    (tmp_path / TALK).unlink()
    with pytest.raises(InputError, match=r"gc\.csv\.gz is missing"):
        read_examples(tmp_path)
