"""The demo's fourth play: a person reports harassment in Arabic, is heard, and reads by their link how it ended."""

from __future__ import annotations

import json
import os
import re
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import requests
from sqlalchemy import select

from tsbot.cases.case import Case, read_case
from tsbot.demo.desk import DemoConsole, console_lines
from tsbot.demo.handling import ByForms, Handler
from tsbot.demo.patrolled import AUTOMATIC, Patrolled
from tsbot.demo.ports import LOOPBACK, free_ports
from tsbot.demo.scenario import Check
from tsbot.demo.sink import Received
from tsbot.demo.world import World
from tsbot.errors import DemoError, TsbotError
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import Hearing
from tsbot.research import export
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database

WIKI, TARGET, VANDAL = "enwiki", "Maple Reader", "Grey Pebble"
PATIENCE, IN_TIME = 60.0, 5.0
ADDRESS, PERSON_MAIL, SEALED_MAIL = "tell-us@example.org", "nour@example.net", "ines@example.net"
KEY = "reception.asc"
ADDED = "He did it again today."
THREAT = "I know where you live. I will come to your house tonight and hurt you."
TOLD = "هذا المستخدم يلاحقني منذ أسبوع ويكتب في صفحة نقاشي: سآتي إلى بيتك الليلة وأؤذيك. أنا خائفة وأسكن في حي الزيتون."
TRACES = (PERSON_MAIL, "nour", "الزيتون", VANDAL, TARGET, "127.0.0.1")
"""What must not stand in the export."""
LINK = re.compile(r'value="(http://[^"]+/l/[A-Za-z0-9_-]{43})"')
REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")
OTHERS = 10
"""People who report something similar, so that nobody stands in a group of fewer than ten."""


class Person(Protocol):
    """Somebody at the public page: by HTTP here, in a real browser in the tests."""

    def report(self, url: str, fields: dict[str, str]) -> str:
        """Fill the form and send it; the page that comes."""

    def open(self, url: str) -> str:
        """Look at an address; the page that comes."""


class ByHttp:
    """A browser that is none."""

    def __init__(self, language: str = "ar-EG,ar") -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["accept-language"] = language

    def report(self, url: str, fields: dict[str, str]) -> str:
        """Send the form."""
        once = re.search(r'name="once" value="([^"]+)"', self.open(url))
        if once is None:
            raise DemoError("The public page has no form.")
        return self.session.post(url, data=fields | {"once": once[1]}, timeout=PATIENCE).text

    def open(self, url: str) -> str:
        """Look at an address."""
        return self.session.get(url, timeout=PATIENCE).text


class DemoReception:
    """``tsbot receive`` on the settings of a patrol; runs within a ``with`` block."""

    def __init__(self, patrolled: Patrolled) -> None:
        self.patrolled = patrolled
        self.url = f"http://{patrolled.settings.reception.listen}/"
        self.log = patrolled.log.with_name("reception.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tsbot", "receive", "--config", str(self.patrolled.config)]
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.patrolled.world.family.pywikibot_dir)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                ByHttp().open(self.url)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return self
        self._end()
        raise DemoError(f"The reception does not answer; see {self.log}.")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@dataclass
class Reported:
    """Plays on a running world; :meth:`run` yields a check after the other."""

    world: World
    say: Callable[[str], None]
    person: Person = field(default_factory=ByHttp)
    handler: Handler = field(default_factory=ByForms)
    patrolled: Patrolled = field(init=False)

    def __post_init__(self) -> None:
        web, mail = free_ports(2)
        places = (f'listen = "127.0.0.1:{web}"', f'mail_listen = "127.0.0.1:{mail}"')
        lines = ("[reception]", *places, f'address = "{ADDRESS}"', f'wiki = "{WIKI}"', f'pgp_key = "{KEY}"')
        self.mail_port = mail
        self.patrolled = Patrolled(self.world, "intake", (*AUTOMATIC, *console_lines(self.world), *lines))

    def run(self) -> Iterator[Check]:
        """Play."""
        try:
            self.patrolled.start()
            self._make_key()
            people = self.world.family.accounts
            with (
                DemoReception(self.patrolled) as reception,
                DemoConsole(self.patrolled) as console,
                closing(self.patrolled.open()) as store,
            ):
                self.handler.begin(console.url, people["Oversighter"])
                yield from self._play(reception, store)
        except TsbotError as error:
            yield Check("intake.played", False, str(error))

    def _make_key(self) -> None:
        """The key that mail to the reception is encrypted to."""
        from pysequoia import Tsk  # noqa: PLC0415 - an extra

        file = self.patrolled.settings.data_path / KEY
        file.touch(mode=0o600)
        file.write_text(str(Tsk.generate(f"Tell us <{ADDRESS}>")), encoding="ascii")

    def _play(self, reception: DemoReception, store: Database) -> Iterator[Check]:
        self.say("Somebody threatens a person on her talk page, and the patrol flags it.")
        with self.world.family.actor(VANDAL, WIKI) as vandal:
            vandal.edit(f"User talk:{TARGET}/Archive 1", append="\n\nYou never answer to what I ask you about the old harbour.\n")
            rev_id = vandal.edit(f"User talk:{TARGET}", append=f"\n\n{THREAT}\n")
        subject = f"{WIKI}:rev:{rev_id}"
        flags = self.patrolled.wait(
            lambda: [flag for flag in self.patrolled.flags() if flag.subject == subject], PATIENCE, "the threat is not flagged"
        )
        self.say("She reports it in Arabic, on the public page.")
        before = len(self.world.sink.messages)
        link = f"{self.world.family.wikis[WIKI].url}/w/index.php?diff={rev_id}"
        fields = {"text": TOLD, "country": "EG", "about": "self", "links": link, "accused": VANDAL, "mail": PERSON_MAIL,
                  "account": TARGET, "research": "1"}  # fmt: skip
        sent = time.time()
        page = unescape(self.person.report(reception.url, fields))
        found = LINK.search(page)
        private = found[1] if found else ""
        arabic = '<html lang="ar" dir="rtl">' in page and "وصلنا بلاغك" in page
        yield Check("intake.acknowledged_in_arabic", arabic and bool(private), f"a reference and a private link, in {len(page)} characters")
        near = "16328" in page and "findahelpline" in page and page.index('class="danger"') < page.index('class="reference"')
        yield Check("intake.help_in_her_country", near, "emergency numbers first, a crisis line in Egypt, an international list beside it")
        yield self._mailed(before, sent)

        hearing = self._hearing(store, "web")
        with store.read() as connection:
            case = read_case(connection, hearing.case_id)
        ok = (case.source, case.wiki, case.state.value) == ("intake", WIKI, "new") and case.id != flags[0].case
        yield Check("intake.becomes_a_case", ok, f"case {case.id[:8]} beside {flags[0].case[:8]} of the bot's flag")
        jumped = self.patrolled.wait(lambda: self._urgent(store, hearing.id), PATIENCE, "the report is not read by the detector")
        yield Check("intake.jumps_the_queue", jumped[0].priority >= 80, f"priority {jumped[0].priority}")
        yield self._added_by_mail(store, hearing)
        self.say("Somebody else reports by mail, with a picture that nobody opens.")
        yield self._by_mail(store)
        self.say("A third one encrypts, and sends a key along.")
        yield self._encrypted()
        self.say("A handler looks at what the wiki tells of the two accounts.")
        yield self._verified(store, flags[0].case, rev_id)
        yield from self._handled(store, hearing, flags[0].case, private)
        yield from self._exported(reception, store)
        yield self._sealed(private)

    def _mailed(self, before: int, sent: float) -> Check:
        def mine() -> list[Received]:
            return [mail for mail in self.world.sink.messages[before:] if PERSON_MAIL in mail.recipients]

        mail = self.patrolled.wait(mine, PATIENCE, "no acknowledgement is mailed")[0]
        took, subject = mail.time - sent, str(mail.message["Subject"])
        bare = REFERENCE.search(subject) is not None and len(subject) < 40
        body = mail.message.get_content()
        ok = took <= IN_TIME and bare and "16328" in body and "سيقرأ بلاغك إنسان" in body
        return Check("intake.mailed_within_5s", ok, f"{took:.1f} s, in Arabic; the subject is the reference alone")

    def _by_mail(self, store: Database) -> Check:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "sam@example.net", ADDRESS, "Help", "<one@example.net>"
        mail.set_content("The same person writes things like that to me as well.")
        mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="picture.png")
        code = self._send(mail)
        hearing = self._hearing(store, "mail")
        with store.read() as connection:
            said = hearings.read_said(connection, store.key, hearing)
        kept = said is not None and "writes things like that" in said.text and said.remarks == ("attachments",)
        return Check("intake.mail_becomes_a_case", code == 250 and kept, "the text is kept, the attachment refused")

    def _added_by_mail(self, store: Database, hearing: Hearing) -> Check:
        """She answers to the acknowledgement; what she writes is added to her report."""
        first = next(mail for mail in self.world.sink.messages if PERSON_MAIL in mail.recipients)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = PERSON_MAIL, ADDRESS, f"Re: {first.message['Subject']}"
        mail["Message-ID"], mail["In-Reply-To"] = "<two@example.net>", str(first.message["Message-ID"])
        mail.set_content(ADDED)
        code = self._send(mail)
        with store.read() as connection:
            said = [word.text or "" for word in hearings.words(connection, store.key, hearing)]
        return Check("intake.added_by_mail", code == 250 and any(ADDED in text for text in said), f"{len(said)} addition to her report")

    def _encrypted(self) -> Check:
        """OpenPGP both ways: a mail that is encrypted to us with a key along is acknowledged to that key, and shows nothing on the way."""
        from pysequoia import Tsk, decrypt, encrypt  # noqa: PLC0415 - an extra

        ours = Tsk.from_bytes((self.patrolled.settings.data_path / KEY).read_bytes())
        theirs = Tsk.generate(f"Ines <{SEALED_MAIL}>")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = SEALED_MAIL, ADDRESS, "...", "<three@example.net>"
        mail.set_content(bytes(encrypt(b"He follows me from page to page.", recipients=[ours.extract_certificate()])).decode("ascii"))
        key = str(theirs.extract_certificate()).encode("ascii")
        mail.add_attachment(key, maintype="application", subtype="pgp-keys", filename="key.asc")
        code = self._send(mail)

        def answered() -> list[Received]:
            return [one for one in self.world.sink.messages if SEALED_MAIL in one.recipients]

        answer = self.patrolled.wait(answered, PATIENCE, "the encrypted mail is not acknowledged")[0].message
        sealed = answer.get_content_type() == "multipart/encrypted" and "/l/" not in answer.as_string()
        parts = [part.get_payload(decode=True) for part in answer.iter_parts()] if sealed else []
        content = parts[1] if len(parts) == 2 and isinstance(parts[1], bytes) else b""
        opened = (decrypt(content, decryptor=theirs.decryptor()).bytes or b"").decode() if content else ""
        ok = code == 250 and sealed and "/l/" in opened
        return Check("intake.encrypted_both_ways", ok, "opened with our key, acknowledged to theirs; the private link is inside")

    def _send(self, mail: EmailMessage) -> int:
        """Hand a mail over as a mail server does."""
        with smtplib.LMTP(LOOPBACK, self.mail_port, timeout=PATIENCE) as server:
            server.ehlo()
            server.mail(str(mail["From"]))
            server.rcpt(ADDRESS)
            return server.data(mail.as_bytes(policy=SMTP))[0]

    def _verified(self, store: Database, case_id: str, rev_id: int) -> Check:
        """What is asked of the wiki on the command line, each look of it written down."""
        look = ("--case", case_id, "--json")
        met = self._asked("accounts", WIKI, VANDAL, TARGET, *look)
        words = self._asked("phrase", WIKI, str(rev_id), *look, "--everywhere", "--phrase", "-", given=THREAT)
        archives = self._asked("archives", WIKI, f"User talk:{TARGET}", *look, "--phrase", "-", given="the OLD harbour")
        sanctions = self._asked("sanctions", WIKI, VANDAL, *look)
        with store.read() as connection:
            acts = {entry.act for entry in audit.entries(connection, obj=case_id)}
        found = {
            "their contact": any(one["rev_id"] == rev_id for one in met["contacts"]),
            "the edit that brought the words": words["origins"][0]["first"]["rev_id"] == rev_id,
            "an archive with other words": [one["has"] for one in archives["found"]] == [True],
            "what was done against the account": not sanctions["silent"] or sanctions["silent"] == ["metawiki"],
            "an entry of each look": {f"dealings.{what}" for what in ("accounts", "spread", "archives", "sanctions")} <= acts,
        }
        missing = [name for name, there in found.items() if not there]
        return Check("intake.verified", not missing, f"not found: {', '.join(missing)}" if missing else ", ".join(found))

    def _asked(self, *words: str, given: str = "") -> Any:
        command = [sys.executable, "-m", "tsbot", "dealings", *words, "--config", str(self.patrolled.config)]
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.patrolled.world.family.pywikibot_dir)}
        done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode:
            raise DemoError(f"tsbot dealings {words[0]} ends with {done.returncode}: {done.stderr[-500:]}")
        return json.loads(done.stdout)

    def _handled(self, store: Database, hearing: Hearing, flagged: str, private: str) -> Iterator[Check]:
        self.say("A handler merges the report with the bot's case, answers, acts and closes, at the console.")
        handler = self.handler
        handler.merge(hearing.case_id, flagged)
        with store.read() as connection:
            here, gone = hearings.get(connection, hearing.id).case_id, read_case(connection, hearing.case_id).merged_into
        yield Check("intake.merged", here == gone == flagged, f"all of it is in case {flagged[:8]}")
        refused = handler.answer(flagged, hearing.id, "received", f"Dear {TARGET}, we have read what you wrote about {VANDAL}.")
        early = handler.answer(flagged, hearing.id, "closed", "انتهينا.")
        closing_early = handler.close(flagged, "handled")
        reveals = "who reported" in refused and "who is accused" in refused
        yield Check("intake.reveals_nobody", reveals, "an answer that names her and whom she accuses is not sent")
        kept = all("what was found (a note)" in page for page in (early, closing_early))
        yield Check("intake.order_kept", kept, "neither is she told the end nor the case closed before it is written down what was found")
        answers = ("قرأنا ما كتبته.", "جرى اتخاذ إجراء.")
        before = len(self.world.sink.messages)
        handler.answer(flagged, hearing.id, "received", answers[0])
        handler.note(flagged, "Threat at the talk page, hidden and the account blocked.")
        handler.step(flagged, "acted")
        handler.step(flagged, "sanctioned_told")
        handler.answer(flagged, hearing.id, "acted", answers[1])
        handler.close(flagged, "handled")
        with store.read() as connection:
            case = read_case(connection, flagged)
            names = list(connection.scalars(select(t.person.c.pseudonym)))
        ok = (case.state.value, case.outcome) == ("closed", "handled")
        yield Check("intake.answered_acted_closed", ok, "documented, acted, the sanctioned told, the reporter told")
        yield self._told(before, private, answers)
        page = unescape(self.person.open(private))
        ok = all(one in page for one in answers) and "أُغلق" in page and not any(name in page for name in names)
        yield Check("intake.read_by_link", ok, "both answers, and that it is closed; no handler's name")

    def _told(self, before: int, private: str, answers: tuple[str, ...]) -> Check:
        """That there are answers is mailed; what they say is not."""

        def mine() -> list[Received]:
            found = [mail for mail in self.world.sink.messages[before:] if PERSON_MAIL in mail.recipients]
            return found if len(found) == len(answers) else []

        texts = [str(mail.message.get_content()) for mail in self.patrolled.wait(mine, PATIENCE, "the answers are not told")]
        token = private.rpartition("/")[2]
        ok = all(token in text and not any(one in text for one in answers) for text in texts)
        return Check("intake.told_by_mail", ok, f"{len(texts)} mails with the private link, without the answers")

    def _exported(self, reception: DemoReception, store: Database) -> Iterator[Check]:
        self.say("Ten others report something similar; the month is exported for research.")
        link = f"{self.world.family.wikis[WIKI].url}/w/index.php?diff=1"
        for number in range(OTHERS):
            ByHttp().report(reception.url, {"text": f"{TOLD} ({number})", "about": "self", "research": "1", "links": link})
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "export"
            with store.write() as connection:
                now = time.time()
                made = export.make(
                    connection, store.key, self.patrolled.settings, output, since=now - 86400, until=now + 1, by="amber", now=now
                )
            written = "".join(path.read_text(encoding="utf-8") for path in sorted(output.iterdir()))
            lines = [json.loads(line) for line in (output / export.REPORTS).read_text(encoding="utf-8").splitlines()]
        traces = [one for one in TRACES if one.casefold() in written.casefold()]
        ok = made.reports > OTHERS and not traces and len(lines) == made.reports
        detail = f"not so: {', '.join(traces)}" if traces else f"{made.reports} reports, groups of ten"
        yield Check("intake.export_has_no_trace", ok, detail)

    def _sealed(self, private: str) -> Check:
        """Nothing of a report stands in clear in the database's files or the logs."""
        folder = self.patrolled.settings.data_path
        names = [*sorted(folder.glob("tsbot.sqlite*")), self.patrolled.log, self.patrolled.log.with_name("reception.log")]
        stored = b"".join(path.read_bytes() for path in names)
        secrets = (TOLD, PERSON_MAIL, private.rpartition("/")[2], "sam@example.net")
        found = [secret for secret in secrets if secret.encode() in stored]
        return Check("intake.sealed_at_rest", not found, f"{len(found)} of {len(secrets)} texts, addresses and tokens found in clear")

    # -- what the steps have in common --------------------------------------------------------------------------------

    def _hearing(self, store: Database, channel: str) -> Hearing:
        def newest() -> list[Hearing]:
            with store.read() as connection:
                found = select(t.hearing.c.id).where(t.hearing.c.channel == channel).order_by(t.hearing.c.created)
                return [hearings.get(connection, identity) for identity in connection.scalars(found).all()]

        return self.patrolled.wait(newest, PATIENCE, "no report is stored")[0]

    def _urgent(self, store: Database, identity: str) -> list[Case]:
        with store.read() as connection:
            one = hearings.get(connection, identity)
            return [read_case(connection, one.case_id)] if one.judged is not None and one.urgent else []


def play(world: World, say: Callable[[str], None], person: Person | None = None, handler: Handler | None = None) -> Iterator[Check]:
    """The play, on a world that runs."""
    played = Reported(world, say, person or ByHttp(), handler or ByForms())
    try:
        yield from played.run()
    finally:
        played.patrolled.kill()
