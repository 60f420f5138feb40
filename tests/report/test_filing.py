"""What a flag puts into the outbox."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tsbot.cases.flag import NAMESPACE
from tsbot.detect.finding import Kind
from tsbot.settings import PageSettings, Recipient, ReleaseRule, ReportSettings, Settings
from tsbot.store import outbox
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
HIGH = (2, 2, 2)
DESK, OTHER = Recipient(to="desk@example.org"), Recipient(to="other@example.org")


def report(**more: Any) -> ReportSettings:
    return ReportSettings(reporter_contact="reporter@example.org", recipients={"default": (DESK,)}, **more)


def test_a_flag_is_a_letter_that_waits_to_be_written(desk: Desk) -> None:
    flag = desk.flag()
    (identity,) = desk.file(flag)
    row = desk.row(identity)
    assert (row.state, row.purpose, row.channel, row.body) == (ReportState.NEW, Purpose.LETTER, "spool", None)
    assert (row.case_id, row.flag_id, row.subject, row.kind) == (flag.case_id, flag.id, flag.subject, "violence")


def test_ids_are_made_of_purpose_subject_kind_and_recipient(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag(), desk.settings(report=report()))
    assert identity == str(uuid.uuid5(NAMESPACE, "letter|examplewiki:rev:100|violence|desk@example.org"))
    assert desk.row(identity).message_id == f"<{identity}@example.org>"


def test_message_ids_have_a_domain_even_without_a_contact(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag(), desk.settings(report=ReportSettings()))
    assert desk.row(identity).message_id == f"<{identity}@tsbot.invalid>"


def test_filing_again_adds_nothing(desk: Desk) -> None:
    flag = desk.flag()
    assert len(desk.file(flag)) == 1
    assert desk.file(flag) == []
    assert len(desk.rows()) == 1


def test_what_the_callers_transaction_undoes_was_never_filed(desk: Desk) -> None:
    from tsbot.report.filing import file_reports

    flag = desk.flag()
    with pytest.raises(RuntimeError), desk.database.write() as connection:
        file_reports(connection, flag, desk.settings(), desk.clock())
        raise RuntimeError
    assert desk.rows() == []


def test_each_recipient_gets_a_letter(desk: Desk) -> None:
    settings = desk.settings(report=ReportSettings(recipients={"default": (DESK, OTHER)}))
    assert len(set(desk.file(desk.flag(), settings))) == 2


def test_two_kinds_on_one_edit_are_one_letter_to_one_recipient(desk: Desk) -> None:
    desk.file(desk.flag(Kind.MASS_VIOLENCE))
    assert desk.file(desk.flag(Kind.VIOLENCE)) == []
    assert desk.file(desk.flag(Kind.LEGAL)) != []
    assert [(row.kind, row.recipient) for row in desk.rows()] == [
        ("mass_violence", "emergency@wikimedia.org"),
        ("legal", "legal@wikimedia.org"),
    ]


def test_a_held_letter_is_written_anew_when_its_edit_is_flagged_again(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag(Kind.VIOLENCE))
    desk.deliverer().run_once()
    assert desk.row(identity).state is ReportState.HELD
    desk.file(desk.flag(Kind.SELF_HARM))
    assert desk.row(identity).state is ReportState.NEW
    desk.deliverer().run_once()
    desk.release(identity)
    desk.deliverer().run_once()
    assert "threats-physical-harm, threats-self-harm" in desk.spooled()[identity]


def test_a_released_or_sent_letter_is_left_alone(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag(Kind.VIOLENCE))
    desk.deliverer().run_once()
    desk.release(identity)
    desk.file(desk.flag(Kind.SELF_HARM))
    assert desk.row(identity).state is ReportState.QUEUED
    desk.deliverer().run_once()
    desk.file(desk.flag(Kind.MASS_VIOLENCE))
    assert desk.row(identity).state is ReportState.SENT
    assert len(desk.spooled()) == 1


@pytest.mark.parametrize(
    ("scores", "rule", "auto"),
    [
        ((2, 2, 1), ReleaseRule(specificity=2, plausibility=2, imminence=1), True),
        ((1, 2, 1), ReleaseRule(specificity=2, plausibility=2, imminence=1), False),
        ((2, 1, 1), ReleaseRule(specificity=2, plausibility=2, imminence=1), False),
        ((2, 2, 0), ReleaseRule(specificity=2, plausibility=2, imminence=1), False),
        ((0, 0, 0), ReleaseRule(), True),
        ((3, 3, 3), None, False),
    ],
)
def test_a_letter_leaves_by_itself_only_by_a_rule_for_its_kind(
    desk: Desk, scores: tuple[int, int, int], rule: ReleaseRule | None, auto: bool
) -> None:
    settings = desk.settings(report=report(release={} if rule is None else {"violence": rule}))
    (identity,) = desk.file(desk.flag(scores=scores), settings)
    assert desk.row(identity).auto is auto
    assert desk.deliverer(settings).run_once() == int(auto)


def test_a_rule_for_one_kind_is_none_for_another(desk: Desk) -> None:
    settings = desk.settings(report=report(release={"violence": ReleaseRule()}))
    (identity,) = desk.file(desk.flag(Kind.LEGAL), settings)
    assert desk.row(identity).auto is False


def test_a_second_flag_that_a_rule_releases_takes_the_held_letter_along(desk: Desk) -> None:
    settings = desk.settings(report=report(release={"violence": ReleaseRule(specificity=2)}))
    (identity,) = desk.file(desk.flag(Kind.MASS_VIOLENCE), settings)
    assert desk.deliverer(settings).run_once() == 0
    desk.file(desk.flag(Kind.VIOLENCE, scores=HIGH), settings)
    assert desk.deliverer(settings).run_once() == 1
    assert desk.row(identity).state is ReportState.SENT


def test_a_case_has_one_first_letter_and_so_many_follow_ups(desk: Desk) -> None:
    settings = desk.settings(report=report(follow_ups=2))
    numbers = [len(desk.file(desk.flag(rev_id=number), settings)) for number in range(1, 6)]
    assert numbers == [1, 1, 1, 0, 0]
    assert len(desk.file(desk.flag(rev_id=9, case="0c5e1a2b-0000-4000-8000-000000000002"), settings)) == 1


def test_no_follow_ups_at_all(desk: Desk) -> None:
    settings = desk.settings(report=report(follow_ups=0))
    assert [len(desk.file(desk.flag(rev_id=number), settings)) for number in (1, 2)] == [1, 0]


def test_letters_of_one_moment_keep_their_order(desk: Desk) -> None:
    filed = [desk.file(desk.flag(rev_id=number))[0] for number in range(1, 8)]
    assert [row.id for row in desk.rows()] == filed
    with desk.database.read() as connection:
        assert outbox.thread(connection, desk.rows()[0].case_id, "emergency@wikimedia.org")[0] == 7


# -- pages ----------------------------------------------------------------------------------------------------------------

PAGE = PageSettings(mail=("duty@example.org",), webhooks=("https://hooks.example.org/x",), specificity=1, plausibility=2, max_age=600)


def paged(desk: Desk, kind: Kind = Kind.VIOLENCE, page: PageSettings = PAGE, **more: Any) -> list[str]:
    settings: Settings = desk.settings(page=page)
    desk.file(desk.flag(kind, **more), settings)
    return sorted(row.recipient.partition("#")[0] for row in desk.rows() if row.purpose is Purpose.PAGE)


@pytest.mark.parametrize("kind", [Kind.VIOLENCE, Kind.MASS_VIOLENCE, Kind.SEXUAL_VIOLENCE, Kind.SELF_HARM])
def test_a_grave_and_fresh_flag_wakes_everybody_who_is_configured(desk: Desk, kind: Kind) -> None:
    assert paged(desk, kind, scores=(1, 2, 0)) == ["duty@example.org", "hooks.example.org"]


@pytest.mark.parametrize("kind", [Kind.LEGAL, Kind.DOXING, Kind.MINORS, Kind.ATTACK_NAME, Kind.HARASSMENT])
def test_other_kinds_wake_nobody(desk: Desk, kind: Kind) -> None:
    assert paged(desk, kind, scores=(3, 3, 3)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"scores": (0, 2, 3)},
        {"scores": (1, 1, 3)},
        {"scores": HIGH, "source": "backfill"},
        {"scores": HIGH, "source": "hand"},
        {"scores": HIGH, "event_time": 1_790_000_000.0 - 601},
    ],
)
def test_low_scores_old_edits_and_other_sources_wake_nobody(desk: Desk, more: dict[str, Any]) -> None:
    assert paged(desk, **more) == []
    assert len(desk.rows()) == 1


def test_a_case_wakes_people_once(desk: Desk) -> None:
    page = PageSettings(mail=("duty@example.org",))
    assert paged(desk, page=page, scores=HIGH, rev_id=1) == ["duty@example.org"]
    assert paged(desk, Kind.SELF_HARM, page, scores=HIGH, rev_id=1) == ["duty@example.org"]
    assert paged(desk, page=page, scores=HIGH, rev_id=2) == ["duty@example.org"]
    assert paged(desk, page=page, scores=HIGH, rev_id=3, case="0c5e1a2b-0000-4000-8000-000000000002") == ["duty@example.org"] * 2


def test_a_page_waits_for_no_release(desk: Desk) -> None:
    paged(desk, scores=HIGH)
    assert {row.purpose: row.state for row in desk.rows()} == {Purpose.LETTER: ReportState.NEW, Purpose.PAGE: ReportState.QUEUED}


def test_a_flag_that_became_stronger_wakes_people_after_all(desk: Desk) -> None:
    from dataclasses import replace

    flag = desk.flag(scores=(0, 0, 0))
    settings = desk.settings(page=PAGE)
    desk.file(flag, settings)
    assert len(desk.rows()) == 1
    assert len(desk.file(replace(flag, specificity=2, plausibility=2), settings)) == 2


def test_after_the_follow_ups_a_grave_edit_still_gets_a_letter_but_one_an_hour(desk: Desk) -> None:
    settings = desk.settings(report=report(follow_ups=0))

    def filed(rev_id: int, scores: tuple[int, int, int]) -> int:
        return len(desk.file(desk.flag(rev_id=rev_id, scores=scores, event_time=desk.clock()), settings))

    assert filed(1, HIGH) == 1
    assert filed(2, HIGH) == 0
    desk.clock.now += 3601
    assert filed(3, (0, 1, 0)) == 0
    assert filed(4, HIGH) == 1
    assert filed(5, HIGH) == 0


def test_a_case_pages_again_after_an_hour(desk: Desk) -> None:
    settings = desk.settings(page=PageSettings(mail=("duty@example.org",)))

    def pages_filed(rev_id: int) -> int:
        desk.file(desk.flag(rev_id=rev_id, scores=HIGH, event_time=desk.clock()), settings)
        return sum(row.purpose is Purpose.PAGE for row in desk.rows())

    assert [pages_filed(1), pages_filed(2)] == [1, 1]
    desk.clock.now += 3601
    assert [pages_filed(3), pages_filed(4)] == [2, 2]


def test_a_page_of_a_clock_that_was_years_ahead_keeps_nobody_asleep(desk: Desk) -> None:
    settings = desk.settings(page=PageSettings(mail=("duty@example.org",)))
    now = desk.clock.now
    desk.clock.now += 1e8
    desk.file(desk.flag(rev_id=1, scores=HIGH, event_time=desk.clock()), settings)
    desk.clock.now = now
    desk.file(desk.flag(rev_id=2, scores=HIGH, event_time=desk.clock()), settings)
    assert sum(row.purpose is Purpose.PAGE for row in desk.rows()) == 2


def test_a_flood_of_one_moment_gets_no_more_letters_than_the_follow_ups(desk: Desk) -> None:
    settings = desk.settings(report=report(follow_ups=3))
    filed = [len(desk.file(desk.flag(rev_id=number, scores=HIGH, event_time=desk.clock()), settings)) for number in range(1, 9)]
    assert filed == [1, 1, 1, 1, 0, 0, 0, 0]
