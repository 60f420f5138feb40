"""``tsbot alarm``: a dead patrol, letters that cannot leave, what is near its end; told once, to whom ``[page]`` names."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

DAY = 86400.0


class Sink(Message):
    """Keeps mails."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


@pytest.fixture
def sink() -> Iterator[tuple[Sink, int]]:
    """A mail server."""
    kept = Sink()
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


def configure(patrolled: Any, port: int, more: str = "") -> None:
    patrolled.configure(
        f'[page]\nmail = ["on-call@example.org"]\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'[report]\nreporter_contact = "desk@example.org"\n[alarm]\nbackup = false\n{more}'
    )


def alarm(patrolled: Any, *words: str) -> tuple[int, dict[str, str]]:
    done = patrolled.run("alarm", "--json", *words)
    return done.code, {one["check"]: one["words"] for one in json.loads(done.out)["findings"] if one["state"] != "ok"}


def well(patrolled: Any) -> None:
    patrolled.sql("UPDATE cursor SET updated = ?", time.time())


def test_all_is_well(patrolled: Any, sink: Any) -> None:
    configure(patrolled, sink[1])
    well(patrolled)
    assert alarm(patrolled) == (0, {})
    assert sink[0].mails == []


def test_a_dead_patrol_is_told_of_once(patrolled: Any, sink: Any) -> None:
    kept, port = sink
    configure(patrolled, port)
    patrolled.sql("UPDATE cursor SET updated = ?", time.time() - 3600)
    code, wrong = alarm(patrolled)
    assert (code, list(wrong)) == (1, ["alarm.stream"])
    assert "nothing was read for 60 minutes" in wrong["alarm.stream"]
    (mail,) = kept.mails
    assert (mail["To"], mail["Subject"]) == ("on-call@example.org", "tsbot alarm: stream")
    assert "Is `tsbot patrol` (or `tsbot listen`) running" in mail.get_payload()
    for name in ("Editor", "hurt", "Example 2"):  # names, texts and titles of the recording
        assert name not in mail.as_string()
    assert alarm(patrolled)[0] == 1
    assert len(kept.mails) == 1  # not every five minutes
    well(patrolled)
    assert alarm(patrolled)[0] == 0
    patrolled.sql("UPDATE cursor SET updated = ?", time.time() - 3600)
    alarm(patrolled)
    assert len(kept.mails) == 2  # a new trouble of the same sort


def test_the_same_trouble_again_after_some_hours(patrolled: Any, sink: Any) -> None:
    configure(patrolled, sink[1])
    patrolled.sql("UPDATE cursor SET updated = ?", time.time() - 3600)
    alarm(patrolled)
    memory = patrolled.data / "alarm.json"
    memory.write_text(json.dumps({"alarm.stream": time.time() - 7 * 3600}))
    alarm(patrolled)
    assert len(sink[0].mails) == 2
    memory.write_text("rubbish")  # then it is rather told of twice than not at all
    alarm(patrolled)
    assert len(sink[0].mails) == 3


def test_letters_that_cannot_leave(patrolled: Any, sink: Any) -> None:
    configure(patrolled, sink[1])
    well(patrolled)
    patrolled.sql("UPDATE report SET state = 'queued', due = ?", time.time() - 3600)
    assert list(alarm(patrolled, "--no-send")[1]) == ["alarm.delivery"]
    assert sink[0].mails == []


def test_a_database_that_does_not_open(patrolled: Any, sink: Any) -> None:
    configure(patrolled, sink[1])
    (patrolled.data / "master.key").unlink()
    assert list(alarm(patrolled)[1]) == ["alarm.database"]
    assert len(sink[0].mails) == 1


def test_where_nobody_can_be_told(patrolled: Any, sink: Any) -> None:
    kept, port = sink
    patrolled.sql("UPDATE cursor SET updated = ?", time.time() - 3600)
    patrolled.configure("[alarm]\nbackup = false\n")
    done = patrolled.run("alarm")
    assert (done.code, "names nobody" in done.err) == (4, True)
    configure(patrolled, port + 1 if port < 65535 else port - 1)
    done = patrolled.run("alarm")
    assert (done.code, "could not be told" in done.err) == (4, True)
    configure(patrolled, port)
    alarm(patrolled)
    assert len(kept.mails) == 1  # what reached nobody is tried again


def test_no_backup_for_a_week(patrolled: Any, sink: Any) -> None:
    configure(patrolled, sink[1])
    patrolled.configure((patrolled.folder / "tsbot.toml").read_text().replace("backup = false", "backup = true"))
    well(patrolled)
    assert list(alarm(patrolled, "--no-send")[1]) == ["alarm.backup"]
