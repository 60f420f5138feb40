"""A deliverer keeps its spool tidy, and whatever hinders that hinders no letter."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.bus.deliver import SpoolKeeper
from tsbot.errors import StoreBusyError
from tsbot.housekeeping import EVERY


class Sweeper:
    """Sweeps, or cannot."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.asked = 0

    def sweep(self) -> None:
        self.asked += 1
        if self.troubles:
            raise self.troubles.pop(0)


@pytest.mark.parametrize("trouble", [OSError("read-only"), StoreBusyError("The database does not answer.")])
def test_what_cannot_be_swept_is_swept_the_next_time(trouble: Exception) -> None:
    sweeper: Any = Sweeper(trouble)
    keeper = SpoolKeeper(sweeper)
    keeper.tend(0.0)
    keeper.tend(EVERY / 2)
    assert sweeper.asked == 1
    keeper.tend(EVERY)
    assert (sweeper.asked, sweeper.troubles) == (2, [])
