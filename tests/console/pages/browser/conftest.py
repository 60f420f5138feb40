"""A real browser at a console that really listens, on loopback. A violation of the Content-Security-Policy fails any test."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from tsbot.console.app import create_app
from tsbot.console.render import STATIC

CHROMIUM = os.environ.get("TSBOT_TEST_CHROMIUM", "/usr/bin/chromium")
AXE = Path(STATIC).parent / "npm" / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Screen:
    """A browser window of somebody who is signed in."""

    page: Any
    address: str
    shots: Path
    trouble: list[str] = field(default_factory=list)

    def go(self, path: str = "/") -> Any:
        self.page.goto(self.address + path)
        return self.page

    def keys(self, *keys: str) -> None:
        """Press keys that each lead to another page."""
        for key in keys:
            with self.page.expect_navigation():
                self.page.keyboard.press(key)

    def wait_for(self, condition: str) -> None:
        """Wait until a condition holds; Playwright's own way of it would be a script that the page's policy forbids."""
        for _ in range(200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(25)
        raise AssertionError(condition)

    def shot(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def axe(self) -> list[str]:
        """What the page does wrong by axe's rules."""
        # Through the debugger, not the page: its policy lets no script of ours in.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


# Per module: while Playwright is driven its event loop counts as running, and no other test could start one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.fail(f"no browser at {CHROMIUM}: run `make tests`")
    if not (STATIC / "vendor").exists() or not AXE.exists():
        pytest.fail("no styles and scripts: run `make console`")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def served(house: Any) -> Iterator[str]:
    """Address of the console over the house."""
    server = uvicorn.Server(uvicorn.Config(create_app(house.console()), host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def screen(chromium: Any, served: str, house: Any, tmp_path: Path) -> Iterator[Any]:
    """Makes windows: ``screen(width=360, scripts=False, dark=True, name="Reader")``."""
    shots = Path(os.environ.get("TSBOT_TEST_SHOTS", str(tmp_path)))
    opened: list[Screen] = []
    contexts = []

    def make(name: str = "Reader", width: int = 1280, *, scripts: bool = True, dark: bool = False, locale: str = "en") -> Screen:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts, color_scheme="dark" if dark else "light", locale=locale
        )
        contexts.append(context)
        context.add_cookies([{"name": "tsbot", "value": house.sign_in(name).cookie, "url": served}])
        page = context.new_page()
        one = Screen(page, served, shots)
        page.on("console", lambda message: one.trouble.append(message.text) if "Content Security Policy" in message.text else None)
        page.on("pageerror", lambda error: one.trouble.append(str(error)))
        ours = (served, "data:")
        page.on("request", lambda request: None if request.url.startswith(ours) else one.trouble.append(f"asked {request.url}"))
        opened.append(one)
        return one

    yield make
    trouble = [line for one in opened for line in one.trouble]
    for context in contexts:
        context.close()
    assert trouble == []
