"""Reports that come as mail: what was written is taken out of what anybody may have sent. No part is opened but text.

RFC 5322 (mail), RFC 3156 (PGP/MIME), RFC 3834 (automatic answers). Nothing in here raises, whatever the bytes are.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tsbot.reception.said import LONGEST, clean
from tsbot.referral.entry import MAIL
from tsbot.report.replies import Sort, read_reply

MOST_BYTES = 16 * 1024 * 1024
"""Of a message; longer ones are refused at the door, and the sender's own server says so."""
MOST_PARTS = 100
MOST_RECEIVED = 50
"""Servers that a message went through; more of them is a loop."""
ARMOUR = re.compile(r"-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----", re.DOTALL)
PUBLIC_KEY = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
LONGEST_KEY = 200_000
"""Bytes of a key that somebody sends along."""
MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
TRACKING = re.compile(r"(utm_\w+|fbclid|gclid|mc_[ce]id|_hsenc|_hsmi|mkt_tok|igshid|yclid)", re.IGNORECASE)

Open = Callable[[bytes], bytes | None]
"""Decrypts an OpenPGP message; None where it cannot be."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What was taken out of a message."""

    text: str
    sender: str = ""
    """Mail address of the sender, if it is one and nothing speaks against it."""
    message_id: str = ""
    answers: tuple[str, ...] = ()
    """Message-IDs that it answers to."""
    remarks: tuple[str, ...] = ()
    """``attachments``, ``sealed``, ``opened``, ``long``: what we tell the sender of it."""
    key: bytes = b""
    """OpenPGP key of the sender, if they sent one: attached, in the text, or in an Autocrypt header that asks for it."""
    automatic: bool = False
    """Nobody wrote it: an absence, a bounce, a mail of ours that came round."""


def read_letter(raw: bytes, envelope_from: str, own: str, open_sealed: Open) -> Letter:
    """Read a message. ``envelope_from`` is who sent it according to the server, ``own`` the address of ours."""
    try:
        return _read(raw, envelope_from, own, open_sealed)
    except Exception:  # whatever the parser trips over: the bytes are kept as text, so that a person can look
        return Letter(clean(raw[:200_000].decode("utf-8", "replace")))


def _read(raw: bytes, envelope_from: str, own: str, open_sealed: Open) -> Letter:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    sender = _sender(mail, envelope_from)
    automatic = not envelope_from or read_reply(raw).sort in (Sort.AUTOMATIC, Sort.BOUNCE)
    automatic = automatic or len(mail.get_all("received", [])) > MOST_RECEIVED
    automatic = automatic or _address(mail).casefold() == own.casefold()
    found = _Found()
    _texts(mail, open_sealed, found)
    remarks = found.remarks
    text = clean("\n\n".join(filter(None, (_header(mail, "subject"), *found.texts)))).strip()
    if len(text) > LONGEST:
        text, remarks = text[:LONGEST], [*remarks, "long"]
    if not text and "attachments" in remarks:
        text = "(attachments only)"
    if not text and found.key:
        text = "(a key only)"
    ids = MESSAGE_ID.findall(str(mail.get("message-id", "")))
    answers = [one for name in ("in-reply-to", "references") for value in mail.get_all(name, []) for one in MESSAGE_ID.findall(str(value))]
    return Letter(
        text,
        sender,
        ids[0] if ids else "",
        tuple(dict.fromkeys(answers))[-20:],
        tuple(dict.fromkeys(remarks)),
        found.key or autocrypt(mail, sender, encrypted="opened" in remarks),
        automatic,
    )


@dataclass
class _Found:
    """What the parts of a message held."""

    texts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    key: bytes = b""


def autocrypt(mail: EmailMessage, sender: str, *, encrypted: bool) -> bytes:
    """The key of an Autocrypt header (autocrypt.org, level 1) where its owner wishes encrypted answers; else nothing."""
    headers = mail.get_all("autocrypt", [])
    if len(headers) != 1 or not sender:
        return b""
    fields = dict(part.strip().split("=", 1) for part in str(headers[0]).split(";") if "=" in part)
    wished = encrypted or fields.get("prefer-encrypt", "").strip().casefold() == "mutual"
    if not wished or fields.get("addr", "").strip().casefold() != sender.casefold():
        return b""
    try:
        return base64.b64decode("".join(fields.get("keydata", "").split()), validate=True)[:LONGEST_KEY]
    except binascii.Error:
        return b""


def _address(mail: EmailMessage) -> str:
    return parseaddr(_header(mail, "from"))[1]


def _sender(mail: EmailMessage, envelope_from: str) -> str:
    """The address to answer to: that of the header, if the server names the same domain. Else it may be anybody's, and gets nothing."""
    address = _address(mail)
    if not MAIL.fullmatch(address) or len(mail.get_all("from", [])) != 1:
        return ""
    same = address.rpartition("@")[2].casefold() == envelope_from.rpartition("@")[2].casefold()
    return address if same else ""


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(mail.get(name, "")).split())[:2_000]
    except (ValueError, IndexError, AttributeError):  # what the standard parser says of some broken headers
        return ""


def _texts(mail: EmailMessage, open_sealed: Open, found: _Found) -> None:
    """Take the texts out of a message, and what is to be said about it."""
    if mail.get_content_type() == "multipart/encrypted":
        payloads = (part.get_payload(decode=True) for part in _parts(mail) if part.get_content_type() == "application/octet-stream")
        sealed = next(payloads, b"")
        _opened(sealed if isinstance(sealed, bytes) else b"", open_sealed, found)
        return
    before = len(found.texts)
    for part in _parts(mail):
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind == "application/pgp-keys":
            payload = part.get_payload(decode=True)
            found.key = found.key or (payload[:LONGEST_KEY] if isinstance(payload, bytes) else b"")
            continue
        if part.get_filename() or part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text":
            if kind != "application/pgp-signature":
                found.remarks.append("attachments")
            continue
        text = _decoded(part)
        if (block := PUBLIC_KEY.search(text)) is not None and len(block.group()) <= LONGEST_KEY:
            found.key = found.key or block.group().encode("ascii", "replace")
            text = text.replace(block.group(), "")
        if kind == "text/html":
            found.pages.append(text)
        elif (armour := ARMOUR.search(text)) is not None:
            _opened(armour.group().encode(), open_sealed, found)
        else:
            found.texts.append(text)
    if not any(text.strip() for text in found.texts[before:]):
        found.texts[before:] = [plain(page) for page in found.pages]


def _opened(sealed: bytes, open_sealed: Open, found: _Found) -> None:
    opened = open_sealed(sealed)
    if opened is None:
        found.texts.append(sealed.decode("ascii", "replace"))
        found.remarks.append("sealed")
        return
    found.remarks.append("opened")
    inner = email.message_from_bytes(opened, policy=email.policy.default)
    if "content-type" not in inner:
        text = opened.decode("utf-8", "replace")
        if (block := PUBLIC_KEY.search(text)) is not None:
            found.key = found.key or block.group().encode("ascii", "replace")
            text = text.replace(block.group(), "")
        found.texts.append(text)
        return
    subject = _header(inner, "subject")  # protected headers
    within = _Found(key=found.key)
    _texts(inner, lambda _: None, within)
    found.texts += ([subject] if subject else []) + within.texts
    found.remarks += within.remarks
    found.key = within.key


def _parts(mail: EmailMessage) -> Iterator[EmailMessage]:
    for number, part in enumerate(mail.walk()):
        if number == MOST_PARTS:
            return
        if isinstance(part, EmailMessage):
            yield part


def _decoded(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload.decode(charset, "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


class _Plain(HTMLParser):
    """The text of a page, with the addresses of its links, and nothing that would be fetched."""

    BLOCKS = frozenset(("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "hr"))
    UNSEEN = frozenset(("script", "style", "head", "title", "noscript", "template"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.UNSEEN:
            self._hidden += 1
        if tag in self.BLOCKS:
            self.out.append("\n")
        if tag == "a":
            self._links.append(untracked(dict(attrs).get("href") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.UNSEEN and self._hidden:
            self._hidden -= 1
        if tag == "a" and self._links:
            link = self._links.pop()
            if link and link not in "".join(self.out[-3:]):
                self.out.append(f" <{link}> ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.out.append(data)


def plain(page: str) -> str:
    """The text of an HTML page. Pictures, styles and scripts are left out: what would tell the sender that somebody reads."""
    reader = _Plain()
    try:
        reader.feed(page)
        reader.close()
    except AssertionError:  # the standard parser gives up so on some broken declarations
        return html.unescape(re.sub(r"<[^>]*>", " ", page))
    lines = (" ".join(line.split()) for line in "".join(reader.out).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def untracked(link: str) -> str:
    """An address of the web without what only follows people around; empty for anything else."""
    try:
        parts = urlsplit(link.strip())
        query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.fullmatch(name)]
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    return urlunsplit(parts._replace(query=urlencode(query)))[:2_000]
