"""Pages and letters as a JSON POST, signed, for whatever wakes people or takes reports at a site."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.channels.http import Client, to_json
from tsbot.report.message import OutboundMessage
from tsbot.report.oncall import hooks
from tsbot.report.routing import webhook_label
from tsbot.report.signature import sign
from tsbot.settings import Settings, WebhookSettings
from tsbot.store.outbox import Purpose


def webhooks(settings: Settings) -> dict[str, WebhookSettings]:
    """All webhooks as the outbox names them: those of the settings by name, plain addresses of pages and on-call people by their label."""
    urls = (*settings.page.webhooks, *hooks(settings))
    plain = {webhook_label(url): WebhookSettings(url=url) for url in urls if url not in settings.webhooks}
    return plain | dict(settings.webhooks)


class WebhookChannel:
    """Posts to the configured addresses; the outbox knows them by their name or label.

    A page carries ids. A letter carries ids, category and links, and its text only where the recipient's policy is ``plain``.
    """

    def __init__(self, hooks: Mapping[str, WebhookSettings], clock: Callable[[], float] = time.time) -> None:
        self.hooks = dict(hooks)
        self.clock = clock

    def send(self, message: OutboundMessage) -> None:
        """POST the message. 2xx is taken; 429, 5xx and silence are tried again; everything else is final."""
        hook = self.hooks.get(message.recipient)
        if hook is None:
            raise DeliveryRefusedError("webhook: the address is not configured any more")
        body = to_json(_page(message) if message.purpose is Purpose.PAGE else _letter(message))
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id, **sign(hook.secret, message.id, body, self.clock())}
        # What it answers does not matter, however long it is.
        answer = Client("webhook", hook.timeout).ask("POST", hook.url, headers=headers, body=body, limit=0)
        if 200 <= answer.status < 300:
            return
        if answer.status == 429 or answer.status >= 500:
            raise DeliveryDeferredError(f"webhook: {answer.status}", answer.retry_after)
        raise DeliveryRefusedError(f"webhook: {answer.status}")


def _page(message: OutboundMessage) -> dict[str, Any]:
    command = f"tsbot flags show {message.flag_id}"
    page = {"case": message.case_id, "flag": message.flag_id, "report": message.id, "command": command}
    return page | ({"reason": message.reason} if message.reason else {})


def _letter(message: OutboundMessage) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "letter",
        "report": message.id,
        "case": message.case_id,
        "flag": message.flag_id,
        "follow_up": message.in_reply_to is not None,
        "wiki": message.wiki,
        "threat_types": list(message.threat_types),
        "links": dict(message.links),
        "reporter": {"name": message.sender_name, "contact": message.sender_address},
    }
    return body | ({"subject": message.private_subject or message.subject, "text": message.text} if message.with_text else {})
