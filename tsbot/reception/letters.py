"""Reports that come as mail: what was written is taken out of what anybody may have sent. No part is opened but text.

RFC 5322 (mail), RFC 3156 (PGP/MIME), RFC 3834 (automatic answers). Nothing in here raises, whatever the bytes are.
"""

from __future__ import annotations

import email
import email.policy
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    """``attachments``, ``sealed``, ``long``: what we tell the sender of it."""
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
    texts, remarks = _texts(mail, open_sealed)
    text = clean("\n\n".join(filter(None, (_header(mail, "subject"), *texts)))).strip()
    if len(text) > LONGEST:
        text, remarks = text[:LONGEST], [*remarks, "long"]
    if not text and "attachments" in remarks:
        text = "(attachments only)"
    ids = MESSAGE_ID.findall(str(mail.get("message-id", "")))
    answers = [one for name in ("in-reply-to", "references") for value in mail.get_all(name, []) for one in MESSAGE_ID.findall(str(value))]
    return Letter(text, sender, ids[0] if ids else "", tuple(dict.fromkeys(answers))[-20:], tuple(dict.fromkeys(remarks)), automatic)


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


def _texts(mail: EmailMessage, open_sealed: Open) -> tuple[list[str], list[str]]:
    """The texts of a message, and what is to be said about it."""
    if mail.get_content_type() == "multipart/encrypted":
        payloads = (part.get_payload(decode=True) for part in _parts(mail) if part.get_content_type() == "application/octet-stream")
        sealed = next(payloads, b"")
        return _opened(sealed if isinstance(sealed, bytes) else b"", open_sealed)
    texts: list[str] = []
    remarks: list[str] = []
    pages: list[str] = []
    for part in _parts(mail):
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if part.get_filename() or part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text":
            if part.get_content_type() != "application/pgp-signature":
                remarks.append("attachments")
            continue
        text = _decoded(part)
        if kind == "text/html":
            pages.append(text)
        elif (armour := ARMOUR.search(text)) is not None:
            more, said = _opened(armour.group().encode(), open_sealed)
            texts += more
            remarks += said
        else:
            texts.append(text)
    if not any(text.strip() for text in texts):
        texts = [plain(page) for page in pages]
    return texts, remarks


def _opened(sealed: bytes, open_sealed: Open) -> tuple[list[str], list[str]]:
    opened = open_sealed(sealed)
    if opened is None:
        return [sealed.decode("ascii", "replace")], ["sealed"]
    inner = email.message_from_bytes(opened, policy=email.policy.default)
    if "content-type" not in inner:
        return [opened.decode("utf-8", "replace")], []
    texts, remarks = _texts(inner, lambda _: None)
    subject = _header(inner, "subject")  # protected headers
    return ([subject] if subject else []) + texts, remarks


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
