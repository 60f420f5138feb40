"""A rotation that kills itself with SIGKILL at a given moment; run by test_rotation.py, never imported.

Usage: rotation_victim.py FOLDER MOMENT OCCURRENCE (moment ``none`` runs undisturbed).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tsbot.settings import Settings
from tsbot.store import rotation
from tsbot.store.crypto import MasterKey
from tsbot.store.keyfile import KeyFile, key_source
from tsbot.store.opening import open_store

MOMENTS: dict[str, tuple[Any, str, bool]] = {
    "before_the_key_is_written": (KeyFile, "write", False),
    "after_the_key_was_written": (KeyFile, "write", True),
    "inside_the_binding": (rotation, "store_keys", True),
    "after_the_binding": (rotation, "_bind", True),
    "inside_a_batch": (MasterKey, "rewrap", True),
    "before_the_last_entry": (rotation, "_rewrap", True),
}


def dying(before: Callable[..., Any], occurrence: int, *, after: bool) -> Callable[..., Any]:
    """A function that dies at its n-th call, before or after its work."""
    calls = 0

    def die(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        result = before(*args, **named) if after or calls < occurrence else None
        if calls >= occurrence:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return die


def main() -> None:
    """Rotate."""
    folder, moment, occurrence = sys.argv[1], sys.argv[2], int(sys.argv[3])
    settings = Settings(data_dir=folder)
    database = open_store(settings)
    if moment != "none":
        owner, name, after = MOMENTS[moment]
        setattr(owner, name, dying(getattr(owner, name), occurrence, after=after))
    rotation.rotate(database, key_source(settings), by="operator", now=1.0)
    database.close()


if __name__ == "__main__":
    main()
