"""Bounces: a mail server tells later that it could not deliver what it had taken (delivery status notifications, RFC 3464).

Anybody can write to the address that bounces go to, and ids of reports can be worked out from public things. So each letter carries
its envelope id: the report's id and a mark that only the master key makes. A bounce that does not bring it back is not believed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from sqlalchemy import Connection

from tsbot.store import audit, outbox
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import Report

HEADER = "X-Tsbot-Envelope"
"""Where a letter itself carries its envelope id: many bounces return its head."""
MAX_BYTES = 1 << 20
ENVELOPE = re.compile(r"([0-9a-f-]{36})\.([0-9a-f]{16})")
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
PARTS = 200
"""Parts of a mail that are looked at."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a notification says. ``action`` is ``failed``, ``delayed``, ``delivered``, ``relayed`` or ``expanded``."""

    envelope: str
    action: str
    status: str
    """Three numbers (RFC 3463), or nothing."""


def envelope_id(key: MasterKey, report_id: str) -> str:
    """The id under which mail servers are asked to tell of a report."""
    return f"{report_id}.{_mark(key, report_id)}"


def read_bounce(data: bytes) -> Bounce | None:
    """What a mail tells of the delivery of a letter; None if it tells nothing, or not of which."""
    mail = message_from_bytes(data[:MAX_BYTES], policy=compat32)
    fields = [block for part in _parts(mail, "message/delivery-status") for block in _blocks(part)]
    actions = [(_field(block, "Action").lower(), _field(block, "Status")) for block in fields if block.get("Action")]
    if not actions:
        return None
    action, status = next((one for one in actions if one[0] == "failed"), actions[0])
    places = [_field(block, "Original-Envelope-Id") for block in fields]
    for part in (*_parts(mail, "text/rfc822-headers"), *_parts(mail, "message/rfc822")):
        places += re.findall(rf"^{HEADER}:\s*(\S+)", _text(part), re.MULTILINE | re.IGNORECASE)
    found = next((place for place in places if ENVELOPE.fullmatch(place)), None)
    match = STATUS.match(status)
    return None if found is None else Bounce(found, action if action.isalpha() else "", match[0] if match else "")


def note_bounce(connection: Connection, key: MasterKey, bounce: Bounce, now: float) -> Report | None:
    """Mark the report of a bounce that says ``failed`` as dead; the report if that was so, None if it is none of ours or was not sent."""
    match = ENVELOPE.fullmatch(bounce.envelope)
    if match is None or not hmac.compare_digest(match[2], _mark(key, match[1])) or bounce.action != "failed":
        return None
    reason = f"bounced {bounce.status}".strip()
    if not outbox.mark_bounced(connection, match[1], reason):
        return None
    audit.record(connection, "tsbot", "report.bounced", match[1], now, {"status": bounce.status})
    return outbox.get(connection, match[1])


def _mark(key: MasterKey, report_id: str) -> str:
    return hmac.new(key.derive("envelope"), report_id.encode(), "sha256").hexdigest()[:16]


def _parts(mail: Message, kind: str) -> list[Message]:
    return [part for _, part in zip(range(PARTS), mail.walk(), strict=False) if part.get_content_type() == kind]


def _blocks(part: Message) -> Iterator[Message]:
    """The fields of a delivery status: first those of the message, then those of each recipient."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload[:PARTS] if isinstance(block, Message))


def _field(block: Message, name: str) -> str:
    return str(block.get(name) or "").strip()


def _text(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n".join(f"{name}: {value}" for one in payload if isinstance(one, Message) for name, value in one.items())
    return str(payload)
