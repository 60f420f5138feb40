"""The public page in a real browser: at 320 px in each language, by keyboard, without JavaScript, and leaving it quickly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tsbot.console.render import STATIC
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.reception.serve import Reception
from tsbot.reception.words import languages, shipped_words
from tsbot.settings import ReceptionSettings, Settings
from tsbot.store.opening import open_store

CHROMIUM = os.environ.get("TSBOT_TEST_CHROMIUM", "/usr/bin/chromium")
AXE = Path(STATIC).parent / "npm" / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CODES = [code for code, _ in languages(shipped_words())]
SMALL = {"width": 320, "height": 640}


class OneWord:
    """Reads danger to life where a text says ``danger``."""

    version = "one word"

    def judge(self, texts: Any, **_more: Any) -> list[Finding]:
        p = [0.9 if "danger" in text else 0.0 for text in texts]
        return [Finding(kinds={Kind.VIOLENCE: one}, flagged=(), language="en", coverage=Coverage.SCORED) for one in p]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ours = ReceptionSettings(listen="127.0.0.1:0", reports_per_hour=10_000, exit_url="https://exit.test/", client_id="a client")
    settings = Settings(data_dir=str(tmp_path_factory.mktemp("reception")), reception=ours)
    store = open_store(settings)
    reception = Reception(settings, store, None, load=OneWord)  # type: ignore[arg-type]
    reception.start()
    yield f"http://127.0.0.1:{reception.page.port}"
    reception.close()
    store.close()


# Per module: while Playwright is driven its event loop counts as running, and no other test could start one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.fail(f"no browser at {CHROMIUM}: run `make tests`")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Any) -> Iterator[Callable[..., Any]]:
    contexts = []

    def opened(**more: Any) -> Any:
        contexts.append(chromium.new_context(viewport=SMALL, **more))
        contexts[-1].route("https://exit.test/**", lambda route: route.fulfill(body="elsewhere"))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


def wrong(page: Any) -> list[str]:
    """What the page does wrong by axe's rules, and whether it is wider than the window."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
    return told + ([f"{sideways} pixels too wide"] if sideways else [])


@pytest.mark.parametrize("code", CODES)
def test_every_page_can_be_read_in_every_language_on_a_small_screen(window: Callable[..., Any], address: str, code: str) -> None:
    if not AXE.exists():
        pytest.fail("no axe: run `make console`")
    for text in ("somebody is rude", "danger"):
        page = window()
        page.goto(f"{address}/?lang={code}")
        page.locator("summary").click()
        assert wrong(page) == []
        page.fill("#text", f"{text} {code}")
        page.select_option("#country", "EG")
        page.locator("button.send").click()
        page.wait_for_selector(".reference")
        assert page.evaluate("document.documentElement.dir") == ("rtl" if code == "ar" else "ltr")
        assert wrong(page) == []
        page.locator("form button").first.click()
        page.wait_for_selector(".words")
        assert wrong(page) == []
    page.goto(f"{address}/read?lang={code}")
    assert wrong(page) == []


def test_it_is_sent_and_read_by_keyboard_alone_and_without_javascript(window: Callable[..., Any], address: str) -> None:
    page = window(java_script_enabled=False)
    page.goto(address)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator("#text:focus").count():
            break
    page.keyboard.type("He follows me.")
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.locator(".send:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".reference")
    link = page.locator("#link").input_value()
    page.goto(address + "/l/" + link.rpartition("/")[2])
    assert page.locator(".words").inner_text().count("He follows me.") == 1


def test_leaving_quickly_leaves_nothing_to_go_back_to(window: Callable[..., Any], address: str) -> None:
    for leave in (lambda page: page.locator("#exit").click(), lambda page: [page.keyboard.press("Escape") for _ in range(2)]):
        page = window()
        page.goto("about:blank")
        page.goto(address)
        page.fill("#text", "something that nobody should see")
        leave(page)
        page.wait_for_url("https://exit.test/")
        page.go_back()
        assert "should see" not in page.content()
        assert address not in page.url
