"""The console on a real wiki: who signs in there, and what the wiki's own groups let them see."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tsbot.demo.world import World

pytestmark = pytest.mark.live


@pytest.fixture
def console(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of a console to which enwiki signs people in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "tsbot.toml"
    config.write_text(f'[wiki]\nfamilies = ["tsbotdemo"]\n[console]\nlisten = "{address}"\nwiki_login = "enwiki"\n')
    environment = os.environ | {"PYWIKIBOT_DIR": str(world.family.pywikibot_dir)}
    command = [sys.executable, "-m", "tsbot", "serve", "--config", str(config)]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                httpx.get(f"http://{address}/sign-in", trust_env=False)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield f"http://{address}"
        process.terminate()
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told.decode()
    for account in world.family.accounts.values():
        assert account.password.encode() not in told
        assert account.password.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def sign_in(browser: httpx.Client, name: str, password: str) -> httpx.Response:
    form = browser.get("/sign-in/wiki")
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)
    assert token is not None
    return browser.post("/sign-in/wiki", data={"csrf": token[1], "name": name, "password": password})


def browse(console: str) -> httpx.Client:
    return httpx.Client(base_url=console, follow_redirects=True, trust_env=False, timeout=60)


def test_the_wiki_says_who_may_see_the_queue(world: World, console: str) -> None:
    accounts: Any = world.family.accounts
    with browse(console) as browser:
        assert "<h1>Queue</h1>" in sign_in(browser, "Oversighter", accounts["Oversighter"].password).text
    with browse(console) as browser:
        refused = sign_in(browser, "Oversighter", "not the password")
        assert (refused.status_code, "does not accept" in refused.text) == (400, True)
    for name in ("Maple Reader", "Example Sysop"):
        with browse(console) as browser:
            assert sign_in(browser, name, accounts[name].password).status_code == 403
            assert browser.get("/").url.path == "/sign-in", "whoever may do nothing has no session either"
