"""OpenPGP (RFC 9580, RFC 4880): whether a recipient's key can be used now, and encrypting to it.

The library behind it encrypts to an expired key without a word. So the checks are made here, at start and at each message: the
fingerprint is the pinned one, the key is neither expired nor revoked, and it has a live subkey for encryption. Then everything but
that subkey is cut away before the library gets to see the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tsbot.errors import KeyUnusableError

if TYPE_CHECKING:
    from pysequoia import Cert
    from pysequoia.packet import Packet

AHEAD = 86400.0
"""Seconds by which a key's clock may be ahead of ours."""
MAX_KEY_BYTES = 1 << 20
DAMAGED = "key file: cannot be read as OpenPGP"


@dataclass(frozen=True, slots=True)
class UsableKey:
    """A key that may be encrypted to."""

    fingerprint: str
    expires: float | None
    """Seconds since the epoch from which it cannot be used any more; None for never."""


class MailCrypto(Protocol):
    """Encrypts mail to keys that lie in files."""

    def examine(self, file: Path, fingerprint: str, now: float) -> UsableKey:
        """Look whether the key can be used. Raises ``KeyUnusableError``."""

    def encrypt(self, file: Path, fingerprint: str, content: bytes, now: float) -> str:
        """An armoured message that only the key opens. Raises ``KeyUnusableError``."""


class Sequoia:
    """:class:`MailCrypto` with the library ``pysequoia`` (``pip install tsbot[pgp]``)."""

    def examine(self, file: Path, fingerprint: str, now: float) -> UsableKey:
        """Look whether the key can be used, to the point of encrypting nothing to it."""
        content = _read(file)
        with _damage_is_told():
            reduced, key = _usable(content, _bare(fingerprint), now)
            _encrypted(reduced, b"")
        return key

    def encrypt(self, file: Path, fingerprint: str, content: bytes, now: float) -> str:
        """Encrypt after the checks of :meth:`examine`."""
        held = _read(file)
        with _damage_is_told():
            reduced, _ = _usable(held, _bare(fingerprint), now)
            return _encrypted(reduced, content)


def usable_key(held: bytes, now: float) -> str:
    """Fingerprint of the one key in ``held`` that can be encrypted to. Raises ``KeyUnusableError``.

    For keys that somebody sent us: it is known of them that they came with a mail, and not whose they are.
    """
    with _damage_is_told():
        fingerprint = _only(held)
        reduced, key = _usable(held, fingerprint, now)
        _encrypted(reduced, b"")
    return key.fingerprint


def encrypt_to(held: bytes, content: bytes, now: float) -> str:
    """Encrypt to the one key in ``held``, after the checks of :func:`usable_key`. Raises ``KeyUnusableError``."""
    with _damage_is_told():
        reduced, _ = _usable(held, _only(held), now)
        return _encrypted(reduced, content)


@contextmanager
def _damage_is_told() -> Iterator[None]:
    """Whatever the library says of a damaged key becomes ``KeyUnusableError``. Its own text is a trace of calls, and may quote the file."""
    try:
        yield
    except KeyUnusableError:
        raise
    except Exception as error:
        raise KeyUnusableError(DAMAGED) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how a failed assertion in Rust shows here; no class to import
            raise
        raise KeyUnusableError(DAMAGED) from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as handle:
            content = handle.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise KeyUnusableError(f"key file: {type(error).__name__}") from error
    if len(content) > MAX_KEY_BYTES:
        raise KeyUnusableError("key file: too long")
    return content


def _only(held: bytes) -> str:
    if len(held) > MAX_KEY_BYTES:
        raise KeyUnusableError("key: too long")
    try:
        from pysequoia import Cert  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise KeyUnusableError("the extra `pgp` of tsbot is not installed") from error
    found = {cert.fingerprint.lower() for cert in Cert.split_bytes(held)}
    if len(found) != 1:
        raise KeyUnusableError(f"{len(found)} keys instead of one")
    return found.pop()


def _usable(content: bytes, fingerprint: str, now: float) -> tuple[Cert, UsableKey]:
    """The key cut down to its primary, its names and one subkey to encrypt to."""
    cert = _pinned(content, fingerprint)
    if cert.is_revoked:
        raise KeyUnusableError("revoked")
    expires = cert.expiration.timestamp() if cert.expiration else None
    if expires is not None and expires <= now:
        raise KeyUnusableError("expired")
    head, subkeys = _components(cert)
    live = [found for found in (_live(packets, now) for packets in subkeys) if found is not None]
    if not live:
        raise KeyUnusableError("no live subkey for encryption")
    packets, until = max(live, key=lambda item: item[1] if item[1] is not None else float("inf"))
    ends = [one for one in (expires, until) if one is not None]
    return type(cert).from_packets([*head, *packets]), UsableKey(cert.fingerprint, min(ends, default=None))


def _pinned(content: bytes, fingerprint: str) -> Cert:
    """The key with the fingerprint, of all keys in a file; several copies of it are put together, for the sake of revocations."""
    try:
        from pysequoia import Cert  # noqa: PLC0415 - an extra
        from pysequoia.packet import PacketPile, Tag  # noqa: PLC0415
    except ImportError as error:
        raise KeyUnusableError("the extra `pgp` of tsbot is not installed") from error
    certs = Cert.split_bytes(content)
    if not certs:
        raise KeyUnusableError("key file: holds no key")
    if any(packet.tag in (Tag.SecretKey, Tag.SecretSubkey) for packet in PacketPile.from_bytes(content)):
        raise KeyUnusableError("key file: holds a secret key")
    found = [cert for cert in certs if cert.fingerprint.lower() == fingerprint]
    if not found:
        raise KeyUnusableError("not the pinned fingerprint")
    cert = found[0]
    for other in found[1:]:
        cert = cert.merge(other)
    return cert


def _components(cert: Cert) -> tuple[list[Packet], list[list[Packet]]]:
    """Packets of the primary key with its names, and of each subkey."""
    from pysequoia.packet import PacketPile, Tag  # noqa: PLC0415

    head: list[Packet] = []
    subkeys: list[list[Packet]] = []
    for packet in PacketPile.from_bytes(bytes(cert)):
        if packet.tag == Tag.PublicSubkey:
            subkeys.append([])
        (subkeys[-1] if subkeys else head).append(packet)
    return head, subkeys


def _live(packets: Sequence[Packet], now: float) -> tuple[list[Packet], float | None] | None:
    """A subkey with its newest binding, and when it ends; None if it cannot be encrypted to now.

    Only that binding goes on: the library verifies it, and then has no other one to fall back to.
    """
    from pysequoia.packet import SignatureType  # noqa: PLC0415

    subkey, *signatures = packets
    if any(one.signature_type == SignatureType.SubkeyRevocation for one in signatures):
        return None
    bindings = [one for one in signatures if one.signature_type == SignatureType.SubkeyBinding and one.signature_created is not None]
    if not bindings or subkey.key_created is None:
        return None
    binding = max(bindings, key=lambda one: one.signature_created.timestamp() if one.signature_created else 0.0)
    flags = binding.key_flags
    if flags is None or not (flags.transport_encryption or flags.storage_encryption):
        return None
    made = subkey.key_created.timestamp()
    until = made + binding.key_validity_period.total_seconds() if binding.key_validity_period else None
    if made > now + AHEAD or (until is not None and until <= now):
        return None
    return [subkey, binding], until


def _encrypted(cert: Cert, content: bytes) -> str:
    from pysequoia import encrypt  # noqa: PLC0415

    try:
        return encrypt(content, recipients=[cert]).decode("ascii")
    except RuntimeError as error:
        raise KeyUnusableError("no live subkey for encryption") from error


def _bare(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()
