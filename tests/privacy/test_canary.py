"""A canary through the whole house: it is found where it belongs, never in the files, and nowhere after the purge."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tsbot.cases.priority import shipped_table
from tsbot.detect.finding import Kind
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.text.passage import Field

Desk = Any
DAY = 86400.0
TEXT, NAME, PAGE, NOTE = "canary seven three nine one", "Canarius Example", "Talk:Canary house", "a canary's note"
SECRETS = [word.encode(coding) for word in (TEXT, NAME, NAME.replace(" ", "_"), PAGE, NOTE) for coding in ("utf-8", "utf-16-le")]


def ciphertexts(desk: Desk) -> list[bytes]:
    """Everything sealed, wrapped or fingerprinted that the database holds of cases."""
    found: list[bytes] = []
    with desk.database.read() as connection:
        for table in (t.case, t.flag, t.report, t.note, t.text_family):
            for column in table.columns:
                if str(column.type) in ("BLOB", "BYTEA"):
                    found += [bytes(value) for value in connection.scalars(select(column)) if value]
        found += [band.encode() for band in connection.scalars(select(t.text_band.c.band))]
    return found


def busy_day(desk: Desk) -> list[str]:
    """Flags in all fields, letters sent, held and queued, notes, labels of the log, and a thread of follow-ups; the cases."""
    cases = []
    for number, kind in enumerate((Kind.VIOLENCE, Kind.SELF_HARM, Kind.DOXING, Kind.MINORS, Kind.LEGAL), 100):
        flag = desk.flag(number, kind, text=TEXT, user=NAME, title=PAGE)
        cases.append(flag.case_id)
    desk.flag(120, where=Field.SUMMARY, user=NAME, title=PAGE)
    desk.flag(121, where=Field.USER, text=NAME, user=NAME, title=PAGE)
    desk.note(cases[0], NOTE)
    desk.send()
    desk.flag(130, Kind.VIOLENCE, user=NAME, title=PAGE)  # its letter is held
    desk.deliverer().run_once()
    desk.flag(131, Kind.VIOLENCE, user=NAME, title=PAGE)  # its letter is not written yet
    return sorted(set(cases))


def test_the_canary_is_nowhere_after_the_purge(desk: Desk, tmp_path: Path) -> None:
    cases = busy_day(desk)
    assert any(TEXT in text and NAME in text for text in desk.spooled().values()), "the canary has to be there to be missed"
    database_files = {name: content for name, content in desk.files().items() if name.startswith("tsbot.sqlite")}
    assert {"tsbot.sqlite", "tsbot.sqlite-wal", "tsbot.sqlite-shm"} <= set(database_files)
    for content in database_files.values():
        assert not any(secret in content for secret in SECRETS), "sealed before the purge, too"
    sealed = ciphertexts(desk)
    everything = b"".join(database_files.values())
    # Long ciphertexts are spread over pages; their beginnings are not.
    assert sum(value[:40] in everything for value in sealed) == len(sealed) > 30
    for case in cases:
        desk.close(case)
    desk.clock.now += 400 * DAY
    done = desk.keeper().run()
    assert {one.case for one in done.cases} == set(cases)
    assert done.clean
    left = desk.files()
    for name, content in left.items():
        assert not any(secret in content for secret in SECRETS), name
        assert not any(value[:40] in content for value in sealed), name
    assert not any(path.suffix in (".eml", ".tmp") for path in desk.settings.spool_path.iterdir())
    with desk.database.read() as connection:
        assert audit.verify(connection) is None
        kinds = sorted(connection.scalars(select(t.flag.c.kind)))
    assert len(kinds) == 9, "what counts stays"


def test_a_backup_of_before_opens_until_the_master_key_has_gone(desk: Desk, tmp_path: Path) -> None:
    """What docs/privacy.md says of backups."""
    from tsbot.errors import KeyFileError
    from tsbot.store import rotation
    from tsbot.store.keyfile import key_source

    flag = desk.flag()
    desk.database.checkpoint()
    backup = tmp_path / "backup.sqlite"
    shutil.copyfile(desk.settings.data_path / "tsbot.sqlite", backup)
    old = desk.database.key
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    desk.keeper().run()
    connection = sqlite3.connect(backup)
    (wrapped,) = connection.execute("select data_key from case_file").fetchone()
    connection.close()
    assert desk.database.key.unwrap(wrapped, flag.case_id)
    rotation.rotate(desk.database, key_source(desk.settings), by="anna", now=desk.clock())
    rotation.retire(desk.database, key_source(desk.settings), old.fingerprint, by="anna", now=desk.clock())
    with pytest.raises(KeyFileError, match="does not hold"):
        desk.database.key.unwrap(wrapped, flag.case_id)


def test_reasons_and_the_log_are_in_words_of_the_program_only(desk: Desk) -> None:
    busy_day(desk)
    words = {row.words for row in shipped_table().reasons.values()}
    with desk.database.read() as connection:
        for reasons in connection.scalars(select(t.flag.c.reasons)):
            said = json.loads(reasons)
            assert not any(b in json.dumps(said).encode() for b in SECRETS)
            assert {reason["name"].partition(".")[0] for reason in said} >= {"kind"}
        entries = list(audit.entries(connection))
    assert words
    assert not any(secret in str(entry).encode() for entry in entries for secret in SECRETS)
