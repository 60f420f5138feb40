"""Which data files processes read anew, and what they say of it."""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import pkgutil
from pathlib import Path

import pytest

import tsbot
from tsbot.datafiles import DataFile, data_file
from tsbot.doctor import State
from tsbot.doctor_data import check_data
from tsbot.errors import SettingsError
from tsbot.parts import Stop
from tsbot.reload import DELIVERY, PATROL, Reloader, differing, living, of_console, of_reception, reloading
from tsbot.settings import Settings

NOT_HERE = ("tsbot.demo", "tsbot.detect.learn", "tsbot.pwb", "tsbot.store.migrations", "tsbot.__main__")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


class Table:
    """A data file of a test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("1")

        @data_file("table", path)
        def table() -> int:
            try:
                return int(path.read_text())
            except ValueError as error:
                raise SettingsError("table.txt: no number.") from error

        self.file = table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "table.txt")


def test_every_data_file_is_in_a_list_so_that_none_is_forgotten() -> None:
    listed = {*PATROL, *of_console(), *of_reception()}
    names = [one.name for one in listed]
    assert len(set(names)) == len(names)
    found: set[DataFile[..., object]] = set()
    for module in pkgutil.walk_packages(tsbot.__path__, "tsbot."):
        if not module.name.startswith(NOT_HERE):
            found |= {one for one in vars(importlib.import_module(module.name)).values() if isinstance(one, DataFile)}
    assert {one.name for one in found} == set(names)
    assert set(DELIVERY) < set(PATROL)


def test_what_a_process_works_with_stands_in_its_folder_while_it_lives(settings: Settings, table: Table) -> None:
    with reloading(settings, "patrol", (table.file,), Stop()):
        (one,) = living(settings)
        assert (one.role, one.pid, one.versions, one.refused) == ("patrol", os.getpid(), {"table": table.file.version}, ())
        assert differing(one, (table.file,)) == []
        table.path.write_text("2")
        assert differing(one, (table.file,)) == ["table"]
        folder = settings.data_path / "in-use"
        assert not any(path.stat().st_mode & 0o077 for path in (settings.data_path, folder, *folder.iterdir()))
    assert living(settings) == []


def test_a_full_disk_ends_nothing_and_is_made_up_for(settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    reloader = Reloader(settings, "patrol", (table.file,))
    with reloader.written_down():
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            table.file()
            assert reloader.reload()
        assert [one.versions for one in living(settings)] != [{"table": table.file.version}]
        reloader.write()
        assert [one.versions for one in living(settings)] == [{"table": table.file.version}]


def test_a_folder_that_cannot_be_made_is_said_at_the_start(tmp_path: Path, table: Table) -> None:
    (tmp_path / "data").write_text("a file")
    reloader = Reloader(Settings(data_dir=str(tmp_path / "data")), "patrol", (table.file,))
    with pytest.raises(SettingsError, match="cannot be written to"), reloader.written_down():
        pass


def test_a_file_that_is_taken_away_before_it_is_locked_is_made_again(
    settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, looked = fcntl.flock, []

    def look_first(handle: int, how: int) -> None:
        if not looked:
            looked.append(handle)
            for path in (settings.data_path / "in-use").iterdir():
                path.unlink()  # as who looks for dead processes does
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", look_first)
    with Reloader(settings, "patrol", (table.file,)).written_down():
        assert [one.pid for one in living(settings)] == [os.getpid()]


def test_what_a_dead_process_left_is_not_believed(settings: Settings) -> None:
    folder = settings.data_path / "in-use"
    folder.mkdir(parents=True)
    (folder / "work-1.json").write_text('{"role":"work","pid":1,"since":0,"versions":{}}')
    assert living(settings) == []
    assert list(folder.iterdir()) == []


def test_files_that_are_wrong_at_the_start_are_refused_with_their_name(settings: Settings, table: Table) -> None:
    table.path.write_text("none")
    with pytest.raises(SettingsError, match=r"table\.txt"), reloading(settings, "patrol", (table.file,), Stop()):
        pytest.fail("it must not begin")


def test_the_doctor_names_what_was_refused_and_what_was_not_read(
    settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsbot.doctor_data.PATROL", (table.file,))
    monkeypatch.setattr("tsbot.doctor_data.of_console", tuple)
    reloader = Reloader(settings, "patrol", (table.file,), lambda: 1.0)
    reloader.prepare()
    with reloader.written_down():

        def found() -> tuple[State, str]:
            (one,) = check_data(settings)
            assert one.check == "data.patrol"
            assert one.state is State.OK or f"kill -HUP {os.getpid()}" in one.remedy
            return one.state, one.words

        assert found()[0] is State.OK
        table.path.write_text("2")
        assert found() == (State.WARNING, f"process {os.getpid()} has not read what was changed since: table")
        assert reloader.reload()
        assert (found()[0], table.file()) == (State.OK, 2)
        table.path.write_text("none")
        assert not reloader.reload()
        state, words = found()
        assert state is State.PROBLEM
        assert "table: table.txt: no number." in words
        assert table.file() == 2
        table.path.write_text("3")
        assert reloader.reload()
        assert (found()[0], table.file()) == (State.OK, 3)
    assert list(check_data(settings)) == []


def test_asking_once_reloads_once() -> None:
    stop = Stop()
    assert not stop.reload_asked()
    stop.ask_reload()
    assert stop.reload_asked()
    assert not stop.reload_asked()
    assert not stop
