"""Signatures of what is posted to webhooks: those of the "Standard Webhooks" specification (standardwebhooks.com), version 1.

The headers are ``webhook-id``, ``webhook-timestamp`` (seconds since the epoch) and ``webhook-signature``: ``v1,`` and the base64 of
HMAC-SHA256 over ``ID.TIMESTAMP.BODY``; one for each secret, parted by spaces. A receiver checks the signature, refuses timestamps
more than five minutes off, and takes each id once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

WINDOW = 300.0
"""Seconds by which a timestamp may be off."""
PREFIX = "whsec_"


def secret_keys(secret: str) -> list[bytes]:
    """The keys in a setting: ``whsec_`` and base64, or plain text; several are parted by spaces.

    Raises ``ValueError`` for broken base64.
    """
    return [base64.b64decode(one.removeprefix(PREFIX), validate=True) if one.startswith(PREFIX) else one.encode() for one in secret.split()]


def sign(secret: str, identity: str, body: bytes, now: float) -> dict[str, str]:
    """The headers for a body; without a signature where there is no secret."""
    stamp = str(int(now))
    signatures = " ".join(f"v1,{_digest(key, identity, stamp, body)}" for key in secret_keys(secret))
    return {"webhook-id": identity, "webhook-timestamp": stamp} | ({"webhook-signature": signatures} if signatures else {})


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float, window: float = WINDOW) -> bool:
    """What a receiver does, but for taking each id once: whether one of the secrets signed this, not long ago."""
    given = {name.lower(): value for name, value in headers.items()}
    identity, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (identity and stamp.isascii() and stamp.isdecimal() and len(stamp) < 16 and abs(now - int(stamp)) <= window):
        return False
    expected = [f"v1,{_digest(key, identity, stamp, body)}".encode() for key in secret_keys(secret)]
    offered = [one.encode("utf-8", "replace") for one in given.get("webhook-signature", "").split()]
    return any(hmac.compare_digest(one, other) for one in expected for other in offered)


def _digest(key: bytes, identity: str, stamp: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode("ascii")
