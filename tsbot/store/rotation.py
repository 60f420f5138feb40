"""Another master key: added, everything wrapped by it, the old one taken out.

::

    key file: old          key file: new, old        key file: new, old         key file: new
    database: old   ─────► database: old       ────► database: new        ────► database: new
                   write   every key by old   bind   keys by old and new  rewrap, then retire

Each step is whole or not at all, and what has begun is gone on with by calling :func:`rotate` again: after kill -9 no key is lost and
none is made twice. Texts are not touched, only the keys that wrap them are. A process that runs meanwhile reads the key file again by
itself (:class:`tsbot.store.database.Database`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, update

from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, fingerprint
from tsbot.store.database import Database, store_keys
from tsbot.store.keyfile import KeySource, new_secret

BATCH = 200
"""Data keys wrapped anew in one transaction: short enough that a patrol does not wait."""


@dataclass(frozen=True, slots=True)
class Held:
    """A master key and what it wraps."""

    fingerprint: str
    state: str
    """``current``: wraps what is new; ``new``: added, and waits for `rotate`; ``old``: was replaced; ``missing``: not in the key file."""
    data_keys: int
    """Cases whose data key it wraps."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    fingerprint: str
    added: bool
    """False if it went on with a rotation that had begun before, or with a key that was put in front by hand."""
    rewrapped: int
    """Data keys wrapped anew now."""


def held(database: Database, source: KeySource) -> list[Held]:
    """The master keys, in the order of the key file, with what each wraps."""
    listed = source.read().fingerprints
    with database.read() as connection:
        key = database.key
        numbers = Counter(key.holder(row.data_key, row.id) for row in _wrapped(connection))
    current = listed.index(key.fingerprint) if key.fingerprint in listed else -1
    found = [
        Held(name, "current" if at == current else "new" if at < current else "old", numbers.pop(name, 0)) for at, name in enumerate(listed)
    ]
    return found + [Held(name, "missing", number) for name, number in sorted(numbers.items())]


def rotate(database: Database, source: KeySource, *, by: str, now: float) -> Rotated:
    """Go on with a rotation that has begun, else begin one; and end it.

    Raises ``InputError`` where a new key is needed and the source cannot be written, ``KeyFileError`` if a key that is needed is missing.
    """
    keys = source.read()
    added = False
    if keys.fingerprint == database.key.fingerprint and not _left(database):
        if not source.writable:
            raise InputError(
                "The master key does not come from a file that can be written here. Put a new line, made by `tsbot keys new`, "
                "in front of the others where it comes from, then call this again."
            )
        source.write([new_secret(), *_secrets(keys)])
        keys, added = source.read(), True
    if keys.fingerprint != database.key.fingerprint:
        _bind(database, keys, by=by, now=now)
    rewrapped = _rewrap(database)
    with database.write() as connection:
        audit.record(connection, by, "key.rewrapped", database.key.fingerprint, now, {"data_keys": rewrapped})
    return Rotated(database.key.fingerprint, added, rewrapped)


def retire(database: Database, source: KeySource, name: str, *, by: str, now: float) -> str:
    """Take an old key out of the key file; its whole fingerprint. What only it opens, in old backups, stays closed from then on.

    Raises ``InputError`` if it is the current one, if something is still wrapped by it, or if the source cannot be written.
    """
    keys = source.read()
    matching = [one for one in keys.fingerprints if one.startswith(name)]
    if len(matching) != 1:
        raise InputError(f"{len(matching)} keys begin with {name}; `tsbot keys list` shows them.")
    (full,) = matching
    with database.write() as connection:
        if full == database.key.fingerprint:
            raise InputError(f"{full} is the current key. Rotate first: tsbot keys rotate")
        wrapped = sum(database.key.holder(row.data_key, row.id) == full for row in _wrapped(connection))
        if wrapped:
            raise InputError(f"{wrapped} data keys are still wrapped by {full}. Rotate first: tsbot keys rotate")
        audit.record(connection, by, "key.retired", full, now)
        # Within the transaction, so that nothing is wrapped by it meanwhile.
        source.write([secret for secret in _secrets(keys) if fingerprint(secret) != full])
    database.key = replace(database.key, others=tuple(one for one in database.key.others if fingerprint(one) != full))
    return full


def _bind(database: Database, keys: MasterKey, *, by: str, now: float) -> None:
    """Have the newest key wrap what is new, and the working keys."""
    with database.write() as connection:
        before = database.key
        after = replace(before, secret=keys.secret, others=keys.others)
        after.choose(before.fingerprint)  # raises where the old key is not there to open what it wraps
        store_keys(connection, after)
        audit.record(connection, by, "key.rotated", after.fingerprint, now, {"before": before.fingerprint})
    database.key = after


def _rewrap(database: Database) -> int:
    done, last = 0, ""
    while True:
        with database.write() as connection:
            rows = _wrapped(connection, after=last, limit=BATCH)
            for row in rows:
                if database.key.holder(row.data_key, row.id) != database.key.fingerprint:
                    fresh = database.key.rewrap(row.data_key, row.id)
                    # Only if nobody has destroyed it meanwhile.
                    same = (t.case.c.id == row.id, t.case.c.data_key == row.data_key)
                    done += connection.execute(update(t.case).where(*same).values(data_key=fresh)).rowcount
        if not rows:
            return done
        last = rows[-1].id


def _left(database: Database) -> bool:
    """Whether something is wrapped by another key than the current one."""
    with database.read() as connection:
        return any(database.key.holder(row.data_key, row.id) != database.key.fingerprint for row in _wrapped(connection))


@dataclass(frozen=True, slots=True)
class _Wrapped:
    id: str
    data_key: bytes


def _wrapped(connection: Connection, after: str = "", limit: int | None = None) -> list[_Wrapped]:
    query = select(t.case.c.id, t.case.c.data_key).where(t.case.c.data_key.is_not(None), t.case.c.id > after).order_by(t.case.c.id)
    return [_Wrapped(row.id, bytes(row.data_key)) for row in connection.execute(query.limit(limit) if limit else query)]


def _secrets(keys: MasterKey) -> list[bytes]:
    return [keys.secret, *keys.others]
