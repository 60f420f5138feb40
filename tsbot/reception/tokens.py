"""References and the tokens of private links.

A token is 256 bits that follow from the master key and the hearing's id, so that a form that is sent twice leads to the same link, and
mail can carry it later. The database has its hash only: who has a copy of the database, and no key, can open nothing with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid

from tsbot.store.crypto import MasterKey

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of references: none that looks like another one."""
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
ONCE = re.compile(r"[A-Za-z0-9_-]{22,64}")
_SPACE = uuid.UUID("5b7f2a2e-1d39-5c58-9a0a-9a5f5a3d8c11")


def hearing_id(key: MasterKey, once: str) -> str:
    """The id of what is sent with a form; ``once`` is the random value that only this form has."""
    return str(uuid.UUID(bytes=hmac.new(key.derive("reception"), f"{_SPACE}|{once}".encode(), hashlib.sha256).digest()[:16], version=5))


def token_of(key: MasterKey, identity: str) -> str:
    """The token of a hearing's private link, 43 letters."""
    digest = hmac.new(key.derive("reception"), f"token|{identity}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def reference_of(key: MasterKey, identity: str) -> str:
    """What the person calls their report by: eight letters in two groups; guessing it opens nothing."""
    number = int.from_bytes(hmac.new(key.derive("reception"), f"reference|{identity}".encode(), hashlib.sha256).digest()[:8])
    letters = []
    for _ in range(8):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def hashed(token: str) -> str:
    """What the database has of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
