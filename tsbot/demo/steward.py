"""The demo's fourth play: a steward asks who else an account is, and gets an answer that can be checked and handed over."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from tsbot.demo import tracing
from tsbot.demo.desk import DemoConsole, Guest, console_lines, plain_session
from tsbot.demo.patrolled import AUTOMATIC, Patrolled
from tsbot.demo.scenario import Check
from tsbot.demo.tracing import FRAMER, LOOK_ALIKE, PUPPETS, VICTIM
from tsbot.demo.world import World
from tsbot.errors import DemoError, TsbotError
from tsbot.store import audit

SIGN_IN_WIKI = "metawiki"
"""Where stewards are stewards."""
PATIENCE = 120.0
WHY = "request on Meta, 3 August"
STRONG = ("very strong", "strong")


@dataclass(frozen=True, slots=True)
class Shown:
    """A page with an answer, as a reader sees it."""

    address: str
    page: str

    @property
    def listed(self) -> dict[str, str]:
        """The accounts that are listed, in their order, with their tiers."""
        found = re.findall(r'<h3 id="c-\d+">\d+\. <bdi[^>]*>([^<]+)</bdi> <span[^>]*>([^<]+)</span>', self.page)
        return {html.unescape(name): tier.strip() for name, tier in found}

    @property
    def clusters(self) -> list[str]:
        """The clusters in words."""
        return re.findall(r"<li>Cluster \d+: (.*?)</li>", self.page)

    def card(self, account: str) -> str:
        """The part of the page on one account; empty if it is not listed."""
        parts = re.split(r'<article class="card candidate', self.page)[1:]
        return next((part.partition("</article>")[0] for part in parts if re.search(rf">{re.escape(account)}</bdi> <span", part)), "")

    def text(self, form: str) -> str:
        """A text to hand over."""
        found = re.search(rf'<textarea id="text-{form}"[^>]*>(.*?)</textarea>', self.page, re.DOTALL)
        return html.unescape(found[1]) if found else ""


@dataclass
class Steward:
    """Plays on a running world; :meth:`run` yields a step after the other."""

    world: World
    say: Callable[[str], None]
    patrolled: Patrolled = field(init=False)

    def __post_init__(self) -> None:
        self.patrolled = Patrolled(self.world, "trace", (*AUTOMATIC, *console_lines(self.world, SIGN_IN_WIKI)))

    def run(self) -> Iterator[Check]:
        """Play."""
        try:
            self.prepare()
            with DemoConsole(self.patrolled) as console:
                yield from self._play(console)
        except TsbotError as error:
            yield Check("trace.played", False, str(error))

    def prepare(self) -> None:
        """Start the patrol, and let two months of edits have happened."""
        self.patrolled.start()
        self.say("A puppeteer has edited for two months with four accounts on three wikis, among ordinary people.")
        tracing.play(self.world.family, time.time())

    def _play(self, console: DemoConsole) -> Iterator[Check]:
        accounts = self.world.family.accounts
        steward, stranger, sysop = Guest(console.url), Guest(console.url), Guest(console.url)
        steward.sign_in(accounts["Example Steward"])
        refused = sysop.sign_in(accounts["Example Sysop"])
        turned_away = [guest.get("/trace").url for guest in (stranger, sysop)]
        ok = refused == 403 and all("/sign-in" in url for url in turned_away)
        yield Check("trace.nothing_for_others", ok, "an administrator and a stranger are led to the sign-in")

        self.say(f"A steward asks about {PUPPETS[1]}.")
        asked = time.monotonic()
        answer = ask(steward, PUPPETS[1])
        took = time.monotonic() - asked
        others = sorted(set(PUPPETS) - {PUPPETS[1]})
        first = list(answer.listed)[:3]
        ok = sorted(first) == others and all(answer.listed[name] in STRONG for name in others)
        yield Check("trace.ranked_first", ok, f"{_told(answer.listed)}, after {took:.1f} s")
        wikis = re.findall(r'aria-label="Contributions on (\w+)"', answer.page)
        yield Check("trace.where", sorted(wikis) == sorted(tracing.WIKIS), f"on {', '.join(wikis)}")
        yield self._explained(answer, others)

        tier = answer.listed.get(LOOK_ALIKE, "not listed")
        card = answer.card(LOOK_ALIKE)
        ok = tier not in STRONG and not any(LOOK_ALIKE in group for group in answer.clusters) and (not card or "side--against" in card)
        yield Check("trace.look_alike_spared", ok, f"{LOOK_ALIKE}: {tier}, with what speaks against it")
        picture = steward.get(f"{answer.address}/as/svg").text
        drawn = [name for name in PUPPETS if f">{name}</text>" in picture]
        ok = drawn == list(PUPPETS) and len(answer.clusters) == 1 and all(name in answer.clusters[0] for name in PUPPETS)
        yield Check("trace.cluster_drawn", ok, f"{len(answer.clusters)} cluster, {len(drawn)} of its accounts in the picture")
        request = answer.text("lock")
        lock = re.search(r"\{\{MultiLock\|(.*?)\}\}", request)
        named = sorted(one.partition("=")[2] for one in lock[1].split("|")) if lock else []
        ok = named == sorted(PUPPETS) and "consistent with" in request and LOOK_ALIKE not in request
        yield Check("trace.request_written", ok, f"asks to lock {', '.join(named)}")

        self.say(f"The steward asks about {VICTIM}, whom somebody imitates.")
        framed = ask(steward, VICTIM)
        ok = framed.listed.get(FRAMER) == "imitation" and not framed.clusters and f"={FRAMER}" not in framed.text("lock")
        yield Check("trace.imitation_named", ok, f"{FRAMER}: {framed.listed.get(FRAMER, 'not listed')}; in no cluster and no request")

        entries = self._questions()
        names = (*PUPPETS, VICTIM, FRAMER)
        ok = len(entries) == 2 and all(WHY in entry for entry in entries) and not any(name in entry for entry in entries for name in names)
        yield Check("trace.logged_without_names", ok, f"{len(entries)} questions in the audit log, with their reasons")

    def _explained(self, answer: Shown, others: list[str]) -> Check:
        """Whether each link has independent kinds of evidence, and diffs that open."""
        poor, opened = [], 0
        for name in others:
            card = answer.card(name)
            links = [html.unescape(link) for link in re.findall(r'href="([^"]+diff=[^"]+)"', card)]
            kinds = re.search(r"(\d+) independent kinds", card)
            if kinds is None or int(kinds[1]) < 2 or len(links) < 2 or "Expected coincidences" not in card:
                poor.append(name)
                continue
            with plain_session() as session:
                page = session.get(links[0], timeout=PATIENCE)
            opened += page.status_code == 200 and "diff-" in page.text
        ok = not poor and opened == len(others)
        detail = f"not so: {', '.join(poor)}" if poor else f"two independent kinds of evidence or more, {opened} diffs opened"
        return Check("trace.explained", ok, detail)

    def _questions(self) -> list[str]:
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return [f"{entry.actor} {entry.details}" for entry in audit.entries(connection) if entry.act == "trace.asked"]


def ask(guest: Guest, account: str, why: str = WHY) -> Shown:
    """Ask on the trace page, and wait for the whole answer. Raises ``DemoError``."""
    sent = guest.send("/trace", "/trace", account=account, why=why)
    address = sent.url[len(guest.url) :]
    if not address.startswith("/trace/"):
        raise DemoError(f"The console does not take the question about {account}: HTTP {sent.status_code}.")
    deadline = time.monotonic() + PATIENCE
    while 'hx-trigger="every' in sent.text:
        if time.monotonic() > deadline:
            raise DemoError(f"After {PATIENCE:.0f} s there is no answer about {account}.")
        time.sleep(0.5)
        sent = guest.get(address)
    return Shown(address, sent.text)


def _told(listed: dict[str, str]) -> str:
    return ", ".join(f"{name} ({tier})" for name, tier in listed.items()) or "nobody"


def play(world: World, say: Callable[[str], None]) -> Iterator[Check]:
    """Play it all."""
    steward = Steward(world, say)
    try:
        yield from steward.run()
    finally:
        steward.patrolled.kill()
