"""Mail that comes back: answers, automatic answers, bounces. Read from bytes that anybody may have written.

Only what is needed is taken out: codes, ids of messages, a word for the result. Nothing else of a message is kept, shown or logged.
Formats: RFC 5322 (mail), RFC 3834 (automatic answers), RFC 3464 (delivery status notifications).
"""

from __future__ import annotations

import contextlib
import email
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from enum import StrEnum
from pathlib import Path

import msgspec

from tsbot.datafiles import data_file
from tsbot.errors import SettingsError
from tsbot.report.acknowledge import Result
from tsbot.report.codes import codes_in

SHIPPED = Path(__file__).with_name("autoreply.toml")
MOST_BYTES = 1 << 20
"""Of a message no more is read: an answer says what it has to say at its beginning."""
MOST_CHARS = 1 << 16
"""Of one header or one part."""
MOST_PARTS = 40
MOST_CODES = 10
ADDRESSED = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "resent-to", "apparently-to")
MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
RESULT = re.compile(r"\s*result\s*[:=]\s*([a-z_ -]{3,20})\s*", re.IGNORECASE)
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class Sort(StrEnum):
    """What a message is."""

    ANSWER = "answer"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was taken out of a message."""

    sort: Sort
    codes: tuple[tuple[str, str], ...] = ()
    """Codes and the beginnings of report ids that they name; those of the address first."""
    message_id: str = ""
    answers: tuple[str, ...] = ()
    """Message-IDs that it answers to."""
    result: Result | None = None
    status: str = ""
    """Of a bounce: the enhanced status code, such as ``5.1.1``."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headers: dict[str, str]
    subjects: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Automatic:
    """By what automatic answers are told."""

    headers: Mapping[str, re.Pattern[str]]
    subjects: tuple[str, ...]


def load_automatic(path: Path = SHIPPED) -> Automatic:
    """Read the table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    headers = {}
    for name, pattern in table.headers.items():
        try:
            headers[name.lower()] = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        except re.error as error:
            raise SettingsError(f"{path.name}: headers.{name} is no regular expression: {error}.") from error
    for language, words in table.subjects.items():
        if not all(word.strip() for word in words):
            raise SettingsError(f"{path.name}: subjects.{language} has an empty entry.")
    return Automatic(headers, tuple(word.casefold() for words in table.subjects.values() for word in words))


@data_file("automatic_replies", SHIPPED)
def shipped() -> Automatic:
    """The table of the package."""
    return load_automatic()


def read_reply(raw: bytes, automatic: Automatic | None = None) -> Reply:
    """What a message is and says. Raises nothing, whatever the bytes are."""
    raw = raw[:MOST_BYTES]
    if raw.lower().count(b"boundary") > MOST_PARTS or raw.lower().count(b"message/rfc822") > MOST_PARTS:
        return Reply(Sort.UNREADABLE)
    try:
        return _read(email.message_from_bytes(raw), automatic or shipped())
    except Exception:  # whatever the standard parser trips over: anybody may have written this
        return Reply(Sort.UNREADABLE)


def _read(mail: Message, automatic: Automatic) -> Reply:
    parts = _parts(mail)
    status = _failed(parts) if _is_notification(mail) else None
    codes = [found for name in ADDRESSED for value in _headers(mail, name) for found in codes_in(value)]
    # The headers of what is sent back have the address for answers.
    codes += [found for part in parts for value in _headers(part, "reply-to") if part is not mail for found in codes_in(value)]
    texts = [_text(part) for part in parts if part.get_content_maintype() == "text"]
    codes += [found for text in texts for found in codes_in(text)]
    if status is not None:
        sort = Sort.BOUNCE
    elif _is_notification(mail) or _is_automatic(mail, automatic):
        sort = Sort.AUTOMATIC
    else:
        sort = Sort.ANSWER
    answers = [found for name in ("in-reply-to", "references") for value in _headers(mail, name) for found in MESSAGE_ID.findall(value)]
    ids = [found for value in _headers(mail, "message-id") for found in MESSAGE_ID.findall(value)]
    return Reply(
        sort,
        codes=tuple(dict.fromkeys(codes))[:MOST_CODES],
        message_id=ids[0] if ids else "",
        answers=tuple(dict.fromkeys(answers))[-20:],
        result=_result(texts[0]) if texts else None,
        status=status or "",
    )


def _parts(mail: Message) -> list[Message]:
    parts = []
    for part in mail.walk():
        parts.append(part)
        if len(parts) == MOST_PARTS:
            break
    return parts


def _headers(mail: Message, name: str) -> Iterator[str]:
    values = [str(value) for header, value in mail.raw_items() if header.lower() == name]
    for value in values[:20]:
        yield value[:MOST_CHARS].encode("ascii", "surrogateescape").decode("utf-8", "replace")


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[:MOST_CHARS].decode("ascii", "replace") if isinstance(payload, bytes) else ""


def _is_notification(mail: Message) -> bool:
    return mail.get_content_type() == "multipart/report"


def _failed(parts: list[Message]) -> str | None:
    """The status code of a delivery that failed for good; None if the notification tells of none."""
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks[:MOST_PARTS] if isinstance(blocks, list) else ():
            if isinstance(block, Message) and str(block.get("action", "")).strip().lower() == "failed":
                found = STATUS.search(str(block.get("status", "")))
                return found[0] if found else "5.0.0"
    return None


def _is_automatic(mail: Message, automatic: Automatic) -> bool:
    for name, pattern in automatic.headers.items():
        if any(pattern.fullmatch(value.strip()) for value in _headers(mail, name)):
            return True
    subject = next(_headers(mail, "subject"), "")
    with contextlib.suppress(ValueError, LookupError, MessageError):  # else as it stands
        subject = str(make_header(decode_header(subject)))
    return subject.strip().casefold().startswith(automatic.subjects)


def _result(text: str) -> Result | None:
    """What an answer says about the result in its first lines."""
    lines = [line for line in text.splitlines() if line.strip()][:5]
    for line in lines:
        found = RESULT.fullmatch(line)
        if found and (word := found[1].strip().lower().replace(" ", "_").replace("-", "_")) in set(Result):
            return Result(word)
    return None
