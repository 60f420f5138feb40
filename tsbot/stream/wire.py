"""The JSON of a stream to an :class:`Event`.

:func:`decode` raises nothing but :class:`MalformedEventError`, whatever the bytes, and no error carries a value of the
message.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from functools import lru_cache
from typing import Final, NoReturn

import msgspec

from tsbot.errors import MalformedEventError
from tsbot.stream import readers
from tsbot.stream.events import Event, EventKind
from tsbot.stream.readers import Reader
from tsbot.stream.schemas import Head, Meta

MAX_BYTES: Final = 16_000_000
"""Default of ``stream.max_event_bytes``."""
_ID: Final = re.compile(r"[!-~]{1,64}")
"""What an id looks like. Ids stand in clear in database and log, so that nothing that could be text is taken for one."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FIELD: Final = re.compile(r"`\$\.([\w.$]+)")

_read_head = msgspec.json.Decoder(Head).decode


class _Id(msgspec.Struct):
    id: str | None = None


class _OnlyId(msgspec.Struct):
    meta: _Id | None = None


_read_id = msgspec.json.Decoder(_OnlyId).decode


def decode(message: bytes, max_bytes: int = MAX_BYTES) -> Event:
    r"""Read one message of any stream.

    Raises :class:`MalformedEventError` with the reason ``too_long`` (more than ``max_bytes``; sources cut such messages one
    byte above the limit), ``not_utf8``, ``not_json``, ``not_an_object``, ``unknown_schema`` (a stream or major version that
    nobody taught this program), ``no_wiki``, or ``bad_field``, whose detail is the field's name.

    Unpaired surrogates (``\ud800``), which JSON allows and UTF-8 does not, become U+FFFD. Of a key given twice the last
    counts. A ``meta.id`` that is missing, or is none, is replaced by a UUIDv5 of the message.
    """
    if len(message) > max_bytes:
        raise MalformedEventError("too_long", f"more than {max_bytes} bytes")
    try:
        return _decode(message, message)
    except msgspec.ValidationError as error:
        _refuse(message, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    repaired = _repair(message)
    try:
        return _decode(repaired, message)
    except msgspec.ValidationError as error:
        _refuse(repaired, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEventError("not_json") from error


def message_id(message: bytes) -> str:
    """The id under which a message is counted, malformed or not: its ``meta.id``, or a UUIDv5 of its bytes."""
    try:
        head = _read_id(message)
        found = head.meta.id if head.meta is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    return found if found and _ID.fullmatch(found) else fallback_id(message)


def fallback_id(message: bytes) -> str:
    """UUIDv5 (RFC 9562, 5.5) of the bytes in the URL name space; ``uuid.uuid5`` takes bytes only from Python 3.12 on."""
    digest = hashlib.sha1(uuid.NAMESPACE_URL.bytes + message, usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def _decode(message: bytes, original: bytes) -> Event:
    head = _read_head(message)
    meta = head.meta if head.meta is not None else Meta()
    event_id = meta.id
    if not event_id or not _ID.fullmatch(event_id):
        event_id = fallback_id(original)
    if meta.domain == "canary":
        return _canary(meta, event_id)
    reader = _reader(head.schema or meta.schema_uri or "", meta.stream or "")
    if reader is None:
        raise MalformedEventError("unknown_schema")
    return reader(message, head, meta, event_id)


def _canary(meta: Meta, event_id: str) -> Event:
    """A made-up event that Wikimedia sends into each stream at least hourly, to show that the stream is alive."""
    try:
        time = readers.epoch(meta.dt or "")
    except (ValueError, OverflowError) as error:
        raise readers.bad("meta.dt") from error
    return Event(
        id=event_id,
        stream=meta.stream or "",
        kind=EventKind.CANARY,
        wiki="canary",
        domain="canary",
        time=time,
    )


@lru_cache(maxsize=256)
def _reader(schema: str, stream: str) -> Reader | None:
    """Who reads messages of this schema (``/mediawiki/recentchange/1.0.0``) and stream; None if nobody knows them."""
    if stream in readers.UNUSED_STREAMS:
        return readers.unused
    if not schema:
        return readers.STREAM_READERS.get(stream)
    if stream and stream not in readers.STREAM_READERS:
        return None
    name, _, version = schema.strip("/").rpartition("/")
    major = version.partition(".")[0]
    return readers.READERS.get((name, int(major))) if major.isascii() and major.isdigit() and len(major) < 4 else None


def _refuse(message: bytes, error: msgspec.ValidationError) -> NoReturn:
    """Say what is wrong with a message that a structure refused; damaged JSON goes before a field of the wrong type."""
    if not isinstance(_parse(message), dict):
        raise MalformedEventError("not_an_object") from None
    found = _FIELD.search(str(error))
    raise MalformedEventError("bad_field", found[1] if found else "") from None


def _not_a_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _parse(message: bytes) -> object:
    """Read JSON with the standard library, which is slower and takes unpaired surrogates."""
    try:
        return json.loads(message.decode("utf-8").removeprefix("\ufeff"), parse_constant=_not_a_number)
    except UnicodeDecodeError as error:
        raise MalformedEventError("not_utf8") from error
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("not_json") from error


def _repair(message: bytes) -> bytes:
    """Rewrite what msgspec refuses and a lenient reader understands."""
    try:
        return _SURROGATE.sub("\ufffd", json.dumps(_parse(message), ensure_ascii=False)).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedEventError("not_json") from error
