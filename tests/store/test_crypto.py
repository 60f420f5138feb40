"""Encryption at rest: what opens, what does not, and what a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import KeyFileError
from tsbot.store.crypto import MasterKey, seal, unseal
from tsbot.store.keyfile import KeyFile

KEY = bytes(range(32))


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_was_sealed_opens_with_the_same_key_and_context(plaintext: bytes, context: str) -> None:
    assert unseal(KEY, seal(KEY, plaintext, context), context) == plaintext


@given(st.binary(min_size=1, max_size=100), st.integers(min_value=0))
def test_a_changed_byte_is_noticed(plaintext: bytes, position: int) -> None:
    sealed = bytearray(seal(KEY, plaintext, "flag|body|1"))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(KeyFileError):
        unseal(KEY, bytes(sealed), "flag|body|1")


def test_a_ciphertext_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(KeyFileError, match=r"flag\|body\|2"):
        unseal(KEY, seal(KEY, b"text", "flag|body|1"), "flag|body|2")


def test_the_same_text_never_seals_to_the_same_bytes() -> None:
    assert seal(KEY, b"text", "c") != seal(KEY, b"text", "c")


def test_a_case_key_opens_only_for_its_case_and_master_key() -> None:
    master = MasterKey(KEY)
    bare, wrapped = master.new_data_key("case-1")
    assert master.unwrap(wrapped, "case-1") == bare
    with pytest.raises(KeyFileError):
        master.unwrap(wrapped, "case-2")
    with pytest.raises(KeyFileError):
        MasterKey(b"x" * 32).unwrap(wrapped, "case-1")


def test_a_name_has_one_index_under_one_key_and_field_boundaries_matter() -> None:
    master = MasterKey(KEY)
    assert master.index("user", "enwiki", "Example") == master.index("user", "enwiki", "Example")
    assert master.index("user", "enwiki", "Example") != MasterKey(b"x" * 32).index("user", "enwiki", "Example")
    assert master.index("ab", "c") != master.index("a", "bc")
    assert len(master.index("user", "\ud800")) == 16


def test_the_key_does_not_show_in_reprs() -> None:
    assert "secret" not in repr(MasterKey(KEY))


def test_a_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "private" / "master.key"
    made = KeyFile(path).create()
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile(path).read() == made
    with pytest.raises(KeyFileError, match="cannot be made"):
        KeyFile(path).create()


def test_a_process_that_dies_while_it_makes_the_key_leaves_no_half_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        pass

    def killed(_handle: int) -> None:
        raise KilledError

    path = tmp_path / "master.key"
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr("os.fsync", killed)
        KeyFile(path).create()
    assert not path.exists()
    assert KeyFile(path).create() == KeyFile(path).read()


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    KeyFile(path).create()
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyFile(path).read()


@pytest.mark.parametrize(
    "content", ["", "nonsense", "tsbot-master-1:", "tsbot-master-1:AAAA", "tsbot-master-1:???", "tsbot-master-2:" + "A" * 44]
)
def test_a_damaged_key_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="damaged"):
        KeyFile(path).read()


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="does not exist"):
        KeyFile(tmp_path / "master.key").read()
