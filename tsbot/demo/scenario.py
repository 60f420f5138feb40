"""The demo's play, checked: each promise is a check with a name, and fails when it is not kept."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import urllib3

from tsbot.cases.browse import FlagLine
from tsbot.demo.patrolled import PAGER, Patrolled
from tsbot.demo.seeds import Played, play, read_seeds
from tsbot.demo.sink import Received
from tsbot.demo.world import World
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import DemoError, TsbotError

PATIENCE = 60.0
LINK = re.compile(r"https?://[^\s<>]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise and whether it was kept."""

    check: str
    ok: bool
    detail: str


@dataclass
class Scenario:
    """Plays everything on a running world; :meth:`run` yields a check after the other."""

    world: World
    patrolled: Patrolled
    say: Callable[[str], None]
    played: list[Played] = field(default_factory=list)

    def run(self, only: str = "") -> Iterator[Check]:
        """Play, and yield the checks whose name begins with ``only``. What a check needs is played in any case."""
        for step in (self._patrol, self._detection, self._cases, self._disturbed):
            try:
                for check in step():
                    if check.check.startswith(only):
                        yield check
            except TsbotError as error:
                yield Check(f"patrol.{step.__name__.strip('_')}_ran", False, str(error))
                return

    # -- steps --------------------------------------------------------------------------------------------------------

    def _patrol(self) -> Iterator[Check]:
        self.say(f"{self.patrolled.who.capitalize()} starts.")
        self.patrolled.start()
        yield Check("patrol.wikis_up", True, ", ".join(f"{name} {wiki.url}" for name, wiki in self.world.family.wikis.items()))
        self.say("People edit.")
        self.played = play(self.world.family, read_seeds(), clock=time.time)
        self.patrolled.wait(self.patrolled.idle, PATIENCE, "the patrol is still busy")
        flags = {flag.subject: flag for flag in self.patrolled.flags()}
        threats = [one for one in self.played if one.seed.expected]
        limit = self.patrolled.in_time
        late = [one.seed.id for one in threats if one.subject not in flags or flags[one.subject].created - one.time > limit]
        slowest = max((flags[one.subject].created - one.time for one in threats if one.subject in flags), default=0.0)
        detail = f"{len(threats)} threats flagged, the slowest after {slowest:.1f} s"
        yield Check(f"patrol.flagged_within_{limit:.0f}s", not late, _words(late, detail))
        yield self._mailed(threats)
        unexplained = [
            f"{one.seed.id} as {flags[one.subject].kind}"
            for one in self.played
            if not one.seed.expected and one.subject in flags and Kind(flags[one.subject].kind) not in one.seed.may_flag
        ]
        explained = [one.seed.id for one in self.played if not one.seed.expected and one.subject in flags]
        ordinary = sum(not one.seed.expected for one in self.played)
        detail = f"{ordinary} ordinary edits; flagged and explained: {', '.join(explained) or 'none'}"
        yield Check("patrol.no_unexplained_flag", not unexplained, _words(unexplained, detail))
        yield self._accounted("patrol.accounting_exact")

    def _mailed(self, threats: list[Played]) -> Check:
        mails = {mail.message["Message-ID"]: mail for mail in self.patrolled.sink.messages}
        late, slowest, limit = [], 0.0, self.patrolled.in_time
        letters = [report for report in self.patrolled.reports() if report.purpose == "letter"]
        for one in threats:
            arrived = [mails[report.message_id].time for report in letters if report.subject == one.subject and report.message_id in mails]
            if not arrived or min(arrived) - one.time > limit:
                late.append(one.seed.id)
            else:
                slowest = max(slowest, min(arrived) - one.time)
        detail = f"{len(threats)} letters, the slowest after {slowest:.1f} s"
        return Check(f"patrol.mailed_within_{limit:.0f}s", not late, _words(late, detail))

    def _accounted(self, name: str) -> Check:
        totals = self.patrolled.totals()
        events = len(self.world.twin.log.entries)
        ok = totals.balanced and not totals.pending and totals.received == events
        parts = f"skipped {sum(totals.skipped.values())}, cleared {totals.cleared}, flagged {totals.flagged}"
        rest = f"outcome {totals.outcome}, failed {totals.failed}, pending {totals.pending}"
        return Check(name, ok, f"{events} events sent, {totals.received} received: {parts}, {rest}")

    def _detection(self) -> Iterator[Check]:
        kinds = {(flag.subject, flag.kind): flag for flag in self.patrolled.flags()}
        threats = [one for one in self.played if one.seed.expected]
        wrong = [one.seed.id for one in threats if not any((one.subject, kind) in kinds for kind in one.seed.expected)]
        yield Check("detection.kinds_as_expected", not wrong, _words(wrong, f"{len(threats)} threats of the kinds expected"))
        fields = [
            one.seed.id
            for one in threats
            if not any(kinds[one.subject, kind].field == one.seed.field for kind in one.seed.expected if (one.subject, kind) in kinds)
        ]
        yield Check("detection.found_where_it_stands", not fields, _words(fields, "text, summary and user name told apart"))
        unlike = []
        for one in threats:
            for kind in one.seed.expected:
                line = kinds.get((one.subject, kind))
                flag = self.patrolled.flag(line.id) if line else None
                if flag is not None and (flag.content is None or not flag.content.evidence):
                    unlike.append(one.seed.id)
        yield Check("detection.evidence_shown", not unlike, _words(unlike, "every flag shows the words that it rests on"))
        languages = sorted({flag.language for flag in kinds.values()})
        yield Check("detection.languages", len(languages) > 3, ", ".join(languages))

    def _cases(self) -> Iterator[Check]:
        reports = self.patrolled.reports()
        letters = Counter((report.subject, report.recipient) for report in reports if report.purpose == "letter")
        twice = [subject for (subject, _), n in letters.items() if n > 1]
        mailed = Counter(mail.message["Message-ID"] for mail in self.patrolled.sink.messages)
        doubled = [identity for identity, n in mailed.items() if n > 1]
        yield Check("cases.nobody_mailed_twice", not twice and not doubled, _words(twice + doubled, f"{len(letters)} letters, each once"))
        yield self._pages([mail for mail in self.patrolled.sink.messages if PAGER in mail.recipients])
        yield self._links()
        yield self._sealed()

    def _pages(self, pages: list[Received]) -> Check:
        """Pages exist for emergencies, and carry ids only."""
        flags = self.patrolled.flags()
        told = []
        for mail in pages:
            body = mail.message.get_content()
            words = [flag.wiki for flag in flags] + [kind.value for kind in PHYSICAL] + [one.seed.page for one in self.played]
            told += [word for word in words if word in body or word in str(mail.message["Subject"])]
        ok = bool(pages) and not told and all(UUID.search(mail.message.get_content()) for mail in pages)
        return Check("cases.pages_carry_ids_only", ok, _words(told, f"{len(pages)} pages"))

    def _links(self) -> Check:
        """The links of letters work: the wiki answers each with 200."""
        known = {urlsplit(wiki.url).netloc for wiki in self.world.family.wikis.values()}
        links = {
            link.rstrip(".,;")
            for mail in self.patrolled.sink.messages
            for link in LINK.findall(mail.message.get_content())
            if urlsplit(link).netloc in known
        }
        with urllib3.PoolManager(timeout=30.0) as http:
            bad = [link for link in sorted(links) if http.request("GET", link).status != 200]
        return Check("cases.links_work", bool(links) and not bad, _words(bad, f"{len(links)} links in letters answer"))

    def _sealed(self) -> Check:
        """Neither texts nor names of people stand in clear in the database or the log."""
        stored = self.patrolled.stored()
        secrets = {one.seed.who for one in self.played if one.seed.expected}
        for one in self.played:
            if one.seed.expected:
                lines = (one.seed.text or one.seed.append or "").strip().splitlines()
                secrets |= {line for line in [*lines, one.seed.summary] if len(line) > 20}
        found = [secret for secret in secrets if secret.encode() in stored]
        return Check("cases.sealed_at_rest", not found, f"{len(found)} of {len(secrets)} names and texts found in clear")

    def _disturbed(self) -> Iterator[Check]:
        self.say(f"{self.patrolled.who.capitalize()} is killed; somebody edits meanwhile; {self.patrolled.who} starts again.")
        self.patrolled.kill()
        before = {flag.id for flag in self.patrolled.flags()}
        with self.world.family.actor("Copper Kettle", "enwiki") as person:
            rev_id = person.edit("Talk:While nobody looked", "I will come to your office tomorrow at noon and hurt you.", summary="new")
        done = time.time()
        self.patrolled.start()
        subject = f"enwiki:rev:{rev_id}"
        self.patrolled.wait(lambda: self._flag_on(subject), PATIENCE, "an edit made while the patrol was dead is not flagged")
        yield Check("patrol.killed_and_resumed", True, f"flagged {time.time() - done:.1f} s after the restart began")
        self.patrolled.wait(self.patrolled.idle, PATIENCE, "the patrol is still busy")
        after = {flag.id for flag in self.patrolled.flags()}
        kept = before <= after and len(after) == len(before) + 1
        yield Check("patrol.nothing_lost_or_doubled", kept, f"{len(before)} flags before, {len(after)} after")

        self.say("An oversighter hides the text.")
        with self.world.family.actor("Copper Kettle", "enwiki") as person:
            person.edit("Talk:While nobody looked", "(removed)", summary="removed")
        with self.world.family.actor("Oversighter", "enwiki") as oversighter:
            oversighter.hide([rev_id], fields=("content",))
        self.patrolled.wait(lambda: "hidden" in self._outcomes(subject), PATIENCE, "the hiding of a flagged text is not noticed")
        yield Check("patrol.outcome_noticed", True, f"outcomes: {', '.join(self._outcomes(subject))}")
        self.patrolled.wait(self.patrolled.idle, PATIENCE, "the patrol is still busy")
        yield self._accounted("patrol.accounting_exact_after_kill")
        code = self.patrolled.stop()
        summary = self.patrolled.written_summary()
        ended = {name: summary[name] for name in ("received", "duplicates", "pending", "flagged", "outcome")}
        yield Check("patrol.stops_cleanly", code == 0 and not summary["pending"], f"exit code {code}; {ended}")

    def _flag_on(self, subject: str) -> FlagLine | None:
        return next((flag for flag in self.patrolled.flags() if flag.subject == subject), None)

    def _outcomes(self, subject: str) -> tuple[str, ...]:
        flag = self._flag_on(subject)
        if flag is None:
            raise DemoError(f"The flag on {subject} is gone.")
        return flag.outcomes


def _words(bad: list[str], good: str) -> str:
    return "not so: " + ", ".join(sorted(set(bad))) if bad else good
