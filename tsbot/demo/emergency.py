"""The demo's second play: one school threat, from the edit to the purge, with two people, encrypted mail and a clock that runs fast."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TypeVar

from tsbot.cases.acts import desk
from tsbot.cases.approvals import asking
from tsbot.cases.browse import FlagLine
from tsbot.cases.case import Case, CaseState, read_case
from tsbot.cli.purge import second_person
from tsbot.demo.gpg import Gpg
from tsbot.demo.patrolled import PAGER, REPORT, Patrolled
from tsbot.demo.scenario import Check
from tsbot.demo.sink import Received
from tsbot.demo.world import World
from tsbot.errors import ApprovalNeededError, DemoError, TsbotError
from tsbot.housekeeping import open_housekeeper
from tsbot.report.codes import codes_in, reply_address
from tsbot.report.receive import Receiver, Taken
from tsbot.store import audit, outbox
from tsbot.store.outbox import Purpose, Report, ReportState

T = TypeVar("T")
EMERGENCY, SECOND, ACK = "emergency@example.org", "emergency-lead@example.org", "ack@example.org"
FIRST_PERSON, SECOND_PERSON = "amber", "birch"
PATIENCE = 60.0
SCHOOL = "Riverside School (Exampleton)"
THREAT = "I will come to your school in Exampleton tomorrow morning and hurt the pupils with a knife."
AGAIN = "At eight tomorrow I will be at the school gate in Exampleton and hurt them."
MINUTES = {"release": 5, "deliver": 5, "again": 5, "acknowledge": 0.05, "on_call": 0.1, "apart": 0.02}
"""Deadlines of the play: an hour and three become three seconds and six."""


@dataclass
class Emergency:
    """Plays on a running world; :meth:`run` yields a step after the other."""

    world: World
    say: Callable[[str], None]
    gpg: Gpg
    patrolled: Patrolled = field(init=False)
    _secrets: list[str] = field(default_factory=list)
    _earlier: int = 0
    """Mails that others got before."""

    def __post_init__(self) -> None:
        fingerprint = self.gpg.desk(EMERGENCY)
        self.patrolled = Patrolled(self.world, "emergency", _settings(fingerprint))
        key = self.patrolled.settings.data_path / "emergency.asc"
        key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key.write_bytes(self.gpg.export(fingerprint))

    def run(self) -> Iterator[Check]:
        """Play. Every step is followed by a look at the audit log."""
        try:
            for step in self._play():
                yield step
                if broken := self._broken():
                    yield Check(f"{step.check}.audit", False, broken)
                    return
            yield Check("emergency.audit_verifies", True, f"after every step; {self._entries()} entries at the end")
        except TsbotError as error:
            yield Check("emergency.played", False, str(error))

    def _play(self) -> Iterator[Check]:
        self.say("A second patrol starts, which releases nothing by itself.")
        self._earlier = len(self.world.sink.messages)
        self.patrolled.start()
        self.say("Somebody threatens a school, twice.")
        with self.world.family.actor("Grey Pebble", "enwiki") as person:
            first = person.edit(SCHOOL, append=f"\n\n{THREAT}\n", summary="")
            second = person.edit(SCHOOL, append=f"\n\n{AGAIN}\n", summary="")
        self._secrets = [THREAT, AGAIN, "Grey Pebble"]
        flags = self._wait(lambda: self._flags(first, second), "the threats are not flagged")
        cases = {flag.case for flag in flags}
        yield Check("emergency.one_case", len(cases) == 1, f"{len(flags)} flags, {len(cases)} case")
        case_id = flags[0].case

        letters = self._wait(lambda: self._held(case_id), "the letters on both edits are not written")
        shown = self._command("reports", "preview", letters[0].id)
        links = f"diff={first}" in shown or f"oldid={first}" in shown
        yield Check("emergency.previewed", links and "Subject: [TS]" in shown, f"{len(shown.splitlines())} lines, with a working link")
        yield from self._release(letters)

        mail = self._wait(lambda: self._mail_to(EMERGENCY), "no letter arrives")
        inner = message_from_bytes(self.gpg.decrypt(_armour(mail)), policy=default)
        text = str(inner.get_content() if isinstance(inner, EmailMessage) else inner.get_payload())
        sealed = "encrypted" in mail.message["Content-Type"] and b"Exampleton" not in mail.data
        ok = sealed and "Riverside School" in text and self._case(case_id).state is CaseState.REPORTED
        yield Check("emergency.arrives_encrypted", ok, f"{mail.message['Content-Type'].split(';')[0]}, read with the recipient's key")

        self.say("Nobody acknowledges it.")
        self._wait(lambda: self._mail_to(SECOND), "the second address hears nothing")
        self._wait(lambda: self._mail_to(PAGER), "on-call hears nothing")
        yield Check("emergency.escalates", True, f"to {SECOND}, then to on-call")

        self.say("The recipient answers.")
        yield from self._answer(case_id, text)

        self.say("Somebody removes the text, and an oversighter hides it.")
        with self.world.family.actor("Copper Kettle", "enwiki") as person:
            person.edit(SCHOOL, "(removed)", summary="removed")
        with self.world.family.actor("Oversighter", "enwiki") as oversighter:
            # The summary, too: the wiki wrote the beginning of the page into it when the first edit made the page.
            oversighter.hide([first, second], fields=("content", "comment"))
        closed = self._wait(lambda: self._closed(case_id), "the case is not closed")
        took = (closed.hidden or 0.0) - closed.opened
        detail = f"as {closed.outcome}, hidden {took:.0f} s after it was opened"
        yield Check("emergency.closed_by_stream", closed.outcome == "hidden", detail)

        numbers = json.loads(self._command("stats", "--by", "outcome", "--json"))
        hidden = [group for group in numbers["groups"] if group["key"] == {"outcome": "hidden"}]
        once = [group["cases"] for group in hidden] == [1] and numbers["became"].get("acknowledged") == 1
        yield Check("emergency.counted", once, "one case hidden, one acknowledged, in tsbot stats")
        yield from self._purge(case_id)
        self.patrolled.stop()

    def _release(self, letters: Sequence[Report]) -> Iterator[Check]:
        done = [self._try_release(letters[0], by) for by in (FIRST_PERSON, FIRST_PERSON, SECOND_PERSON)]
        for letter in letters[1:]:  # a letter that nobody has released keeps its case open
            self._try_release(letter, FIRST_PERSON)
            self._try_release(letter, SECOND_PERSON)
        detail = f"asked by {FIRST_PERSON}, released by {SECOND_PERSON}"
        yield Check("emergency.second_person_releases", done == [False, False, True], detail)

    def _try_release(self, letter: Report, by: str) -> bool:
        with closing(self.patrolled.open()) as store:
            who = desk(by, store.key, self.patrolled.settings)
            now = time.time()
            try:
                with asking(store) as connection:
                    who.check_release(connection, letter, now)
                    released = outbox.release(connection, letter.id, by, now)
                    if released:
                        who.note_release(connection, letter, now)
                    return released
            except ApprovalNeededError:
                return False

    def _answer(self, case_id: str, text: str) -> Iterator[Check]:
        code = next(codes_in(text), None)
        if code is None:
            raise DemoError("The letter holds no code by which it could be acknowledged.")
        whole = code[0]
        with closing(self.patrolled.open()) as store:
            receiver = Receiver(store, self.patrolled.settings, time.time)
            other = whole[:-1] + ("a" if whole[-1] != "a" else "b")
            forged = receiver.take(_reply(reply_address(ACK, other), EMERGENCY, "Result: passed_on"))
            real = receiver.take(_reply(reply_address(ACK, whole), EMERGENCY, "Result: passed_on"))
        state = self._case(case_id).state
        yield Check("emergency.forged_answer_refused", forged.taken is Taken.REFUSED, forged.reason)
        yield Check("emergency.acknowledged", real.taken is Taken.ACKNOWLEDGED and state is CaseState.ACKNOWLEDGED, f"case {state}")

    def _purge(self, case_id: str) -> Iterator[Check]:
        with closing(self.patrolled.open()) as store:
            keeper = open_housekeeper(self.patrolled.settings, store, time.time)
            second = second_person(keeper)
            try:
                keeper.purge_one(case_id, by=FIRST_PERSON, need=second.need, asking=second.asking)
                alone = True
            except ApprovalNeededError:
                alone = False
            keeper.purge_one(case_id, by=SECOND_PERSON, need=second.need, asking=second.asking)
        kept = b"".join(path.read_bytes() for path in sorted(self.patrolled.settings.data_path.rglob("*")) if path.is_file())
        found = [secret for secret in self._secrets if secret.encode() in kept]
        detail = f"by two people; {len(found)} of {len(self._secrets)} texts and names found"
        yield Check("emergency.purged", not alone and not found, detail)

    # -- looking ------------------------------------------------------------------------------------------------------

    def _wait(self, until: Callable[[], T | None], complaint: str) -> T:
        found = self.patrolled.wait(until, PATIENCE, complaint)
        assert found is not None
        return found

    def _flags(self, *rev_ids: int) -> list[FlagLine]:
        subjects = {f"enwiki:rev:{rev_id}" for rev_id in rev_ids}
        flags = [flag for flag in self.patrolled.flags() if flag.subject in subjects]
        return flags if {flag.subject for flag in flags} == subjects else []

    def _held(self, case_id: str) -> list[Report]:
        """The letters of a case that wait for release, the first one first; none unless there is one on each edit."""
        letters = [one for one in self.patrolled.reports() if one.case_id == case_id and one.purpose is Purpose.LETTER]
        held = [one for one in letters if one.state is ReportState.HELD]
        return sorted(held, key=lambda one: one.created) if len({one.subject for one in held}) == 2 else []

    def _mail_to(self, address: str, words: str = "") -> Received | None:
        mails = self.world.sink.messages[self._earlier :]
        return next((mail for mail in mails if address in mail.recipients and words.encode() in mail.data), None)

    def _case(self, case_id: str) -> Case:
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return read_case(connection, case_id)

    def _closed(self, case_id: str) -> Case | None:
        case = self._case(case_id)
        return case if case.state is CaseState.CLOSED else None

    def _broken(self) -> str:
        with closing(self.patrolled.open()) as store, store.read() as connection:
            broken = audit.verify(connection)
        return broken.reason if broken else ""

    def _entries(self) -> int:
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return audit.head(connection).number

    def _command(self, *words: str) -> str:
        command = [sys.executable, "-m", "tsbot", *words, "--config", str(self.patrolled.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode:
            raise DemoError(f"tsbot {' '.join(words[:2])} ended with {done.returncode}.")
        return done.stdout


def _settings(fingerprint: str) -> list[str]:
    deadlines = ", ".join(f"{name} = {minutes}" for name, minutes in MINUTES.items())
    recipient = (
        *(f'to = "{EMERGENCY}"', f'second = "{SECOND}"', 'policy = "require"'),
        *('key = "emergency.asc"', f'fingerprint = "{fingerprint}"'),
    )
    kinds = ("violence", "mass_violence")
    return [
        "[cases]",
        'two_person = ["dismiss_high", "lower_kind", "disclose", "legal_hold", "purge_early", "send_report"]',
        # It has the public edits of everybody, so also the name that must be gone from the case.
        "[trace]",
        "index = false",
        "[report]",
        *REPORT,
        f'ack_address = "{ACK}"',
        "[report.deadlines]",
        *(f"{kind} = {{ {deadlines} }}" for kind in kinds),
        *(line for kind in kinds for line in (f"[[report.recipients.{kind}]]", *recipient)),
        "[[oncall.people]]",
        'name = "on-call"',
        f'mail = "{PAGER}"',
    ]


def _reply(to: str, sender: str, body: str) -> bytes:
    mail = EmailMessage(policy=default)
    mail["From"], mail["To"], mail["Subject"] = sender, to, "Re: report"
    mail.set_content(f"{body}\n\nWe have it.\n")
    return mail.as_bytes()


def _armour(mail: Received) -> bytes:
    for part in mail.message.walk():
        if part.get_content_type() == "application/octet-stream":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    return b""


def play(world: World, say: Callable[[str], None]) -> Iterator[Check]:
    """Play it all, and clear away the recipient's keys."""
    with Gpg() as gpg:
        emergency = Emergency(world, say, gpg)
        try:
            yield from emergency.run()
        finally:
            emergency.patrolled.kill()
