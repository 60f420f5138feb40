"""The gadget in a real browser, on the real wiki, with the real console on another host name.

The wiki is at ``127.0.0.1``, the console at ``localhost``: to the browser these are two sites, as in production.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from sqlalchemy import select

from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.console import sessions, tokens
from tsbot.console.access import Act, Groups, shipped_matrix
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.gadget import build
from tsbot.console.pages.gadget import loading
from tsbot.console.people import FreshRights, Person
from tsbot.demo.wikis import WikiFamily
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.errors import DemoError, WikiUnavailableError
from tsbot.settings import ConsoleSettings, Settings
from tsbot.store import audit, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

pytestmark = pytest.mark.live

WIKI = "enwiki"
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-features=LocalNetworkAccessChecks")  # fmt: skip
"""The last: to the browser, a page that a test has changed on the way does not come from this machine, and would need leave to ask it."""
MARK, NOTICE, OPTIONS = ".tsbot-mark", "#tsbot-notice", "#tsbot-options"
TEXT = "A mild made-up passage about"


@dataclass
class Desk:
    """The console as it runs, and the wiki as it is."""

    family: WikiFamily
    console: Console
    url: str

    @property
    def database(self) -> Database:
        return self.console.database

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def wiki(self) -> str:
        return self.family.wikis[WIKI].url

    def token(self, name: str, *scopes: Act) -> str:
        """A token that somebody made in the console."""
        now = time.time()
        with self.database.write() as connection:
            cookie = sessions.sign_in(connection, self.database.key, f"wiki:{name}", name, now)
            found = sessions.find(connection, self.database.key, cookie, now)
            assert found is not None
            return tokens.make(connection, found.person, "gadget", scopes or (Act.SEE_QUEUE, Act.HANDLE), 30, now)

    def page(self, title: str, *texts: str, summary: str = "") -> list[int]:
        """A page of a bad edit after another, and a good one after them; the ids of the bad ones. The first is flagged."""
        with self.family.actor("Grey Pebble", WIKI) as author:
            ids = [author.edit(title, text, summary=summary) for text in texts]
        with self.family.actor("Maple Reader", WIKI) as reader:
            reader.edit(title, "Nothing to see.")
        return ids

    def flag(self, rev_id: int) -> str:
        """Flag a revision; the case, which is new."""
        word = "abcdefghijklmnopqrst"[next(self.numbers)]  # like nothing before it, by nobody and on no page seen before
        event = Event(
            id=f"event-{rev_id}", stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki=WIKI, server_url=self.wiki,
            time=time.time(), title=f"Page {rev_id}", namespace=0, user=f"Editor {rev_id}", rev_id=rev_id,
        )  # fmt: skip
        finding = Finding(
            kinds={Kind.VIOLENCE: 0.9}, flagged=(Kind.VIOLENCE,), specificity=1, plausibility=1, imminence=1,
            evidence=(Evidence(0, 3, "violence"),), language="en", coverage=Coverage.SCORED,
        )  # fmt: skip
        with self.database.write() as connection:
            judged = [Judged(event, Passage(Field.TEXT, f"{word * 30} {rev_id * 7919} {word * 20}"), finding)]
            (flag,) = file_flags(
                connection, self.database.key, judged, detector="d", source="patrol", windows=Windows(), now=time.time()
            )
        return flag.case_id

    def told(self, case_id: str) -> list[str]:
        """Who said that revisions of a case are hidden."""
        with self.database.read() as connection:
            return [entry.actor for entry in audit.entries(connection, obj=case_id) if entry.act == "case.told_hidden"]

    def pseudonym(self, name: str) -> str:
        with self.database.read() as connection:
            return str(connection.scalar(select(t.person.c.pseudonym).where(t.person.c.subject == f"wiki:{name}")))

    def hidden(self, rev_id: int) -> dict[str, bool]:
        """What the wiki hides of a revision from everybody."""
        with self.family.anonymous("203.0.113.90", WIKI) as anybody:
            answer = anybody.ask(action="query", prop="revisions", revids=rev_id, rvprop="ids|user|comment|sha1")
        revision = answer["query"]["pages"][0]["revisions"][0]
        return {name: bool(revision.get(name)) for name in ("sha1hidden", "commenthidden", "userhidden", "suppressed")}


@dataclass
class Visitor:
    """A browser of somebody, and what it asked for."""

    desk: Desk
    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self.asked.append(f"{request.method} {request.url}"))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda message: self.trouble.append(message.text) if "JavaScript parse error" in message.text else None)

    @property
    def of_console(self) -> list[str]:
        """What it asked the console for."""
        return [line.replace(self.desk.url, "") for line in self.asked if self.desk.url in line]

    def log_in(self, name: str) -> None:
        """Log in on the wiki."""
        self.page.goto(f"{self.desk.wiki}/w/index.php?title=Special:UserLogin")
        self.page.fill("#wpName1", name)
        self.page.fill("#wpPassword1", self.desk.family.accounts[name].password)
        self.page.click("#wpLoginAttempt")
        expect(self.page.locator("#pt-logout").first).to_be_attached()
        self.settle()

    def go(self, title: str, **query: Any) -> None:
        """Open a page of the wiki, and wait until its scripts have run."""
        words = "&".join(f"{name}={value}" for name, value in {"title": title.replace(" ", "_"), **query}.items())
        self.page.goto(f"{self.desk.wiki}/w/index.php?{words}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page's modules are there and have nothing more to fetch."""
        self.page.wait_for_function("() => window.mw && mw.loader.getState('user') !== 'loading' && document.readyState === 'complete'")
        self.page.wait_for_load_state("networkidle")

    def paste(self, token: str) -> None:
        """Open the dialog and give it a token."""
        self.page.click("#t-tsbot a")
        self.page.fill("#tsbot-token", token)
        self.page.click(f"{OPTIONS} button[type=submit]")

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    shots: Path = Path()


@pytest.fixture(scope="module")
def desk(family: WikiFamily, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The console, answering at ``localhost``; it asks the wiki for people's groups."""
    store = Database(connect(f"sqlite:///{tmp_path_factory.mktemp('desk') / 'tsbot.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    listening = socket(AF_INET, SOCK_STREAM)
    listening.bind(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    settings = Settings(console=ConsoleSettings(url=url, client_id="c", wiki_origins=(family.wikis[WIKI].url,)))

    def ask(person: Person) -> Groups:
        try:
            with family.anonymous("203.0.113.91", WIKI) as anybody:
                [user] = anybody.ask(action="query", list="users", ususers=person.name, usprop="groups")["query"]["users"]
        except DemoError as error:
            raise WikiUnavailableError("The wiki does not answer.") from error
        return Groups({WIKI: frozenset(user["groups"])}, at=time.time())

    console = Console(settings, store, FreshRights(ask, shipped_matrix(), time.time), time.time, secure=False)
    server = uvicorn.Server(uvicorn.Config(create_app(console), log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    with family.actor("Admin", WIKI) as admin:
        admin.edit("MediaWiki:Gadget-tsbot.js", build.script(url))
        admin.edit("MediaWiki:Gadgets-definition", build.DEFINITION)
    # The one who is careless with other people's scripts, and the one who would like to see more than they may.
    for name in ("Oversighter", "Example Sysop"):
        with family.actor(name, WIKI) as user:
            user.act(action="options", change="gadget-tsbot=1|rcenhancedfilters-disable=0")
    with family.actor("Example Sysop", WIKI) as sysop:
        sysop.edit("User:Example Sysop/common.js", build.script(url))
    yield Desk(family, console, url)
    server.should_exit = True
    thread.join(10)
    listening.close()
    store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield running
        running.close()


@pytest.fixture
def visitor(desk: Desk, browser: Browser, tmp_path: Path) -> Iterator[Visitor]:
    """Somebody who is not logged in."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(20_000)
    guest = Visitor(desk, context, context.new_page())
    guest.shots = tmp_path
    yield guest
    context.close()
    assert guest.trouble == []


@pytest.fixture
def oversighter(desk: Desk, visitor: Visitor) -> Visitor:
    """An oversighter who has pasted a token."""
    visitor.log_in("Oversighter")
    visitor.go("Project:Tools")
    visitor.paste(desk.token("Oversighter"))
    expect(visitor.page.locator("#tsbot-status")).to_have_text(build.messages()["en"]["works"])
    visitor.page.click(f"{OPTIONS} button:last-of-type")
    visitor.asked.clear()
    return visitor


def link(ids: list[int], boxes: str) -> dict[str, str]:
    """What a link of a hide plan says."""
    return {"type": "revision", "ids": ",".join(map(str, ids)), "wpReason": "Private", "tshide": boxes}


def test_history_diff_and_recent_changes_carry_marks(desk: Desk, oversighter: Visitor) -> None:
    first, second = desk.page("Weir", f"{TEXT} one.", f"{TEXT} two.")
    case = desk.flag(first)

    oversighter.go("Weir", action="history")
    mark = oversighter.page.locator(MARK)
    expect(mark).to_have_count(1)
    assert oversighter.page.locator(f"[data-mw-revid='{first}'] {MARK}").count() == 1
    assert mark.get_attribute("href") == f"{desk.url}/cases/{case}"
    assert mark.inner_text() == "◆"
    oversighter.picture("history")

    oversighter.go("Weir", diff=second, oldid=first)
    expect(oversighter.page.locator(f"#mw-diff-otitle1 {MARK}")).to_have_count(1)
    expect(oversighter.page.locator(f"#mw-diff-ntitle1 {MARK}")).to_have_count(0)
    oversighter.picture("diff")

    oversighter.go("Special:RecentChanges", hidebots=1, limit=50, days=7)
    mark = oversighter.page.locator(f"[data-mw-revid='{first}'] {MARK}")
    expect(mark).to_have_count(1)
    expect(mark).not_to_be_visible()  # three edits of a page are folded into one line, which is marked in its place
    group = oversighter.page.locator("table", has=mark)
    expect(group.locator(".tsbot-group")).to_be_visible()
    expect(oversighter.page.locator(".tsbot-group")).to_have_count(1)
    oversighter.picture("recent-changes")
    group.locator(".mw-enhancedchanges-arrow").click()
    expect(mark).to_be_visible()
    for line in oversighter.of_console:
        assert re.fullmatch(r"GET /api/v1/marks\?wiki=enwiki&revids=[0-9]+(%7C[0-9]+)*", line)


def test_no_cookie_and_no_referrer_go_to_the_console(desk: Desk, oversighter: Visitor) -> None:
    [first] = desk.page("Sluice", f"{TEXT} one.")
    desk.flag(first)
    oversighter.context.add_cookies([{"name": "tsbot", "value": "a-session", "url": desk.url}])
    sent: list[dict[str, str]] = []
    oversighter.context.on("request", lambda request: sent.append(request.all_headers()) if "/marks" in request.url else None)
    oversighter.go("Sluice", action="history")
    expect(oversighter.page.locator(MARK)).to_have_count(1)
    [headers] = sent
    assert headers["authorization"].startswith("Bearer tsbot_")
    assert headers["origin"] == desk.wiki
    assert {"cookie", "referer"}.isdisjoint(headers)


@pytest.mark.parametrize("count", [1, 3])
def test_a_link_ticks_the_boxes_and_the_console_is_told(desk: Desk, oversighter: Visitor, count: int) -> None:
    ids = desk.page(f"Mill race {count}", *(f"{TEXT} {number}." for number in range(count)), summary="a summary")
    case = desk.flag(ids[0])
    oversighter.go("Special:RevisionDelete", **link(ids, "content,comment,restricted"))
    expect(oversighter.page.locator(NOTICE)).to_have_text(build.messages()["en"]["ticked"])
    kind = "checkbox" if count == 1 else "radio"
    ticked = oversighter.page.eval_on_selector_all(
        f"input[type={kind}][name^=wpHide]", "boxes => boxes.filter(box => box.checked).map(box => `${box.name}=${box.value}`).sort()"
    )
    assert ticked == (["wpHideComment=1", "wpHidePrimary=1", "wpHideRestricted=1"] if count == 1
                      else ["wpHideComment=1", "wpHidePrimary=1", "wpHideRestricted=1", "wpHideUser=-1"])  # fmt: skip
    oversighter.picture(f"ticked-{count}")
    assert desk.hidden(ids[0])["sha1hidden"] is False
    assert oversighter.of_console == []

    oversighter.page.click("input[name=wpSubmit], button[name=wpSubmit]")
    expect(oversighter.page.locator(NOTICE)).to_have_text(build.messages()["en"]["told"])
    oversighter.picture(f"told-{count}")
    assert oversighter.of_console == ["OPTIONS /api/v1/hidden", "POST /api/v1/hidden"][-len(oversighter.of_console) :]
    for rev_id in ids:
        assert desk.hidden(rev_id) == {"sha1hidden": True, "commenthidden": True, "userhidden": False, "suppressed": True}
    assert desk.told(case) == [desk.pseudonym("Oversighter")]


def test_what_the_wiki_refused_is_not_told(desk: Desk, oversighter: Visitor) -> None:
    with desk.family.actor("Grey Pebble", WIKI) as author:
        current = author.edit("Ferry", f"{TEXT} one.")  # the text of a current revision cannot be hidden
    case = desk.flag(current)
    oversighter.go("Special:RevisionDelete", **link([current], "content"))
    expect(oversighter.page.locator(NOTICE)).to_have_text(build.messages()["en"]["ticked"])
    oversighter.page.click("input[name=wpSubmit], button[name=wpSubmit]")
    oversighter.settle()
    assert oversighter.page.locator(".mw-message-box-error").count() == 1
    assert oversighter.of_console == []
    assert desk.told(case) == []


def test_a_console_that_does_not_answer_can_be_told_again(desk: Desk, oversighter: Visitor) -> None:
    [first] = desk.page("Spillway", f"{TEXT} one.")
    case = desk.flag(first)
    oversighter.context.route(f"{desk.url}/api/v1/hidden", lambda route: route.abort())
    oversighter.go("Special:RevisionDelete", **link([first], "content"))
    oversighter.page.click("input[name=wpSubmit], button[name=wpSubmit]")
    expect(oversighter.page.locator(NOTICE)).to_contain_text(build.messages()["en"]["away"])
    oversighter.picture("away")
    assert desk.told(case) == []
    oversighter.context.unroute(f"{desk.url}/api/v1/hidden")
    oversighter.page.click(f"{NOTICE} button")
    expect(oversighter.page.locator(NOTICE)).to_have_text(build.messages()["en"]["told"])
    assert len(desk.told(case)) == 1


def test_a_form_without_the_box_for_suppression_warns(desk: Desk, oversighter: Visitor) -> None:
    [first] = desk.page("Lock keeper", f"{TEXT} one.")

    def without_box(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("wpHideRestricted", "other"))

    oversighter.context.route(f"{desk.wiki}/w/index.php?title=Special:RevisionDelete&*", without_box)
    oversighter.go("Special:RevisionDelete", **link([first], "content,restricted"))
    expect(oversighter.page.locator(NOTICE)).to_have_text(build.messages()["en"]["no-suppression"])


def test_a_link_with_other_words_ticks_nothing(desk: Desk, oversighter: Visitor) -> None:
    [first] = desk.page("Towpath", f"{TEXT} one.")
    oversighter.go("Special:RevisionDelete", **link([first], "constructor,wpSubmit,<b>"))
    assert oversighter.page.locator(NOTICE).count() == 0
    assert oversighter.page.locator("input[name^=wpHide]:checked").count() == 0


def test_a_token_that_has_ended_says_so_and_shows_nothing(desk: Desk, oversighter: Visitor) -> None:
    [first] = desk.page("Lock gate", f"{TEXT} one.")
    desk.flag(first)
    with desk.database.write() as connection:
        person = connection.execute(select(t.person).where(t.person.c.subject == "wiki:Oversighter")).mappings().one()
        tokens.revoke_all(connection, Person(person["id"], "", "", person["pseudonym"]), time.time())
    oversighter.go("Lock gate", action="history")
    expect(oversighter.page.locator("#t-tsbot a")).to_have_attribute("title", build.messages()["en"]["token"])
    assert oversighter.page.locator(MARK).count() == 0


def test_the_dialog_refuses_and_forgets(desk: Desk, visitor: Visitor) -> None:
    visitor.log_in("Oversighter")
    visitor.go("Project:Tools")
    words = build.messages()["en"]
    assert visitor.of_console == []
    for wrong in ("no token, with spaces", "tsbot_forged"):
        visitor.paste(wrong)
        expect(visitor.page.locator("#tsbot-status")).to_have_text(words["token"])
        visitor.page.keyboard.press("Escape")
        expect(visitor.page.locator(OPTIONS)).to_have_count(0)
    visitor.paste(desk.token("Oversighter"))
    expect(visitor.page.locator("#tsbot-status")).to_have_text(words["works"])
    visitor.picture("dialog")
    assert visitor.page.input_value("#tsbot-token") == ""
    visitor.page.click(f"text={words['forget']}")
    assert visitor.page.evaluate("JSON.stringify({ ...localStorage })").find("tsbot_") == -1


def test_an_administrator_without_the_right_sees_and_fetches_nothing(desk: Desk, visitor: Visitor) -> None:
    # Though the script is in their common.js, and they have got hold of somebody's token.
    [first] = desk.page("Aqueduct", f"{TEXT} one.")
    desk.flag(first)
    stolen = desk.token("Oversighter")
    visitor.log_in("Example Sysop")
    visitor.page.evaluate(
        "token => localStorage.setItem('tsbot-gadget', JSON.stringify({ user: mw.config.get('wgUserId'), token: token }))", stolen
    )
    visitor.go("Aqueduct", action="history")
    assert visitor.page.evaluate("mw.loader.getState('user')") == "ready"
    assert visitor.page.evaluate("mw.loader.getState('ext.gadget.tsbot')") != "ready"
    visitor.picture("sysop-history")
    seen = [visitor.page.locator(f"{MARK}, #t-tsbot").count()]
    pages = (("Aqueduct", {"diff": first}), ("Special:RecentChanges", {}), ("Special:RevisionDelete", link([first], "content")))
    for title, query in pages:
        visitor.go(title, **query)
        seen.append(visitor.page.locator(f"{MARK}, #t-tsbot, {NOTICE}, input[name^=wpHide]:checked").count())
    assert seen == [0, 0, 0, 0]
    assert visitor.of_console == []


def test_the_console_refuses_the_token_of_an_administrator(desk: Desk, visitor: Visitor) -> None:
    """Whoever changes the script in their browser has still to be let in by the console."""
    token = desk.token("Example Sysop")
    visitor.log_in("Example Sysop")
    status = visitor.page.evaluate(
        "([url, token]) => fetch(url + '/api/v1/marks?wiki=enwiki&revids=1', { headers: { Authorization: 'Bearer ' + token } })"
        ".then(answer => answer.status)",
        [desk.url, token],
    )
    assert status == 403


def test_an_anonymous_visitor_sees_and_fetches_nothing(desk: Desk, visitor: Visitor) -> None:
    # Though a careless wiki gives them the script.
    [first] = desk.page("Canal", f"{TEXT} one.")
    desk.flag(first)
    for title, query in (("Canal", {"action": "history"}), ("Canal", {"diff": first}), ("Special:RecentChanges", {})):
        visitor.go(title, **query)
        visitor.page.add_script_tag(content=build.script(desk.url))
        visitor.settle()
        assert visitor.page.locator(f"{MARK}, #t-tsbot").count() == 0
    assert visitor.of_console == []


def test_other_sites_cannot_ask_though_they_have_a_token(desk: Desk, visitor: Visitor) -> None:
    token = desk.token("Oversighter")
    visitor.page.goto(f"{desk.family.wikis['dewiki'].url}/wiki/Spezial:Version")
    problem = visitor.page.evaluate(
        "([url, token]) => fetch(url + '/api/v1/marks?wiki=enwiki&revids=1', { headers: { Authorization: 'Bearer ' + token } })"
        ".then(() => 'answered', () => 'refused')",
        [desk.url, token],
    )
    assert problem == "refused"


POLICY = (
    "default-src 'self' data: blob:{more}; script-src 'unsafe-eval' blob: 'self' 'unsafe-inline'; "
    "style-src 'self' data: blob: 'unsafe-inline'"
)
"""What MediaWiki sends with ``$wgCSPHeader`` (ContentSecurityPolicy.php); ``more`` is its ``default-src``."""


@pytest.mark.parametrize("allowed", [True, False])
def test_a_policy_of_the_wiki_that_names_the_console_is_enough(desk: Desk, oversighter: Visitor, allowed: bool) -> None:
    [first] = desk.page(f"Culvert {allowed}", f"{TEXT} one.")
    desk.flag(first)
    policy = POLICY.format(more=f" {desk.url}" if allowed else "")

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    oversighter.context.route(f"{desk.wiki}/w/index.php?*", with_policy)
    oversighter.go(f"Culvert {allowed}", action="history")
    expect(oversighter.page.locator("#t-tsbot a")).to_have_text("tsbot" if allowed else "tsbot (!)")
    expect(oversighter.page.locator(MARK)).to_have_count(1 if allowed else 0)


Load = Callable[..., str]


@pytest.fixture
def load(desk: Desk, visitor: Visitor) -> Load:
    """Loads the script from the console as a page of a wiki does; what became of it."""

    def from_page(wiki: str, *, cors: bool = True) -> str:
        visitor.page.goto(f"{desk.family.wikis[wiki].url}/w/index.php?title=Special:BlankPage")
        return str(visitor.page.evaluate(
            "([src, cors]) => new Promise(done => { const s = document.createElement('script'); if (cors) s.crossOrigin = 'anonymous';"
            "s.onload = () => done('loaded'); s.onerror = () => done('refused'); s.src = src; document.head.appendChild(s); })",
            [f"{desk.url}/gadget/tsbot.js", cors],
        ))  # fmt: skip

    return from_page


def test_only_configured_wikis_can_load_the_script_from_the_console(load: Load) -> None:
    assert load("enwiki") == "loaded"
    assert load("dewiki") == "refused"
    assert load("enwiki", cors=False) == "refused"


@pytest.mark.parametrize("changed", [False, True])
def test_the_lines_for_a_common_js_load_what_was_looked_at_and_nothing_else(desk: Desk, visitor: Visitor, changed: bool) -> None:
    script = build.script(desk.url)
    lines = loading(script + "/* other */" if changed else script, f"{desk.url}/gadget/tsbot.js", ["suppress"])
    visitor.go("Special:BlankPage")
    visitor.page.evaluate(lines)  # of somebody who is in no group
    visitor.settle()
    assert visitor.of_console == []
    visitor.page.evaluate("mw.config.set({ wgUserGroups: ['suppress'], wgUserId: 1 })")
    visitor.page.evaluate(lines)
    visitor.settle()
    expect(visitor.page.locator("#t-tsbot")).to_have_count(0 if changed else 1)
    assert visitor.of_console == ["GET /gadget/tsbot.js"]


def test_gadget_and_user_script_at_once_are_one(desk: Desk, oversighter: Visitor) -> None:
    oversighter.go("Special:BlankPage")
    oversighter.page.add_script_tag(content=build.script(desk.url))
    oversighter.settle()
    expect(oversighter.page.locator("#t-tsbot")).to_have_count(1)
