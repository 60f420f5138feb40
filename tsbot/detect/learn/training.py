"""The stages of ``tsbot train``: n-grams, encoder, calibration.

What a stage has made is kept, so that a training that was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tsbot.detect.encoder import QUESTIONS, open_encoder
from tsbot.detect.finding import Kind
from tsbot.detect.language_pack import load_packs
from tsbot.detect.learn.base import Base, read_base, shorten
from tsbot.detect.learn.calibrate import calibrate, gate_of, gates_of
from tsbot.detect.learn.datasets import MORE_MESSAGES, Example, read_examples
from tsbot.detect.learn.export import onnx_graphs
from tsbot.detect.learn.fit_encoder import EPOCHS, Window, train_encoder
from tsbot.detect.learn.fit_ngrams import BITS, FOLDS, Fitted, fit_ngrams
from tsbot.detect.learn.network import LAYERS, Network, pieces_model
from tsbot.detect.learn.reading import pattern_strengths, windows_of_texts
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.model import FORMAT, Manifest, save_model
from tsbot.detect.windows import MOST

PIECES = 130_000
"""Pieces of the vocabulary that are kept: without the rarest half a text in forty languages has 10 % more pieces; it saves 26 MB."""
HARD, SOFT = 8_000, 3_000
"""Harmless texts learnt from in each epoch: those that look most like threats to the n-grams, and others by chance."""
OTHERS = (Kind.DOXING, Kind.LEGAL, Kind.ATTACK_NAME)
STAGES = "stages"
Say = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is trained; smaller for tests."""

    bits: int = BITS
    pieces: int = PIECES
    epochs: int = EPOCHS
    hard: int = HARD
    soft: int = SOFT
    layers: int = LAYERS


def train(
    data: Path,
    output: Path,
    seed: int,
    console: Console,
    plan: Plan | None = None,
    sentences: Traversable | None = None,
    interface: Path | None = None,
) -> Manifest:
    """Train on the data of a folder and on sentences (default: the project's), and write the model.

    Raises ``InputError`` and ``PackError``.
    """
    plan = plan or Plan()
    base = shorten(read_base(), plan.pieces)
    lexicon = Lexicon(load_packs())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=1.0)

        def say(what: str, done: float = 0.0) -> None:
            progress.update(task, description=what, completed=done)

        examples = read_examples(data, sentences, interface)
        folder = output / STAGES / _digest(examples, seed, plan)
        fitted = _ngrams(folder, examples, seed, plan, say)
        network = _encoder(folder, base, examples, fitted, seed, plan, say)
        if interface is not None:
            examples = read_examples(data, sentences, interface, MORE_MESSAGES)
            fitted = _ngrams(folder, examples, seed, plan, say, "gate", folds=0)
        say("encoder, 8 bits")
        graphs = onnx_graphs(network)
        return _finish(output, base, examples, fitted, graphs, lexicon, seed, plan, say)


def _digest(examples: Sequence[Example], seed: int, plan: Plan) -> str:
    digest = hashlib.sha256(repr((seed, plan)).encode())
    for example in examples:
        digest.update(repr((example.text, sorted(example.answers.items()), example.weight)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _ngrams(
    folder: Path, examples: Sequence[Example], seed: int, plan: Plan, say: Say, name: str = "ngrams", folds: int = FOLDS
) -> Fitted:
    """N-grams: first those that choose what the encoder learns from, then those of the model (``gate``)."""
    path = folder / f"{name}.npz"
    if not path.exists():
        fitted = fit_ngrams(examples, seed, lambda what: say(what, 0.0), plan.bits, folds)
        folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".new")
        with half.open("wb") as file:
            np.savez(file, weights=fitted.weights, intercept=np.array(fitted.intercept), unseen=fitted.unseen)
        half.replace(path)
    with np.load(path, allow_pickle=False) as kept:
        return Fitted(kept["weights"], float(kept["intercept"]), kept["unseen"])


def _encoder(folder: Path, base: Base, examples: Sequence[Example], fitted: Fitted, seed: int, plan: Plan, say: Say) -> Network:
    say("encoder, choosing windows", 0.0)
    path = folder / "network.pt"
    torch.manual_seed(seed)
    network = Network(base, plan.layers)
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network
    learnt = [index for index, example in enumerate(examples) if not example.held_out]
    windows = windows_of_texts([examples[index].text for index in learnt], np.append(fitted.weights, np.float32(0)), 1)
    careful: list[int] = []
    harmless: list[int] = []
    for place, index in enumerate(learnt):
        example = examples[index]
        if windows[place]:
            wanted = example.graded or example.threat or example.source.startswith("sentences/")
            (careful if wanted else harmless).append(place)
    harmless.sort(key=lambda place: -float(fitted.unseen[learnt[place]]))

    def draw(rng: random.Random) -> list[Window]:
        rest = harmless[plan.hard :]
        chosen = [*careful, *harmless[: plan.hard], *rng.sample(rest, min(plan.soft, len(rest)))]
        return [Window(windows[place][0], examples[learnt[place]].answers, examples[learnt[place]].weight) for place in chosen]

    network = train_encoder(network, base, draw, seed, folder, say, plan.epochs)
    half = path.with_suffix(".new")
    torch.save(network.state_dict(), half)
    half.replace(path)
    return network


def _finish(
    output: Path,
    base: Base,
    examples: Sequence[Example],
    fitted: Fitted,
    graphs: tuple[bytes, bytes],
    lexicon: Lexicon,
    seed: int,
    plan: Plan,
    say: Say,
) -> Manifest:
    """Calibrate on the held-out examples, and write the model."""
    held = [index for index, example in enumerate(examples) if example.held_out]
    some = [examples[index] for index in held]
    ngrams = fitted.unseen[held]
    pieces = pieces_model(base.pieces, base.scores)
    encoder = open_encoder(pieces, base.words, *graphs)
    patterns = pattern_strengths(lexicon, [example.text for example in some])
    gate = gate_of(some, ngrams)
    gates = gates_of(some, ngrams, gate)
    answers = np.full((len(some), len(QUESTIONS)), -np.inf)
    glances = np.full(len(some), -np.inf)
    read = np.flatnonzero((ngrams >= gate) | (patterns > 0) | np.array([example.source.startswith("sentences") for example in some]))
    windows = windows_of_texts([some[index].text for index in read], np.append(fitted.weights, np.float32(0)), MOST)
    for number, (index, mine) in enumerate(zip(read, windows, strict=True)):
        if mine:
            seen = [encoder.glance(window) for window in mine]
            glances[index] = max(glance.margin for glance in seen)
            answers[index] = np.max([encoder.read_on(glance).answers for glance in seen], axis=0)
        if number % 50 == 0:
            say("calibration, reading", number / len(read))
    columns: dict[Kind, NDArray[np.float64]] = {kind: answers[:, QUESTIONS.index(kind)] for kind in OTHERS}
    calibration, thresholds = calibrate(some, answers[:, 0], glances, ngrams, patterns, gate, gates, columns)
    version = hashlib.sha256(graphs[0] + graphs[1] + fitted.weights.tobytes()).hexdigest()[:8]
    manifest = Manifest(
        format=FORMAT,
        version=f"cascade-3-{version}",
        bits=plan.bits,
        intercept=fitted.intercept,
        sha256={},
        languages=dict(sorted(Counter(example.language for example in examples if not example.held_out).items())),
        calibration=calibration,
        thresholds=thresholds,
        seed=seed,
        trained_on=dict(sorted(Counter(example.source for example in examples if not example.held_out).items())),
    )
    return save_model(output, manifest, fitted.weights, base.words, pieces, graphs)
