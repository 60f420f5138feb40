"""Those who had a letter are told that the case is closed: once, in their thread, with ids only."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from tsbot.errors import CaseError
from tsbot.report.closed import tell_closed
from tsbot.store import tables as t


def test_who_had_a_letter_is_told_once(desk: Any) -> None:
    (identity, *_) = desk.file(desk.flag())
    deliverer = desk.deliverer()
    deliverer.run_once()
    desk.release(identity)
    deliverer.run_once()
    letter = desk.row(identity)
    assert letter.sent is not None
    more = {"by": "alice", "now": desk.clock()}
    with desk.database.write() as connection:
        with pytest.raises(CaseError, match="not closed"):
            tell_closed(connection, desk.settings(), letter.case_id, **more)
        connection.execute(update(t.case).values(state="closed", outcome="hidden", closed=desk.clock()))
        (note,) = tell_closed(connection, desk.settings(), letter.case_id, **more)
        assert tell_closed(connection, desk.settings(), letter.case_id, **more) == []
    deliverer.run_once()
    assert desk.row(note).sent is not None
    text = desk.spooled()[note]
    assert letter.case_id[:8] in text
    assert "what was written has been hidden" in text
    assert f"In-Reply-To: {letter.message_id}" in text
    assert "Example" not in text
    assert "Town hall" not in text


def test_a_case_that_was_opened_again_is_told_of_to_nobody(desk: Any) -> None:
    (identity, *_) = desk.file(desk.flag())
    deliverer = desk.deliverer()
    deliverer.run_once()
    desk.release(identity)
    deliverer.run_once()
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(state="closed", outcome="hidden", closed=desk.clock()))
        (note,) = tell_closed(connection, desk.settings(), desk.row(identity).case_id, by="alice", now=desk.clock())
        connection.execute(update(t.case).values(state="open", closed=None, outcome=None))
    deliverer.run_once()
    assert desk.row(note).state == "dead"
