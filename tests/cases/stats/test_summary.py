"""The numbers of a scenario that is short enough to count by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tsbot.cases.stats.rows import CaseRow, FlagRow, Scope, read_cases, read_flags
from tsbot.cases.stats.summary import DIMENSIONS, Books, Statistics, gather, summarise
from tsbot.cli.stats import plain
from tsbot.errors import InputError
from tsbot.store import ledger
from tsbot.store.database import Database

NOW = 1_772_323_200.0
EXPECTED = Path(__file__).with_name("expected.txt")


def statistics(
    store: Database, scope: Scope | None = None, by: tuple[str, ...] = ("wiki", "kind"), *, evidence: bool = False
) -> Statistics:
    """What `tsbot stats` counts."""
    scope = scope or Scope()
    with store.read() as connection:
        cases = read_cases(connection, scope)
        totals = ledger.totals(connection)
        gathered = gather(cases, read_flags(connection, scope, store.key if evidence else None))
    return summarise(gathered, Books(totals.passages, totals.weak, totals.unscored), scope=scope, by=by, now=NOW)


def expected() -> Iterator[Any]:
    """Scope, path and value of each line of the text file."""
    section = ""
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            path, _, value = line.partition("|")
            yield pytest.param(section, path.strip(), json.loads(value), id=f"{section} {path.strip()}".strip())


def scope_of(section: str) -> Scope:
    name, _, value = (part.strip() for part in section.partition("="))
    if name in ("since", "until"):
        return Scope(**{name: datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()})
    return Scope(wiki=value) if name else Scope()


@pytest.mark.parametrize(("section", "path", "value"), list(expected()))
def test_the_numbers_are_those_counted_by_hand(weeks: Database, section: str, path: str, value: Any) -> None:
    found = json.loads(json.dumps(plain(statistics(weeks, scope_of(section)))))
    found["rules"] = {rule["rule"]: rule for rule in found["rules"]}
    if path.startswith("rules."):
        rule = found["rules"][path.removeprefix("rules.")]
        assert {name: rule[name] for name in value} == value
        return
    for name in path.split("."):
        found = found[int(name)] if isinstance(found, list) else found[name]
    assert found == value


def test_every_dimension_has_every_case_once(weeks: Database) -> None:
    for by in (*((name,) for name in DIMENSIONS), ("wiki", "month", "outcome"), DIMENSIONS, ()):
        found = statistics(weeks, by=by)
        assert sum(group.cases for group in found.groups) == found.cases
        assert sum(group.flags for group in found.groups) == found.flags
        assert [tuple(group.key) for group in found.groups] == [by] * len(found.groups)
        if len(by) == 1:
            assert {group.key[by[0]]: group.cases for group in found.groups} == found.counts[by[0]]


def test_a_dimension_that_there_is_not_is_refused(weeks: Database) -> None:
    with pytest.raises(InputError, match=r"no dimension author.*wiki, language, kind, outcome, source, heard, month"):
        statistics(weeks, by=("author",))


def test_labels_of_evidence_are_counted_of_what_people_labelled_and_only_on_request(weeks: Database) -> None:
    assert not [rule for rule in statistics(weeks).rules if rule.rule.startswith("evidence.")]
    found = {rule.rule: rule for rule in statistics(weeks, evidence=True).rules}
    when = found["evidence.when"]
    assert (when.right, when.wrong_kind, when.false_alarm, when.unknown) == (2, 1, 1, 0)


def test_the_order_of_rows_does_not_matter(weeks: Database) -> None:
    with weeks.read() as connection:
        cases, flags = read_cases(connection, Scope()), [*read_flags(connection, Scope())]
    both = [gather(cases, flags), gather(cases[::-1], flags[::-1])]
    one, other = (plain(summarise(gathered, Books(), scope=Scope(), by=("language",), now=NOW)) for gathered in both)
    assert one == other


CASE = CaseRow("c", "enwiki", "violence", "new", "patrol", opened=100.0)
FLAG = FlagRow("f", "c", "violence", "en", "scored", "word-1", "text", "patrol", event_time=90.0, priority=50)


def one(case: CaseRow, *flags: FlagRow) -> Statistics:
    return summarise(gather([case], flags), Books(), scope=Scope(), by=(), now=1000.0)


def test_the_language_of_a_case_is_that_of_its_gravest_flag() -> None:
    grave = replace(FLAG, id="g", language="de", priority=90, event_time=95.0)
    assert one(CASE, FLAG, grave).counts["language"] == {"de": 1}
    same = replace(grave, priority=50)
    assert one(CASE, same, FLAG).counts["language"] == {"en": 1}  # of equals, that of the earlier edit


def test_clocks_that_disagree_make_no_negative_durations() -> None:
    found = one(replace(CASE, triaged=40.0, hidden=10.0), FLAG)
    assert (found.times["first_human"].median, found.times["hide"].median) == (0.0, 0.0)


def test_a_case_with_a_drill_among_its_flags_or_letters_is_a_drill() -> None:
    for case, flag in ((CASE, replace(FLAG, source="drill")), (replace(CASE, drill=True), FLAG)):
        found = one(case, flag)
        assert (found.cases, found.flags, found.drills, found.rules) == (0, 0, 1, ())


def test_a_flag_whose_case_came_later_is_left_for_the_next_time() -> None:
    assert one(CASE, FLAG, replace(FLAG, id="g", case_id="later")).flags == 1
