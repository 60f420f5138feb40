"""A steward's question on the real wikis, in a real browser: who else is this, where, and on what evidence.

With ``PICTURES=docs/pictures`` the screenshots in the docs are made anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tsbot.demo import steward
from tsbot.demo.desk import DemoConsole
from tsbot.demo.serving import Behaviour
from tsbot.demo.steward import WHY, Steward
from tsbot.demo.tracing import FRAMER, LOOK_ALIKE, PUPPETS, VICTIM
from tsbot.demo.world import World

pytestmark = pytest.mark.live
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 120_000
"""Milliseconds."""
COLOURS = 64
PROMISES = (
    *("nothing_for_others", "ranked_first", "where", "explained", "look_alike_spared", "cluster_drawn", "request_written"),
    *("imitation_named", "logged_without_names"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    """A family of wikis of its own: dozens of accounts would be in the way of other tests."""
    cache = request.config.cache.mkdir("tsbot-wikis")
    with World(tmp_path_factory.mktemp("steward"), cache=cache, behaviour=Behaviour()) as running:
        yield running


def test_the_fourth_play_keeps_its_promises(world: World) -> None:
    checks = list(steward.play(world, lambda _: None))
    assert [check for check in checks if not check.ok] == []
    assert [check.check for check in checks] == [f"trace.{name}" for name in PROMISES]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield running
        running.close()


@pytest.fixture
def stage(world: World) -> Iterator[Steward]:
    """Wikis with two months of edits, and a console."""
    play = Steward(world, lambda _: None)
    try:
        play.prepare()
        yield play
    finally:
        play.patrolled.kill()


def picture(page: Page, folder: Path, name: str, part: str = "") -> None:
    """What stands there now, or a part of it, in few colours."""
    path = folder / f"trace-{name}.png"
    if part:
        page.locator(part).first.screenshot(path=path, animations="disabled")
    else:
        page.screenshot(path=path, animations="disabled")
    with Image.open(path) as shot:
        shot.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def ask(page: Page, address: str, account: str) -> None:
    page.goto(f"{address}/trace")
    page.fill("#account", account)
    page.fill("#why", WHY)


def test_a_stewards_question(stage: Steward, chromium: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    family = stage.world.family
    account = family.accounts["Example Steward"]
    context = chromium.new_context(viewport={"width": 1200, "height": 850})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    with DemoConsole(stage.patrolled) as console:
        outside: list[str] = []
        page.on("request", lambda request: None if request.url.startswith((console.url, "data:")) else outside.append(request.url))
        page.goto(f"{console.url}/sign-in/wiki")
        page.fill("[name=name]", account.name)
        page.fill("[name=password]", account.password)
        with page.expect_navigation():
            page.keyboard.press("Enter")

        # She asks, and sees what has answered so far.
        ask(page, console.url, PUPPETS[1])
        picture(page, folder, "form")
        page.keyboard.press("Enter")
        expect(page.locator(".where tbody tr").first).to_be_visible()
        if page.locator("progress").count():
            picture(page, folder, "under-way")
        expect(page.locator("#h-who")).to_be_visible()

        # The three other accounts come first, each with words, numbers and diffs.
        names = page.locator(".candidate h3 bdi").all_inner_texts()
        assert sorted(names[:3]) == sorted(set(PUPPETS) - {PUPPETS[1]})
        picture(page, folder, "answer")
        first = page.locator(".candidate").first
        expect(first).to_contain_text("consistent with one person")
        first.locator("summary", has_text="side by side").click()
        first.locator(".diffs").scroll_into_view_if_needed()
        picture(page, folder, "diffs")
        link = first.locator(".pair a").first
        with context.expect_page() as opened:
            link.click()
        diff = opened.value
        expect(diff.locator("table.diff").first).to_be_visible()
        diff.close()
        if LOOK_ALIKE in names:
            card = page.locator(".candidate", has=page.locator("h3", has_text=LOOK_ALIKE))
            expect(card.locator(".tier").first).to_have_text("weak")
            card.locator("summary", has_text="Evidence").click()
            picture(page, folder, "look-alike", f'.candidate:has(h3:has-text("{LOOK_ALIKE}"))')

        # The picture, where and when, and the text to hand over.
        expect(page.locator(".picture svg circle")).to_have_count(5 if LOOK_ALIKE in names else 4)
        picture(page, folder, "clusters", "section[aria-labelledby=h-clusters]")
        picture(page, folder, "where", "section[aria-labelledby=h-where]")
        picture(page, folder, "when", "section[aria-labelledby=h-when]")
        page.locator("summary", has_text="Request for global locks").click()
        picture(page, folder, "request", "section[aria-labelledby=h-over]")
        assert all(name in page.input_value("#text-lock") for name in PUPPETS)
        with page.expect_download() as fetched:
            page.locator("aside a", has_text="CSV").click()
        assert PUPPETS[0] in fetched.value.path().read_text(encoding="utf-8")

        # She watches the accounts, and asks about somebody who is imitated.
        page.locator("summary", has_text="Watch these accounts").click()
        page.locator("aside button", has_text="Watch").first.click()
        expect(page.get_by_text("You watch these accounts now.")).to_be_visible()
        ask(page, console.url, VICTIM)
        page.keyboard.press("Enter")
        expect(page.locator("#h-who")).to_be_visible()
        expect(page.locator(".candidate--imitation h3")).to_contain_text(FRAMER)
        picture(page, folder, "imitation", ".candidate--imitation")
        assert page.locator(".diffs a").count()
        assert trouble == []
        assert [url for url in outside if not url.startswith(tuple(wiki.url for wiki in family.wikis.values()))] == []
    context.close()
