"""How much of the personal data in synthetic sentences is gone from research exports, by sort, and what remained.

    python benchmarks/deidentify.py --data ../shared/data

The data are Presidio's synthetic sentences; a quarter of them, set aside by hash, was not looked at while the rules were written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tsbot.detect.measure_personal import read_marked
from tsbot.research.measure import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with pii/presidio_synthetic_dev.json.gz")
    marked = read_marked(parser.parse_args().data)
    whole, aside = measure(marked), measure([one for one in marked if one.aside])
    seen = measure([one for one in marked if not one.aside])  # what remained is shown of these only, so that the others stay unseen
    table = Table(title=f"{len(marked)} sentences")
    for heading in ("sort", "spans", "gone", "%", "set aside", "gone", "%", "remained (not of those set aside)"):
        table.add_column(heading)
    for name, row in [*sorted(whole.items()), ("all", None)]:
        rows = [row] if row else list(whole.values())
        others = [aside[name]] if row and name in aside else [] if row else list(aside.values())
        spans, gone = sum(one.spans for one in rows), sum(one.gone for one in rows)
        more, less = sum(one.spans for one in others), sum(one.gone for one in others)
        left = ", ".join(word for word, _ in seen[name].remained.most_common(4)) if row and name in seen else ""
        share = f"{100 * less / more:.1f}" if more else "-"
        table.add_row(name, str(spans), str(gone), f"{100 * gone / spans:.1f}", str(more), str(less), share, left)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
