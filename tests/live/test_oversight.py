"""An oversighter's day on the real wikis, in a real browser: five flags by keyboard, a range hidden, a case that closes by itself.

With ``PICTURES=docs/pictures`` the screenshots in the docs are made anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tsbot.cases.case import CaseState
from tsbot.console.gadget import build
from tsbot.demo import oversight
from tsbot.demo.desk import DemoConsole
from tsbot.demo.oversight import WIKI, Oversight
from tsbot.demo.world import World
from tsbot.errors import DemoError

pytestmark = pytest.mark.live
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 60_000
"""Milliseconds."""
PROMISES = (
    *("queue_for_oversighters", "nothing_for_others", "plan_is_exact"),
    *("case_closes_itself", "console_tells_the_time", "comes_back_when_shown"),
)


def test_the_third_play_keeps_its_promises(world: World) -> None:
    checks = list(oversight.play(world, lambda _: None))
    assert [check for check in checks if not check.ok] == []
    assert [check.check for check in checks] == [f"oversight.{name}" for name in PROMISES]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield running
        running.close()


@pytest.fixture
def stage(world: World) -> Iterator[Oversight]:
    """A patrol that has found private data on five pages, and knows what to hide."""
    with world.family.actor("Admin", WIKI) as admin, suppress(DemoError):  # other tests may have written the same
        admin.edit("MediaWiki:Gadgets-definition", build.DEFINITION)
    play = Oversight(world, lambda _: None)
    play.patrolled.start()
    try:
        play.publish(5)
        yield play
    finally:
        play.patrolled.kill()


class Window:
    """A browser of somebody, with a picture for each step."""

    def __init__(self, context: BrowserContext, folder: Path) -> None:
        self.context, self.folder = context, folder
        self.page: Page = context.new_page()
        self.trouble: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))

    def picture(self, name: str) -> None:
        """What stands there now; without a moving caret or countdown."""
        self.page.screenshot(path=self.folder / f"{name}.png", animations="disabled")

    def press(self, key: str) -> None:
        """A key that leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)


def pictures(tmp_path: Path) -> Path:
    asked = os.environ.get("PICTURES")
    folder = Path(asked) if asked else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def log_in(page: Page, wiki: str, account: Any) -> None:
    page.goto(f"{wiki}/w/index.php?title=Special:UserLogin")
    page.fill("#wpName1", account.name)
    page.fill("#wpPassword1", account.password)
    page.click("#wpLoginAttempt")
    expect(page.locator("#pt-logout").first).to_be_attached()


def test_an_oversighters_day(stage: Oversight, chromium: Browser, tmp_path: Path) -> None:
    family, accounts = stage.world.family, stage.world.family.accounts
    wiki = family.wikis[WIKI].url
    context = chromium.new_context(viewport={"width": 1200, "height": 850})
    context.set_default_timeout(PATIENCE)
    window = Window(context, pictures(tmp_path))
    page = window.page
    with DemoConsole(stage.patrolled) as console:
        with family.actor("Admin", WIKI) as admin:
            admin.edit("MediaWiki:Gadget-tsbot.js", build.script(console.url))
        with family.actor("Oversighter", WIKI) as user:
            user.act(action="options", change="gadget-tsbot=1")

        # She signs in with her wiki account.
        page.goto(console.url)
        window.picture("sign-in")
        page.goto(f"{console.url}/sign-in/wiki")
        page.fill("[name=name]", accounts["Oversighter"].name)
        page.fill("[name=password]", accounts["Oversighter"].password)
        window.press("Enter")
        expect(page.locator("h1")).to_have_text("Queue")
        window.picture("queue")

        # A token for the gadget, which she pastes on the wiki.
        page.goto(f"{console.url}/tokens")
        page.fill("[name=label]", "gadget")
        for scope in ("see_queue", "handle"):
            page.check(f"[name=scope][value={scope}]")
        page.locator("form:has([name=label]) button").click()
        token = page.input_value("#token")
        log_in(page, wiki, accounts["Oversighter"])
        page.goto(f"{wiki}/wiki/Project:Tools")
        page.click("#t-tsbot a")
        page.fill("#tsbot-token", token)
        page.click("#tsbot-options button[type=submit]")
        expect(page.locator("#tsbot-status")).to_have_text(build.messages()["en"]["works"])

        # Five flags by keyboard alone: claim, read, tell the detector, leave the rest for later.
        page.goto(console.url)
        window.press("o")
        seen = []
        for number in range(5):
            seen.append(page.url.split("/cases/")[1][:36])
            window.press("c")
            if number == 0:
                window.picture("case-masked")
            page.keyboard.press("r")
            expect(page.locator("#revealed .revealed mark").first).to_be_visible()
            if number == 0:
                window.picture("case-revealed")
            window.press("1")
            expect(page.get_by_text("The detector was told.")).to_be_visible()
            if number < 4:
                window.press("s")
        assert len(set(seen)) == 5

        # The plan of one of them, and its link to the form.
        first = stage.pages[0]
        case = stage.case_of(first)
        page.goto(f"{console.url}/cases/{case.id}")
        expect(page.locator("#h-follow")).to_be_visible()
        page.get_by_role("button", name="What to hide").click()
        link = page.locator("#revealed a[href*='RevisionDelete']").first
        expect(link).to_be_visible()
        link.scroll_into_view_if_needed()
        window.picture("plan")
        with context.expect_page() as opened:
            link.click()
        form = opened.value
        expect(form.locator("#tsbot-notice")).to_have_text(build.messages()["en"]["ticked"])
        form.screenshot(path=window.folder / "boxes-ticked.png")
        form.click("input[name=wpSubmit], button[name=wpSubmit]")
        expect(form.locator("#tsbot-notice")).to_have_text(build.messages()["en"]["told"])
        form.screenshot(path=window.folder / "hidden.png")
        form.close()

        # The case closes by itself, and her page says so.
        expect(page.locator("#live a")).to_be_visible()
        assert stage.wait(lambda: stage.closed(first), "the case does not close").state is CaseState.CLOSED
        page.reload()
        expect(page.get_by_text("all is hidden")).to_be_visible()
        expect(page.locator(".follow strong")).to_contain_text("hidden after")
        page.locator("#h-follow").scroll_into_view_if_needed()
        window.picture("closed-by-itself")
        assert window.trouble == []
        context.close()

        # An administrator without the right to suppress, and somebody without an account.
        for name in ("Example Sysop", ""):
            other = chromium.new_context(viewport={"width": 1200, "height": 850})
            guest = Window(other, window.folder)
            asked: list[str] = []
            other.on("request", lambda request, asked=asked: asked.append(request.url))
            if name:
                log_in(guest.page, wiki, accounts[name])
            guest.page.goto(f"{wiki}/w/index.php?title={stage.pages[1].title.replace(' ', '_')}&action=history")
            guest.page.wait_for_load_state("networkidle")
            assert guest.page.locator(".tsbot-mark, #t-tsbot").count() == 0
            assert [url for url in asked if url.startswith(console.url)] == []
            guest.picture(f"history-for-{'an-administrator' if name else 'anybody'}")
            guest.page.goto(f"{console.url}/cases/{case.id}")
            assert "/sign-in" in guest.page.url
            if name:
                guest.page.goto(f"{console.url}/sign-in/wiki")
                guest.page.fill("[name=name]", accounts[name].name)
                guest.page.fill("[name=password]", accounts[name].password)
                guest.press("Enter")
                assert case.id[:8] not in guest.page.content()
                guest.picture("refused")
            other.close()
