"""A school threat, from the edit on a real wiki to the purge of its case: every promise of the demo's second play is kept."""

from __future__ import annotations

import pytest

from tsbot.demo import emergency
from tsbot.demo.world import World

pytestmark = pytest.mark.live
PROMISES = (
    *("one_case", "previewed", "second_person_releases", "arrives_encrypted", "escalates", "forged_answer_refused", "acknowledged"),
    *("closed_by_stream", "counted", "purged", "audit_verifies"),
)


def test_from_the_edit_to_the_purge(tmp_path, request):
    said = []
    with World(tmp_path, cache=request.config.cache.mkdir("tsbot-wikis")) as world:
        checks = list(emergency.play(world, said.append))
    assert [check for check in checks if not check.ok] == []
    assert [check.check for check in checks] == [f"emergency.{name}" for name in PROMISES]
    assert "Somebody threatens a school, twice." in said
