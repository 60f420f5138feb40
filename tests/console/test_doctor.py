"""What the doctor says of the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from tsbot.doctor import State
from tsbot.doctor_console import check_console
from tsbot.settings import ConsoleSettings, Settings

NOW = 1.79e9
DAY = 86400.0


def told(folder: Path, now: float = NOW, **values: Any) -> dict[str, State]:
    settings = Settings(data_dir=str(folder), console=ConsoleSettings(**values))
    return {found.check: found.state for found in check_console(settings, now)}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"console": State.OK}),
        ({"client_id": "c", "client_secret": "s"}, {"console": State.OK}),
        ({"client_id": "c"}, {"console": State.OK, "console.secret": State.WARNING}),
        ({"wiki_login": "enwiki"}, {"console": State.OK, "console.sign_in": State.WARNING}),
        ({"wiki_login": "enwiki", "matrix": "none.toml"}, {"console": State.PROBLEM}),
        (
            {"client_id": "c", "client_secret": "s", "wiki_origins": ("http://127.0.0.1:8801",)},
            {"console": State.OK, "console.wiki_origins": State.WARNING},
        ),
    ],
    ids=str,
)
def test_what_is_configured(tmp_path: Path, values: dict[str, Any], found: dict[str, State]) -> None:
    assert told(tmp_path, **values) == found


def test_a_table_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[acts]\nfly = []\n")
    assert told(tmp_path, client_id="c", matrix="own.toml") == {"console": State.PROBLEM}


def test_the_certificate(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    made = trustme.CA().issue_cert("127.0.0.1", not_after=datetime.fromtimestamp(NOW + 30 * DAY, UTC))
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o600)
    values = {"client_id": "c", "client_secret": "s", "certificate": "cert.pem", "private_key": "key.pem"}
    for days, state in ((0, State.OK), (20, State.WARNING), (31, State.PROBLEM)):
        assert told(tmp_path, NOW + days * DAY, **values) == {"console": State.OK, "console.certificate": state}
    (tmp_path / "key.pem").chmod(0o644)
    assert told(tmp_path, **values)["console.private_key"] is State.WARNING
    (tmp_path / "cert.pem").write_text("nothing")
    assert told(tmp_path, **values)["console.certificate"] is State.PROBLEM
