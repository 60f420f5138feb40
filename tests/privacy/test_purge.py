"""When texts and names are destroyed, and what stays: the manual of ``tsbot/cases/retention.toml`` and ``tsbot purge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from tsbot import housekeeping
from tsbot.cases import copypasta
from tsbot.cases.purge import purge_case
from tsbot.cases.retention import SHIPPED, load_retention, shipped_retention
from tsbot.detect.finding import Kind
from tsbot.errors import InputError, SettingsError, TsbotError
from tsbot.housekeeping import BELIEVED, EVERY, Done
from tsbot.store import audit, ledger, outbox
from tsbot.store import tables as t
from tsbot.store.crypto import unseal
from tsbot.store.ledger import DeadLetter
from tsbot.store.outbox import PURGED, ReportState

Desk = Any
DAY = 86400.0


class NotApprovedError(TsbotError):
    """Nobody else has approved."""


def refuse(connection: Connection, act: str, obj: str, by: str, now: float) -> None:
    raise NotApprovedError(f"{act} needs a second person")


def approve(connection: Connection, act: str, obj: str, by: str, now: float) -> None:
    return None


def purged(desk: Desk) -> list[tuple[str, str]]:
    done: Done = desk.keeper().run()
    return [(one.case, one.why) for one in done.cases]


@pytest.mark.parametrize(
    ("days", "why", "prepare"),
    [
        (7, "dismissed", lambda desk, case: desk.close(case)),
        (90, "reported", lambda desk, case: (desk.send(), desk.close(case))),
        (90, "reported", lambda desk, case: desk.close(case, reported=desk.clock())),
        (365, "waiting", lambda desk, case: None),
        (7, "drill", lambda desk, case: (desk.send(), desk.close(case, source="drill"))),
        (7, "drill", lambda desk, case: desk.set(case, source="drill")),
    ],
    ids=["dismissed", "letter sent", "reported elsewhere", "waiting", "drill", "drill that nobody ended"],
)
def test_a_case_is_kept_as_long_as_the_table_says(desk: Desk, days: int, why: str, prepare: Any) -> None:
    case = desk.flag().case_id
    prepare(desk, case)
    start = desk.clock.now
    desk.clock.now = start + days * DAY - 1
    assert purged(desk) == []
    desk.clock.now = start + days * DAY
    assert [(due.case, due.why) for due in desk.keeper().due()] == [(case, why)]
    assert purged(desk) == [(case, why)]
    assert purged(desk) == []


def test_kinds_may_differ(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "retention.toml"
    table.write_text(SHIPPED.read_text(encoding="utf-8") + "[kinds.self_harm]\ndismissed = 2\n", encoding="utf-8")
    keeper = desk.keeper()
    keeper.retention = lambda: load_retention(table)
    first = desk.flag(1, Kind.SELF_HARM, user="A", title="A")
    second = desk.flag(2, Kind.VIOLENCE, user="B", title="B", text="of another matter altogether")
    for flag in (first, second):
        desk.close(flag.case_id)
    desk.clock.now += 3 * DAY
    assert [one.case for one in keeper.run().cases] == [first.case_id]


def test_what_is_private_goes_and_what_counts_stays(desk: Desk) -> None:
    flag = desk.flag()
    desk.note(flag.case_id, "a note on a mild matter")
    desk.send()
    desk.close(flag.case_id)
    before = desk.case(flag.case_id)
    desk.clock.now += 90 * DAY
    done = desk.keeper().run()
    assert [(one.flags, one.letters, one.stopped, one.notes) for one in done.cases] == [(1, 1, 0, 1)]
    assert (done.files, done.clean) == (1, True)
    case, after = desk.case(flag.case_id), desk.read(flag)
    assert (case.data_key, case.body, case.author_index, case.page_index) == (None, None, None, None)
    kept = ("kind", "wiki", "state", "outcome", "opened", "closed", "source", "priority")
    assert [getattr(case, name) for name in kept] == [getattr(before, name) for name in kept]
    assert case.purged == desk.clock()
    assert after.content is None
    assert (after.kind, after.probability, after.specificity, after.priority) == (flag.kind, flag.probability, 2, flag.priority)
    with desk.database.read() as connection:
        row = connection.execute(select(t.flag)).one()
        assert (row.body, row.author_index, row.account_index, row.page_index, row.target_index, row.text_family) == (b"", *[None] * 5)
        assert connection.scalar(select(t.note.c.body)) == b""
        assert connection.scalar(select(func.count()).select_from(t.text_family)) == 0
        assert audit.verify(connection) is None
        assert [entry.act for entry in audit.entries(connection, obj=flag.case_id)][-1] == "case.purged"
    (report,) = desk.reports()
    assert (report.body, report.state) == (None, ReportState.SENT)
    assert desk.spooled() == {}


def test_letters_that_have_not_left_do_not_leave_any_more(desk: Desk) -> None:
    flag = desk.flag()
    desk.deliverer().run_once()
    assert len(desk.spooled()) == 1, "a draft"
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    desk.keeper().run()
    (report,) = desk.reports()
    assert (report.state, report.last_error, report.body) == (ReportState.DEAD, PURGED, None)
    assert desk.spooled() == {}
    assert desk.deliverer().run_once() == 0
    with desk.database.write() as connection:
        assert not outbox.retry(connection, report.id, desk.clock())


def test_an_old_key_opens_nothing_of_it(desk: Desk) -> None:
    flag = desk.flag()
    wrapped = desk.case(flag.case_id).data_key
    with desk.database.read() as connection:
        body = connection.scalar(select(t.flag.c.body))
    assert b"canary" in unseal(desk.database.key.unwrap(wrapped, flag.case_id), body, f"flag|body|{flag.id}")
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    desk.keeper().run()
    desk.database.checkpoint()
    files = b"".join(desk.files().values())
    assert wrapped not in files
    assert body not in files


def test_signatures_that_another_case_has_too_stay_until_it_goes(desk: Desk) -> None:
    first = desk.flag(1, user="A", title="A")
    desk.clock.now += 2 * DAY  # else both would be one case
    second = desk.flag(2, user="B", title="B")
    desk.close(first.case_id)
    desk.clock.now += 7 * DAY
    assert purged(desk) == [(first.case_id, "dismissed")]
    with desk.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.text_family)) == 1
        assert connection.scalar(select(func.count()).select_from(t.text_band)) == copypasta.PERMUTATIONS // copypasta.ROWS
    desk.close(second.case_id)
    desk.clock.now += 7 * DAY
    assert purged(desk) == [(second.case_id, "dismissed")]
    with desk.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.text_band)) == 0


def test_a_new_edit_of_the_same_author_opens_a_new_case(desk: Desk) -> None:
    first = desk.flag(1)
    desk.close(first.case_id)
    desk.clock.now += 7 * DAY
    purged(desk)
    assert desk.flag(2).case_id != first.case_id
    assert desk.read(first).content is None


def test_the_same_edit_again_changes_nothing_of_a_purged_flag(desk: Desk) -> None:
    first = desk.flag(1)
    desk.close(first.case_id)
    desk.clock.now += 7 * DAY
    purged(desk)
    with pytest.raises(ValueError, match="not enough values"):
        desk.flag(1, text="a stronger one")


def test_dead_letters_have_a_time_too(desk: Desk) -> None:
    with desk.database.write() as connection:
        letters = [DeadLetter("a", "not_json", "", b"mild")]
        ledger.add_dead_letters(connection, desk.database.key, letters, desk.clock())
        ledger.count(connection, {"received": 1, "failed": 1})
    desk.clock.now += 30 * DAY
    assert desk.keeper().run().dead_letters == 0
    desk.clock.now += 1
    assert desk.keeper().run().dead_letters == 1
    with desk.database.read() as connection:
        assert ledger.totals(connection).balanced
        assert audit.latest(connection)[-1].act == "dead_letters.purged"


def test_purging_early_takes_a_second_person(desk: Desk) -> None:
    flag = desk.flag()
    with pytest.raises(NotApprovedError, match="purge_early"):
        desk.keeper().purge_one(flag.case_id, by="anna", need=refuse)
    assert desk.read(flag).content is not None
    done = desk.keeper().purge_one(flag.case_id, by="bela", need=approve)
    assert [(one.case, one.why) for one in done.cases] == [(flag.case_id, "early")]
    with desk.database.read() as connection:
        *_, entry = audit.entries(connection, obj=flag.case_id)
        assert (entry.actor, entry.act) == ("bela", "case.purged")
    with pytest.raises(InputError, match="purged before"):
        desk.keeper().purge_one(flag.case_id, by="bela", need=approve)
    with pytest.raises(InputError, match="There is no case"):
        desk.keeper().purge_one("nothing", by="bela", need=approve)


def test_a_case_that_is_due_takes_no_second_person(desk: Desk) -> None:
    flag = desk.flag()
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    assert desk.keeper().purge_one(flag.case_id, by="anna", need=refuse).cases[0].why == "dismissed"


def test_files_that_a_crash_left_in_the_spool_go_with_the_next_round(desk: Desk) -> None:
    flag = desk.flag()
    desk.send()
    (identity,) = desk.spooled()
    spool = desk.settings.spool_path
    (spool / f".{identity}.tmp").write_text("half a letter")
    (spool / "notes of a person.txt").write_text("mine")
    with desk.database.write() as connection:
        purge_case(connection, flag.case_id, why="test", by="tsbot", now=desk.clock())
    assert desk.keeper().run().files == 2
    assert [path.name for path in spool.iterdir()] == ["notes of a person.txt"]


def test_while_somebody_reads_the_log_is_emptied_next_time(desk: Desk) -> None:
    flag = desk.flag()
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    with desk.database.read() as connection:
        connection.execute(select(t.case)).all()
        assert not desk.keeper().run().clean
    assert desk.keeper().run().clean
    assert (desk.settings.data_path / "tsbot.sqlite-wal").stat().st_size == 0


def test_the_patrol_does_a_round_an_hour_and_not_with_a_clock_that_events_contradict(desk: Desk) -> None:
    flag = desk.flag()
    desk.close(flag.case_id)
    desk.clock.now += 400 * DAY  # the clock has jumped, or really so much time has passed
    keeper = desk.keeper()
    keeper.tend(0.0, None)
    keeper.tend(0.0, desk.clock() - BELIEVED - 1)
    assert desk.read(flag).content is not None
    keeper.tend(EVERY - 1, desk.clock() - 10)
    assert desk.read(flag).content is not None, "not yet time for the next round"
    keeper.tend(EVERY, desk.clock() - 10)
    assert desk.read(flag).content is None


WRONG = [
    ("dismissed = 7 ", "dismissed = -1 ", r"days\.dismissed"),
    ("dismissed = 7 ", "dismissed = 'x' ", r"days\.dismissed"),
    ("reported = 90", "reportd = 90", "reportd"),
    ("waiting = 365", "waiting = 0", r"days\.waiting"),
    ("[hold]", "[holds]", "holds"),
    ("longest = 366", "longest = 0", r"hold\.longest"),
    ("[days]", "[days", "retention.toml"),
]


@pytest.mark.parametrize(("old", "new", "named"), WRONG, ids=[new for _, new, _ in WRONG])
def test_a_wrong_table_is_refused_by_file_and_entry(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "retention.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=named) as caught:
        load_retention(path)
    assert "retention.toml" in str(caught.value)


def test_a_table_that_names_no_kind_of_ours_or_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "retention.toml"
    for kind in ("none", "murder"):
        path.write_text(SHIPPED.read_text(encoding="utf-8") + f"[kinds.{kind}]\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=r"retention\.toml"):
            load_retention(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_retention(tmp_path / "nothing.toml")


def test_the_defaults_are_what_the_page_says() -> None:
    days = shipped_retention().days
    assert (days.dismissed, days.reported, days.waiting, days.drill, days.dead_letters) == (7, 90, 365, 7, 30)
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
    for number in (days.dismissed, days.reported, days.waiting, days.dead_letters):
        assert f"{number} days" in page


def test_a_kill_between_two_batches_leaves_whole_cases(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("apples and pears", "three old bridges", "music of the sea", "a winter in the hills")
    flags = [desk.flag(number, user=f"User {number}", title=f"Page {number}", text=text) for number, text in enumerate(words, 1)]
    for flag in flags:
        desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    real, calls = housekeeping.purge_case, []

    class KilledError(BaseException):
        pass

    def dying(*args: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise KilledError
        return real(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(housekeeping, "BATCH", 2)
        patch.setattr(housekeeping, "purge_case", dying)
        with pytest.raises(KilledError):
            desk.keeper().run()
    assert sum(desk.read(flag).content is None for flag in flags) == 2
    assert len(desk.keeper().run().cases) == 2
    with desk.database.read() as connection:
        assert audit.verify(connection) is None
        assert connection.scalar(select(func.count()).select_from(t.audit).where(t.audit.c.act == "case.purged")) == 4


def test_a_purge_finds_nothing_to_do_in_an_empty_database(desk: Desk) -> None:
    assert desk.keeper().run() == Done()
    with desk.database.write() as connection:
        assert purge_case(connection, "nothing", why="test", by="tsbot", now=1.0) is None
        connection.execute(
            insert(t.case).values(id="old", wiki="x", kind="violence", state="closed", opened=1.0, updated=1.0, purged=2.0)
        )
    assert desk.keeper().due() == []
