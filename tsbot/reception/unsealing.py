"""Opening mail that is encrypted to us (OpenPGP)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from tsbot.errors import SettingsError
from tsbot.reception.letters import Open


def closed(_sealed: bytes) -> bytes | None:
    """Without a key, everything stays closed."""
    return None


def opener(file: Path | None) -> Open:
    """What opens mail with the secret key in a file. Raises ``SettingsError`` where there is no such key."""
    if file is None:
        return closed
    try:
        from pysequoia import Tsk, decrypt  # noqa: PLC0415 - an extra

        key = Tsk.from_bytes(file.read_bytes())
        key.decryptor()
    except ImportError as error:
        raise SettingsError("reception.pgp_key needs the extra `pgp`: pip install 'tsbot[pgp]'") from error
    except OSError as error:
        raise SettingsError(f"reception.pgp_key cannot be read: {error.strerror}.") from error
    except Exception as error:
        raise SettingsError(f"reception.pgp_key holds no secret key without a password ({type(error).__name__}).") from error

    def open_sealed(sealed: bytes) -> bytes | None:
        return _decrypted(decrypt, key, sealed)

    return open_sealed


def _decrypted(decrypt: Any, key: Any, sealed: bytes) -> bytes | None:
    try:
        return bytes(decrypt(sealed, decryptor=key.decryptor()).bytes)
    except BaseException as error:
        # A failed assertion in Rust shows as a PanicException, which is no Exception.
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        structlog.get_logger().info("reception.not_decrypted", error=type(error).__name__)
        return None


def public_key(file: Path) -> str:
    """The armoured public key of a secret one, for people to encrypt to."""
    from pysequoia import Tsk  # noqa: PLC0415 - an extra

    key = Tsk.from_bytes(file.read_bytes())
    return str(key.extract_certificate())
