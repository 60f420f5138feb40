"""Working off the outbox: nothing lost, nothing sent twice, nothing sent that should wait."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tsbot.detect.finding import Kind
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, StoreBusyError, WikiUnavailableError
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.deliver import DeliveryThread
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import PageSettings, Recipient, ReleaseRule, ReportSettings
from tsbot.store import audit, engines
from tsbot.store import tables as t
from tsbot.store.database import Database, connect
from tsbot.store.outbox import LONGEST_WAIT, Purpose, ReportState
from tsbot.wiki.types import AccountStatus

Desk = Any
StartSink = Callable[..., Any]
PAGING = PageSettings(specificity=0, plausibility=0, webhooks=("https://pager.example/x",))
CASE = "0c5e1a2b-0000-4000-8000-000000000001"
OTHER_CASE = "0c5e1a2b-0000-4000-8000-000000000002"
TO_DESK = Recipient(to="desk@example.org")


def released(**more: Any) -> ReportSettings:
    """Everything leaves by itself, to one recipient."""
    base: dict[str, Any] = {
        "reporter_name": "Patrol desk",
        "reporter_contact": "reporter@example.org",
        "recipients": {"default": (TO_DESK,)},
        "release": {kind.value: ReleaseRule() for kind in Kind},
    }
    return ReportSettings(**base | more)


class Tray:
    """A channel that keeps messages, or does what a test wants instead."""

    def __init__(self, act: Callable[[OutboundMessage], None] | None = None) -> None:
        self.got: list[OutboundMessage] = []
        self.act = act

    def send(self, message: OutboundMessage) -> None:
        if self.act is not None:
            self.act(message)
        self.got.append(message)


def header(text: str, name: str) -> str | None:
    return email.message_from_string(text, policy=email.policy.default)[name]


# -- release --------------------------------------------------------------------------------------------------------------


def test_a_letter_is_held_until_a_person_releases_it(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag())
    deliverer = desk.deliverer()
    assert deliverer.run_once() == 0
    assert desk.row(identity).state is ReportState.HELD
    assert desk.release(identity)
    assert deliverer.run_once() == 1
    assert "By a person: released by the reporter named above." in desk.spooled()[identity]
    assert (desk.row(identity).state, desk.row(identity).released_by) == (ReportState.SENT, "operator")
    assert deliverer.run_once() == 0


def test_a_letter_released_before_it_is_written_leaves_once_it_is(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag())
    assert desk.release(identity)
    assert not desk.release(identity)
    assert desk.deliverer().run_once() == 1


@pytest.mark.parametrize(("outcome", "leaves"), [("false_positive", False), ("dismissed", False), ("handled", True)])
def test_what_was_released_waits_while_its_case_is_dismissed(desk: Desk, outcome: str, leaves: bool) -> None:
    (identity,) = desk.file(desk.flag())
    deliverer = desk.deliverer()
    deliverer.run_once()
    assert desk.release(identity)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(state="closed", outcome=outcome))
    assert deliverer.run_once() == leaves
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(state="open", outcome=None))
    assert deliverer.run_once() == (not leaves)
    assert desk.row(identity).state is ReportState.SENT


def test_whoever_releases_is_not_named_to_the_recipient(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag())
    desk.release(identity)
    desk.deliverer().run_once()
    assert "operator" not in desk.spooled()[identity]


def test_releasing_what_does_not_wait_changes_nothing(desk: Desk) -> None:
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert not desk.release(identity)
    assert not desk.release("no-such-id")


# -- writing --------------------------------------------------------------------------------------------------------------


def test_letters_are_sealed_at_rest(desk: Desk) -> None:
    settings = desk.settings(report=released(recipients={"default": (Recipient(to="desk@example.org", excerpt=True),)}))
    (identity,) = desk.file(desk.flag(user="Beispielkonto", title="Talk:Zebra crossing"), settings)
    desk.deliverer(settings).run_once()
    assert "Beispielkonto" in desk.spooled()[identity]
    files = b"".join(path.read_bytes() for path in desk.folder.glob("tsbot.sqlite*"))
    assert b"examplewiki:rev:100" in files
    for word in (b"Beispielkonto", b"Zebra", b"your office"):
        assert word not in files


def test_the_wiki_is_asked_and_mail_is_sent_without_holding_the_database(desk: Desk) -> None:
    """Both callbacks write to the database themselves, which a held write transaction would not let them."""
    asked: list[tuple[str, ...]] = []

    def use_database() -> None:
        with desk.database.write() as connection:
            connection.execute(update(t.case).values(updated=1.0))

    def account_status(*words: str) -> AccountStatus:
        use_database()
        asked.append(words)
        return AccountStatus(exists=True, blocked=True)

    settings = desk.settings(report=released())
    desk.file(desk.flag(), settings)
    tray = Tray(lambda _: use_database())
    assert desk.deliverer(settings, {"spool": tray}, account_status=account_status).run_once() == 1
    assert asked == [("examplewiki", "Example", "https://example.wikipedia.org")]
    assert "Blocked: yes" in tray.got[0].text


@pytest.mark.parametrize("trouble", [WikiUnavailableError("no answer"), RuntimeError("a fault of ours")])
def test_no_letter_waits_for_a_wiki_that_does_not_answer(desk: Desk, trouble: Exception) -> None:
    def account_status(*_: str) -> AccountStatus:
        raise trouble

    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    assert desk.deliverer(settings, account_status=account_status).run_once() == 1
    assert "Blocked: not known" in desk.spooled()[identity]


def test_an_edit_flagged_again_while_its_letter_is_written_is_in_it(desk: Desk) -> None:
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(Kind.VIOLENCE), settings)
    calls: list[int] = []

    def account_status(*_: str) -> AccountStatus:
        if not calls:
            desk.file(desk.flag(Kind.SELF_HARM), settings)
        calls.append(1)
        return AccountStatus()

    assert desk.deliverer(settings, account_status=account_status).run_once() == 1
    assert "threats-physical-harm, threats-self-harm" in desk.spooled()[identity]


def test_a_recipient_reads_only_of_kinds_that_it_is_there_for(desk: Desk) -> None:
    desk.file(desk.flag(Kind.VIOLENCE))
    desk.file(desk.flag(Kind.LEGAL))
    deliverer = desk.deliverer()
    deliverer.run_once()
    for row in desk.rows():
        desk.release(row.id)
    deliverer.run_once()
    texts = {row.recipient: desk.spooled()[row.id] for row in desk.rows()}
    assert "legal" not in texts["emergency@wikimedia.org"].partition("\n\n")[2]
    assert "threats-physical-harm" not in texts["legal@wikimedia.org"]


def test_a_letter_that_cannot_be_written_is_dead_loudly_and_keeps_no_other_waiting(desk: Desk, logged: list[Any]) -> None:
    settings = desk.settings(report=released())
    (lost,) = desk.file(desk.flag(rev_id=1, server_url=""), settings)
    (fine,) = desk.file(desk.flag(rev_id=2), settings)
    deliverer = desk.deliverer(settings)
    assert deliverer.run_once() == 1
    assert desk.row(fine).state is ReportState.SENT
    assert desk.row(lost).state is ReportState.DEAD
    assert "address is not known" in desk.row(lost).last_error
    assert [(entry["event"], entry["id"]) for entry in logged if entry["log_level"] == "error"] == [("report.dead", lost)]
    assert deliverer.status() == {"new": 0, "held": 0, "queued": 0, "sent": 1, "dead": 1, "withdrawn": 0}


def test_a_case_whose_key_was_destroyed_has_nothing_to_report(desk: Desk) -> None:
    settings = desk.settings(report=released())
    (unwritten,) = desk.file(desk.flag(rev_id=1), settings)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(data_key=None))
    assert desk.deliverer(settings).run_once() == 0
    assert desk.row(unwritten).state is ReportState.DEAD


def test_a_letter_whose_key_was_destroyed_before_it_left_does_not_leave(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag())
    desk.deliverer().run_once()
    desk.release(identity)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(data_key=None))
    assert desk.deliverer().run_once() == 0
    assert desk.row(identity).state is ReportState.DEAD
    assert desk.spooled() == {}


# -- threads --------------------------------------------------------------------------------------------------------------


def test_letters_of_one_case_are_one_thread(desk: Desk) -> None:
    settings = desk.settings(report=released())
    filed = [desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2, 3)]
    tray = Tray()
    desk.deliverer(settings, {"spool": tray}).run_once()
    assert [message.id for message in tray.got] == filed
    start = f"<{filed[0]}@example.org>"
    assert [message.in_reply_to for message in tray.got] == [None, start, start]
    assert {message.subject for message in tray.got} == {"[TS] report 0c5e1a2b"}


def test_cases_and_recipients_have_threads_of_their_own(desk: Desk) -> None:
    both = {"default": (TO_DESK, Recipient(to="other@example.org"))}
    settings = desk.settings(report=released(recipients=both))
    desk.file(desk.flag(rev_id=1), settings)
    desk.file(desk.flag(rev_id=2, case="0c5e1a2b-0000-4000-8000-000000000002"), settings)
    tray = Tray()
    desk.deliverer(settings, {"spool": tray}).run_once()
    assert [message.in_reply_to for message in tray.got] == [None] * 4


def test_no_follow_up_overtakes_the_first_letter(desk: Desk) -> None:
    settings = desk.settings(report=released())
    first, second = (desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2))
    down = [True]

    def act(_: OutboundMessage) -> None:
        if down[0]:
            raise DeliveryDeferredError("smtp: 451 at RCPT")

    tray = Tray(act)
    deliverer = desk.deliverer(settings, {"spool": tray})
    assert deliverer.run_once() == 0
    assert (desk.row(first).attempts, desk.row(second).attempts) == (1, 0)
    down[0] = False
    assert deliverer.run_once() == 0
    desk.clock.now += 3600
    assert deliverer.run_once() == 2
    assert [message.id for message in tray.got] == [first, second]


def test_an_urgent_follow_up_does_not_wait_for_a_person_to_release_the_first(desk: Desk) -> None:
    settings = desk.settings(report=released(release={"violence": ReleaseRule(imminence=2)}))
    (calm,) = desk.file(desk.flag(rev_id=1), settings)
    (urgent,) = desk.file(desk.flag(rev_id=2, scores=(2, 2, 2)), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    assert deliverer.run_once() == 1
    desk.release(calm)
    deliverer.run_once()
    assert [message.id for message in tray.got] == [urgent, calm]
    assert tray.got[1].in_reply_to == tray.got[0].message_id


def test_a_dead_first_letter_does_not_keep_the_others_back(desk: Desk) -> None:
    settings = desk.settings(report=released())
    first, second = (desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2))

    def act(message: OutboundMessage) -> None:
        if message.id == first:
            raise DeliveryRefusedError("smtp: 550 at DATA")

    tray = Tray(act)
    assert desk.deliverer(settings, {"spool": tray}).run_once() == 1
    assert (tray.got[0].id, tray.got[0].in_reply_to) == (second, None)


def test_the_last_letter_of_a_thread_says_so(desk: Desk) -> None:
    settings = desk.settings(report=released(follow_ups=1))
    for number in (1, 2, 3):
        desk.file(desk.flag(rev_id=number), settings)
    tray = Tray()
    desk.deliverer(settings, {"spool": tray}).run_once()
    assert ["this is the last letter" in message.text for message in tray.got] == [False, True]


# -- trouble --------------------------------------------------------------------------------------------------------------


def refuse_with(error: Exception) -> Tray:
    def act(_: OutboundMessage) -> None:
        raise error

    return Tray(act)


@pytest.mark.parametrize("error", [DeliveryDeferredError("smtp: 451 at RCPT"), RuntimeError("a fault of ours with words of a letter")])
def test_what_fails_is_tried_again_ever_more_rarely_and_at_last_shouts(desk: Desk, logged: list[Any], error: Exception) -> None:
    settings = desk.settings(report=released(attempts=12))
    (identity,) = desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings, {"spool": refuse_with(error)})
    waits = []
    while True:
        deliverer.run_once()
        row = desk.row(identity)
        if row.state is ReportState.DEAD:
            break
        waits.append(row.due - desk.clock.now)
        desk.clock.now = row.due
    assert row.attempts == 12
    assert len(waits) == 11
    assert 7.5 <= waits[0] <= 15
    assert all(wait <= LONGEST_WAIT for wait in waits)
    assert waits[10] >= LONGEST_WAIT / 2
    assert row.last_error.startswith(type(error).__name__)
    assert "words of a letter" not in row.last_error + repr(logged)
    assert [entry["id"] for entry in logged if entry["log_level"] == "error"] == [identity]


def test_a_letter_put_off_by_a_clock_that_was_years_ahead_does_not_wait_for_years(desk: Desk) -> None:
    def fail(_: OutboundMessage) -> None:
        raise DeliveryDeferredError("test: 451")

    settings = desk.settings(report=released())
    tray = Tray(fail)
    deliverer = desk.deliverer(settings, {"spool": tray})
    now = desk.clock.now
    desk.clock.now += 10 * 365 * 86400.0
    (identity,) = desk.file(desk.flag(), settings)
    deliverer.run_once()
    assert desk.row(identity).attempts == 1
    desk.clock.now = now
    tray.act = None
    assert deliverer.run_once() == 1


def test_a_refused_letter_is_dead_at_once_until_a_person_retries_it(desk: Desk) -> None:
    from tsbot.store import outbox

    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"spool": refuse_with(DeliveryRefusedError("smtp: 550 at RCPT"))}).run_once()
    row = desk.row(identity)
    assert (row.state, row.last_error) == (ReportState.DEAD, "DeliveryRefusedError: smtp: 550 at RCPT")
    with desk.database.write() as connection:
        assert outbox.retry(connection, identity, desk.clock())
        assert not outbox.retry(connection, identity, desk.clock())
    assert desk.deliverer(settings).run_once() == 1
    assert desk.row(identity).state is ReportState.SENT


def test_a_channel_that_is_not_configured_is_said(desk: Desk) -> None:
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings, {}).run_once()
    assert desk.row(identity).last_error == "DeliveryRefusedError: the channel spool is not configured"


def test_a_full_mailbox_of_one_recipient_is_not_the_others_trouble(desk: Desk, start_sink: StartSink) -> None:
    sink = start_sink("starttls")
    sink.replies["desk@example.org"] = "452 Mailbox full"
    both = {"default": (TO_DESK, Recipient(to="other@example.org"))}
    settings = desk.settings(report=released(recipients=both, channel="smtp"), mail=sink.mail("starttls"))
    full, fine = desk.file(desk.flag(), settings)
    assert desk.deliverer(settings).run_once() == 1
    assert [envelope.rcpt_tos for envelope in sink.taken] == [["other@example.org"]]
    assert (desk.row(full).state, desk.row(fine).state) == (ReportState.QUEUED, ReportState.SENT)
    assert desk.row(full).last_error == "DeliveryDeferredError: smtp: 452 at RCPT"


def test_a_server_that_dies_after_the_text_gets_the_same_message_again(desk: Desk, start_sink: StartSink) -> None:
    sink = start_sink()
    sink.die_after_data = 1
    settings = desk.settings(report=released(channel="smtp"), mail=sink.mail("none"))
    (identity,) = desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings)
    assert deliverer.run_once() == 0
    desk.clock.now += 3600
    assert deliverer.run_once() == 1
    assert [header(text, "Message-ID") for text in sink.texts] == [f"<{identity}@example.org>"] * 2
    assert sink.texts[0] == sink.texts[1]


def test_what_was_sent_but_could_not_be_noted_is_noted_later_and_not_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    impatient = Database(connect(str(desk.database.engine.url)), desk.database.key)
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    other = desk.database.engine.raw_connection()

    def act(_: OutboundMessage) -> None:
        other.cursor().execute("BEGIN IMMEDIATE")

    tray = Tray(act)
    desk.database = impatient
    deliverer = desk.deliverer(settings, {"spool": tray})
    with pytest.raises(StoreBusyError):
        deliverer.run_once()
    other.cursor().execute("ROLLBACK")
    other.close()
    assert desk.row(identity).state is ReportState.QUEUED
    assert deliverer.run_once() == 0
    assert desk.row(identity).state is ReportState.SENT
    assert len(tray.got) == 1
    impatient.close()


def test_two_deliverers_do_not_send_the_same_letter(desk: Desk) -> None:
    settings = desk.settings(report=released())
    desk.file(desk.flag(), settings)
    second: list[int] = []
    tray = Tray(lambda _: second.append(desk.deliverer(settings, {"spool": tray}).run_once()))
    assert desk.deliverer(settings, {"spool": tray}).run_once() == 1
    assert second == [0]
    assert len(tray.got) == 1


def test_simulation_writes_letters_and_sends_none(desk: Desk, logged: list[Any]) -> None:
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray}, simulate=True)
    assert deliverer.run_once() == deliverer.run_once() == 0
    assert tray.got == []
    assert (desk.row(identity).state, desk.row(identity).attempts) == (ReportState.QUEUED, 0)
    assert [entry["id"] for entry in logged if entry["event"] == "report.simulated"] == [identity]


# -- pages ----------------------------------------------------------------------------------------------------------------


def test_a_page_leaves_at_once_and_before_all_letters_with_ids_only(desk: Desk) -> None:
    settings = desk.settings(report=released(), page=PageSettings(mail=("duty@example.org",)))
    desk.file(desk.flag(rev_id=1), settings)
    desk.deliverer(settings, simulate=True).run_once()
    desk.clock.now += 10
    flag = desk.flag(rev_id=2, scores=(2, 2, 2))
    desk.file(flag, settings)
    tray = Tray()
    desk.deliverer(settings, {"spool": tray}).run_once()
    page = tray.got[0]
    assert (page.purpose, page.recipient, page.subject) == (Purpose.PAGE, "duty@example.org", "[TS] page 0c5e1a2b")
    assert page.text == f"A case waits for a person.\n\nCase: {flag.case_id}\nFlag: {flag.id}\n\nTo see it: tsbot flags show {flag.id}\n"
    assert [message.purpose for message in tray.got[1:]] == [Purpose.LETTER, Purpose.LETTER]


def test_a_page_does_not_wait_for_the_release_of_its_letter(desk: Desk) -> None:
    settings = desk.settings(page=PageSettings(mail=("duty@example.org",)))
    desk.file(desk.flag(scores=(2, 2, 2)), settings)
    assert desk.deliverer(settings).run_once() == 1
    assert {row.purpose: row.state for row in desk.rows()} == {Purpose.PAGE: ReportState.SENT, Purpose.LETTER: ReportState.HELD}


def test_logs_hold_ids_and_no_matter(desk: Desk, logged: list[Any]) -> None:
    settings = desk.settings(report=released(), page=PageSettings(mail=("duty@example.org",)))
    desk.file(desk.flag(scores=(2, 2, 2)), settings)
    desk.deliverer(settings).run_once()
    assert len(logged) == 2
    said = repr(logged)
    for word in ("Example", "Town hall", "office", "violence", "example.org", "examplewiki", "0.9"):
        assert word not in said


# -- beside the patrol ----------------------------------------------------------------------------------------------------


def test_the_thread_sends_when_woken_and_stops_when_told(desk: Desk) -> None:
    settings = desk.settings(report=released())
    sent = threading.Event()
    thread = DeliveryThread(desk.deliverer(settings, {"spool": Tray(lambda _: sent.set())}), poll=60)
    thread.start()
    desk.file(desk.flag(), settings)
    thread.wake()
    assert sent.wait(10)
    assert thread.stop(10)


def test_trouble_does_not_end_the_thread(desk: Desk, tmp_path: Path) -> None:
    settings = desk.settings(report=released())
    sent = threading.Event()
    deliverer = desk.deliverer(settings, {"spool": Tray(lambda _: sent.set())})
    calls: list[int] = []
    first_call = threading.Event()

    def clock() -> float:
        calls.append(1)
        first_call.set()
        if len(calls) == 1:
            raise RuntimeError
        return float(desk.clock())

    deliverer.clock = clock
    thread = DeliveryThread(deliverer, poll=60)
    thread.start()
    assert first_call.wait(10)
    desk.file(desk.flag(), settings)
    for _ in range(200):
        thread.wake()  # again and again: a call while it stumbles is forgotten
        if sent.wait(0.05):
            break
    assert sent.is_set()
    assert thread.stop(10)


def test_a_thread_told_to_stop_sends_nothing_more(desk: Desk) -> None:
    settings = desk.settings(report=released())
    for number in (1, 2):
        desk.file(desk.flag(rev_id=number), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    assert deliverer.run_once(stop=lambda: bool(tray.got)) == 1
    assert deliverer.run_once() == 1


def test_a_held_letter_lies_in_the_spool_as_a_draft_also_if_a_crash_kept_it_from_that(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag())
    desk.deliverer().run_once()
    assert desk.row(identity).state is ReportState.HELD
    assert desk.spooled()[identity].startswith("X-Tsbot-State: held")
    for file in (desk.folder / "spool").iterdir():
        file.unlink()
    desk.deliverer().run_once()
    assert set(desk.spooled()) == {identity}
    desk.release(identity)
    assert desk.deliverer().run_once() == 1
    assert "X-Tsbot-State" not in desk.spooled()[identity]


def test_a_spool_that_takes_no_drafts_keeps_no_page_waiting(desk: Desk) -> None:
    pager = Tray()
    settings = desk.settings(page=PAGING)
    spool = SpoolChannel(desk.folder / "spool")
    (desk.folder / "spool").write_text("a file where the folder should be")
    desk.file(desk.flag(scores=(3, 3, 3)), settings)

    deliverer = desk.deliverer(settings, {"spool": spool, "webhook": pager})

    assert (deliverer.run_once(), len(pager.got)) == (1, 1)
    desk.file(desk.flag(rev_id=200, case=OTHER_CASE, scores=(3, 3, 3)), settings)
    assert (desk.deliverer(settings, {"spool": spool, "webhook": pager}).run_once(), len(pager.got)) == (1, 2)
    (desk.folder / "spool").unlink()
    deliverer.run_once()
    assert len(desk.spooled()) == 1  # what the first deliverer knows of; the next start finds the other


def test_a_held_letter_whose_texts_were_destroyed_keeps_no_message_waiting(desk: Desk) -> None:
    pager = Tray()
    settings = desk.settings(page=PAGING)
    desk.file(desk.flag())
    desk.deliverer().run_once()
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(data_key=None))
    desk.file(desk.flag(rev_id=200, case=OTHER_CASE, scores=(3, 3, 3)), settings)

    assert desk.deliverer(settings, {"spool": SpoolChannel(desk.folder / "spool"), "webhook": pager}).run_once() == 1


def test_simulating_lays_out_nothing(desk: Desk) -> None:
    desk.file(desk.flag())
    desk.deliverer(simulate=True).run_once()
    assert desk.spooled() == {}


# -- what the other side says ---------------------------------------------------------------------------------------------


def test_the_other_side_s_number_is_kept_and_given_to_follow_ups(desk: Desk) -> None:
    got: list[OutboundMessage] = []

    class Numbering:
        def send(self, message: OutboundMessage) -> Receipt:
            got.append(message)
            return Receipt("22001")

    settings = desk.settings(report=released())
    filed = [desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2)]
    desk.deliverer(settings, {"spool": Numbering()}).run_once()
    assert [message.external_id for message in got] == ["", "22001"]
    assert [desk.row(identity).external_id for identity in filed] == ["22001", "22001"]


def test_a_message_that_left_or_died_is_in_the_audit_log(desk: Desk) -> None:
    settings = desk.settings(report=released())
    first, second = (desk.file(desk.flag(rev_id=number, case=case), settings)[0] for number, case in ((1, CASE), (2, OTHER_CASE)))

    def act(message: OutboundMessage) -> None:
        if message.id == second:
            raise DeliveryRefusedError("smtp: 550 at RCPT")

    desk.deliverer(settings, {"spool": Tray(act)}).run_once()
    with desk.database.read() as connection:
        entries = list(audit.entries(connection))
        assert audit.verify(connection) is None
    found = {(entry.actor, entry.act, entry.object) for entry in entries}
    assert found == {
        ("tsbot", "report.sent", first),
        ("tsbot", "case.reported", CASE),
        ("tsbot", "report.dead", second),
        ("tsbot", "report.escalated", second),
    }
    assert "example.org" not in "".join(entry.details for entry in entries)


def test_a_server_that_asks_for_patience_gets_it(desk: Desk) -> None:
    settings = desk.settings(report=released())
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"spool": refuse_with(DeliveryDeferredError("crm: 503", 600.0))}).run_once()
    assert desk.row(identity).due == desk.clock.now + 600
    (other,) = desk.file(desk.flag(rev_id=2, case=OTHER_CASE), settings)
    desk.deliverer(settings, {"spool": refuse_with(DeliveryDeferredError("crm: 503", 1e9))}).run_once()
    assert desk.row(other).due == desk.clock.now + LONGEST_WAIT
