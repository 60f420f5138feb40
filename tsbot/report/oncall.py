"""Who is woken when something waits too long: people, their quiet hours, and rotas.

Quiet hours are for what can wait until the morning. They do not hold for threats to life or limb, nor for exercises of such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tsbot.errors import SettingsError
from tsbot.report.routing import Destination, is_address, pagers, webhook_label
from tsbot.settings import OnCallPerson, OnCallRota, Settings

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to tell now; if nobody is to be woken, when the first one is up."""

    destinations: tuple[Destination, ...]
    wait_until: float | None = None
    """Seconds since the epoch; None unless all are asleep."""


def call(settings: Settings, now: float, *, urgent: bool, everybody: bool = False) -> Call:
    """Whom to tell at ``now``.

    First those whose turn it is; where they sleep, whoever is awake in the order of the settings; ``everybody`` tells all that are
    awake. ``urgent`` minds no quiet hours. Without an on-call list it is whoever ``[page]`` names.
    """
    people = settings.oncall.people
    if not people:
        return Call(pagers(settings))
    awake = [person for person in people if urgent or quiet_until(person, now) is None]
    if not awake:
        return Call((), min(until for person in people if (until := quiet_until(person, now)) is not None))
    on_duty = set(on_turn(settings, now))
    chosen = awake if everybody else [person for person in awake if person.name in on_duty] or awake[:1]
    found = (destination for person in chosen for destination in destinations_of(person, settings))
    return Call(tuple(dict.fromkeys(found)))


def everyone(settings: Settings) -> tuple[Destination, ...]:
    """All that could ever be told."""
    if not settings.oncall.people:
        return pagers(settings)
    return tuple(dict.fromkeys(item for person in settings.oncall.people for item in destinations_of(person, settings)))


def destinations_of(person: OnCallPerson, settings: Settings) -> tuple[Destination, ...]:
    """How a person is reached."""
    mail = "smtp" if settings.mail.host else "spool"
    by_mail = (Destination(person.mail, mail),) if person.mail else ()
    by_hook = (Destination(webhook_label(person.webhook), "webhook"),) if person.webhook else ()
    return by_mail + by_hook


def hooks(settings: Settings) -> tuple[str, ...]:
    """Addresses of webhooks that the on-call list names."""
    return tuple(person.webhook for person in settings.oncall.people if person.webhook)


def on_turn(settings: Settings, now: float) -> tuple[str, ...]:
    """Names of those whose turn it is; all people where there are no rotas."""
    rotas = settings.oncall.rotas
    if not rotas:
        return tuple(person.name for person in settings.oncall.people)
    return tuple(dict.fromkeys(_turn_of(rota, now) for rota in rotas))


def _turn_of(rota: OnCallRota, now: float) -> str:
    here = datetime.fromtimestamp(now, _zone(rota.zone))
    today = here.date() if here.time() >= _clock(rota.handover) else here.date() - timedelta(days=1)
    turns = (today - date.fromisoformat(rota.since)).days // rota.turn_days
    return rota.people[turns % len(rota.people)]


def quiet_until(person: OnCallPerson, now: float) -> float | None:
    """When the quiet hours of a person that are on now end, in seconds since the epoch; None if they are not on."""
    if not person.quiet:
        return None
    start, end = _hours(person.quiet)
    zone = _zone(person.zone)
    here = datetime.fromtimestamp(now, zone)
    if not _between(here.time(), start, end):
        return None
    day = here.date() if here.time() < end else here.date() + timedelta(days=1)
    # Where clocks go back meanwhile, the later one of two equal times is meant: nobody is woken an hour early.
    until = datetime.combine(day, end, zone).replace(fold=1).timestamp()
    return until if until > now else now + 60.0


def _between(now: time, start: time, end: time) -> bool:
    return start <= now < end if start < end else now >= start or now < end


def check_on_call(settings: Settings) -> None:
    """Refuse an on-call list with mistakes. Raises ``SettingsError`` that names the entry."""
    names = [person.name for person in settings.oncall.people]
    for number, person in enumerate(settings.oncall.people, 1):
        _check_person(person, f"oncall.people entry {number}")
    if double := [name for name in names if names.count(name) > 1]:
        raise SettingsError(f"oncall.people: the name {double[0]} is there twice.")
    for number, rota in enumerate(settings.oncall.rotas, 1):
        _check_rota(rota, names, f"oncall.rotas entry {number}")


def _check_person(person: OnCallPerson, where: str) -> None:
    if not (person.mail or person.webhook):
        raise SettingsError(f"{where}: name a mail address or a webhook.")
    if person.mail and not is_address(person.mail):
        raise SettingsError(f"{where}: mail is no mail address.")
    if person.webhook and not person.webhook.startswith(("https://", "http://")):
        raise SettingsError(f"{where}: webhook is no http or https address.")
    if person.quiet:
        start, end = _hours(person.quiet, where)
        if start == end:
            raise SettingsError(f"{where}: quiet hours that never end; leave the person out instead.")
    _zone(person.zone, where)


def _check_rota(rota: OnCallRota, names: Sequence[str], where: str) -> None:
    if unknown := [name for name in rota.people if name not in names]:
        raise SettingsError(f"{where}: oncall.people has no {unknown[0]}.")
    try:
        date.fromisoformat(rota.since)
    except ValueError as error:
        raise SettingsError(f"{where}: since is no date such as 2026-01-05.") from error
    _clock(rota.handover, where)
    _zone(rota.zone, where)


def _hours(text: str, where: str = "quiet") -> tuple[time, time]:
    found = HOURS.fullmatch(text)
    if found is None:
        raise SettingsError(f"{where}: quiet hours are written as 22:00-07:00.")
    first, second, third, fourth = (int(part) for part in found.groups())
    return time(first, second), time(third, fourth)


def _clock(text: str, where: str = "handover") -> time:
    found = CLOCK.fullmatch(text)
    if found is None:
        raise SettingsError(f"{where}: a time of day is written as 09:00.")
    return time(int(found[1]), int(found[2]))


def _zone(name: str, where: str = "zone") -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        words = f"{where}: no time zone is called {name!r} here. Names are such as Europe/Berlin; they come from tzdata."
        raise SettingsError(words) from error
