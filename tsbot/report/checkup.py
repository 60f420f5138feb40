"""The doctor's checks of the ways out: keys of recipients, webhooks, case managements."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from tsbot.doctor import Diagnosis, State
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, KeyUnusableError
from tsbot.report.channels.suitecrm import SuiteCrmChannel
from tsbot.report.channels.zammad import ZammadChannel
from tsbot.report.pgp import MailCrypto
from tsbot.report.policy import Policy, guarded
from tsbot.settings import Settings
from tsbot.store import tables as t
from tsbot.store.database import Database

DAY = 86400.0
SOON_DAYS = 30
NOW_DAYS = 7
"""A key that ends in fewer days is worth a warning; in fewer than these it is a problem."""
LOOK_BACK = 7 * DAY
NEW_KEY = "Ask its owner for the new key, put it in the key file, and pin its fingerprint."


def check_keys(settings: Settings, crypto: MailCrypto, now: float) -> Iterator[Diagnosis]:
    """Each recipient's key can be used, and for how long still."""
    for recipient, rule in guarded(settings):
        check = f"pgp.{recipient}"
        try:
            key = crypto.examine(settings.data_path / rule.key, rule.fingerprint, now)
        except KeyUnusableError as error:
            required = rule.policy is Policy.REQUIRE
            words = f"{error}; letters leave {'with links only' if required else 'in clear, without the excerpt'}"
            yield Diagnosis(check, State.PROBLEM if required else State.WARNING, words, NEW_KEY)
            continue
        days = None if key.expires is None else (key.expires - now) / DAY
        if days is not None and days < SOON_DAYS:
            state = State.PROBLEM if days < NOW_DAYS else State.WARNING
            yield Diagnosis(check, state, f"the key ends in {days:,.0f} days", NEW_KEY)
        else:
            lasts = "" if days is None else f" for {days:,.0f} days"
            yield Diagnosis(check, State.OK, f"{key.fingerprint[-16:]} can be encrypted to{lasts}")


def check_unencrypted(database: Database, now: float) -> Iterator[Diagnosis]:
    """No letter of the last days left with less than it was to, because of a key."""
    where = (t.report.c.state == "sent", t.report.c.sent > now - LOOK_BACK, t.report.c.last_error.like("pgp:%"))
    with database.read() as connection:
        number = connection.scalar(select(func.count()).select_from(t.report).where(*where)) or 0
    if number:
        words = f"{number} letters of the last {LOOK_BACK / DAY:.0f} days left without what their key did not let through"
        yield Diagnosis("pgp.letters", State.PROBLEM, words, "Mend the key; then tell the recipients the rest by another way.")
    else:
        yield Diagnosis("pgp.letters", State.OK, "none left with less than it was to")


def check_webhooks(settings: Settings) -> Iterator[Diagnosis]:
    """Webhooks are signed."""
    for name, hook in settings.webhooks.items():
        if hook.secret:
            yield Diagnosis(f"webhooks.{name}", State.OK, "signed")
        else:
            remedy = f"Set webhooks.{name}.secret, and let the receiver check the signature (docs/channels.md)."
            yield Diagnosis(f"webhooks.{name}", State.WARNING, "not signed: anybody who knows the address can post to it", remedy)


def check_case_managements(settings: Settings) -> Iterator[Diagnosis]:
    """Each one that is configured lets us in. Creates nothing."""
    channels: dict[str, SuiteCrmChannel | ZammadChannel] = {}
    if settings.suitecrm.url:
        channels["suitecrm"] = SuiteCrmChannel(settings.suitecrm)
    if settings.zammad.url:
        channels["zammad"] = ZammadChannel(settings.zammad, settings.report.reporter_contact)
    for name, channel in channels.items():
        try:
            channel.check()
        except (DeliveryDeferredError, DeliveryRefusedError) as error:
            yield Diagnosis(name, State.PROBLEM, str(error), f"Check {name}.* in the settings and the rights of the client there.")
        else:
            yield Diagnosis(name, State.OK, "lets us in")
