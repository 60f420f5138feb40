"""Messages as ``.eml`` files in a folder: for the start, for tests, and for sites that mail by other means."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.message import OutboundMessage, to_email

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
"""An id that can be a file's name, whatever became of the database."""
DRAFT = b"X-Tsbot-State: held; not released by a person\r\n"
"""Header of a letter that lies in the spool and waits to be released."""


class SpoolChannel:
    """Writes each message once, whole or not at all, readable by its owner only.

    A letter that is held lies in the spool already, marked as a draft; sending it replaces the draft.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: OutboundMessage) -> None:
        """Write ``ID.eml``. A file of that name is the same message, sent before a crash, or its draft."""
        self._write(message.id, to_email(message).as_bytes(), over=lambda old: old.startswith(DRAFT))

    def draft(self, message: OutboundMessage) -> None:
        """Let people see a letter before it is released. Raises ``DeliveryDeferredError``."""
        self._write(message.id, DRAFT + to_email(message).as_bytes(), over=lambda old: old.startswith(DRAFT))

    def replace(self, message: OutboundMessage, *, draft: bool) -> None:
        """Write a letter that lies here anew, because its text was destroyed; one that was taken away stays away."""
        if (self.folder / f"{message.id}.eml").exists():
            self._write(message.id, (DRAFT if draft else b"") + to_email(message).as_bytes(), over=lambda _old: True)

    def discard(self, identity: str) -> None:
        """Remove the draft of a letter that will not leave; a letter that has left stays. A draft that cannot be removed stays, too."""
        target = self.folder / f"{identity}.eml"
        with contextlib.suppress(OSError):
            if target.exists() and target.read_bytes().startswith(DRAFT):
                target.unlink()

    def remove(self, identity: str) -> None:
        """Remove a message, sent or not. One that cannot be removed stays."""
        with contextlib.suppress(OSError):
            (self.folder / f"{identity}.eml").unlink(missing_ok=True)

    def _write(self, identity: str, content: bytes, over: Callable[[bytes], bool]) -> None:
        if not NAME.fullmatch(identity):
            raise DeliveryRefusedError("spool: the id is no file name")
        target = self.folder / f"{identity}.eml"
        try:
            if target.exists() and not over(target.read_bytes()):
                return
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The same temporary name each time, so that crashes leave one file at most.
            temporary = self.folder / f".{identity}.tmp"
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
