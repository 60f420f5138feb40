"""Personal data spans: recall and precision on synthetic sentences, one table per label.

    python benchmarks/personal.py --data FOLDER [--part all|tuned|aside]     (pii/presidio_synthetic_dev.json.gz in the folder)

How spans are counted stands in tsbot/detect/measure_personal.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tsbot.detect.finding import Evidence
from tsbot.detect.measure_personal import LABELS, count, read_marked
from tsbot.detect.private import Label, find_personal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=("all", "tuned", "aside"), default="all")
    options = parser.parse_args()
    marked = [one for one in read_marked(options.data) if options.part == "all" or one.aside == (options.part == "aside")]
    found = [[Evidence(span.start, span.end, str(span.label)) for span in find_personal(one.text)] for one in marked]
    groups: dict[str, list[Label]] = {label.value: [label] for label in dict.fromkeys(LABELS.values())}
    groups["all but names"] = [label for label in dict.fromkeys(LABELS.values()) if label is not Label.NAME]
    groups["all"] = list(dict.fromkeys(LABELS.values()))
    table = Table("label", "spans", "recall", "exact", "found", "precision", title=f"{len(marked)} sentences ({options.part})")
    for name, labels in groups.items():
        counts = [count(one, some, label) for one, some in zip(marked, found, strict=True) for label in labels]
        parts = ("true", "found", "exact", "given", "right")
        true, hits, exact, given, right = (sum(getattr(one, part) for one in counts) for part in parts)
        shares = (f"{hits / max(true, 1):.3f}", f"{exact / max(true, 1):.3f}", str(given), f"{right / max(given, 1):.3f}")
        table.add_row(name, str(true), *shares)
    Console().print(table)


if __name__ == "__main__":
    main()
