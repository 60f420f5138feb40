"""Making pywikibot ready. What happens at its import runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tsbot.settings import Settings, WikiSettings
from tsbot.wiki import session

IMPORT_NOTHING = """
import sys
import tsbot.wiki.accounts, tsbot.wiki.api, tsbot.wiki.email, tsbot.wiki.fetcher, tsbot.wiki.links, tsbot.wiki.lookup
import tsbot.wiki.recent, tsbot.wiki.revisions, tsbot.wiki.session, tsbot.wiki.sites
assert "pywikibot" not in sys.modules
assert not tsbot.wiki.session.simulating()
"""

PREPARE = """
import sys
from tsbot.settings import Settings, WikiSettings
from tsbot.wiki import session
settings = Settings(data_dir="data", wiki=WikiSettings(timeout=20.0, contact="operator@example.org"))
session.prepare(settings)
session.prepare(settings)
from pywikibot import config
print(config.base_dir, config.socket_timeout, config.max_retries, session.simulating(), config.family_files.get("mine"))
"""


def run(code: str, folder: Path, *arguments: str, **environ: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYWIKIBOT", "HOME"))}
    (folder / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=folder,
        env=clean | {"HOME": str(folder / "home")} | environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_importing_the_package_does_not_import_pywikibot(tmp_path: Path) -> None:
    run(IMPORT_NOTHING, tmp_path)


def test_without_a_configuration_everything_stays_in_the_data_folder(tmp_path: Path) -> None:
    assert run(PREPARE, tmp_path) == f"{tmp_path}/data/pywikibot (10.0, 20.0) 0 False None"
    assert files(tmp_path) == ["data/pywikibot/user-config.py"]
    assert (tmp_path / "data/pywikibot/user-config.py").stat().st_mode & 0o777 == 0o600


def test_a_user_without_a_home_needs_none(tmp_path: Path) -> None:
    nobody = "import os, pwd\ndel os.environ['HOME']\ndef unknown(uid): raise KeyError(uid)\npwd.getpwuid = unknown\n"
    assert run(nobody + PREPARE, tmp_path).startswith(f"{tmp_path}/data/pywikibot ")


def test_the_users_own_configuration_is_used_where_there_is_one(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "user-config.py").write_text("family_files['mine'] = 'mine_family.py'\nsimulate = True\n")
    (own / "user-config.py").chmod(0o600)
    assert run(PREPARE, tmp_path, PYWIKIBOT_DIR=str(own)) == f"{own} (10.0, 20.0) 0 True mine_family.py"
    assert files(tmp_path) == ["own/user-config.py"]


@pytest.mark.parametrize(
    ("contact", "about"),
    [
        ("operator@example.org", "(operator@example.org; bot)"),
        ("https://example.org/tsbot", "(https://example.org/tsbot; bot)"),
        ("", "(bot)"),
        ("a{b}(c)\r\nX-Evil: 1", "(abcX-Evil: 1; bot)"),
        ("Jörg <j@example.org>", "(Jrg <j@example.org>; bot)"),
    ],
)
def test_the_agent_names_software_version_contact_and_that_it_is_a_bot(contact: str, about: str) -> None:
    assert about in session.user_agent(contact)


def test_a_missing_contact_is_said_once_at_the_start(pywikibot_home: Path) -> None:
    from pywikibot import config

    before = config.user_agent_format
    try:
        with capture_logs() as said:
            session.prepare(Settings(data_dir=str(pywikibot_home)))
        assert [line["event"] for line in said] == ["wiki.no_contact"]
    finally:
        config.user_agent_format = before


def test_simulation_is_pywikibots(pywikibot_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pywikibot import config

    monkeypatch.setattr(config, "simulate", False)
    session.prepare(Settings(data_dir=str(pywikibot_home), wiki=WikiSettings(contact="operator@example.org")), simulate=True)
    assert session.simulating()
