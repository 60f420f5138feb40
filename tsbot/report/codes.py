"""Codes by which a recipient acknowledges a letter: what only those know who have the letter.

``ack-`` + the first 8 hexadecimal digits of the report's id + 20 characters (100 bits) of an HMAC-SHA256 over the report's id and its
recipient, under a key derived from the database's. Only small letters and digits: mail systems may change the case of an address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

from tsbot.store.crypto import MasterKey

ID_CHARS = 8
PROOF_CHARS = 20
CODE = re.compile(rf"(?<![a-z0-9])ack-([0-9a-f]{{{ID_CHARS}}})([a-z2-7]{{{PROOF_CHARS}}})(?![a-z0-9])")
PURPOSE = "acknowledge"


def code(key: MasterKey, report_id: str, recipient: str) -> str:
    """The code of a letter to its recipient, for instance ``ack-3f2a91c0mzxw6ytboi4dcmrsgm2t``."""
    message = f"{report_id}\x1f{recipient}".encode("utf-8", "surrogatepass")
    digest = hmac.new(key.derive(PURPOSE), message, hashlib.sha256).digest()
    return f"ack-{report_id[:ID_CHARS]}{base64.b32encode(digest).decode('ascii').lower()[:PROOF_CHARS]}"


def fits(key: MasterKey, given: str, report_id: str, recipient: str) -> bool:
    """Whether a code is that of this letter; takes as long for a wrong one."""
    return hmac.compare_digest(code(key, report_id, recipient).encode(), given.encode("utf-8", "surrogatepass"))


def codes_in(text: str) -> Iterator[tuple[str, str]]:
    """Codes that stand in a text, each with the beginning of the report's id that it names."""
    for found in CODE.finditer(text.lower()):
        yield found[0], found[1]


def reply_address(ack_address: str, given: str) -> str:
    """The address that a letter asks to answer to: ``name+ack-...@example.org``."""
    local, _, domain = ack_address.rpartition("@")
    return f"{local}+{given}@{domain}"
