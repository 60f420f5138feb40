"""Who is told when something waits too long."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import SettingsError
from tsbot.report.channels import open_channels
from tsbot.report.channels.webhook import WebhookChannel
from tsbot.report.escalation import LONGEST_QUIET
from tsbot.report.oncall import call, check_on_call, everyone, quiet_until
from tsbot.settings import MailSettings, OnCallPerson, OnCallRota, OnCallSettings, PageSettings, Settings

ADA = OnCallPerson(name="ada", mail="ada@example.org", quiet="22:00-07:00", zone="Europe/Berlin")
BOLA = OnCallPerson(name="bola", mail="bola@example.org", quiet="22:00-07:00", zone="Africa/Lagos")
CHEN = OnCallPerson(name="chen", mail="chen@example.org", quiet="23:00-06:30", zone="Asia/Shanghai")
TURNS = OnCallRota(people=("ada", "bola"), since="2026-01-05", zone="Europe/Berlin")


def listed(*people: OnCallPerson, rotas: tuple[OnCallRota, ...] = (), **more: Any) -> Settings:
    return Settings(oncall=OnCallSettings(people=people, rotas=rotas), **more)


def seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


def table() -> list[tuple[str, ...]]:
    lines = Path(__file__).with_name("oncall.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(part.strip() for part in line.split("|")) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("when", "urgency", "who", "told"), table())
def test_the_table(when: str, urgency: str, who: str, told: str) -> None:
    settings = listed(ADA, BOLA, CHEN, rotas=(TURNS,))
    check_on_call(settings)
    answer = call(settings, seconds(when), urgent=urgency == "urgent", everybody=who == "everybody")
    if told.startswith("until"):
        assert (answer.destinations, answer.wait_until) == ((), seconds(told.removeprefix("until ")))
    else:
        assert [item.recipient for item in answer.destinations] == [f"{name}@example.org" for name in told.split()]
        assert answer.wait_until is None


@given(
    now=st.floats(1.6e9, 2.5e9),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"]),
    start=st.integers(0, 1439),
    length=st.integers(1, 1439),
)
def test_quiet_hours_end_and_soon_enough(now: float, zone: str, start: int, length: int) -> None:
    end = (start + length) % 1440
    person = OnCallPerson(name="x", mail="x@example.org", quiet=f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}", zone=zone)
    until = quiet_until(person, now)
    if until is not None:
        assert now < until <= now + LONGEST_QUIET
        assert quiet_until(person, until) is None


def test_without_rotas_it_is_everybodys_turn() -> None:
    answer = call(listed(ADA, BOLA), seconds("2026-01-05 12:00"), urgent=False)
    assert [item.recipient for item in answer.destinations] == ["ada@example.org", "bola@example.org"]


def test_without_people_it_is_whoever_is_paged_about_flags() -> None:
    settings = Settings(page=PageSettings(mail=("duty@example.org",)))
    assert call(settings, 0.0, urgent=False) == call(settings, 0.0, urgent=True, everybody=True)
    assert [item.recipient for item in everyone(settings)] == ["duty@example.org"]


def test_people_are_reached_by_mail_and_by_webhook() -> None:
    both = OnCallPerson(name="duty", mail="duty@example.org", webhook="https://hooks.example.org/secret")
    settings = listed(both, mail=MailSettings(host="mail.example.org"))
    mail, hook = call(settings, 0.0, urgent=True).destinations
    assert (mail.recipient, mail.channel) == ("duty@example.org", "smtp")
    assert (hook.channel, "secret" in hook.recipient) == ("webhook", False)
    channel = open_channels(settings)["webhook"]
    assert isinstance(channel, WebhookChannel)
    assert channel.urls == {hook.recipient: "https://hooks.example.org/secret"}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (listed(OnCallPerson(name="a")), "entry 1: name a mail address or a webhook"),
        (listed(ADA, OnCallPerson(name="b", mail="b")), "entry 2: mail is no mail address"),
        (listed(OnCallPerson(name="a", webhook="ftp://example.org")), "entry 1: webhook is no http"),
        (listed(OnCallPerson(name="a", mail="a@example.org", quiet="22-7")), "entry 1: quiet hours are written as"),
        (listed(OnCallPerson(name="a", mail="a@example.org", quiet="07:00-07:00")), "entry 1: quiet hours that never end"),
        (listed(OnCallPerson(name="a", mail="a@example.org", zone="Berlin")), "entry 1: no time zone is called 'Berlin'"),
        (listed(OnCallPerson(name="a", mail="a@example.org", zone="../etc/passwd")), "entry 1: no time zone"),
        (listed(ADA, ADA), "the name ada is there twice"),
        (listed(ADA, rotas=(OnCallRota(people=("bob",), since="2026-01-05"),)), "rotas entry 1: oncall.people has no bob"),
        (listed(ADA, rotas=(OnCallRota(people=("ada",), since="Monday"),)), "rotas entry 1: since is no date"),
        (listed(ADA, rotas=(OnCallRota(people=("ada",), since="2026-01-05", handover="9"),)), "rotas entry 1: a time of day"),
    ],
)
def test_a_mistake_in_the_list_is_named(settings: Settings, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check_on_call(settings)
