"""What the doctor says of the reception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tsbot.doctor import State
from tsbot.doctor_reception import check_reception
from tsbot.reception.mailroom import Mailroom
from tsbot.reception.serve import Page
from tsbot.reception.unsealing import closed
from tsbot.reception.web import create_app
from tsbot.settings import ConsoleSettings

from .conftest import House

WARNED = {"reception": State.OK, "reception.directory": State.WARNING, "reception.check_ins": State.OK}
"""The directory of the package: nobody has confirmed it."""


def told(house: House, *, offline: bool = True, console: ConsoleSettings | None = None, **values: Any) -> dict[str, State]:
    settings = msgspec.structs.replace(
        house.settings, reception=msgspec.structs.replace(house.settings.reception, **values), console=console or ConsoleSettings()
    )
    return {found.check: found.state for found in check_reception(settings, house.database, house.now, offline=offline)}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"url": "", "address": ""}, {"reception": State.OK}),
        ({"address": ""}, WARNED),
        ({}, WARNED | {"reception.mail": State.WARNING}),
        ({"mail_listen": "127.0.0.1:8024"}, WARNED),
        ({"mail_listen": "192.0.2.1:8024"}, {"reception": State.PROBLEM}),
        ({"listen": "0.0.0.0:8788"}, {"reception": State.PROBLEM}),
        ({"address": "", "client_id": "c"}, WARNED | {"reception.secret": State.WARNING}),
        ({"address": "", "pgp_key": "none.asc"}, WARNED | {"reception.pgp_key": State.PROBLEM}),
    ],
    ids=str,
)
def test_what_is_configured(house: House, values: dict[str, Any], found: dict[str, State]) -> None:
    assert told(house, **values) == found


def test_the_page_has_a_host_name_apart_from_the_consoles(house: House) -> None:
    assert told(house, console=ConsoleSettings(url="https://tell-us.test")) == {"reception": State.PROBLEM}


def test_people_who_wait_and_reports_that_nobody_reads(house: House) -> None:
    house.take("x")
    house.now += 8 * 86400
    found = told(house, address="")
    assert (found["reception.check_ins"], found["reception.unread"]) == (State.WARNING, State.WARNING)


def test_a_directory_that_is_stale_or_wrong(house: House, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "eg.toml").write_text("country = 5\n")
    assert told(house, address="", directory="own")["reception.directory"] is State.PROBLEM


def test_whether_page_and_mail_answer(house: House) -> None:
    listen = {"listen": "127.0.0.1:0", "mail_listen": "127.0.0.1:0"}
    house.settings = house.desk.settings = msgspec.structs.replace(
        house.settings, reception=msgspec.structs.replace(house.settings.reception, **listen)
    )
    page, room = Page(create_app(house.desk), house.settings), Mailroom(house.desk, closed)
    places = {"listen": f"127.0.0.1:{page.port}", "mail_listen": f"127.0.0.1:{room.port}"}
    page.start()
    room.start()
    try:
        found = told(house, offline=False, **places)
        assert (found["reception.page"], found["reception.mail"]) == (State.OK, State.OK)
    finally:
        room.close()
        page.close()
    found = told(house, offline=False, **places)
    assert (found["reception.page"], found["reception.mail"]) == (State.WARNING, State.WARNING)


def test_the_key(house: House, tmp_path: Path) -> None:
    pysequoia = pytest.importorskip("pysequoia")
    file = tmp_path / "our.asc"
    file.write_text(str(pysequoia.Tsk.generate("Tell us <tell-us@example.org>")))
    file.chmod(0o600)
    house.now = 1e10  # long after it was made
    found = told(house, address="", pgp_key="our.asc")
    assert found["reception.pgp_key"] is State.OK
    file.chmod(0o644)
    assert told(house, address="", pgp_key="our.asc")["reception.pgp_key"] is State.WARNING
    house.now = 1e9  # before
    assert told(house, address="", pgp_key="our.asc")["reception.pgp_key"] is State.PROBLEM
