"""Encryption at rest: a master key wraps one data key per case and the database's own working keys.

AES-256-GCM with a random 96-bit nonce in front of the ciphertext (NIST SP 800-38D). The associated data names table, column and
row, so a ciphertext moved to another row does not open. Destroying a case's wrapped data key destroys its texts; in a backup made before
they last until the backup ends, or until the master key that wrapped it is destroyed (``tsbot keys rotate``, then ``retire``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsbot.errors import KeyFileError

KEY_BYTES = 32
NONCE_BYTES = 12
PREFIX = "tsbot-master-1:"
"""What a master key begins with where it is written down."""
ID_BYTES = 8
"""A wrapped key begins with so many bytes that name the master key which wrapped it."""
UNNAMED_BYTES = NONCE_BYTES + KEY_BYTES + 16
"""Length of a data key as tsbot 0.1 wrapped it, without a name."""


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


def fingerprint(secret: bytes) -> str:
    """Public name of a master key: which key encrypted a database can be told without revealing it."""
    return _derive(secret, "fingerprint").hex()[: 2 * ID_BYTES]


@dataclass(frozen=True)
class WorkingKeys:
    """What a database uses every day. They stay the same when the master key that wraps them is another: names must be found again."""

    index: bytes = field(repr=False)
    """Fingerprints of names."""
    queue: bytes = field(repr=False)
    """What belongs to no case yet."""
    copypasta: bytes = field(repr=False)
    """Signatures of texts."""
    root: bytes = field(repr=False)
    """Every other purpose is derived from this one."""

    @classmethod
    def fresh(cls) -> WorkingKeys:
        """Random ones, for a database that holds nothing yet."""
        return cls(*(secrets.token_bytes(KEY_BYTES) for _ in range(4)))

    @classmethod
    def derived(cls, secret: bytes) -> WorkingKeys:
        """Those that tsbot 0.1 derived from the master key, for a database that it filled."""
        return cls(*(_derive(secret, purpose) for purpose in ("index", "queue", "copypasta", "root")))

    @classmethod
    def parse(cls, joined: bytes) -> WorkingKeys:
        """The inverse of :meth:`joined`."""
        return cls(*(joined[at : at + KEY_BYTES] for at in range(0, 4 * KEY_BYTES, KEY_BYTES)))

    def joined(self) -> bytes:
        """All in a row, to be wrapped."""
        return self.index + self.queue + self.copypasta + self.root

    def key(self, purpose: str) -> bytes:
        """The key for one purpose; it reveals no other purpose's."""
        return {"index": self.index, "queue": self.queue, "copypasta": self.copypasta}.get(purpose) or _derive(self.root, purpose)


@dataclass(frozen=True)
class MasterKey:
    """The key that wraps all others, and with it what the database's texts and names are worked with.

    ``others`` are further master keys of the key file, which may still wrap something. Without ``working``, the working keys are derived.
    ``reread`` reads the key file again: another process may have rotated the key.
    """

    secret: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(default=(), repr=False)
    working: WorkingKeys | None = field(default=None, repr=False)
    reread: Callable[[], MasterKey] | None = field(default=None, repr=False, compare=False)
    origin: str = field(default="the key file", compare=False)
    """Where the keys come from, for messages."""

    @property
    def fingerprint(self) -> str:
        """Public name of the key that wraps."""
        return fingerprint(self.secret)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Public names of all keys, the one that wraps first."""
        return tuple(fingerprint(secret) for secret in (self.secret, *self.others))

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose; it reveals neither this key nor another purpose's, and outlasts a rotation."""
        return (self.working or WorkingKeys.derived(self.secret)).key(purpose)

    def choose(self, name: str) -> MasterKey:
        """These keys with the one of fingerprint ``name`` as the one that wraps. Raises ``KeyFileError`` if it is not among them."""
        found = self._named(name)
        if found is None:
            raise KeyFileError(
                f"The database was encrypted with the master key {name}, but {self.origin} holds {', '.join(self.fingerprints)}. "
                "Nothing was changed; put the right key file back (after a rotation: the one that holds the newer key)."
            )
        return replace(self, secret=found, others=tuple(one for one in (self.secret, *self.others) if one != found))

    def new_data_key(self, case_id: str) -> tuple[bytes, bytes]:
        """A fresh data key for a case, bare and wrapped."""
        bare = secrets.token_bytes(KEY_BYTES)
        return bare, self.wrap(bare, _of_case(case_id))

    def unwrap(self, wrapped: bytes, case_id: str) -> bytes:
        """The bare data key of a case. Raises ``KeyFileError``."""
        return self.open(wrapped, _of_case(case_id))

    def rewrap(self, wrapped: bytes, case_id: str) -> bytes:
        """A case's data key, wrapped by the key that wraps now. Raises ``KeyFileError``."""
        return self.wrap(self.unwrap(wrapped, case_id), _of_case(case_id))

    def holder(self, wrapped: bytes, case_id: str) -> str:
        """Fingerprint of the master key that wraps a case's data key. Raises ``KeyFileError`` if that has no name and none of ours fits."""
        if len(wrapped) != UNNAMED_BYTES:
            return wrapped[:ID_BYTES].hex()
        return fingerprint(self._unnamed(wrapped, _of_case(case_id))[0])

    def wrap(self, bare: bytes, context: str) -> bytes:
        """Encrypt a key with the master key, whose name comes first."""
        name = self.fingerprint
        return bytes.fromhex(name) + seal(_derive(self.secret, "wrap"), bare, f"{context}|{name}")

    def open(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt what :meth:`wrap` made. Raises ``KeyFileError``."""
        if len(wrapped) == UNNAMED_BYTES:
            return self._unnamed(wrapped, context)[1]
        name = wrapped[:ID_BYTES].hex()
        secret = self._named(name)
        if secret is not None:
            return unseal(_derive(secret, "wrap"), wrapped[ID_BYTES:], f"{context}|{name}")
        if self.reread is not None:
            return replace(self.reread(), reread=None).open(wrapped, context)
        raise KeyFileError(
            f"{context} is locked with the master key {name}, which {self.origin} does not hold. "
            "Nothing was deleted; put the key file back that holds it."
        )

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

    def _named(self, name: str) -> bytes | None:
        return next((secret for secret in (self.secret, *self.others) if fingerprint(secret) == name), None)

    def _unnamed(self, wrapped: bytes, context: str) -> tuple[bytes, bytes]:
        """Which of our keys wrapped this, and what."""
        for secret in (self.secret, *self.others):
            try:
                return secret, unseal(_derive(secret, "wrap"), wrapped, context)
            except KeyFileError:
                continue
        return self.secret, unseal(_derive(self.secret, "wrap"), wrapped, context)  # raises


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"tsbot|{purpose}".encode(), hashlib.sha256).digest()


def _of_case(case_id: str) -> str:
    return f"case|data_key|{case_id}"
