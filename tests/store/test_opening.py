"""Opening a store: which key belongs to which database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tsbot.errors import KeyFileError
from tsbot.settings import Settings
from tsbot.store.opening import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder, and a database that lies elsewhere."""
    return Settings(data_dir=str(tmp_path / "data"), database=f"sqlite:///{tmp_path / 'elsewhere' / 'tsbot.sqlite'}")


def test_the_first_start_makes_a_key_and_the_next_takes_it(settings: Settings) -> None:
    first = open_store(settings)
    second = open_store(settings)
    assert first.key == second.key
    first.close()
    second.close()


def test_no_new_key_is_made_for_a_database_that_another_encrypted(settings: Settings) -> None:
    open_store(settings).close()
    shutil.rmtree(settings.data_path)
    for _ in range(2):
        with pytest.raises(KeyFileError, match="does not exist"):
            open_store(settings)
    assert not settings.key_path.exists()


def test_the_key_of_another_database_is_refused(settings: Settings, tmp_path: Path) -> None:
    open_store(settings).close()
    other = Settings(data_dir=str(tmp_path / "other"))
    open_store(other).close()
    shutil.copyfile(other.key_path, settings.key_path)
    with pytest.raises(KeyFileError, match="put the right key file back"):
        open_store(settings)
