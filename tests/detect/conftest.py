"""The detector, loaded once for all tests of this room."""

from __future__ import annotations

import pytest

from tsbot.detect.detector import Cascade, load_detector


@pytest.fixture(scope="session")
def detector() -> Cascade:
    """The detector that comes with tsbot."""
    return load_detector()
