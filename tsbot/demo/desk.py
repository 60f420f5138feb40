"""The console beside the demo's wikis: its settings, its process, and people who sign in to it without a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tsbot.demo.accounts import Account
from tsbot.demo.patrolled import Patrolled
from tsbot.demo.ports import free_ports
from tsbot.demo.world import World
from tsbot.errors import DemoError

SIGN_IN_WIKI = "enwiki"
"""The wiki whose accounts people sign in with."""
PATIENCE = 60.0
UNAVAILABLE, TRIES = 503, 5
FORM_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


def console_lines(world: World, wiki: str = SIGN_IN_WIKI) -> tuple[str, ...]:
    """Settings of a console on a free port, for the people of one wiki.

    It answers as ``localhost``: to a browser that is another site than the wikis.
    """
    (port,) = free_ports(1)
    origins = ", ".join(f'"{one.url}"' for one in world.family.wikis.values())
    return (
        "[console]",
        f'listen = "127.0.0.1:{port}"',
        f'url = "http://localhost:{port}"',
        f'wiki_login = "{wiki}"',
        "central_auth = false",
        f"wiki_origins = [{origins}]",
    )


class DemoConsole:
    """``tsbot serve`` on the settings of a patrol; runs within a ``with`` block."""

    def __init__(self, patrolled: Patrolled) -> None:
        self.patrolled = patrolled
        self.url = patrolled.settings.console.url
        self.log: Path = patrolled.log.with_name("console.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tsbot", "serve", "--config", str(self.patrolled.config)]
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.patrolled.world.family.pywikibot_dir)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait()
        except DemoError:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                with plain_session() as session:
                    session.get(f"{self.url}/sign-in", timeout=PATIENCE)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return
        raise DemoError(f"The console does not answer; see {self.log}.")

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Guest:
    """Somebody at the console, by HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = plain_session()

    def sign_in(self, account: Account) -> int:
        """Sign in with an account of the wiki; the HTTP status of the answer. Tries again while the wiki does not say who may what."""
        for _ in range(TRIES):
            status = self._sign_in(account)
            if status != UNAVAILABLE:
                break
        return status

    def _sign_in(self, account: Account) -> int:
        form = self.get("/sign-in/wiki")
        token = FORM_TOKEN.search(form.text)
        if token is None:
            raise DemoError("The console shows no form to sign in with.")
        values = {"csrf": token[1], "name": account.name, "password": account.password}
        return self.session.post(f"{self.url}/sign-in/wiki", data=values, timeout=PATIENCE).status_code

    def send(self, path: str, form_page: str, **fields: str) -> requests.Response:
        """Send a form that a page has; the page that it leads to."""
        token = FORM_TOKEN.search(self.get(form_page).text)
        if token is None:
            raise DemoError(f"The console shows no form at {form_page}.")
        return self.session.post(f"{self.url}{path}", data={"csrf": token[1], **fields}, timeout=PATIENCE)

    def get(self, path: str) -> requests.Response:
        """A page, wherever it leads."""
        return self.session.get(f"{self.url}{path}", timeout=PATIENCE)


def plain_session() -> requests.Session:
    """A session that no proxy of the environment has a part in."""
    session = requests.Session()
    session.trust_env = False
    return session
