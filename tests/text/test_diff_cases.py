"""What an edit added, case by case; the cases are plain text, see ``cases/README.txt``."""

import re
from pathlib import Path

import pytest

from tsbot.text.diff import added_spans

_CASES = Path(__file__).parent / "cases"


def _cases():
    for file in sorted(_CASES.glob("*.txt")):
        if file.name == "README.txt":
            continue
        for case in re.split(r"^>>> ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, rest = case.split("\n", 1)
            parts = re.split(r"^--- (old|new|added)\n", rest + "\n", flags=re.MULTILINE)
            assert parts[1::2] == ["old", "new", "added"], f"{file.name}: {name}: the parts are old, new, added"
            yield pytest.param(*(part.rstrip("\n") for part in parts[2::2]), id=f"{file.stem}: {name}")


@pytest.mark.parametrize(("old", "new", "added"), list(_cases()))
def test_added(old: str, new: str, added: str) -> None:
    spans = added_spans(old, new)

    assert [new[start:end] for start, end in spans] == [line.replace("\\n", "\n") for line in added.splitlines()]
