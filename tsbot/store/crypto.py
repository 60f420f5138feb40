"""Encryption at rest: one master key, one data key per case.

AES-256-GCM with a random 96-bit nonce in front of the ciphertext (NIST SP 800-38D). The associated data names table, column and
row, so a ciphertext moved to another row does not open. Destroying a case's wrapped data key destroys its texts, in backups too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsbot.errors import KeyFileError

KEY_BYTES = 32
NONCE_BYTES = 12
PREFIX = "tsbot-master-1:"


def seal(key: bytes, plaintext: bytes, context: str) -> bytes:
    """Encrypt; ``context`` (``table|column|row``) is needed again to open."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """Decrypt what :func:`seal` made. Raises ``KeyFileError`` if key or context differ or the bytes were changed."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyFileError(
            f"{context} cannot be decrypted: the master key is not the one that encrypted it, or the row was changed. "
            "Nothing was deleted; put the right key file back."
        ) from error


@dataclass(frozen=True)
class MasterKey:
    """The key that wraps data keys; everything else is derived from it."""

    secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose; it reveals neither this key nor another purpose's."""
        return hmac.new(self.secret, f"tsbot|{purpose}".encode(), hashlib.sha256).digest()

    @property
    def fingerprint(self) -> str:
        """Public name of the key: which key encrypted a database can be told without revealing it."""
        return self.derive("fingerprint").hex()[:16]

    def new_data_key(self, case_id: str) -> tuple[bytes, bytes]:
        """A fresh data key for a case, bare and wrapped."""
        bare = secrets.token_bytes(KEY_BYTES)
        return bare, seal(self.derive("wrap"), bare, f"case|data_key|{case_id}")

    def unwrap(self, wrapped: bytes, case_id: str) -> bytes:
        """The bare data key of a case. Raises ``KeyFileError``."""
        return unseal(self.derive("wrap"), wrapped, f"case|data_key|{case_id}")

    def seal_queue(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt what waits for judgement and belongs to no case yet."""
        return seal(self.derive("queue"), plaintext, context)

    def unseal_queue(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what :meth:`seal_queue` made. Raises ``KeyFileError``."""
        return unseal(self.derive("queue"), sealed, context)

    def index(self, *parts: str) -> bytes:
        """Keyed fingerprint of a name, to find equal names without storing them (16 bytes)."""
        message = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self.derive("index"), message, hashlib.sha256).digest()[:16]


def load_key(path: Path) -> MasterKey:
    """Read a master key. Raises ``KeyFileError`` if it is missing, damaged, or readable by others."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"The key file {path} can be read by other users. Run: chmod 600 {path}")
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise KeyFileError(f"The key file {path} does not exist. Restore it from your backup; without it texts stay sealed.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"The key file {path} cannot be read: {type(error).__name__}.") from error
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyFileError(f"The key file {path} is damaged: it must hold one line that begins with {PREFIX}")
    return MasterKey(secret)


def create_key(path: Path) -> MasterKey:
    """Make a new master key, mode 600. Raises ``KeyFileError`` if the file exists or cannot be written."""
    secret = secrets.token_bytes(KEY_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.write(PREFIX + base64.b64encode(secret).decode() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(partial, path)  # whole or not at all, and never over another key
        finally:
            partial.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be made: {error.strerror}.") from error
    return MasterKey(secret)
