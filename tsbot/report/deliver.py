"""Delivery: the outbox is worked off, a message at a time, and survives being killed at any point.

Before a message is handed over, the attempt is written down; afterwards, what became of it. Killed in between, the message is handed over
again under the same id and Message-ID: lost never, doubled in transport at worst, shown once by whoever goes by the Message-ID.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from tsbot.cases.closing import dismissing
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, KeyUnusableError, LetterError, StoreError
from tsbot.report import misuse
from tsbot.report.channels import Channel
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.disclosing import carried_by, disclose
from tsbot.report.letter import FindLinks, Manner
from tsbot.report.links import flag_links
from tsbot.report.lock import alone
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.report.outgoing import Outgoing
from tsbot.report.pgp import MailCrypto, Sequoia
from tsbot.report.policy import Decision
from tsbot.report.prepare import AskStatus, Writer
from tsbot.report.stationery import stationery_of
from tsbot.report.timers import Timers
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store.database import Database
from tsbot.store.outbox import LONGEST_WAIT, Purpose, Report, ReportState

FIRST_WAIT = 15.0
POLL_SECONDS = 2.0
"""How often the outbox is looked at unasked: another process may have released a letter."""
TROUBLE_SECONDS = 10.0
TIMER_SECONDS = 10.0
"""How often timers are looked at while there is much to send: a slow server must not keep on-call asleep."""
MOST_DRAFTS = 1_000_000
CLAIM_SECONDS = 300.0
"""How long a deliverer on one machine keeps those on others from a message that it hands over; longer than that takes."""


SYSTEM = "tsbot"
"""Who acts where nobody does, as the audit log names it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was handed over, and how."""

    report: Report
    at: float
    decision: Decision
    receipt: Receipt
    carried: tuple[str, ...]
    """Sorts of private data in it."""


def never() -> bool:
    """Do not stop before all is done."""
    return False


class Deliverer:
    """Writes and sends what is in the outbox; no database connection is held meanwhile.

    One deliverer at a time works on a machine: a lock file sees to that; those of several machines claim what they send.
    ``simulate`` writes letters, but hands nothing over. ``account_status`` None leaves the wikis alone. ``also`` is what else files
    messages in its time (:class:`~tsbot.report.timers.Timers`).
    Raises ``SettingsError`` for letters of the settings that cannot be used.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        channels: Mapping[str, Channel],
        *,
        account_status: AskStatus | None,
        clock: Callable[[], float],
        rng: random.Random,
        simulate: bool = False,
        links: FindLinks = flag_links,
        crypto: MailCrypto | None = None,
        also: Sequence[Callable[[float], int]] = (),
    ) -> None:
        self.database = database
        self.settings = settings
        self.channels = channels
        self.clock = clock
        self.rng = rng
        self.simulate = simulate
        in_use = partial(stationery_of, settings.templates_path)
        in_use()  # what is wrong with letters shows before any is written
        self.writer = Writer(database, settings, links, clock, account_status, stationery_in_use=in_use)
        self.outgoing = Outgoing(database, settings, self.writer, self._now, crypto or Sequoia())
        self.timers = Timers(database, settings, clock, also=also)
        self._tended = -TIMER_SECONDS
        self._simulated: set[str] = set()
        # Handed over, but not noted in the database yet.
        self._unrecorded: dict[str, Sent] = {}
        # Held letters that may not lie in the spool yet; None until it is looked what a crash kept from it.
        self._undrafted: set[str] | None = None
        # Withdrawn letters of which no draft lies in the spool any more.
        self._cleared: set[str] = set()
        # Until when letters in the spool are as their sealed cases want them.
        self._sealed = 0.0

    def run_once(self, stop: Callable[[], bool] = never) -> int:
        """Do all that can be done now; how many messages were handed over. ``stop`` is asked before each.

        Raises ``StoreError`` where the database cannot be used now; nothing is lost by calling again.
        """
        with alone(_lock_path(self.database, self.settings)) as only_one:
            if not only_one:
                return 0
            self._note_unrecorded()
            self._tend_timers(0.0)
            sent = 0
            while not stop():
                self._tend_timers(TIMER_SECONDS)
                # In turn, so that neither a slow wiki nor a slow mail server keeps the other from going on.
                report = None if self.simulate else self._next()
                if report is not None:
                    sent += self._deliver(report)
                if not self._write_one() and report is None:
                    break
            if self.simulate:
                self._pretend()
            if not stop():
                self._lay_out_drafts()
                self._clear_drafts()
                self._seal_spool()
            return sent

    def _tend_timers(self, pause: float) -> None:
        """Take the steps that are due, unless that was done a moment ago; letters leave whatever becomes of it."""
        now = self.clock()
        if self.simulate or 0 <= now - self._tended < pause:
            return
        self._tended = now
        try:
            self.timers.run_once()
        except StoreError:
            raise
        except Exception as error:
            structlog.get_logger().error("report.timer_trouble", error=type(error).__name__)

    def status(self) -> dict[str, int]:
        """Messages by state, for the view: ``new``, ``held``, ``queued``, ``sent``, ``dead``."""
        with self.database.read() as connection:
            return {state.value: number for state, number in outbox.counts(connection).items()}

    def message(self, report: Report, manner: Manner | None = None) -> OutboundMessage:
        """A row as it goes out now, before it is encrypted, or as it would in another ``manner``.

        Raises ``LetterError`` if its letter is not there.
        """
        return self.outgoing.unsealed(report, manner)[0]

    def draft(self, report: Report, manner: Manner | None = None) -> OutboundMessage:
        """A letter that is not written yet as it would be now, without asking a wiki. Raises as ``Writer.compose``."""
        return self.outgoing.draft(report, manner)

    def _write_one(self) -> bool:
        """Write the next letter; False if there is none to write."""
        with self.database.read() as connection:
            waiting = outbox.fresh(connection, self.clock(), 1)
        for report in waiting:
            try:
                self.writer.prepare(report)
                if self._undrafted is not None:
                    self._undrafted.add(report.id)
            except StoreError:
                raise
            except LetterError as error:
                self._bury(report, _reason(error))
            except Exception as error:  # one letter's trouble must not keep the others waiting
                self._put_off(report, error, outbox.mark_unwritten)
        return bool(waiting)

    def _lay_out_drafts(self) -> None:
        """Put held letters of the spool where people look for them. That is a convenience: its trouble keeps no message waiting."""
        if self._undrafted is None:
            with self.database.read() as connection:
                self._undrafted = {report.id for report in outbox.listing(connection, ReportState.HELD, limit=MOST_DRAFTS)}
        for identity in list(self._undrafted):
            try:
                self._lay_out(identity)
            except StoreError:
                raise
            except Exception as error:
                structlog.get_logger().warning("report.no_draft", id=identity, error=type(error).__name__)
                if isinstance(error, DeliveryDeferredError):
                    return  # a full disk is full for the others too; the next round tries again
            self._undrafted.discard(identity)

    def _clear_drafts(self) -> None:
        """Take withdrawn letters out of the spool, wherever they were withdrawn: nobody is to send them by other means."""
        spool = self.channels.get("spool")
        if not isinstance(spool, SpoolChannel) or self.simulate:
            return
        with self.database.read() as connection:
            withdrawn = outbox.listing(connection, ReportState.WITHDRAWN, limit=MOST_DRAFTS)
        for report in withdrawn:
            if report.channel == "spool" and report.id not in self._cleared:
                spool.discard(report.id)
                self._cleared.add(report.id)

    def _seal_spool(self) -> None:
        """Take texts that a wiki has hidden out of the letters in the spool; after a start, once more out of all."""
        spool = self.channels.get("spool")
        if not isinstance(spool, SpoolChannel) or self.simulate:
            return
        with self.database.read() as connection:
            sealed = outbox.sealed_since(connection, "spool", self._sealed)
        for report, time in sealed:
            if report.purpose is not Purpose.PAGE and report.state in (ReportState.HELD, ReportState.QUEUED, ReportState.SENT):
                try:
                    spool.replace(self.outgoing.ready(report)[0], draft=report.state is not ReportState.SENT)
                except (DeliveryDeferredError, KeyUnusableError, StoreError):
                    raise  # the next round tries again
                except Exception as error:  # what cannot be written anew must not lie there with its text, nor keep others waiting
                    structlog.get_logger().error("report.not_sealed", id=report.id, error=type(error).__name__)
                    spool.remove(report.id)
            self._sealed = time

    def _lay_out(self, identity: str) -> None:
        """Put a held letter of the spool there, marked as a draft; it is released like any other."""
        with self.database.read() as connection:
            report = outbox.get(connection, identity)
        spool = self._spool(report)
        if spool is not None and report is not None and report.state is ReportState.HELD:
            spool.draft(self.outgoing.ready(report)[0])

    def _spool(self, report: Report | None) -> SpoolChannel | None:
        """The spool, if it is where the report goes."""
        spool = self.channels.get("spool")
        return spool if isinstance(spool, SpoolChannel) and report and report.channel == "spool" and not self.simulate else None

    def _now(self) -> float:
        return self.clock()

    def _next(self) -> Report | None:
        """The next message to send, its attempt written down."""
        now = self.clock()
        with self.database.read() as connection:
            if not outbox.due(connection, now, 1, stopped=dismissing()):
                return None
        claimed = now + CLAIM_SECONDS if self.database.shared else None
        with self.database.write() as connection:
            for report in outbox.due(connection, now, 10, stopped=dismissing(), locked=True):
                if not misuse.put_right(connection, report, self.settings, now) and outbox.begin(connection, report.id, claimed):
                    return report
        return None

    def _deliver(self, report: Report) -> int:
        """Hand one message over and note what became of it; 1 if it was taken."""
        try:
            channel = self.channels.get(report.channel)
            if channel is None:
                raise DeliveryRefusedError(f"the channel {report.channel} is not configured")  # noqa: TRY301 -- same end as a refusal
            message, decision = self.outgoing.ready(report)
            carried = self._carried(report, message)
            receipt = channel.send(message) or Receipt()
        except StoreError:
            raise
        except (DeliveryRefusedError, LetterError) as error:
            self._bury(report, _reason(error))
            return 0
        except Exception as error:  # tried again too: a message is given up for a reason, not by a surprise
            self._put_off(report, error, outbox.mark_deferred)
            return 0
        self._unrecorded[report.id] = Sent(report, self.clock(), decision, receipt, carried)
        structlog.get_logger().info("report.sent", **_ids(report))
        if decision.trouble:
            remedy = "tsbot doctor tells what is wrong with the key"
            structlog.get_logger().error("report.not_encrypted", **_ids(report), reason=decision.trouble, remedy=remedy)
        self._note_unrecorded()
        return 1

    def _put_off(self, report: Report, error: Exception, note: Callable[..., bool]) -> None:
        """Try again later, but not for ever."""
        if report.attempts + 1 >= self.settings.report.attempts:
            self._bury(report, _reason(error))
            return
        asked = getattr(error, "retry_after", None) or 0.0
        wait = max(self._wait(report.attempts), min(asked, LONGEST_WAIT))
        with self.database.write() as connection:
            note(connection, report.id, self.clock() + wait, _reason(error))
            self.timers.deferred(connection, report.id, self.clock())
        tried = {"attempt": report.attempts + 1, "error": type(error).__name__, "wait": round(wait)}
        structlog.get_logger().warning("report.deferred", **_ids(report), **tried)

    def _bury(self, report: Report, reason: str) -> None:
        with self.database.write() as connection:
            if outbox.mark_dead(connection, report.id, reason):
                audit.record(connection, SYSTEM, "report.dead", report.id, self.clock(), {"channel": report.channel, "reason": reason})
                self.timers.died(connection, report.id, self.clock())
        structlog.get_logger().error("report.dead", **_ids(report), reason=reason, remedy=f"tsbot reports retry {report.id}")
        if (spool := self._spool(report)) is not None:
            spool.discard(report.id)

    def _note_unrecorded(self) -> None:
        """Write down what was handed over; what cannot be written now is kept, so that it is not handed over again."""
        for identity, sent in list(self._unrecorded.items()):
            policy, number = sent.decision.policy.value, sent.receipt.external_id
            trouble = f"pgp: {sent.decision.trouble}" if sent.decision.trouble else ""
            with self.database.write() as connection:
                noted = outbox.mark_sent(connection, identity, sent.at, policy=policy, external_id=number, trouble=trouble)
                row = outbox.get(connection, identity)
                if not noted and row is not None and row.state is ReportState.SENT:
                    del self._unrecorded[identity]  # it was noted, and the database's word for that was lost
                    continue
                # What was purged or withdrawn while it was handed over has left all the same: that is on record, whatever its row says.
                details = {"channel": sent.report.channel, "policy": policy, "purpose": sent.report.purpose.value}
                more = {"external_id": number} if number else {}
                more |= {"trouble": trouble} if trouble else {}
                audit.record(connection, SYSTEM, "report.sent", identity, sent.at, details | more)
                disclose(connection, sent.report, sent.carried, sent.at)
                if noted:
                    self.timers.sent(connection, identity, sent.at)
            del self._unrecorded[identity]

    def _carried(self, report: Report, message: OutboundMessage) -> tuple[str, ...]:
        """The sorts of private data that a message carries as it goes out now."""
        if report.purpose in (Purpose.PAGE, Purpose.ANSWER, Purpose.CLOSED):
            return ()  # ids only; what a person is told of their own report
        with self.database.read() as connection:
            letter = self.writer.read(connection, report)
        return () if letter is None else carried_by(letter, message.text)

    def _wait(self, attempts: int) -> float:
        """Seconds until the next attempt: doubled each time up to an hour, spread so that not all come back at once."""
        longest: float = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts, 16))
        return longest * self.rng.uniform(0.5, 1.0)

    def _pretend(self) -> None:
        """Say, once each, what would be handed over."""
        with self.database.read() as connection:
            waiting = outbox.due(connection, self.clock(), 1000, stopped=dismissing())
        for report in waiting:
            if report.id not in self._simulated:
                self._simulated.add(report.id)
                structlog.get_logger().info("report.simulated", **_ids(report))


class DeliveryThread:
    """Runs a deliverer beside the patrol until it is stopped. Nothing that goes wrong ends it."""

    def __init__(self, deliverer: Deliverer, poll: float = POLL_SECONDS) -> None:
        self.deliverer = deliverer
        self.poll = poll
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin."""
        self.deliverer.outgoing.look_at_keys()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """There may be something new in the outbox."""
        self._wake.set()

    def stop(self, timeout: float = 5.0) -> bool:
        """End after the message under way; False if that takes longer than ``timeout`` seconds.

        What is left behind then is in the database, and taken up at the next start.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            wait = self.poll
            self._wake.clear()
            try:
                self.deliverer.run_once(self._stop.is_set)
            except Exception as error:  # whatever it is: a dead thread would keep every later report back
                wait = TROUBLE_SECONDS
                structlog.get_logger().error("report.delivery_trouble", error=type(error).__name__)
            if not self._stop.is_set():
                self._wake.wait(wait)


def _lock_path(database: Database, settings: Settings) -> Path:
    """Beside the database where that is a file."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(f"{url.database}.deliver.lock")
    return settings.data_path / "deliver.lock"


def _reason(error: Exception) -> str:
    """What the outbox remembers of an error: class and code; of errors that are not ours the class only."""
    ours = isinstance(error, (DeliveryDeferredError, DeliveryRefusedError, LetterError))
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


def _ids(report: Report) -> dict[str, str]:
    return {"id": report.id, "purpose": report.purpose.value, "channel": report.channel}
