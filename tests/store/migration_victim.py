"""Brings a database up to date, and kills itself after a statement: ``migration_victim.py URL NUMBER``. Prints how many there are."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import event

from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect

count = 0
url, number = sys.argv[1], int(sys.argv[2])
store = Database(connect(url), MasterKey(b"k" * 32))


@event.listens_for(store.engine, "after_cursor_execute")
def _count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    global count  # noqa: PLW0603
    if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)


schema.upgrade(store)
store.close()
sys.stdout.write(str(count))
