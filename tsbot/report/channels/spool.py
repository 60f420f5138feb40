"""Messages as ``.eml`` files in a folder: for the start, for tests, and for sites that mail by other means."""

from __future__ import annotations

import os
from pathlib import Path

from tsbot.errors import DeliveryDeferredError
from tsbot.report.message import OutboundMessage, to_email


class SpoolChannel:
    """Writes each message once, whole or not at all, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: OutboundMessage) -> None:
        """Write ``ID.eml``. A file of that name is the same message, sent before a crash."""
        target = self.folder / f"{message.id}.eml"
        content = to_email(message).as_bytes()
        try:
            if target.exists():
                return
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The same temporary name each time, so that crashes leave one file at most.
            temporary = self.folder / f".{message.id}.tmp"
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(target)
            self._sync_folder()
        except OSError as error:
            raise DeliveryDeferredError(f"spool: {type(error).__name__} {error.errno}") from error

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
