"""Training on a small made-up set: it learns, and the same seed gives the same model."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tsbot.detect.datasets import ANNOTATED, EDOS, GERMEVAL, JIGSAW, OPENAI, TALK, Example, read_examples
from tsbot.detect.evaluate import average_precision, quadratic_kappa
from tsbot.detect.language_pack import load_packs
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.margins import best_windows, margins, windows_of
from tsbot.detect.ngrams import sums
from tsbot.detect.train import train_model
from tsbot.detect.training import train_and_report
from tsbot.detect.weights import load_model
from tsbot.errors import InputError
from tsbot.text.normalise import normalise


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(load_packs())


def made_up() -> list[Example]:
    harmful = [f"I will hurt you {word}" for word in ("now", "tomorrow", "soon", "at noon", "tonight", "on Friday", "again", "badly")]
    harmless = [f"I will edit the {word}" for word in ("page", "table", "lead", "list", "map", "note", "file", "link")]
    padding = "Thanks for the note. The table is fine. "
    return [
        *(Example(padding * (number % 3) + text, True, 1.0, "made up", "en") for number, text in enumerate(harmful * 3)),
        *(Example(text + " " + padding * (number % 4), False, 1.0, "made up", "en") for number, text in enumerate(harmless * 6)),
    ]


def test_it_learns_and_is_reproducible(lexicon: Lexicon) -> None:
    examples = made_up()
    first, second = (train_model(examples, lexicon, 7, lambda _: None, bits=12) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert first.manifest == second.manifest
    texts = ["Fine. I will hurt you on Monday.", "I will edit the heading"]
    bad, good = best_margins(first.weights[0], first.manifest.intercepts[0], texts)
    assert bad > 0 > good


def best_margins(weights: np.ndarray, intercept: float, texts: list[str]) -> list[float]:
    batch = normalise(texts)
    windows = windows_of(batch.owners)
    totals, numbers = sums(batch, np.append(weights, np.float32(0)))
    return best_windows(windows, margins(windows, totals, numbers, intercept), len(texts))[0].tolist()


def write_data(folder: Path) -> None:
    def table(name: str, rows: list[dict[str, str]]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(folder / name, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    judged = {"threat": 1, "kind": "violence", "plausibility": 2, "specificity": 1, "imminence": 3}
    harmless = judged | {"threat": 0, "kind": "none", "plausibility": 0, "specificity": 0, "imminence": 0}
    rows = [{"source": "jigsaw", "text": f"I will hurt you on day {word}", "a": judged, "b": judged} for word in "abcdefgh"]
    rows += [{"source": "jigsaw", "text": f"I like the picture {word}", "a": harmless, "b": harmless} for word in "abcd"]
    rows += [{"source": "jigsaw", "text": "They disagree", "a": judged, "b": harmless}]
    (folder / "threats").mkdir()
    (folder / ANNOTATED).write_text("".join(json.dumps(row) + "\n" for row in rows))
    comments = [("hurt you", "1"), *(("fine", "0"),) * 20]
    rated = [{"id": str(n), "comment_text": f"comment {n} {word}", "threat": t, "toxic": "0"} for n, (word, t) in enumerate(comments)]
    table(JIGSAW, rated)
    table(EDOS, [{"rewire_id": str(n), "text": f"post {n}", "label_category": "none", "label_sexist": "not sexist"} for n in range(5)])
    table(GERMEVAL, [{"description": f"Beitrag {n}", "vio": "call2violence" if n == 0 else "nothing"} for n in range(8)])
    table(TALK, [{"text": f"talk about section {n} of the page", "label": "0"} for n in range(30)])
    with gzip.open(folder / OPENAI, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "a story about a cat", "V": 0, "SH": 0}) + "\n")


def test_from_a_data_folder_to_a_model(tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    write_data(data)
    console = Console(file=io.StringIO(), width=120)
    first = train_and_report(data, output, 1, console)
    version = load_model(output).manifest.version
    assert train_and_report(data, output, 1, console) == first
    assert load_model(output).manifest.version == version
    assert any(row.name.startswith("harmless flagged, talk") for row in first)


def test_annotations_that_disagree_are_left_out(tmp_path: Path) -> None:
    write_data(tmp_path)
    examples = read_examples(tmp_path)
    assert "They disagree" not in {example.text for example in examples}
    assert {example.language for example in examples} == {"en", "de"}


def test_a_missing_or_strange_file_is_named(tmp_path: Path) -> None:
    write_data(tmp_path)
    with gzip.open(tmp_path / TALK, "wt") as file:
        file.write("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"gc\.csv\.gz is not what is expected: KeyError"):
        read_examples(tmp_path)
    (tmp_path / TALK).unlink()
    with pytest.raises(InputError, match=r"gc\.csv\.gz is missing"):
        read_examples(tmp_path)


def test_figures() -> None:
    assert quadratic_kappa([0, 1, 2, 3], [0, 1, 2, 3]) == 1
    assert quadratic_kappa([0, 0, 3, 3], [3, 3, 0, 0]) == -1
    assert average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)
