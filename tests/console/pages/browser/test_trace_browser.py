"""The trace page in a real browser: an answer that grows, a telephone, right to left, no JavaScript, the dark, the keyboard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tsbot.console.tracing.jobs import Jobs

pytestmark = pytest.mark.live
CASE = "request on Meta, 3 August"


@pytest.fixture(autouse=True)
def _asking(house: Any, make_jobs: Callable[..., Jobs], farm: Any) -> None:
    """The console asks the farm; one of its wikis has blocked the account in part."""
    house.more["traces"] = make_jobs(lambda: house.now)
    farm.blocks["enwiki", "Plain Facts 1"] = [
        {"expiry": "infinity", "by": "Example", "nocreate": True, "noemail": True, "partial": True, "restrictions": {"pages": [{}, {}]}}
    ]
    farm.locked.add("Plain Facts 0")


def ask(window: Any, account: str = "Plain Facts 1", query: str = "") -> Any:
    page = window.go(f"/trace{query}")
    page.fill("#account", account)
    page.fill("#why", CASE)
    page.keyboard.press("Enter")
    return page


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def answered(page: Any) -> None:
    page.wait_for_selector("#h-who", timeout=60_000)


def test_the_answer_grows_while_wikis_are_asked(screen: Any, farm: Any) -> None:
    held, answer = threading.Event(), farm.get

    def slow(wiki: str, parameters: Any, **more: Any) -> Any:
        if wiki == "frwiki":
            held.wait(30)
        return answer(wiki, parameters, **more)

    farm.get = slow
    window = screen()
    page = ask(window)
    try:
        page.wait_for_selector(".where tbody tr:nth-child(2)")
        assert page.locator("progress").count() >= 1
        assert window.axe() == []
        window.shot("trace-under-way")
    finally:
        held.set()
    answered(page)
    assert page.locator(".candidate").count() == 4
    assert page.locator("progress").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible_by_the_rules(screen: Any, dark: bool) -> None:
    window = screen(dark=dark)
    page = window.go("/trace")
    assert window.axe() == []
    window.shot(f"trace-form-{'dark' if dark else 'light'}")
    for account in ("Plain Facts 1", "Quiet Organist"):
        page = ask(window, account)
        answered(page)
        unfold(page)
        assert window.axe() == [], account
        window.shot(f"trace-{account.replace(' ', '-')}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_telephone(screen: Any, language: str) -> None:
    window = screen(width=360)
    page = ask(window, query=f"?uselang={language}")
    answered(page)
    page = window.go(page.url.removeprefix(window.address) + f"?uselang={language}")
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    unfold(page)
    assert window.sideways() == 0
    window.shot(f"trace-360-{language}")


def test_without_javascript(screen: Any, house: Any) -> None:
    window = screen(scripts=False)
    page = ask(window)
    page.wait_for_url("**/trace/*")
    for _ in range(100):
        if not page.locator("text=Look again").count():
            break
        page.wait_for_timeout(200)
        page.click("text=Look again")
    assert page.locator(".candidate").count() == 4
    assert page.locator("[data-copy]:visible").count() == 0
    first = page.locator(".candidate").first
    first.locator("summary", has_text="This link is wrong").click()
    first.locator("[name=why]:visible").fill("met both of them")
    first.locator("button", has_text="Dispute").click()
    assert "The link is disputed." in page.inner_text("main")
    assert house.rows("select count(*) from trace_dispute") == [(1,)]


def test_by_keyboard_alone(screen: Any) -> None:
    window = screen()
    page = window.go()
    window.keys("t")
    page.keyboard.press("Tab")
    page.focus("#account")
    page.keyboard.type("Plain Facts 1")
    page.keyboard.press("Tab")
    page.keyboard.type(CASE)
    window.keys("Enter")
    answered(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "c-2"
    page.keyboard.press("d")
    assert page.locator(".candidate").nth(1).locator("details.diffs[open]").count() == 1
    assert page.locator("details.diffs[open]").count() == 1


def test_a_text_is_copied(screen: Any) -> None:
    window = screen()
    page = ask(window)
    answered(page)
    page.click("text=Request for global locks")
    page.click("[data-copy=text-lock]")
    page.wait_for_selector("button:has-text('Copied')")
