"""The mail address: your mail server delivers here by LMTP what arrives for it, and a report is stored before that is confirmed.

What cannot be stored now is answered with 451, so that the mail server keeps it and comes again: no report is lost.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection, select

from tsbot.console.security import RateLimit
from tsbot.console.serve import listen
from tsbot.errors import KeyUnusableError, ReceptionError, SettingsError, TooManyError
from tsbot.reception import hearing as hearings
from tsbot.reception.desk import FrontDesk
from tsbot.reception.hearing import Hearing
from tsbot.reception.letters import MOST_BYTES, Letter, Open, read_letter
from tsbot.reception.said import Said
from tsbot.reception.urgency import Reading
from tsbot.reception.words import voice_for
from tsbot.report.pgp import usable_key
from tsbot.store import ledger
from tsbot.store import tables as t

PATIENCE = 60.0
READING = 3.0
"""Seconds to wait for the detector to tell the language."""
MORE_THAN_ENOUGH = 4
"""Times ``reception.reports_per_hour`` that all mail together may bring in an hour before the mail server is asked to wait."""


class Mailroom:
    """Takes mail until :meth:`close`, in a thread of its own. ``port`` is the one that it listens on."""

    def __init__(self, desk: FrontDesk, open_sealed: Open) -> None:
        ours = desk.settings.reception
        bind = ours.mail_bind
        if bind is None or not ours.address:
            raise SettingsError("reception.mail_listen and reception.address are needed for mail.")
        self._protocol: type[SMTP] = LMTP if ours.mail_protocol == "lmtp" else SMTP
        self._clerk = _Clerk(desk, open_sealed)
        self._socket = listen(*bind, what="The reception")
        self.port = int(self._socket.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mailroom", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop taking mail. What is being taken is not confirmed, so the mail server comes again with it."""
        if self._thread.ident is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
        self._socket.close()

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(self._connection, sock=self._socket))
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _connection(self) -> SMTP:
        return self._protocol(self._clerk, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, ident="tsbot", loop=self._loop)


class _Clerk:
    """What aiosmtpd calls."""

    def __init__(self, desk: FrontDesk, open_sealed: Open) -> None:
        self._desk, self._open = desk, open_sealed
        ours = desk.settings.reception
        self._limit = RateLimit(ours.reports_per_hour * MORE_THAN_ENOUGH, 3600.0, desk.clock)
        self._lock = threading.Lock()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        name, _, domain = address.casefold().rpartition("@")
        ours, _, host = self._desk.settings.reception.address.casefold().rpartition("@")
        if (name.partition("+")[0], domain) != (ours, host):
            return "550 5.1.1 Nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        try:
            self._limit.take("mail")
            return await asyncio.to_thread(self._take, content, (envelope.mail_from or "").strip("<>"))
        except TooManyError:
            return "451 4.3.2 Too much mail at once; it is taken later"
        except Exception as error:  # whatever it is: the mail server keeps the message and comes again
            structlog.get_logger().warning("reception.mail_put_off", error=type(error).__name__)
            return "451 4.3.0 Not stored; try again later"

    def _take(self, raw: bytes, envelope_from: str) -> str:
        desk = self._desk
        letter = read_letter(raw, envelope_from, desk.settings.reception.address, self._open)
        if letter.automatic:
            # Nobody wrote it. An answer to it could go round for ever.
            self._put(lambda connection: ledger.count(connection, {"reception.automatic": 1}))
            return "250 2.0.0 Taken; nobody is told"
        known = self._answered(letter)
        key, remarks = self._key(letter)
        if known is not None:
            desk.add(known, letter.text, key).result(PATIENCE)
            return "250 2.0.0 Added"
        said = Said(text=letter.text, mail=letter.sender, remarks=remarks, key=key)
        once = hashlib.sha256("|".join((letter.message_id or hashlib.sha256(raw).hexdigest(), envelope_from)).encode()).hexdigest()
        try:
            desk.take(said, once=once, channel="mail", language=self._language(letter.text)).result(PATIENCE)
        except ReceptionError as error:
            return "554 5.6.0 There is no text in this message" if error.reason == "empty" else "451 4.3.0 Not stored; try again later"
        return "250 2.0.0 A person will read it"

    def _key(self, letter: Letter) -> tuple[str, tuple[str, ...]]:
        """The key that answers are encrypted to, and what the sender is told; one that cannot be used is none, and they are told so."""
        if not letter.key:
            return "", letter.remarks
        try:
            usable_key(letter.key, self._desk.clock())
        except KeyUnusableError as error:
            structlog.get_logger().info("reception.key_unusable", error=type(error).__name__)
            return "", (*letter.remarks, "key")
        return base64.b64encode(letter.key).decode(), letter.remarks

    def _answered(self, letter: Letter) -> Hearing | None:
        """The hearing that a mail answers to, if it comes from the same address."""
        if not letter.answers or not letter.sender:
            return None
        desk = self._desk
        with desk.database.read() as connection:
            subjects = select(t.report.c.subject).where(t.report.c.message_id.in_(letter.answers), t.report.c.purpose == "answer")
            for subject in connection.scalars(subjects).all():
                found = hearings.find(connection, subject.split(":")[1])
                mine = select(t.hearing.c.sender_index).where(t.hearing.c.id == (found.id if found else ""))
                same = connection.scalar(mine) == hearings.sender_index(desk.database.key, letter.sender)
                if found is not None and same and found.withdrawn is None and hearings.read_said(connection, desk.database.key, found):
                    return found
        return None

    def _language(self, text: str) -> str:
        """The language of a text as the detector tells it; English where that is not told in time."""
        reader = self._desk.reader
        if reader is None:
            return voice_for("").language
        reading: Future[Reading] = reader.read(text)
        try:
            return voice_for(reading.result(READING).language).language
        except Exception:  # the acknowledgement is in English then
            return voice_for("").language

    def _put(self, work: Callable[[Connection], object]) -> None:
        self._desk.letterbox.put(work).result(PATIENCE)
