"""Checks of what many machines need: that all roles are filled, keep up, reach the broker, and tell one time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tsbot.bus.opening import open_broker
from tsbot.bus.roster import GONE, SKEWED, Present, present
from tsbot.doctor import Diagnosis, State
from tsbot.errors import SettingsError
from tsbot.settings import Settings
from tsbot.store import claims
from tsbot.store.database import Database

BEHIND = 300.0
"""Seconds for which an event may wait for a worker."""
CONNECT_SECONDS = 15.0
NEEDED = {
    "listen": ("nobody reads the stream", "Start `tsbot listen`."),
    "work": ("nobody judges what is read", "Start `tsbot work`, on as many machines as you like."),
    "deliver": ("nobody sends letters", "Start `tsbot deliver`."),
}


def check_machines(database: Database) -> Iterator[Diagnosis]:
    """The processes that share the work; nothing where none do."""
    with database.read() as connection:
        known = present(connection)
        waiting, oldest = claims.backlog(connection)
    alive = [one for one in known if one.silent < GONE]
    if waiting and oldest > BEHIND:
        words = f"{waiting:,} events wait for a worker, the oldest for {oldest / 60:,.0f} min"
        yield Diagnosis("machines.backlog", State.WARNING, words, "Start more of `tsbot work`, or see why those that run do not get on.")
    if not known:
        return
    for role, (words, remedy) in NEEDED.items():
        number = sum(one.role == role for one in alive)
        if number:
            yield Diagnosis(f"machines.{role}", State.OK, f"{number} running")
        else:
            yield Diagnosis(f"machines.{role}", State.PROBLEM, words, remedy)
    yield from _each(known)


def _each(known: list[Present]) -> Iterator[Diagnosis]:
    gone = [one for one in known if one.silent >= GONE]
    here = [one for one in known if one.silent < GONE]
    if gone:
        words = f"no sign of life of {_names(gone)}"
        yield Diagnosis("machines.gone", State.WARNING, words, "What they had, others have taken. Start them again if they are needed.")
    skewed = [one for one in here if abs(one.skew) > SKEWED]
    if skewed:
        words = f"wrong clocks: {', '.join(f'{one.name} by {one.skew:+,.0f} s' for one in skewed)}"
        yield Diagnosis("machines.clock", State.WARNING, words, "Set those machines' clocks (NTP). Until then they go by the database's.")
    cut_off = [one for one in here if not one.broker and one.role != "deliver"]
    if cut_off:
        words = f"{_names(cut_off)} do not reach the broker"
        yield Diagnosis("machines.broker", State.WARNING, words, "Events wait for longer meanwhile, and none is lost. Mend the broker.")


def _names(some: list[Present]) -> str:
    return ", ".join(one.name for one in some)


def check_broker(settings: Settings) -> Iterator[Diagnosis]:
    """Whether the broker of the settings can be reached from here."""
    if not settings.bus.engine:
        return
    try:
        bus = open_broker(settings.bus)
    except SettingsError as error:
        yield Diagnosis("broker", State.PROBLEM, str(error), "Install it, or leave bus.engine empty.")
        return
    bus.start(consume=False)
    try:
        deadline = time.monotonic() + CONNECT_SECONDS
        while not bus.status().connected and time.monotonic() < deadline:
            time.sleep(0.05)
        status = bus.status()
    finally:
        bus.close()
    if status.connected:
        yield Diagnosis("broker", State.OK, f"{settings.bus.engine} answers")
    else:
        words = f"{settings.bus.engine} does not answer: {status.trouble or 'no word within the time'}"
        yield Diagnosis("broker", State.PROBLEM, words, "Check bus.servers, bus.user and the certificate; workers go on without it, later.")
