"""Data files are read once, and anew all together or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tsbot.datafiles import DataFile, Renewed, as_on_disk, data_file, renew
from tsbot.errors import SettingsError


class Desk:
    """Two sorts of data files; the second is made of the first."""

    def __init__(self, folder: Path) -> None:
        self.reads: list[str] = []
        self.words, self.table = folder / "words.txt", folder / "table.txt"
        self.words.write_text("apple")
        self.table.write_text("1")

        @data_file("words", self.words)
        def words() -> str:
            self.reads.append("words")
            text = self.words.read_text()
            if text == "wrong":
                raise SettingsError("words.txt: entry 3 is wrong.")
            return text

        @data_file("table", self.table, self.words)
        def table() -> str:
            """What there is."""
            self.reads.append("table")
            return f"{words()} {int(self.table.read_text())}"

        self.words_file, self.table_file = words, table
        self.files = (words, table)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_file_is_read_once_and_when_it_is_first_asked_for(desk: Desk) -> None:
    assert desk.reads == []
    assert desk.table_file.version == ""
    assert (desk.table_file(), desk.table_file(), desk.words_file()) == ("apple 1", "apple 1", "apple")
    assert desk.reads == ["table", "words"]
    assert len(desk.table_file.version) == 12
    assert desk.table_file.__doc__ == "What there is."


def test_what_changed_is_read_and_what_did_not_is_not(desk: Desk) -> None:
    desk.table_file()
    before = desk.table_file.version
    assert renew(desk.files) == Renewed({})
    desk.table.write_text("2")
    assert desk.table_file() == "apple 1"
    done = renew(desk.files)
    assert done == Renewed({"table": desk.table_file.version})
    assert desk.table_file() == "apple 2"
    assert desk.table_file.version != before
    assert desk.reads == ["table", "words", "table"]


def test_what_is_made_of_another_is_made_of_the_new_one(desk: Desk) -> None:
    desk.table_file()
    desk.words.write_text("pear")
    assert set(renew(desk.files).changed) == {"words", "table"}
    assert (desk.words_file(), desk.table_file()) == ("pear", "pear 1")


def test_one_wrong_file_leaves_all_as_they_were_and_is_named(desk: Desk) -> None:
    desk.table_file()
    versions = [one.version for one in desk.files]
    desk.words.write_text("wrong")
    desk.table.write_text("2")
    done = renew(desk.files)
    assert done.troubles[0] == "words: words.txt: entry 3 is wrong."
    assert not done.changed
    assert (desk.words_file(), desk.table_file()) == ("apple", "apple 1")
    assert [one.version for one in desk.files] == versions
    assert desk.words_file.trouble == "words: words.txt: entry 3 is wrong."
    desk.words.write_text("pear")
    assert not renew(desk.files).troubles
    assert (desk.words_file.trouble, desk.table_file()) == ("", "pear 2")


def test_an_error_of_somebody_else_is_told_without_what_it_quotes(desk: Desk) -> None:
    desk.table_file()
    desk.table.write_text("a canary")
    (trouble,) = renew(desk.files).troubles
    assert trouble == "table: it cannot be read (ValueError)."


def test_a_file_that_is_gone_is_refused(desk: Desk) -> None:
    desk.table_file()
    desk.table.unlink()
    (trouble,) = renew(desk.files).troubles
    assert trouble == "table: it cannot be read (FileNotFoundError)."
    assert desk.table_file() == "apple 1"


def test_a_check_sees_what_is_tried_and_others_what_is_in_use(desk: Desk) -> None:
    desk.table_file()
    desk.words.write_text("pear")
    seen: list[str] = []

    def check() -> None:
        seen.append(desk.table_file())
        other = threading.Thread(target=lambda: seen.append(desk.table_file()))
        other.start()
        other.join()
        raise SettingsError("They do not fit.")

    assert renew(desk.files, check).troubles == ("table, words: They do not fit.",)
    assert seen == ["pear 1", "apple 1"]
    assert desk.table_file() == "apple 1"


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1")
    writing = False

    def read() -> str:
        text = path.read_text()
        if writing:
            path.write_text(text + "+")
        return text

    file: DataFile[[], str] = DataFile("numbers", read, lambda: (path,))
    assert file() == "1"
    path.write_text("2")
    writing = True
    assert renew((file,)).troubles == ("numbers: the files were changed while they were read; ask for it again.",)
    assert file() == "1"
    writing = False
    assert renew((file,)).changed
    assert file() == "2+"


def test_arguments_tell_files_apart_and_what_nobody_asked_for_is_not_read(tmp_path: Path) -> None:
    first, second = tmp_path / "1.txt", tmp_path / "2.txt"
    first.write_text("a")
    second.write_text("b")

    @data_file("own", where=lambda path: (path,))
    def own(path: Path) -> str:
        return path.read_text()

    assert own.takes_arguments
    assert (own(first), own(second)) == ("a", "b")
    first.write_text("c")
    assert renew((own,)).changed
    assert (own(first), own(second)) == ("c", "b")


def test_folders_are_read_with_all_their_files_but_programs(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()

    @data_file("packs", folder)
    def packs() -> list[str]:
        return sorted(path.name for path in folder.iterdir())

    assert packs() == []
    (folder / "x.py").write_text("")
    assert renew((packs,)) == Renewed({})
    (folder / "x.toml").write_text("")
    assert renew((packs,)).changed
    assert packs() == ["x.py", "x.toml"]


def test_what_lies_on_the_disk_is_seen_within_and_what_is_in_use_stays(desk: Desk) -> None:
    desk.words_file()
    with as_on_disk(desk.words_file):
        assert desk.words_file() == "apple"
    assert desk.reads == ["words"]
    desk.words.write_text("pear")
    with as_on_disk(desk.words_file):
        assert desk.words_file() == "pear"
    assert desk.words_file() == "apple"
    desk.words.write_text("wrong")
    with pytest.raises(SettingsError), as_on_disk(desk.words_file):
        pytest.fail("it is wrong")
