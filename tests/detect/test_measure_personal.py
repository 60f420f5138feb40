"""How found personal data are counted against marked ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tsbot.detect.finding import Evidence
from tsbot.detect.measure_personal import FILE, Count, Marked, count, personal_rows, read_marked
from tsbot.detect.private import Label
from tsbot.errors import InputError

MARKED = Marked("Call 555 0182 in Springfield, 12 Elm Street", ((5, 13, "PHONE_NUMBER"), (17, 28, "GPE"), (30, 43, "STREET_ADDRESS")))


def test_half_of_a_span_is_enough_and_its_town_is_no_mistake() -> None:
    evidence = [Evidence(5, 13, "phone"), Evidence(17, 43, "address"), Evidence(0, 4, "phone"), Evidence(0, 4, "violence")]
    assert count(MARKED, evidence, Label.PHONE) == Count(true=1, found=1, exact=1, given=2, right=1)
    assert count(MARKED, evidence, Label.ADDRESS) == Count(true=1, found=1, exact=0, given=1, right=1)
    assert count(MARKED, [Evidence(5, 8, "phone")], Label.PHONE).found == 0


def test_rows_have_recall_and_precision() -> None:
    evidence = [[Evidence(5, 13, "phone"), Evidence(0, 4, "phone")]] * 4
    found = {(row.name, row.figure): row.interval.value for row in personal_rows([MARKED] * 4, evidence, 10)}
    assert found["personal data but names", "recall"] == 0.5
    assert found["personal data but names", "precision"] == 0.5


def test_a_folder_without_the_set_gives_nothing_and_a_strange_one_is_named(tmp_path: Path) -> None:
    assert read_marked(tmp_path) == []
    (tmp_path / FILE).parent.mkdir()
    with gzip.open(tmp_path / FILE, "wt") as file:
        json.dump([{"text": "?"}], file)
    with pytest.raises(InputError, match="not what is expected"):
        read_marked(tmp_path)
