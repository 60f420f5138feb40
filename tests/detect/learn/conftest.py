"""A small folder of made-up data sets, laid out as the real ones are."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from tsbot.detect.learn.datasets import ANNOTATED, EDOS, GERMEVAL, JIGSAW, OPENAI, TALK


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder."""
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


def write_data(folder: Path) -> None:
    def table(name: str, rows: list[dict[str, str]]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(folder / name, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    facets = dict.fromkeys(("when", "where", "how", "ability", "conditional"), 0)
    judged = {"threat": 1, "kind": "violence", "stance": "intent", "target": 1, "plausibility": 2, "imminence": 3, **facets}
    harmless = judged | {"threat": 0, "kind": "none", "stance": "none", "target": 0, "plausibility": 0, "imminence": 0}
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
