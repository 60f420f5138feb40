"""Texts that were seen before, told without keeping them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tsbot.cases.copypasta import NEAR, PERMUTATIONS, RECENT, ROWS, Signer, bands, find, forget, note, similarity
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database

NOW = 1_700_000_000.0
SIGNER = Signer(MasterKey(b"k" * 32))
SAID = "The walrus will come to every one of your gardens and eat all the cabbages, and nobody will stop the walrus this time."


def sign(text: str) -> bytes:
    signature = SIGNER.sign(text)
    assert signature is not None
    return signature


@pytest.mark.parametrize(
    ("other", "near"),
    [
        (SAID, True),
        (SAID.upper(), True),
        (SAID + " HAHAHA", True),
        (SAID.replace("cabbages", "carrots"), True),
        (SAID.replace(" ", "  ").replace(",", "!!!"), True),
        ("The walrus is a large marine mammal of the Arctic, with two long tusks and whiskers, and lives on the ice.", False),
        ("Thank you for mending the references in the article on gardens.", False),
    ],
)
def test_near_equal_texts_have_like_signatures(other: str, near: bool) -> None:
    assert (similarity(sign(SAID), sign(other)) >= NEAR) is near


@pytest.mark.parametrize(("text", "there"), [("", False), (" .!? \n", False), ("😀", False), ("a", True), ("殺", True), ("a\ud800b", True)])
def test_only_letters_are_signed(text: str, there: bool) -> None:
    assert (SIGNER.sign(text) is not None) is there


def test_another_key_signs_otherwise() -> None:
    assert similarity(sign(SAID), Signer(MasterKey(b"x" * 32)).sign(SAID) or b"") < 0.1


@given(st.text(max_size=300))
def test_every_text_is_near_itself_and_its_bands_are_its_signature(text: str) -> None:
    signature = SIGNER.sign(text)
    if signature is not None:
        assert similarity(signature, signature) == 1
        assert len(signature) == 4 * PERMUTATIONS
        assert "".join(band[2:] for band in bands(signature)) == signature.hex()
        assert len(set(bands(signature))) == PERMUTATIONS // ROWS


def test_texts_are_counted_from_the_first(database: Database) -> None:
    with database.write() as connection:
        counts = []
        for text in (SAID, SAID + " HAHAHA", "Quite another matter, about hedgehogs in winter.", SAID):
            signature = sign(text)
            counts.append(note(connection, signature, NOW, find(connection, signature, NOW)).earlier)
    assert counts == [0, 1, 0, 2]


def test_what_nobody_repeats_is_forgotten(database: Database) -> None:
    signature = sign(SAID)
    with database.write() as connection:
        note(connection, signature, NOW, None)
        assert find(connection, signature, NOW + RECENT - 1) is not None
        assert find(connection, signature, NOW + RECENT) is None
        assert forget(connection, NOW + RECENT - 1) == 0
        assert forget(connection, NOW + RECENT) == 1
        for table in (t.text_family, t.text_band):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_the_database_holds_no_text(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        note(connection, sign("canary-7391 sings"), NOW, None)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("tsbot.sqlite*"))
    assert b"canary" not in stored.lower()


def test_signing_is_cheap() -> None:
    text = "".join(chr(97 + number % 26) + str(number) for number in range(1000))
    started = time.process_time()
    for _ in range(20):
        sign(text)
    assert (time.process_time() - started) / 20 < 0.05
