"""What may be published, against a reader who adds, subtracts and solves."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tsbot.cases.stats.publish import (
    DAY,
    FORMULA,
    ORDER,
    PUBLIC,
    SETTLED_DAYS,
    Cell,
    K,
    Public,
    PublicRow,
    as_csv,
    as_html,
    as_json,
    harmless_cell,
    publish,
    published,
)
from tsbot.cases.stats.rows import CaseRow
from tsbot.cases.stats.summary import Case

TABLES = Path(__file__).with_name("tables.txt")
PLACES = [[PUBLIC.index(name) for name in kept] for kept in ORDER]
Counts = dict[Cell, int]


# -- an attacker ------------------------------------------------------------------------------------------------------


def is_in(cell: Cell, total: Cell) -> bool:
    return all(outer in (None, inner) for outer, inner in zip(total, cell, strict=True))


def equations(cells: Sequence[Cell], known: Mapping[Cell, int]) -> list[list[int]]:
    """Which cells each published number sums up."""
    return [[int(is_in(cell, total)) for cell in cells] for total in known]


def unknowable(rows: Sequence[Sequence[int]], width: int) -> list[list[Fraction]]:
    """Directions in which all cells can change together without any published number changing (a basis of the null space)."""
    matrix = [[Fraction(value) for value in row] for row in rows]
    pivots: list[int] = []
    for column in range(width):
        place = len(pivots)
        pivot = next((r for r in range(place, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            continue
        matrix[place], matrix[pivot] = matrix[pivot], matrix[place]
        matrix[place] = [value / matrix[place][column] for value in matrix[place]]
        for r, row in enumerate(matrix):
            if r != place and row[column]:
                matrix[r] = [value - row[column] * top for value, top in zip(row, matrix[place], strict=True)]
        pivots.append(column)
    basis = []
    for free in set(range(width)) - set(pivots):
        direction = [Fraction(int(column == free)) for column in range(width)]
        for place, pivot in enumerate(pivots):
            direction[pivot] = -matrix[place][free]
        basis.append(direction)
    return basis


def derived(counts: Counts, known: Mapping[Cell, int]) -> Iterator[tuple[tuple[Cell, ...], int]]:
    """Every group of cells whose number follows from the published ones, by whatever linear combination.

    The attacker even knows which cells are zero.
    """
    cells = [cell for cell, number in counts.items() if number]
    basis = unknowable(equations(cells, known), len(cells))
    for size in range(1, len(cells) + 1):
        for group in itertools.combinations(range(len(cells)), size):
            if all(sum(direction[place] for place in group) == 0 for direction in basis):
                yield tuple(cells[place] for place in group), sum(counts[cells[place]] for place in group)


def most(counts: Counts, known: Mapping[Cell, int], cell: Cell) -> float:
    """The largest number that a cell could have, for all that is published."""
    cells = [one for one, number in counts.items() if number]
    aim = [-float(one == cell) for one in cells]
    answer = linprog(aim, A_eq=np.array(equations(cells, known)), b_eq=[*known.values()], bounds=(0, None))
    assert answer.success
    return -float(answer.fun)


def naive(counts: Counts) -> Counts:
    """What a first attempt would publish: everything that is large."""
    sums: Counts = {}
    for kept in PLACES:
        for total in {tuple(value if place in kept else None for place, value in enumerate(cell)) for cell in counts}:
            sums[total] = sum(number for cell, number in counts.items() if is_in(cell, total))
    return {total: number for total, number in sums.items() if number >= K}


tables = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("vw"), st.sampled_from("xyz")), st.integers(0, 25), min_size=1, max_size=9
)


def test_the_attacker_finds_what_a_first_attempt_gives_away() -> None:
    counts: Counts = {("en", "violence", "open"): 40, ("de", "violence", "open"): 3}
    assert ((("de", "violence", "open"),), 3) in [*derived(counts, naive(counts))]
    # By row and column: neither the row nor the column of the small cell tells it alone.
    square: Counts = {("en", "v", "hidden"): 12, ("en", "v", "open"): 3, ("de", "v", "hidden"): 11, ("de", "v", "open"): 30}
    row_and_column = {("en", None, None): 15, ("de", None, None): 41, (None, None, "hidden"): 23, ("de", "v", "open"): 30}
    assert ((("en", "v", "open"),), 3) in [*derived(square, row_and_column)]
    assert most(square, row_and_column, ("en", "v", "open")) == pytest.approx(3)


# -- the rule ---------------------------------------------------------------------------------------------------------


def read(text: str) -> Counts:
    found: Counts = {}
    for line in text.strip().splitlines():
        names, _, number = line.rpartition("=")
        found[tuple(None if name == "*" else name for name in names.split())] = int(number)
    return found


def examples() -> list[object]:
    text = "\n".join(line for line in TABLES.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    found = []
    for part in text.split("\n[")[1:]:
        name, _, table = part.partition("]")
        counts, _, expected = table.partition("->")
        found.append(pytest.param(read(counts), read(expected), id=name))
    return found


@pytest.mark.parametrize(("counts", "expected"), examples())
def test_what_may_be_published_of_a_table(counts: Counts, expected: Counts) -> None:
    assert published(counts, PLACES) == expected


@given(tables)
@settings(max_examples=150, deadline=None)
def test_no_group_of_fewer_than_k_follows_from_what_is_published(counts: Counts) -> None:
    known = published(counts, PLACES)
    assert all(number >= K for number in known.values())
    assert [(group, number) for group, number in derived(counts, known) if number < K] == []


@given(tables)
@settings(max_examples=40, deadline=None)
def test_for_all_that_is_published_every_small_cell_could_be_a_large_one(counts: Counts) -> None:
    known = published(counts, PLACES)
    for cell, number in counts.items():
        if 0 < number < K and known:
            assert most(counts, known, cell) >= K - 1e-6


@given(tables)
@settings(deadline=None)
def test_what_is_published_is_true_and_made_of_blocks_of_k_that_nothing_more_could_keep_whole(counts: Counts) -> None:
    known = published(counts, PLACES)
    large = naive(counts)
    assert {cell: large[cell] for cell in known} == known
    blocks: dict[tuple[bool, ...], Counts] = {}
    for cell, number in counts.items():
        if number:
            blocks.setdefault(tuple(is_in(cell, total) for total in known), {})[cell] = number
    if known:
        assert min(sum(block.values()) for block in blocks.values()) >= K
        for total in set(large) - set(known):
            inside = [sum(number for cell, number in block.items() if is_in(cell, total)) for block in blocks.values()]
            parts = [part for part, block in zip(inside, blocks.values(), strict=True) for part in (part, sum(block.values()) - part)]
            assert any(0 < part < K for part in parts), total


@given(tables, st.randoms())
@settings(deadline=None)
def test_the_order_of_cells_does_not_matter(counts: Counts, rng: object) -> None:
    shuffled = [*counts.items()]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert published(dict(shuffled), PLACES) == published(counts, PLACES)


# -- months -----------------------------------------------------------------------------------------------------------

JANUARY = datetime(2026, 1, 10, tzinfo=UTC).timestamp()
SETTLED = datetime(2026, 2, 1, tzinfo=UTC).timestamp() + SETTLED_DAYS * DAY


def case(number: int, *, opened: float = JANUARY, wiki: str = "enwiki", kind: str = "violence", **more: object) -> Case:
    row = CaseRow(f"case-{number}", wiki, kind, "new", "patrol", opened=opened)
    return Case(replace(row, **more), 1, "en", "patrol", opened - 60)  # type: ignore[arg-type]


def closed(number: int, days: float, outcome: str, **more: object) -> Case:
    opened = more.get("opened", JANUARY)
    assert isinstance(opened, float)
    return case(number, state="closed", closed=opened + days * DAY, outcome=outcome, **more)


def cells(found: Public) -> dict[tuple[str, Cell], int]:
    """Numbers by month and cell, of cells that tell neither a language nor whether people reported it."""
    return {(row.month, row.cell[:3]): row.cases for row in found.rows if row.cell[3:] == (None, None)}


def test_a_month_is_published_once_its_last_case_is_settled() -> None:
    cases = [case(number) for number in range(10)]
    assert publish(cases, SETTLED - 1) == Public((), 0)
    assert cells(publish(cases, SETTLED))["2026-01", (None, None, None)] == 10


def test_what_happens_after_a_case_is_settled_changes_nothing_that_was_published() -> None:
    cases = [closed(number, 5, "passed_on") for number in range(12)] + [case(number) for number in range(12, 24)]
    before = publish(cases, SETTLED)
    late = [closed(one.row.opened and number, 31, "no_action", hidden=JANUARY + 40 * DAY) for number, one in enumerate(cases[12:], 12)]
    later = publish([*cases[:12], *late, *(case(number, opened=JANUARY + 25 * DAY) for number in range(50, 65))], SETTLED + 90 * DAY)
    assert [row for row in later.rows if row.month == "2026-01"] == [*before.rows]
    assert cells(before)["2026-01", (None, None, "open")] == 12
    assert {month for month, _ in cells(later)} == {"2026-01", "2026-02"}


def heard(number: int, language: str, *, outcome: str = "", wiki: str = "enwiki") -> Case:
    more = {"state": "closed", "closed": JANUARY + DAY, "outcome": outcome} if outcome else {}
    one = case(number, wiki=wiki, heard=JANUARY + 60.0, spoken=language, **more)
    return replace(one, language=language, source="intake")


def test_what_people_reported_is_told_by_wiki_language_kind_and_outcome() -> None:
    cases = [heard(number, "ar") for number in range(12)] + [
        heard(20 + number, "de", outcome="handled", wiki="dewiki") for number in range(11)
    ]
    cases += [case(number) for number in range(50, 75)] + [heard(90, "fr")]
    found = {row.cell: row.cases for row in publish(cases, SETTLED).rows}
    assert found[None, None, None, None, "yes"] == 24
    assert found[None, None, None, "de", "yes"] == 11
    assert found[None, None, "handled", None, "yes"] == 11
    assert not any("fr" in cell for cell in found)
    assert all(number >= K for number in found.values())


def test_what_is_told_of_reports_changes_nothing_of_what_was_published_before() -> None:
    cases = [heard(number, "ar") for number in range(12)] + [case(number, wiki="dewiki") for number in range(30, 47)] + [heard(90, "fr")]
    first = [[PUBLIC.index(name) for name in kept] for kept in ORDER if not {"language", "heard"} & {*kept}]
    counts = Counter(tuple(one.dimension(name) for name in PUBLIC) for one in cases)
    before, now = published(counts, first), published(counts, PLACES)
    assert {cell: number for cell, number in now.items() if cell[3:] == (None, None)} == before


def test_a_report_that_came_after_a_case_was_settled_is_not_told() -> None:
    late = [case(number, heard=JANUARY + 31 * DAY, spoken="ar") for number in range(15)]
    assert {row.cell[4] for row in publish(late, SETTLED + 90 * DAY).rows} == {None, "no"}


def test_no_number_spans_months() -> None:
    # A total over months beside a part of them would tell what a small month is.
    cases = [case(number) for number in range(9)] + [case(number, opened=JANUARY - 31 * DAY) for number in range(9, 30)]
    found = publish(cases, SETTLED)
    assert {row.month for row in found.rows} == {"2025-12"}
    assert found.suppressed == len(ORDER)


def test_medians_stand_only_where_ten_cases_tell() -> None:
    def triaged(number: int, kind: str, minutes: float | None) -> Case:
        return case(number, kind=kind, triaged=None if minutes is None else JANUARY + minutes * 60)

    violence = [triaged(number, "violence", 10 + number if number < 10 else None) for number in range(15)]
    legal = [triaged(100 + number, "legal", 5 if number < 9 else None) for number in range(11)]
    minutes = {row.cell[:3]: row.minutes for row in publish(violence + legal, SETTLED).rows if row.cell[3:] == (None, None)}
    assert minutes[None, "violence", None] == {"first_human": 17.0}
    assert minutes[None, "legal", None] == {}  # half are done, by nine
    assert minutes[None, None, None] == {"first_human": 13.0}
    assert minutes["enwiki", "violence", None] == {}


def test_a_median_has_two_digits() -> None:
    cases = [case(number, triaged=JANUARY + 123_456) for number in range(11)]
    assert publish(cases, SETTLED).rows[0].minutes == {"first_human": 2100.0}


# -- files ------------------------------------------------------------------------------------------------------------

HOSTILE = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "＝1", 'a"b,c', "line\r\nbreak", "\x1b[2J\u202e", "(all)", "'=1", "")


def rows(name: str) -> Public:
    return Public((PublicRow("2026-01", (name, "violence", None, None, "yes"), 12, {"hide": 3.0}),), 2)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_of_a_csv_file_is_a_formula(name: str) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(rows(name)), newline="")))
    assert lines[0][:7] == ["month", "wiki", "kind", "outcome", "language", "heard", "cases"]
    assert len(lines) == 2
    assert lines[1][2:7] == ["violence", "(all)", "(all)", "yes", "12"]
    for value in lines[1]:
        assert not set("\r\n\t\x1b\u202e") & set(value)
        assert value.lstrip(" ")[:1] not in FORMULA


@given(st.text(max_size=8))
@settings(deadline=None)
def test_a_text_in_a_cell_stays_one_text(text: str) -> None:
    assert harmless_cell(text).lstrip(" ")[:1] not in FORMULA
    assert next(csv.reader([as_csv(rows(text)).splitlines()[1]]))[1] == harmless_cell(text)


def test_json_says_how_it_was_made_and_null_where_a_dimension_is_summed_up() -> None:
    found = json.loads(as_json(rows("=1+1")))
    assert (found["k"], found["settled_days"]) == (10, 30)
    told = {"wiki": "=1+1", "kind": "violence", "outcome": None, "language": None, "heard": "yes"}
    assert found["rows"] == [{"month": "2026-01", **told, "cases": 12, "median_minutes": {"hide": 3.0}}]


def test_the_page_is_one_file_that_fetches_nothing_and_takes_no_orders() -> None:
    page = as_html(rows("<script>alert(1)</script>"))
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href|action)=""", page)
    assert page.count("<tr>") == 2
    assert "No month is settled yet" in as_html(Public((), 0))


def test_nothing_but_names_of_dimensions_and_numbers_is_written() -> None:
    found = publish([closed(number, 5, "passed_on") for number in range(30)], SETTLED)
    for text in (as_csv(found), as_json(found), as_html(found)):
        assert "case-" not in text
        assert "suppressed" not in text
