"""What a look back flagged, and the patrol meets later: it must not keep the patrol silent."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cases import lifecycle
from tsbot.cases.case import CaseState
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.stream.wire import decode
from tsbot.text.passage import Field, Passage

FOUND = Finding(
    kinds={Kind.VIOLENCE: 0.9},
    flagged=(Kind.VIOLENCE,),
    specificity=2,
    plausibility=2,
    imminence=1,
    language="en",
    coverage=Coverage.SCORED,
)


def look_back(world: Any, message: bytes, finding: Finding = FOUND, now: float | None = None) -> None:
    """Flag an edit as a look back does."""
    judged = Judged(decode(message), Passage(Field.SUMMARY, "a walrus"), finding)
    with world.database.write() as connection:
        file_flags(
            connection, world.database.key, [judged], detector="word-1", source="scan", windows=Windows(), now=now or world.clock.now
        )


def test_the_patrol_takes_over_what_it_meets_itself(world: Any, make: Any) -> None:
    message = make.change(comment=f"a {make.word}")
    look_back(world, message)
    assert world.rows("select due from case_file") == [(None,)]
    world.pipeline(fetch=False).take(make.batch(message), "stream")
    assert world.rows("select source from flag") == [("patrol",)]
    ((source, due),) = world.rows("select source, due from case_file")
    assert (source, due is not None) == ("patrol", True)
    assert world.rows("select count(*) from report where purpose = 'letter'") == [(1,)]
    assert world.rows("select count(*) from audit where act = 'case.taken_over'") == [(1,)]


def test_a_look_back_leaves_what_the_patrol_flagged(world: Any, make: Any) -> None:
    message = make.change(comment=f"a {make.word}")
    world.pipeline(fetch=False).take(make.batch(message), "stream")
    before = world.rows("select source, plausibility, detector from flag")
    look_back(world, message, Finding(**{name: getattr(FOUND, name) for name in FOUND.__dataclass_fields__} | {"plausibility": 3}))
    assert world.rows("select source, plausibility, detector from flag") == before


@pytest.mark.parametrize("closed", [True, False])
def test_old_finds_and_new_ones_have_cases_of_their_own(world: Any, make: Any, closed: bool) -> None:
    """Else what is old would open again what people have closed, and what is new would lie in a case that nothing is due in."""
    world.pipeline(fetch=False).take(make.batch(make.change(comment=f"a {make.word}", user="Grey Pebble")), "stream")
    ((case_id,),) = world.rows("select id from case_file")
    if closed:
        with world.database.write() as connection:
            lifecycle.move(connection, case_id, CaseState.CLOSED, by="ann", now=world.clock.now, outcome="not_actionable")
    for _ in range(2):
        look_back(world, make.change(comment=f"a {make.word}", user="Grey Pebble"))
    states = world.rows("select source, state, due is null from case_file order by source")
    assert states == [("patrol", "closed" if closed else "new", int(closed)), ("scan", "new", 1)]
