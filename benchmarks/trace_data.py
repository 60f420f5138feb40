"""What the benchmarks of traces share: data, halves, figures, disguises. The data stays where it is and is never quoted."""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from tsbot.trace.activity import Account, Edit, account_name, edit_of, read_activity
from tsbot.trace.figures import by_person, cost, middle_rank, recall_within
from tsbot.trace.fit import half
from tsbot.trace.gallery import Gallery
from tsbot.trace.score import Measured, add_up
from tsbot.trace.tiers import VERY_STRONG, families
from tsbot.trace.training import Labelled

BOT = re.compile(r"bot\b|translatewiki|libraryupgrader|l10n", re.IGNORECASE)
CHUNK = 40


@dataclass(frozen=True)
class Data:
    """Accounts with the person behind each (none: a bystander) and the group that halves keep together."""

    accounts: tuple[Account, ...]
    persons: tuple[str | None, ...]
    groups: tuple[str, ...]

    @property
    def queries(self) -> list[int]:
        """Accounts whose person has another one."""
        count = Counter(person for person in self.persons if person)
        return [position for position, person in enumerate(self.persons) if person and count[person] > 1]


def wiki_data(folder: Path) -> Data:
    edits: dict[str, list[Edit]] = defaultdict(list)
    cases, socks = {}, set()
    with gzip.open(folder / "wiki_socks_dev.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, edit = edit_of({key: row[key] for key in ("wiki", "account", "timestamp", "page", "summary")})
            edits[name].append(edit)
            cases[name] = row["case"]
            if row["is_sock"] == "1":
                socks.add(name)
    accounts = tuple(Account(name, tuple(sorted(edits[name], key=lambda edit: edit.timestamp))) for name in sorted(edits))
    groups = tuple(cases[account.name] for account in accounts)
    return Data(accounts, tuple(cases[a.name] if a.name in socks else None for a in accounts), groups)


def git_data(folder: Path) -> Data:
    path = folder / "git_edits_dev.parquet"
    statement = "SELECT account, any_value(person) FROM read_parquet(?) GROUP BY account"
    persons = {account_name(name): person for name, person in duckdb.connect().execute(statement, [str(path)]).fetchall()}
    kept = [a for a in read_activity(path).accounts if len(a.edits) >= 3 and not BOT.search(a.name)]
    people = tuple(str(persons[account.name]) for account in kept)
    return Data(tuple(Account(a.name, a.edits[:20]) for a in kept), people, people)


def held_out(data: Data, labelled: Labelled, models: Sequence[Any]) -> np.ndarray:
    """Log-likelihood ratios of queries (rows) against all, each by the model that has not seen its person."""
    rows = []
    for position, query in enumerate(data.queries):
        model = models[1 - half(data.groups[query])]
        numbers = {name: values[position : position + 1].astype(float) for name, values in labelled.numbers.items() if name in model.curves}
        rows.append(add_up(model, numbers)[0][0])
    return np.stack(rows)


def figures(data: Data, scores: np.ndarray) -> dict[str, Any]:
    """What a ranking is worth; intervals over persons."""
    persons = np.array([person or f"\0{position}" for position, person in enumerate(data.persons)])
    groups = np.array(data.groups)
    firsts, recalls, own, people, same, log_lr, weights = [], [], [], [], [], [], []
    count = Counter(data.persons)
    for scored, query in zip(scores, data.queries, strict=True):
        others = np.arange(len(persons)) != query
        relevant = (persons == persons[query])[others]
        values = scored[others]
        firsts.append(1 / middle_rank(values, relevant))
        recalls.append(recall_within(values, relevant, 10))
        case = (groups == groups[query])[others]
        own.append(float(middle_rank(values[case], relevant[case]) == 1) if (case & ~relevant).any() else float("nan"))
        people.append(str(persons[query]))
        same.append(relevant)
        log_lr.append(values)
        weights.append(np.where(relevant, 1 / (count[data.persons[query]] - 1) / count[data.persons[query]], 1.0))
    all_same, all_lr = np.concatenate(same), np.concatenate(log_lr)
    found, falsely = (all_lr[all_same] >= VERY_STRONG).mean(), (all_lr[~all_same] >= VERY_STRONG).mean()
    return {
        "MRR": by_person(firsts, people),
        "recall@10": by_person(recalls, people),
        "rank 1 in own case": by_person(own, people),
        "Cllr": cost(all_lr, all_same, np.concatenate(weights)),
        "very strong: found": found,
        "very strong: false": int((all_lr[~all_same] >= VERY_STRONG).sum()),
        "strangers": int((~all_same).sum()),
        "very strong: precision at 1:1000": found / max(found + 1000 * falsely, 1e-12),
    }


def disguised(account: Account, words: Sequence[str], rng: random.Random, hours: int = 8) -> Account:
    """The same account, lower-cased, without punctuation, hours shifted, three words in ten replaced by others."""

    def text(some: str) -> str:
        section = re.match(r"\s*/\*.*?\*/", some)
        head, rest = (section[0], some[section.end() :]) if section else ("", some)
        plain = re.sub(r"[^\w\s\[\]:|/#]", "", rest.lower())
        return head + " ".join(rng.choice(words) if rng.random() < 0.3 and word.isalpha() else word for word in plain.split())

    return Account(
        account.name,
        tuple(replace(e, summary=text(e.summary), added=text(e.added), timestamp=_later(e.timestamp, hours)) for e in account.edits),
    )


def _later(moment: datetime, hours: int) -> datetime:
    return moment + timedelta(hours=hours)


def transformed(data: Data, models: Sequence[Any], without: Sequence[str], change: Callable[[Account], Account]) -> np.ndarray:
    """Scores of changed copies of the queries against the accounts as they are."""
    size = len(data.accounts)
    copies = [change(data.accounts[query]) for query in data.queries]
    measured = Measured(Gallery([*data.accounts, *copies], "names" not in without), without)
    scores = []
    for start in range(0, len(copies), CHUNK):
        some = range(start, min(start + CHUNK, len(copies)))
        numbers = measured.numbers([size + one for one in some])
        for position, one in enumerate(some):
            model = models[1 - half(data.groups[data.queries[one]])]
            part = {name: values[position : position + 1, :size] for name, values in numbers.items()}
            scores.append(add_up(model, part)[0][0])
    return np.stack(scores)


def common_words(data: Data) -> list[str]:
    """Words of all summaries, as often as they occur."""
    return [word.lower() for account in data.accounts for edit in account.edits for word in edit.summary.split() if word.isalpha()] or [
        "word"
    ]


def independent(kinds: dict[str, float]) -> bool:
    """Whether a link has the two independent kinds that a listed one needs."""
    return len(families(kinds)) >= 2
