"""What a wiki has hidden leaves the spool, too: what lay there encrypted stays encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from tsbot.demo.gpg import Gpg
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.sealing import seal_hidden
from tsbot.settings import Recipient, ReportSettings
from tsbot.store import tables as t
from tsbot.store.outbox import ReportState
from tsbot.stream.events import Event, EventKind

Desk = Any
EXCERPT = "I will come to your office tomorrow"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with Gpg() as real:
        yield real


def hide(desk: Desk) -> None:
    event = Event(
        id="hidden", stream="mediawiki.revision-visibility-change", kind=EventKind.VISIBILITY, wiki="examplewiki", time=desk.clock(),
        rev_id=100, text_visible=False, comment_visible=True, user_visible=True,
    )  # fmt: skip
    with desk.database.write() as connection:
        assert seal_hidden(connection, desk.database.key, event, desk.clock()) == 1


@pytest.mark.parametrize("released", [False, True])
def test_an_encrypted_letter_stays_encrypted_when_it_is_written_anew(desk: Desk, gpg: Gpg, released: bool) -> None:
    fingerprint = gpg.desk("desk@example.org")
    (desk.folder / "desk.asc").write_bytes(gpg.export(fingerprint))
    recipient = Recipient(to="desk@example.org", policy="require", excerpt=True, key="desk.asc", fingerprint=fingerprint)
    settings = desk.settings(report=ReportSettings(reporter_contact="reporter@example.org", recipients={"default": (recipient,)}))
    (identity,) = desk.file(desk.flag(title="Talk:Zebra crossing"), settings)
    deliverer = desk.deliverer(settings)
    deliverer.run_once()
    if released:
        assert desk.release(identity)
        deliverer.run_once()
    before = desk.spooled()[identity]
    hide(desk)
    deliverer.run_once()
    after = desk.spooled()[identity]
    assert after != before
    assert "-----BEGIN PGP MESSAGE-----" in after
    assert "Zebra" not in after
    assert after.startswith("X-Tsbot-State: held") is not released


def test_a_released_letter_that_waits_is_sealed_in_the_spool(desk: Desk) -> None:
    settings = desk.settings(
        report=ReportSettings(reporter_contact="r@example.org", recipients={"default": (Recipient(to="desk@example.org", excerpt=True),)})
    )
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert EXCERPT in desk.spooled()[identity]
    assert desk.release(identity)
    with desk.database.write() as connection:
        connection.execute(update(t.report).values(due=desk.clock() + 600))
    hide(desk)
    desk.deliverer(settings).run_once()
    assert desk.row(identity).state is ReportState.QUEUED
    assert EXCERPT not in desk.spooled()[identity]


def test_a_letter_that_cannot_be_written_anew_does_not_stay_with_its_text(desk: Desk) -> None:
    settings = desk.settings(
        report=ReportSettings(reporter_contact="r@example.org", recipients={"default": (Recipient(to="desk@example.org", excerpt=True),)})
    )
    first, second = (desk.file(desk.flag(rev_id=number), settings)[0] for number in (100, 101))
    deliverer = desk.deliverer(settings)
    deliverer.run_once()
    hide(desk)
    with desk.database.write() as connection:
        body = connection.scalar(select(t.report.c.body).where(t.report.c.id == second))
        connection.execute(update(t.report).where(t.report.c.id == first).values(body=body))  # bound to another letter
    deliverer.run_once()
    assert set(desk.spooled()) == {second}
    assert isinstance(deliverer.channels["spool"], SpoolChannel)
