"""A person is heard, on real wikis, in a real browser and by real mail: every promise of the demo's fourth play is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tsbot.demo import reported
from tsbot.demo.accounts import Account
from tsbot.demo.world import World

pytestmark = pytest.mark.live
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
PROMISES = (
    *("acknowledged_in_arabic", "help_in_her_country", "mailed_within_5s", "becomes_a_case", "jumps_the_queue", "added_by_mail"),
    *("mail_becomes_a_case", "encrypted_both_ways", "verified", "merged", "reveals_nobody", "order_kept", "answered_acted_closed"),
    *("told_by_mail", "read_by_link", "export_has_no_trace", "sealed_at_rest"),
)


class InBrowser:
    """Somebody at the public page, on a small screen, without JavaScript."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))

    def report(self, url: str, fields: dict[str, str]) -> str:
        self.page.goto(url)
        self.page.locator("summary").click()
        for name, value in fields.items():
            place = self.page.locator(f"[name={name}]")
            if name in ("about", "research"):
                self.page.check(f"[name={name}][value='{value}']")
            elif name == "country":
                place.select_option(value)
            else:
                place.fill(value)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320
        self.page.locator("button.send").click()
        self.page.wait_for_load_state()
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320
        return self.page.content()

    def open(self, url: str) -> str:
        self.page.goto(url)
        return self.page.content()


class AtConsole:
    """A handler in a browser, who clicks what the page of a case shows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.url = ""

    def begin(self, url: str, account: Account) -> None:
        self.url = url
        self.page.goto(f"{url}/sign-in/wiki")
        self.page.fill("[name=name]", account.name)
        self.page.fill("[name=password]", account.password)
        self.page.locator("form[action='/sign-in/wiki'] button, main form button").first.click()
        expect(self.page.locator("#queue")).to_be_visible()

    def merge(self, case_id: str, into: str) -> str:
        self._at(case_id)
        return self._led_to(f"form[action^='/cases/{case_id}/merge']:has([name=into][value='{into}']) button")

    def answer(self, case_id: str, hearing_id: str, situation: str, text: str) -> str:
        self._at(case_id)
        self.page.locator(f"form[action^='/cases/{case_id}/hearing']:has([value='{hearing_id}']) button").first.click()
        draft = f"#revealed form[action='/cases/{case_id}/hearing']"
        self.page.select_option(f"{draft} [name=situation]", situation)
        self.page.locator(f"{draft} button").click()
        form = f"#revealed form[action='/cases/{case_id}/answer']:has([name=situation][value='{situation}'])"
        self.page.fill(f"{form} [name=text]", text)
        return self._led_to(f"{form} button")

    def note(self, case_id: str, text: str) -> str:
        self._at(case_id)
        self.page.fill("#note", text)
        return self._led_to(f"form[action^='/cases/{case_id}/note'] button")

    def step(self, case_id: str, what: str) -> str:
        self._at(case_id)
        return self._led_to(f"form[action^='/cases/{case_id}/step']:has([name=what][value='{what}']) button")

    def close(self, case_id: str, outcome: str) -> str:
        self._at(case_id)
        self.page.select_option("#outcome", outcome)
        return self._led_to(f"form[action^='/cases/{case_id}/close'] button[name=stay]")

    def _at(self, case_id: str) -> None:
        self.page.goto(f"{self.url}/cases/{case_id}")

    def _led_to(self, button: str) -> str:
        with self.page.expect_navigation():
            self.page.locator(button).first.click()
        return self.page.locator("body").inner_text()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield running
        running.close()


def test_whoever_is_harmed_is_heard(tmp_path, request, chromium):
    context = chromium.new_context(locale="ar-EG", viewport={"width": 320, "height": 640}, java_script_enabled=False)
    person = InBrowser(context.new_page())
    with World(tmp_path, cache=request.config.cache.mkdir("tsbot-wikis")) as world:
        handler = AtConsole(chromium.new_context(locale="en").new_page())
        checks = list(reported.play(world, lambda _: None, person, handler))
    assert [check for check in checks if not check.ok] == []
    assert [check.check for check in checks] == [f"intake.{name}" for name in PROMISES]
    assert {url.split("/")[2] for url in person.asked} == {person.asked[0].split("/")[2]}  # nobody else is asked for anything
    assert context.cookies() == []
    context.close()
