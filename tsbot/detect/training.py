"""The stages of ``tsbot train``: read, train, grade, report; each stage's result is kept in the output folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tsbot.detect.datasets import Example, read_examples
from tsbot.detect.detector import PatternDetector
from tsbot.detect.evaluate import Row, evaluate, fit_plausibility
from tsbot.detect.finding import PHYSICAL
from tsbot.detect.language_pack import common_words, load_packs
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.train import Trained, train_model
from tsbot.detect.weights import Manifest, load_model, save_model
from tsbot.text.language import LanguageGuesser

STAGES = "stages"
ALMOST_NOTHING = 1e-9


def train_and_report(data: Path, output: Path, seed: int, console: Console) -> list[Row]:
    """Train on the data of a folder, write the model, print the figures of the held-out part. Raises ``InputError``."""
    packs = load_packs()
    lexicon = Lexicon(packs)
    guesser = LanguageGuesser(common_words(packs))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)
        examples = read_examples(data)
        trained = _cached(output, examples, seed, lexicon, lambda what: progress.update(task, description=what))
        progress.update(task, description="plausibility")
        manifest = save_model(output, trained.manifest, trained.weights)
        eager = PatternDetector(load_model(output), lexicon, guesser, {str(kind): ALMOST_NOTHING for kind in PHYSICAL})
        scale = fit_plausibility(eager, [example for example in examples if example.part != 0])
        save_model(output, msgspec.structs.replace(manifest, plausibility=scale), trained.weights)
        progress.update(task, description="figures")
        rows = evaluate(PatternDetector(load_model(output), lexicon, guesser), [example for example in examples if example.part == 0])
    table = Table("held-out part", "texts", "figure")
    for row in rows:
        table.add_row(row.name, str(row.texts), f"{row.value:.3f}" if not row.unit else f"{row.value:.2f} {row.unit}")
    console.print(table)
    return rows


def _cached(output: Path, examples: Sequence[Example], seed: int, lexicon: Lexicon, say: Callable[[str], None]) -> Trained:
    """The trained model of the same examples, seed and patterns if it is there already; else train and keep it."""
    digest = hashlib.sha256(repr(seed).encode())
    for example in examples:
        digest.update(repr((example.text, example.threat, example.weight, example.kind)).encode("utf-8", "surrogatepass"))
    digest.update(repr([(c.parts, c.strength) for pack in lexicon.packs.values() for c in pack.constructions]).encode())
    stage = output / STAGES / digest.hexdigest()[:16]
    if (stage / "done").exists():
        manifest = msgspec.json.decode((stage / "manifest.json").read_bytes(), type=Manifest)
        return Trained(manifest, np.load(stage / "weights.npy", allow_pickle=False))
    trained = train_model(examples, lexicon, seed, say)
    stage.mkdir(parents=True, exist_ok=True)
    (stage / "manifest.json").write_bytes(msgspec.json.encode(trained.manifest))
    np.save(stage / "weights.npy", trained.weights, allow_pickle=False)
    (stage / "done").touch()
    return trained
