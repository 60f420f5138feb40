"""Whose folder it is: a demo deletes what an earlier demo left, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.demo.wikis import WikiFamily
from tsbot.errors import DemoError


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    with pytest.raises(DemoError, match="other things"):
        WikiFamily(tmp_path).claim()
    assert [path.name for path in tmp_path.iterdir()] == ["mail"]


def test_a_folder_is_one_demos_at_a_time_and_may_be_used_again(tmp_path: Path) -> None:
    first, second = WikiFamily(tmp_path / "new"), WikiFamily(tmp_path / "new")
    first.claim()
    with pytest.raises(DemoError, match="another demo is running"):
        second.claim()
    first.stop()
    (tmp_path / "new" / "mail").mkdir()
    second.claim()
    second.stop()
