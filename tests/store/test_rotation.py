"""Another master key: what it opens, what happens to the old one, and what kill -9 and wrong keys do."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update

from tsbot.errors import InputError, KeyFileError
from tsbot.settings import Settings
from tsbot.store import audit, ledger, rotation
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, fingerprint, seal, unseal
from tsbot.store.database import Database, connect
from tsbot.store.keyfile import CREDENTIAL, KeyFile, KeyVariable, key_source, new_secret, spell
from tsbot.store.ledger import DeadLetter
from tsbot.store.opening import open_store

VICTIM = Path(__file__).with_name("rotation_victim.py")
CASES = 450
WORDS = b"mild made-up words"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


@pytest.fixture
def store(settings: Settings) -> Iterator[Database]:
    database = open_store(settings)
    yield database
    database.close()


def fill(database: Database, number: int = 3) -> dict[str, bytes]:
    """Cases with a text each; the names in them by their fingerprint."""
    with database.write() as connection:
        for at in range(number):
            add_case(database, connection, f"case-{at:04}")
        letters = [DeadLetter("event", "not_json", "", WORDS)]
        ledger.add_dead_letters(connection, database.key, letters, 1.0)
    return {"Example": database.key.index("user", "enwiki", "Example"), "copypasta": database.key.derive("copypasta")}


def add_case(database: Database, connection: object, identity: str) -> None:
    bare, wrapped = database.key.new_data_key(identity)
    row = {"wiki": "enwiki", "kind": "violence", "state": "new", "opened": 1.0, "updated": 1.0, "data_key": wrapped}
    body = seal(bare, WORDS, f"case_file|body|{identity}")
    connection.execute(insert(t.case).values(id=identity, body=body, **row))  # type: ignore[attr-defined]


def check(database: Database, names: dict[str, bytes], number: int = 3) -> None:
    """Everything opens, and names are found."""
    with database.read() as connection:
        rows = connection.execute(select(t.case.c.id, t.case.c.data_key, t.case.c.body)).all()
        opened = [unseal(database.key.unwrap(row.data_key, row.id), row.body, f"case_file|body|{row.id}") for row in rows]
        assert opened == [WORDS] * number
        assert [letter.message for letter in ledger.dead_letters(connection, database.key)] == [WORDS]
    assert {"Example": database.key.index("user", "enwiki", "Example"), "copypasta": database.key.derive("copypasta")} == names


def states(database: Database, settings: Settings) -> list[tuple[str, int]]:
    return [(one.state, one.data_keys) for one in rotation.held(database, key_source(settings))]


def rotate(database: Database, settings: Settings) -> rotation.Rotated:
    return rotation.rotate(database, key_source(settings), by="operator", now=2.0)


def test_everything_opens_with_the_new_key_and_names_are_found_as_before(store: Database, settings: Settings) -> None:
    names, old = fill(store), store.key.fingerprint
    done = rotate(store, settings)
    assert done == rotation.Rotated(store.key.fingerprint, added=True, rewrapped=3)
    assert done.fingerprint != old
    assert states(store, settings) == [("current", 3), ("old", 0)]
    check(store, names)
    check(open_store(settings), names)


def test_the_old_key_can_go_once_nothing_needs_it_and_opens_nothing_any_more(store: Database, settings: Settings) -> None:
    names, old = fill(store), store.key
    rotate(store, settings)
    assert rotation.retire(store, key_source(settings), old.fingerprint[:6], by="operator", now=3.0) == old.fingerprint
    assert key_source(settings).read().fingerprints == (store.key.fingerprint,)
    assert settings.key_path.stat().st_mode & 0o777 == 0o600
    check(open_store(settings), names)
    with store.read() as connection:
        wrapped = connection.scalar(select(t.case.c.data_key)) or b""
        assert [entry.act for entry in audit.entries(connection)] == ["key.rotated", "key.rewrapped", "key.retired"]
        assert audit.verify(connection) is None
    with pytest.raises(KeyFileError, match="does not hold"):
        MasterKey(old.secret).unwrap(wrapped, "case-0000")


def test_a_key_that_is_needed_cannot_be_retired(store: Database, settings: Settings) -> None:
    fill(store)
    source = key_source(settings)
    with pytest.raises(InputError, match="current key"):
        rotation.retire(store, source, store.key.fingerprint, by="operator", now=3.0)
    old = store.key
    rotate(store, settings)
    with store.write() as connection:  # a case that a process of before has wrapped
        wrapped = old.new_data_key("case-0001")[1]
        connection.execute(update(t.case).where(t.case.c.id == "case-0001").values(data_key=wrapped))
    with pytest.raises(InputError, match="1 data keys are still wrapped"):
        rotation.retire(store, source, old.fingerprint, by="operator", now=3.0)
    with pytest.raises(InputError, match="0 keys begin with"):
        rotation.retire(store, source, "zzzz", by="operator", now=3.0)
    assert len(source.read().fingerprints) == 2
    with store.read() as connection:
        assert "key.retired" not in [entry.act for entry in audit.entries(connection)]


def test_another_process_goes_on_with_the_new_key(store: Database, settings: Settings) -> None:
    names = fill(store)
    patrol = open_store(settings)
    rotate(store, settings)
    with patrol.write() as connection:
        add_case(patrol, connection, "case-of-the-patrol")
    assert states(store, settings) == [("current", 4), ("old", 0)]
    check(patrol, names, 4)
    patrol.close()


def test_a_rotation_leaves_destroyed_keys_destroyed(store: Database, settings: Settings) -> None:
    fill(store)
    with store.write() as connection:
        connection.execute(update(t.case).where(t.case.c.id == "case-0001").values(data_key=None))
    assert rotate(store, settings).rewrapped == 2
    with store.read() as connection:
        assert connection.scalar(select(t.case.c.data_key).where(t.case.c.id == "case-0001")) is None


def run(folder: str, moment: str, occurrence: int = 1) -> int:
    command = [sys.executable, str(VICTIM), folder, moment, str(occurrence)]
    return subprocess.run(command, check=False, timeout=60).returncode


@pytest.mark.parametrize(
    ("moment", "occurrence", "keys"),
    [
        ("before_the_key_is_written", 1, 1),
        ("after_the_key_was_written", 1, 2),
        ("inside_the_binding", 1, 2),
        ("after_the_binding", 1, 2),
        ("inside_a_batch", 1, 2),
        ("inside_a_batch", 250, 2),
        ("before_the_last_entry", 1, 2),
    ],
)
def test_killed_at_any_moment_nothing_is_lost_and_the_next_call_goes_on(
    settings: Settings, moment: str, occurrence: int, keys: int
) -> None:
    first = open_store(settings)
    names = fill(first, CASES)
    first.close()
    assert run(settings.data_dir, moment, occurrence) == -signal.SIGKILL, "the moment was never reached"
    after = open_store(settings)
    assert len(key_source(settings).read().fingerprints) == keys
    check(after, names, CASES)
    after.close()
    assert run(settings.data_dir, "none") == 0
    finished = open_store(settings)
    expected = 3 if moment == "before_the_last_entry" else 2  # all was done: it could not tell that from a wish for another key
    assert len(key_source(settings).read().fingerprints) == expected
    assert states(finished, settings)[0] == ("current", CASES)
    check(finished, names, CASES)
    finished.close()


def test_a_database_of_before_keeps_what_it_derived_from_its_key(tmp_path: Path) -> None:
    """As tsbot 0.1 left it: no working keys, data keys without a name."""
    secret = b"k" * 32
    key = MasterKey(secret)
    url = f"sqlite:///{tmp_path / 'data' / 'tsbot.sqlite'}"
    old = Database(connect(url), key)
    from tsbot.store import schema

    schema.upgrade(old)
    names = fill(old)
    with old.write() as connection:
        for row in connection.execute(select(t.case.c.id, t.case.c.data_key)).all():
            unnamed = seal(_wrapping(secret), key.unwrap(row.data_key, row.id), f"case|data_key|{row.id}")
            connection.execute(update(t.case).where(t.case.c.id == row.id).values(data_key=unnamed))
        connection.execute(insert(t.fact).values(name="master_key", value=key.fingerprint))
    old.close()
    settings = Settings(data_dir=str(tmp_path / "data"))
    KeyFile(settings.key_path).write([secret])
    opened = open_store(settings)
    check(opened, names)
    assert states(opened, settings) == [("current", 3)]
    rotate(opened, settings)
    rotation.retire(opened, key_source(settings), fingerprint(secret), by="operator", now=3.0)
    check(open_store(settings), names)


def _wrapping(secret: bytes) -> bytes:
    import hashlib
    import hmac

    return hmac.new(secret, b"tsbot|wrap", hashlib.sha256).digest()


def test_a_new_databases_working_keys_say_nothing_of_its_master_key(store: Database) -> None:
    assert store.key.index("Example") != MasterKey(store.key.secret).index("Example")
    assert store.key.derive("anything") != store.key.derive("something")
    assert len(store.key.derive("anything")) == 32


@pytest.mark.parametrize("trouble", ["the old file was restored", "a file of strangers", "gone", "damaged"])
def test_without_the_right_key_nothing_opens_and_nothing_is_changed(store: Database, settings: Settings, trouble: str) -> None:
    names = fill(store)
    old = settings.key_path.read_bytes()
    rotate(store, settings)
    right = settings.key_path.read_bytes()
    store.close()
    if trouble == "the old file was restored":
        settings.key_path.write_bytes(old)
    elif trouble == "a file of strangers":
        KeyFile(settings.key_path).write([new_secret()])
    elif trouble == "gone":
        settings.key_path.unlink()
    else:
        settings.key_path.write_text("rubbish\n")
    before = _dump(settings)
    for _ in range(2):
        with pytest.raises(KeyFileError, match=r"put the right key file back|does not exist|is damaged"):
            open_store(settings)
    assert _dump(settings) == before
    settings.key_path.write_bytes(right)
    settings.key_path.chmod(0o600)
    check(open_store(settings), names)


def _dump(settings: Settings) -> list[object]:
    engine = connect(settings.database_url)
    with engine.connect() as connection:
        rows = [connection.execute(text(f"select * from {name}")).all() for name in ("fact", "case_file", "dead_letter", "audit")]
    engine.dispose()
    return [tuple(row) for table in rows for row in table]


def test_a_process_without_the_new_key_stops_and_says_why(store: Database, settings: Settings, tmp_path: Path) -> None:
    names = fill(store)
    alone = Settings(data_dir=settings.data_dir, master_key=spell(store.key.secret))
    patrol = open_store(alone)
    rotate(store, settings)
    with pytest.raises(KeyFileError, match="TSBOT_MASTER_KEY holds"), patrol.write():
        pass
    check(store, names)
    patrol.close()


def test_keys_of_the_environment_are_put_in_front_by_hand(tmp_path: Path) -> None:
    first, second = new_secret(), new_secret()
    folder = str(tmp_path / "data")
    database = open_store(Settings(data_dir=folder, master_key=spell(first)))
    names = fill(database)
    with pytest.raises(InputError, match="tsbot keys new"):
        rotation.rotate(database, KeyVariable(spell(first)), by="operator", now=2.0)
    database.close()
    both = Settings(data_dir=folder, master_key=f"{spell(second)} {spell(first)}")
    database = open_store(both)
    assert states(database, both) == [("new", 0), ("current", 3)]
    assert rotate(database, both) == rotation.Rotated(fingerprint(second), added=False, rewrapped=3)
    database.close()
    check(open_store(Settings(data_dir=folder, master_key=spell(second))), names)
    assert not (tmp_path / "data" / "master.key").exists()


def test_systemd_hands_the_key_over(tmp_path: Path) -> None:
    handed = tmp_path / CREDENTIAL
    handed.write_text(f"# of the service\n{spell(b'k' * 32)}\n")
    handed.chmod(0o440)
    source = key_source(Settings(data_dir=str(tmp_path / "data")), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert source.read().secret == b"k" * 32
    assert not source.writable
    with pytest.raises(KeyFileError, match="LoadCredential"):
        source.write([new_secret()])
    elsewhere = key_source(Settings(data_dir=str(tmp_path / "data")), {"CREDENTIALS_DIRECTORY": str(tmp_path / "nothing")})
    assert elsewhere == KeyFile(tmp_path / "data" / "master.key")


def test_one_key_twice_is_a_damaged_file(tmp_path: Path) -> None:
    line = spell(new_secret())
    with pytest.raises(KeyFileError, match="none twice"):
        KeyVariable(f"{line}\n{line}").read()
    assert "tsbot-master-1" not in repr(KeyVariable(line))


def test_a_database_that_says_who_wraps_names_a_key_that_is_missing(store: Database, settings: Settings) -> None:
    fill(store)
    stranger = MasterKey(new_secret())
    with store.write() as connection:
        wrapped = stranger.new_data_key("case-0000")[1]
        connection.execute(update(t.case).where(t.case.c.id == "case-0000").values(data_key=wrapped))
    assert states(store, settings) == [("current", 2), ("missing", 1)]
    with pytest.raises(KeyFileError, match=f"locked with the master key {stranger.fingerprint}"):
        rotate(store, settings)
    assert states(store, settings)[0][1] == 2
