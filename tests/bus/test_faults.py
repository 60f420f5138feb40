"""kill -9 of workers, listener, deliverer, broker and database under load. ``benchmarks/bus_faults.py`` does it longer."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark as a module."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    yield importlib.import_module("bus_faults")
    sys.modules.pop("bus_faults", None)


@pytest.mark.live
def test_nothing_is_lost_doubled_or_out_of_order(faults: Any, tmp_path: Path) -> None:
    outcome = faults.run(6, 1500, 5, tmp_path, say=lambda *_, **__: None)
    assert sorted(outcome.kills) == ["broker", "database", "deliver", "listen", "work-1", "work-2"]
    assert outcome.unfinished == 0
    assert (outcome.lost, outcome.doubled, outcome.out_of_order, outcome.dead) == (0, 0, 0, 0)
    assert outcome.balanced
    assert outcome.chain == "whole"
