"""Where master keys come from: a file of mode 600, the environment, or what systemd hands to a service.

Each key is one line, ``tsbot-master-1:`` and 32 random bytes in base64. Where there are several, the newest comes first; the older ones
open what it does not wrap yet (:mod:`tsbot.store.rotation`). Empty lines and lines that begin with ``#`` are passed over.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tsbot.errors import KeyFileError
from tsbot.settings import Settings
from tsbot.store.crypto import KEY_BYTES, PREFIX, MasterKey

VARIABLE = "TSBOT_MASTER_KEY"
CREDENTIAL = "tsbot-master-key"
"""Name of the credential: ``LoadCredential=tsbot-master-key:/etc/tsbot/master.key`` (systemd.exec(5))."""


class KeySource(Protocol):
    """Where the keys are."""

    @property
    def writable(self) -> bool:
        """Whether keys can be added and taken away here."""

    def read(self) -> MasterKey:
        """The keys, the newest as the one that wraps. Raises ``KeyFileError``."""

    def write(self, secrets: Sequence[bytes]) -> None:
        """Put these keys in the place of those that are there. Raises ``KeyFileError``."""


@dataclass(frozen=True)
class KeyFile:
    """A file. ``handed`` says that systemd made it, for us alone and not to be written."""

    path: Path
    handed: bool = False

    @property
    def writable(self) -> bool:
        """Whether it is ours to write."""
        return not self.handed

    def read(self) -> MasterKey:
        """The keys in it. Raises ``KeyFileError`` if it is missing, damaged, or readable by others."""
        try:
            # An access list of systemd's shows as rights of the group.
            if not self.handed and self.path.stat().st_mode & 0o077:
                raise KeyFileError(f"The key file {self.path} can be read by other users. Run: chmod 600 {self.path}")
            text = self.path.read_text(encoding="ascii")
        except FileNotFoundError as error:
            words = f"The key file {self.path} does not exist. Restore it from your backup; without it texts stay sealed."
            raise KeyFileError(words) from error
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError(f"The key file {self.path} cannot be read: {type(error).__name__}.") from error
        return _parse(text.splitlines(), f"The key file {self.path}", "the key file")

    def write(self, secrets: Sequence[bytes]) -> None:
        """Replace the file by one with these keys, whole or not at all, mode 600."""
        if self.handed:
            raise KeyFileError(f"{self.path} is made by systemd; change the file that its LoadCredential names.")
        try:
            partial = self._partial(secrets)
            partial.replace(self.path)
            _sync(self.path.parent)
        except OSError as error:
            raise KeyFileError(f"The key file {self.path} cannot be written: {error.strerror}.") from error

    def create(self) -> MasterKey:
        """Make the file with one new key. Raises ``KeyFileError`` if the file exists or cannot be written."""
        secret = new_secret()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = self._partial([secret])
            try:
                os.link(partial, self.path)  # whole or not at all, and never over another key
            finally:
                partial.unlink(missing_ok=True)
            _sync(self.path.parent)
        except OSError as error:
            raise KeyFileError(f"The key file {self.path} cannot be made: {error.strerror}.") from error
        return MasterKey(secret)

    def _partial(self, secrets: Sequence[bytes]) -> Path:
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.writelines(f"{spell(secret)}\n" for secret in secrets)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return partial


@dataclass(frozen=True)
class KeyVariable:
    """Keys in the environment, separated by white space."""

    text: str = field(repr=False)

    @property
    def writable(self) -> bool:
        """No: the environment belongs to whoever starts us."""
        return False

    def read(self) -> MasterKey:
        """The keys in it. Raises ``KeyFileError``."""
        return _parse(self.text.split(), VARIABLE, VARIABLE)

    def write(self, secrets: Sequence[bytes]) -> None:  # noqa: ARG002 - the protocol's
        """Not possible."""
        raise KeyFileError(f"The master key comes from {VARIABLE}; change it where you set that.")


def key_source(settings: Settings, environ: Mapping[str, str] | None = None) -> KeySource:
    """Where the settings and the environment say that the keys are: variable, systemd's credential, or file, in this order."""
    if settings.master_key:
        return KeyVariable(settings.master_key)
    folder = (os.environ if environ is None else environ).get("CREDENTIALS_DIRECTORY")
    if folder and (handed := Path(folder) / CREDENTIAL).exists():
        return KeyFile(handed, handed=True)
    return KeyFile(settings.key_path)


def new_secret() -> bytes:
    """A new master key."""
    return secrets.token_bytes(KEY_BYTES)


def spell(secret: bytes) -> str:
    """A master key as its line."""
    return PREFIX + base64.b64encode(secret).decode()


def _parse(lines: Sequence[str], where: str, origin: str) -> MasterKey:
    found: list[bytes] = []
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        try:
            secret = base64.b64decode(line.removeprefix(PREFIX), validate=True) if line.startswith(PREFIX) else b""
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES or secret in found:
            raise KeyFileError(_damaged(where))
        found.append(secret)
    if not found:
        raise KeyFileError(_damaged(where))
    return MasterKey(found[0], tuple(found[1:]), origin=origin)


def _damaged(where: str) -> str:
    return f"{where} is damaged: each line must be one key that begins with {PREFIX}, none twice."


def _sync(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
