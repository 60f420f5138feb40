"""Every private datum that leaves is written down: what, to whom, by what way, why, on whose decision. And who works here stays unnamed."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from tsbot.cases import disclosures
from tsbot.detect.finding import Kind
from tsbot.errors import DeliveryRefusedError
from tsbot.report.channels import open_channels
from tsbot.settings import MailSettings, PageSettings, Recipient, ReleaseRule
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.text.passage import Field

Desk = Any
RECIPIENT = "desk@example.org"
PERSON = "anna-the-handler"


class Hook:
    """A webhook on this machine: whatever comes, head and body."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.append(bytes(self.headers) + self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def with_report(desk: Desk, **more: Any) -> None:
    desk.settings = msgspec.structs.replace(desk.settings, report=msgspec.structs.replace(desk.settings.report, **more))


def register(desk: Desk, case: str | None = None) -> list[disclosures.Disclosure]:
    with desk.database.read() as connection:
        return disclosures.listing(connection, case)


@pytest.mark.parametrize(
    ("kind", "excerpt", "user", "what"),
    [
        (Kind.VIOLENCE, True, "Canarius Example", {"user_name", "account_status", "excerpt"}),
        (Kind.VIOLENCE, False, "Canarius Example", {"user_name", "account_status"}),
        (Kind.DOXING, True, "Canarius Example", {"user_name", "account_status", "excerpt", "personal_data"}),
        (Kind.DOXING, False, "Canarius Example", {"user_name", "account_status"}),
        (Kind.VIOLENCE, True, None, {"excerpt"}),
        (Kind.MINORS, True, "Canarius Example", {"user_name", "account_status"}),
    ],
)
def test_a_letter_that_leaves_is_entered_with_what_it_carries(
    desk: Desk, kind: Kind, excerpt: bool, user: str | None, what: set[str]
) -> None:
    with_report(desk, recipients={"default": (Recipient(to=RECIPIENT, excerpt=excerpt),)})
    flag = desk.flag(kind=kind, user=user)
    deliverer = desk.deliverer()
    deliverer.run_once()
    assert register(desk) == [], "a letter that is held has not left"
    desk.release(PERSON)
    deliverer.run_once()
    entries = register(desk, flag.case_id[:8])
    assert {entry.what for entry in entries} == what
    (report,) = desk.reports()
    for entry in entries:
        assert (entry.case_id, entry.report_id, entry.time) == (flag.case_id, report.id, desk.clock())
        assert (entry.recipient, entry.channel, entry.why, entry.decided_by) == (RECIPIENT, "spool", f"report of {kind.value}", PERSON)


def test_a_letter_that_a_rule_released_says_so(desk: Desk) -> None:
    with_report(desk, release={"violence": ReleaseRule()})
    desk.flag()
    desk.deliverer().run_once()
    assert {entry.decided_by for entry in register(desk)} == {"rule"}


def test_what_did_not_leave_is_not_entered_and_what_left_once_is_entered_once(desk: Desk) -> None:
    class Refusing:
        def send(self, message: object) -> None:
            raise DeliveryRefusedError("spool: full")

    desk.flag()
    deliverer = desk.deliverer({"spool": Refusing()})
    deliverer.run_once()
    desk.release()
    deliverer.run_once()
    assert register(desk) == []
    (report,) = desk.reports()
    with desk.database.write() as connection:
        assert outbox.retry(connection, report.id, desk.clock())
    for _ in range(3):
        desk.deliverer().run_once()
    assert len(register(desk)) == 3


def test_the_register_outlives_the_case_and_holds_none_of_its_data(desk: Desk) -> None:
    flag = desk.flag()
    desk.send()
    desk.close(flag.case_id)
    desk.clock.now += 90 * 86400
    desk.keeper().run()
    assert len(register(desk)) == 3
    assert "anary" not in str(register(desk))


def test_handlers_appear_outside_under_the_reporters_name_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every channel that is there: spool, mail, webhook."""
    taken: list[bytes] = []

    class Sink:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
            assert isinstance(envelope.content, bytes)
            taken.append(str([envelope.mail_from, envelope.rcpt_tos]).encode() + envelope.content)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    hook = Hook()
    try:
        monkeypatch.setenv("USER", PERSON)
        monkeypatch.setenv("LOGNAME", PERSON)
        recipients = (Recipient(to=RECIPIENT, channel="smtp", excerpt=True), Recipient(to="second@example.org", channel="spool"))
        with_report(desk, recipients={"default": recipients})
        desk.settings = msgspec.structs.replace(
            desk.settings,
            mail=MailSettings(host="127.0.0.1", port=port, security="none"),
            page=PageSettings(mail=("oncall@example.org",), webhooks=(hook.url,), specificity=0, plausibility=0),
        )
        for number, kind in enumerate((Kind.VIOLENCE, Kind.SELF_HARM, Kind.LEGAL, Kind.DOXING, Kind.MINORS), 200):
            desk.flag(number, kind, user=f"User {kind}", title=f"Page {kind}")
        desk.flag(300, where=Field.SUMMARY)
        deliverer = desk.deliverer(open_channels(desk.settings))
        deliverer.run_once()
        desk.release(PERSON)
        deliverer.run_once()
    finally:
        controller.stop()
        hook.stop()
    with desk.database.read() as connection:
        assert set(connection.scalars(select(t.report.c.state))) == {"sent"}
        assert PERSON in set(connection.scalars(select(t.report.c.released_by)))
    outside = taken + [text.encode() for text in desk.spooled().values()]
    assert len(outside) == 15  # six letters each by mail and to the spool, and three pages by mail
    assert all(b"Patrol desk" in message for message in outside)
    assert len(hook.taken) == 3
    assert not any(PERSON.encode() in message for message in outside + hook.taken)
    assert json.dumps([entry.decided_by for entry in register(desk)]).count(PERSON) == len(register(desk)) > 0
