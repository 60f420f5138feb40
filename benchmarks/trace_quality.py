"""How well traces rank, on labelled accounts: one table.

    python benchmarks/trace_quality.py --data FOLDER [--set wiki|git] [--disguise]

FOLDER holds wiki_socks_dev.csv.gz and git_edits_dev.parquet. Persons are split in two by a hash; every query is scored by curves fitted on
the other half. The gallery is all accounts. Where names are left out, accounts' own names are taken out of their summaries, too. Ties take
the middle rank; intervals come from drawing persons anew. Nothing names an account.
"""

from __future__ import annotations

import argparse
import os
import random
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

from rich.console import Console
from rich.table import Table
from trace_data import Data, common_words, disguised, figures, git_data, held_out, transformed, wiki_data

from tsbot.trace.figures import Interval
from tsbot.trace.gallery import Gallery
from tsbot.trace.score import Measured
from tsbot.trace.training import Labelled, aligned, fit_halves

TASKS = {
    "wiki": (("dates",), ("dates", "names", "opposition"), ("dates", "opposition"), ()),
    "git": (("names", "opposition"), ("dates", "names", "opposition"), ()),
}
LOADERS = {"wiki": wiki_data, "git": git_data}


def labelled(data: Data, *, names: bool = True) -> Labelled:
    queries = tuple(data.queries)
    if data.groups != data.persons:  # cases lie years apart: without this, dates would tell everything
        data = replace(data, accounts=tuple(aligned(data.accounts, data.groups)))
    return Labelled(data.persons, data.groups, Measured(Gallery(data.accounts, names)).numbers(queries), queries)


def cell(value: object) -> str:
    if isinstance(value, Interval):
        return "-" if value.value != value.value else f"{value.value:.3f} [{value.low:.2f}-{value.high:.2f}]"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=sorted(LOADERS), action="append")
    parser.add_argument("--disguise", action="store_true")
    options = parser.parse_args()
    console = Console(width=200)
    chosen = options.set or sorted(LOADERS)
    sets = {name: load(options.data) for name, load in LOADERS.items() if name in chosen}
    measured = {(name, names): labelled(data, names=names) for name, data in sets.items() for names in (True, False)}
    table = Table(
        "data",
        "left out",
        "accounts",
        "queries",
        "MRR",
        "recall@10",
        "rank 1 in own case",
        "Cllr",
        "very strong found / false / precision at 1:1000",
    )
    for name in chosen:
        data = sets[name]
        for without in TASKS[name]:
            known = measured[name, "names" not in without]
            models = fit_halves([known], without)
            found = figures(data, held_out(data, known, models))
            strong = f"{found['very strong: found']:.2f} / {found['very strong: false']} of {found['strangers']:,}"
            shown = [cell(found[key]) for key in ("MRR", "recall@10", "rank 1 in own case", "Cllr")]
            precise = f"{strong} / {found['very strong: precision at 1:1000']:.3f}"
            table.add_row(name, ", ".join(without) or "nothing", str(len(data.accounts)), str(len(data.queries)), *shown, precise)
            if options.disguise:
                rng, words = random.Random(1), common_words(data)
                plain = figures(data, transformed(data, models, without, lambda account: account))["MRR"]
                hidden = figures(data, transformed(data, models, without, lambda account: disguised(account, words, rng)))["MRR"]  # noqa: B023
                kept = f"kept {100 * hidden.value / plain.value:.0f} %"
                table.add_row("", f"  disguised: {kept}", "", "", f"{plain.value:.3f} -> {hidden.value:.3f}", "", "", "", "")
    console.print(table)


if __name__ == "__main__":
    main()
