"""A store with made-up flags, and servers on this machine that take what is sent."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert, select

from tsbot.cases.filing import case_key
from tsbot.cases.flag import Flag, FlagContent, flag_id
from tsbot.detect.finding import Kind
from tsbot.report.channels import Channel, open_channels
from tsbot.report.deliver import Deliverer
from tsbot.report.filing import file_reports
from tsbot.report.message import OutboundMessage
from tsbot.settings import MailSettings, ReportSettings, Settings
from tsbot.store import outbox, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal
from tsbot.store.database import Database, connect
from tsbot.store.outbox import Purpose, Report
from tsbot.text.passage import Field

NOW = 1_790_000_000.0
CASE = "0c5e1a2b-0000-4000-8000-000000000001"


@dataclass
class Clock:
    """Time that tests move by hand, in seconds since the epoch."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """A database with the outbox, and short words for what tests do with it."""

    database: Database
    folder: Path
    clock: Clock

    def settings(self, **parts: Any) -> Settings:
        report = parts.pop("report", ReportSettings(reporter_contact="reporter@example.org", reporter_name="Patrol desk"))
        return Settings(data_dir=str(self.folder), database=str(self.database.engine.url), report=report, **parts)

    def case(self, identity: str = CASE, wiki: str = "examplewiki") -> str:
        with self.database.write() as connection:
            if connection.scalar(select(t.case.c.id).where(t.case.c.id == identity)) is None:
                _, wrapped = self.database.key.new_data_key(identity)
                row = {"wiki": wiki, "kind": "violence", "state": "new", "opened": NOW, "updated": NOW, "data_key": wrapped}
                connection.execute(insert(t.case).values(id=identity, **row))
        return identity

    def flag(
        self, kind: Kind = Kind.VIOLENCE, rev_id: int = 100, case: str = CASE, scores: tuple[int, int, int] = (1, 1, 1), **more: Any
    ) -> Flag:
        """Store a flag. ``more`` goes to the flag or to its content, by name."""
        content_fields = {info.name for info in msgspec.structs.fields(FlagContent)}
        content = FlagContent(
            **{
                "title": "Talk:Town hall",
                "user": "Example",
                "rev_id": rev_id,
                "parent_id": 99,
                "server_url": "https://example.wikipedia.org",
                "excerpt": "I will come to your office tomorrow and hurt you",
            }
            | {name: value for name, value in more.items() if name in content_fields}
        )
        subject = more.get("subject", f"examplewiki:rev:{rev_id}")
        flag = Flag(
            id=flag_id(subject, kind),
            subject=subject,
            kind=kind,
            case_id=self.case(case),
            wiki=more.get("wiki", "examplewiki"),
            field=more.get("field", Field.TEXT),
            probability=0.9,
            specificity=scores[0],
            plausibility=scores[1],
            imminence=scores[2],
            language="en",
            coverage=more.get("coverage", "scored"),
            detector="linear-1",
            source=more.get("source", "patrol"),
            event_time=more.get("event_time", NOW - 5),
            created=NOW,
            content=content,
        )
        with self.database.write() as connection:
            key = case_key(connection, self.database.key, case)
            assert key is not None
            names = ("id", "subject", "case_id", "wiki", "probability", "specificity", "plausibility", "imminence", "language")
            row = {name: getattr(flag, name) for name in (*names, "coverage", "detector", "source", "event_time", "created")}
            row |= {"kind": kind.value, "field": flag.field.value, "body": seal(key, msgspec.json.encode(content), f"flag|body|{flag.id}")}
            connection.execute(insert(t.flag).values(**row))
        return flag

    def file(self, flag: Flag, settings: Settings | None = None) -> list[str]:
        """What the pipeline does with a flag."""
        with self.database.write() as connection:
            return file_reports(connection, flag, settings or self.settings(), self.clock())

    def row(self, identity: str) -> Report:
        with self.database.read() as connection:
            row = outbox.get(connection, identity)
        assert row is not None
        return row

    def rows(self) -> list[Report]:
        with self.database.read() as connection:
            return sorted(outbox.listing(connection), key=lambda report: report.created)

    def release(self, identity: str) -> bool:
        with self.database.write() as connection:
            return outbox.release(connection, identity, "operator", self.clock())

    def deliverer(self, settings: Settings | None = None, channels: dict[str, Channel] | None = None, **more: Any) -> Deliverer:
        settings = settings or self.settings()
        defaults: dict[str, Any] = {"account_status": None, "clock": self.clock, "rng": random.Random(1)}
        return Deliverer(self.database, settings, open_channels(settings) if channels is None else channels, **defaults | more)

    def spooled(self) -> dict[str, str]:
        """Files in the spool by report id."""
        return {path.stem: path.read_text(encoding="utf-8") for path in (self.folder / "spool").glob("*.eml")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "data"
    folder.mkdir()
    database = Database(connect(f"sqlite:///{folder / 'tsbot.sqlite'}"), MasterKey(b"0" * 32))
    schema.upgrade(database)
    yield Desk(database, folder, Clock())
    database.close()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@dataclass
class Sink:
    """A mail server that keeps what it takes, and can be told to misbehave."""

    replies: dict[str, str] = field(default_factory=dict)
    """What to answer at RCPT, by recipient, instead of 250."""
    data_reply: str = "250 OK"
    die_after_data: int = 0
    """How many times to take a text and hang up instead of answering."""
    taken: list[Envelope] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    port: int = 0
    ca_file: str = ""

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        assert server.transport is not None
        if self.data_reply.startswith("250"):
            self.taken.append(envelope)
            self.texts.append(envelope.content.decode())
            self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.die_after_data > 0:
            self.die_after_data -= 1
            server.transport.abort()
        return self.data_reply

    def mail(self, security: str, **more: Any) -> MailSettings:
        return MailSettings(host="127.0.0.1", port=self.port, security=security, ca_file=self.ca_file, timeout=5.0, **more)  # type: ignore[arg-type]


StartSink = Callable[..., Sink]


@pytest.fixture
def start_sink(tmp_path: Path) -> Iterator[StartSink]:
    """Starts mail servers: ``start_sink("starttls")``, ``"tls"`` or ``"none"``."""
    running: list[Controller] = []
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))

    def start(security: str = "none", *, host: str = "127.0.0.1", **server: Any) -> Sink:
        sink = Sink(ca_file=str(ca_file))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(host).configure_cert(context)
        if security == "starttls":
            server |= {"tls_context": context, "require_starttls": True}
        elif security == "tls":
            server |= {"ssl_context": context}
        with socket.create_server(("127.0.0.1", 0)) as free:
            sink.port = free.getsockname()[1]
        controller = Controller(sink, hostname="127.0.0.1", port=sink.port, **server)
        controller.start()
        running.append(controller)
        return sink

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def letter() -> Callable[..., OutboundMessage]:
    """Makes letters as channels get them; ``more`` replaces parts."""

    def make(number: int = 1, **more: Any) -> OutboundMessage:
        base: dict[str, Any] = {
            "id": f"6a0c0f2e-0000-5000-8000-{number:012}",
            "message_id": f"<6a0c0f2e-0000-5000-8000-{number:012}@example.org>",
            "purpose": Purpose.LETTER,
            "case_id": CASE,
            "flag_id": "f1a60000-0000-5000-8000-000000000001",
            "recipient": "Trust and Safety",
            "subject": "[TS] report 0c5e1a2b",
            "private_subject": "[TS] report 0c5e1a2b: threats-public-harm, examplewiki",
            "text": "Reporting user: Patrol desk\nReported user: Beispiel Müller\n",
            "date": NOW,
            "sender_name": "Patrol desk",
            "sender_address": "reporter@example.org",
            "links": (("permanent", "https://example.wikipedia.org/w/index.php?oldid=100"),),
            "threat_types": ("threats-public-harm",),
            "wiki": "examplewiki",
            "priority": 90,
        }
        return OutboundMessage(**base | more)

    return make
