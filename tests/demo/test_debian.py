"""The installation script for Debian."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tsbot.demo.provision import DEBIAN_INSTALL


def run(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(DEBIAN_INSTALL), *arguments], env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with nothing but what the script always uses."""
    for name in ("dirname", "id", "grep", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    return tmp_path


def test_checking_says_what_to_run_where_something_is_missing(tools: Path):
    result = run("--check", path=tools)
    assert result.returncode == 1
    assert f"sudo sh {DEBIAN_INSTALL}" in result.stderr


def test_it_says_so_where_there_is_no_apt(tools: Path):
    result = run(path=tools)
    assert result.returncode == 1
    assert "no Debian" in result.stderr


def installing(tools: Path, *arguments: str) -> list[str]:
    """How apt-get is called, by one that only writes that down."""
    calls = tools / "calls"
    (tools / "apt-get").write_text(f'#!/bin/sh\necho "$*" >> {calls}\n')
    for name, script in {"sudo": 'exec "$@"', "dpkg-query": "exit 1"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    for name in ("apt-get", "sudo", "dpkg-query"):
        (tools / name).chmod(0o755)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    run(*arguments, path=tools)
    return calls.read_text().splitlines()


def test_php_comes_first_and_mediawiki_without_apache(tools: Path):
    update, venv, gpg, npm, php, mediawiki = installing(tools)
    assert update.endswith(" update")
    assert venv.endswith(" install python3-venv")
    assert gpg.endswith(" install gnupg")
    assert npm.endswith(" install npm")
    assert " php-cgi " in php
    assert mediawiki.endswith(" install mediawiki mini-httpd apache2-")


@pytest.mark.parametrize(
    ("switch", "packages"),
    [("--machines", "nats-server postgresql"), ("--tests", "chromium mariadb-server nats-server postgresql prometheus")],
)
def test_servers_are_installed_where_they_are_asked_for(tools: Path, switch: str, packages: str):
    assert any(call.endswith(f" install {packages}") for call in installing(tools, switch))
