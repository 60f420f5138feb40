"""Watches of traces, once an hour: look for matches in the activity index, and tell whoever watches that there is news, by id only.

Told is whoever stands under the same name among the people of ``[oncall]`` with a mail address; for everybody else the news waits in the
console and in ``tsbot trace news``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

import structlog

from tsbot.errors import ReportError
from tsbot.report.channels import Channel
from tsbot.report.message import OutboundMessage, message_domain
from tsbot.settings import Settings
from tsbot.store.database import Database
from tsbot.store.outbox import Purpose
from tsbot.trace.watches import Watch, look_round

NAMESPACE = uuid.UUID("2a0d6a54-34a5-5d07-b5c5-6a3b8d4f7c10")


def tend_watches(database: Database, settings: Settings, now: float, channels: Callable[[], Mapping[str, Channel]]) -> list[Watch]:
    """Look and tell; the watches with news. ``channels`` opens the ways out: none where nothing may be sent. Raises ``StoreError``."""
    fresh = look_round(database, settings.trace, now)
    for watch in fresh:
        structlog.get_logger().info("trace.watch_news", id=watch.id[:8], count=watch.news)
        address = next((person.mail for person in settings.oncall.people if person.name == watch.by and person.mail), "")
        channel = channels().get("smtp" if settings.mail.host else "spool") if address else None
        if channel is None:
            continue
        try:
            channel.send(_message(settings, watch, address, now))
        except ReportError as error:  # the news stays stored, and is told in the console
            structlog.get_logger().warning("trace.watch_not_told", id=watch.id[:8], reason=error)
    return fresh


def _message(settings: Settings, watch: Watch, address: str, now: float) -> OutboundMessage:
    """Ids and a number; no name and no evidence."""
    identity = str(uuid.uuid5(NAMESPACE, f"{watch.id}|{watch.looked}"))
    contact = settings.report.reporter_contact
    text = f"Your watch {watch.id[:8]} has {watch.news} new match{'es' if watch.news > 1 else ''}.\n\nTo read: tsbot trace news\n"
    return OutboundMessage(
        id=identity,
        message_id=f"<{identity}@{message_domain(contact)}>",
        purpose=Purpose.PAGE,
        case_id="",
        flag_id="",
        recipient=address,
        subject=f"[tsbot] watch {watch.id[:8]}: news",
        text=text,
        date=now,
        sender_name=settings.report.reporter_name,
        sender_address=contact,
    )
