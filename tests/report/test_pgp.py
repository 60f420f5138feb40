"""Encrypting to keys of a real gpg, which then reads it; and every key that must not be used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tsbot.demo.gpg import Gpg
from tsbot.errors import DemoError, KeyUnusableError
from tsbot.report.pgp import MAX_KEY_BYTES, Sequoia

NOW = 1_790_000_000.0  # 2026-09-21
DAY = 86400.0
PGP = Sequoia()
KeyFile = Callable[..., Path]


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with Gpg() as real:
        yield real


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    def write(content: bytes) -> Path:
        file = tmp_path / "desk.asc"
        file.write_bytes(content)
        return file

    return write


def refusal(file: Path, fingerprint: str, now: float = NOW) -> str:
    """Why a key is not used; both ways to use it must agree."""
    with pytest.raises(KeyUnusableError) as first:
        PGP.examine(file, fingerprint, now)
    with pytest.raises(KeyUnusableError) as second:
        PGP.encrypt(file, fingerprint, b"never to leave", now)
    assert str(first.value) == str(second.value)
    return str(first.value)


@pytest.mark.parametrize("armoured", [True, False])
@pytest.mark.parametrize(("algorithm", "subkey"), [("ed25519", "cv25519"), ("rsa2048", "rsa2048")])
def test_gpg_reads_what_was_encrypted(gpg: Gpg, key_file: KeyFile, algorithm: str, subkey: str, armoured: bool) -> None:
    fingerprint = gpg.make(f"{algorithm}{armoured}@example.org", algorithm, "cert,sign")
    gpg.add_subkey(fingerprint, algorithm=subkey)
    file = key_file(gpg.export(fingerprint, armoured=armoured))
    text = "Grüße 你好 😀\r\n.\r\n" * 20_000
    assert PGP.examine(file, fingerprint, NOW).expires is None
    sealed = PGP.encrypt(file, fingerprint, text.encode(), NOW)
    assert sealed.startswith("-----BEGIN PGP MESSAGE-----")
    assert gpg.decrypt(sealed.encode()).decode() == text


def test_a_fingerprint_may_be_written_as_people_write_it(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("spaces@example.org")
    parted = " ".join(fingerprint[start : start + 4] for start in range(0, 40, 4)).lower()
    assert PGP.examine(key_file(gpg.export(fingerprint)), parted, NOW).fingerprint == fingerprint.lower()


def test_only_the_pinned_key_of_several_is_encrypted_to(gpg: Gpg, key_file: KeyFile) -> None:
    first, second = gpg.desk("first@example.org"), gpg.desk("second@example.org")
    for content in (gpg.export(first) + gpg.export(second), gpg.export(first, second), gpg.export(first, second, armoured=False)):
        sealed = PGP.encrypt(key_file(content), second, b"for the second", NOW)
        assert gpg.decrypt(sealed.encode()) == b"for the second"
        with Gpg() as stranger:
            stranger.desk("stranger@example.org")
            with pytest.raises(DemoError):
                stranger.decrypt(sealed.encode())


def test_a_key_that_is_not_the_pinned_one(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("other@example.org")
    file = key_file(gpg.export(fingerprint))
    assert refusal(file, "0" * 40) == "not the pinned fingerprint"
    assert refusal(file, fingerprint[-16:]) == "not the pinned fingerprint"
    assert refusal(file, "") == "not the pinned fingerprint"


def test_an_expired_key(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("expired@example.org", expires="2026-06-01")
    file = key_file(gpg.export(fingerprint))
    assert refusal(file, fingerprint) == "expired"
    end = PGP.examine(file, fingerprint, NOW - 200 * DAY).expires
    assert end is not None
    assert refusal(file, fingerprint, end) == "expired"
    assert PGP.examine(file, fingerprint, end - 1).expires == end


def test_a_key_whose_subkey_has_expired(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("subkey@example.org", subkey_expires="2026-06-01")
    file = key_file(gpg.export(fingerprint))
    assert refusal(file, fingerprint) == "no live subkey for encryption"
    assert PGP.examine(file, fingerprint, NOW - 200 * DAY).expires is not None


def test_a_new_subkey_takes_the_place_of_an_expired_one(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("renewed@example.org", subkey_expires="2026-06-01")
    gpg.add_subkey(fingerprint, expires="2026-12-31")
    file = key_file(gpg.export(fingerprint))
    end = PGP.examine(file, fingerprint, NOW).expires
    assert end is not None
    assert 90 * DAY < end - NOW < 110 * DAY
    assert gpg.decrypt(PGP.encrypt(file, fingerprint, b"to the new one", NOW).encode()) == b"to the new one"


def test_a_revoked_key_also_if_the_revocation_lies_beside_it(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("revoked@example.org")
    before = gpg.export(fingerprint)
    PGP.examine(key_file(before), fingerprint, NOW)
    revocation = gpg.revocation(fingerprint)
    gpg.revoke(fingerprint)
    after = gpg.export(fingerprint)
    for content in (after, before + after, after + before, before + revocation):
        assert refusal(key_file(content), fingerprint) == "revoked"


def test_a_revoked_subkey(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("subkeyrevoked@example.org")
    gpg.revoke_first_subkey(fingerprint)
    assert refusal(key_file(gpg.export(fingerprint)), fingerprint) == "no live subkey for encryption"


def test_a_key_without_a_subkey_for_encryption(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.make("signs@example.org", usage="cert,sign")
    gpg.add_subkey(fingerprint, algorithm="ed25519", usage="sign")
    assert refusal(key_file(gpg.export(fingerprint)), fingerprint) == "no live subkey for encryption"


def test_a_subkey_that_somebody_else_slipped_in_is_not_encrypted_to(gpg: Gpg, key_file: KeyFile) -> None:
    from pysequoia.packet import PacketPile

    mine, theirs = gpg.make("mine@example.org"), gpg.desk("theirs@example.org")
    parts = [list(PacketPile.from_bytes(gpg.export(one))) for one in (mine, theirs)]
    forged = b"".join(bytes(packet) for packet in (*parts[0], *parts[1][3:]))
    assert refusal(key_file(forged), mine) == "no live subkey for encryption"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "key file: holds no key"),
        (b"no key at all", "key file: cannot be read as OpenPGP"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n", "key file: cannot be read as OpenPGP"),
        (b"x" * (MAX_KEY_BYTES + 1), "key file: too long"),
    ],
)
def test_files_that_hold_no_key(key_file: KeyFile, content: bytes, reason: str) -> None:
    assert refusal(key_file(content), "0" * 40) == reason


def test_half_a_key(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("half@example.org")
    assert refusal(key_file(gpg.export(fingerprint)[:200]), fingerprint) == "key file: cannot be read as OpenPGP"


def test_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.asc", "0" * 40) == "key file: FileNotFoundError"


def test_a_secret_key_has_no_business_here(gpg: Gpg, key_file: KeyFile) -> None:
    fingerprint = gpg.desk("secret@example.org")
    assert refusal(key_file(gpg.export(fingerprint, secret=True)), fingerprint) == "key file: holds a secret key"


def test_without_the_library(gpg: Gpg, key_file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = gpg.desk("nolibrary@example.org")
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    assert refusal(key_file(gpg.export(fingerprint)), fingerprint) == "the extra `pgp` of tsbot is not installed"
