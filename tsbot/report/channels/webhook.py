"""Pages as a JSON POST with ids only, for whatever wakes people at a site."""

from __future__ import annotations

from collections.abc import Iterable

from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from tsbot import __version__
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.http_client import pool
from tsbot.report.message import OutboundMessage
from tsbot.report.routing import webhook_label


class WebhookChannel:
    """Posts to the configured addresses; the outbox knows them by their label."""

    def __init__(self, urls: Iterable[str], timeout: float = 10.0) -> None:
        self.urls = {webhook_label(url): url for url in urls}
        self.timeout = Timeout(total=timeout)

    def send(self, message: OutboundMessage) -> None:
        """POST the ids of case and flag. 2xx is taken; 429, 5xx and silence are tried again; everything else is final."""
        url = self.urls.get(message.recipient)
        if url is None:
            raise DeliveryRefusedError("webhook: the address is not configured any more")
        body = {"case": message.case_id, "flag": message.flag_id, "report": message.id, "command": f"tsbot flags show {message.flag_id}"}
        if message.reason:
            body["reason"] = message.reason
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id, "User-Agent": f"tsbot/{__version__}"}
        try:
            with pool(url) as http:
                answer = http.request(
                    "POST", url, json=body, headers=headers, timeout=self.timeout, retries=False, redirect=False, preload_content=False
                )
                answer.close()  # what it says does not matter, however long it is
        except HTTPError as error:
            raise DeliveryDeferredError(f"webhook: {type(error).__name__}") from error
        if 200 <= answer.status < 300:
            return
        if answer.status == 429 or answer.status >= 500:
            raise DeliveryDeferredError(f"webhook: {answer.status}")
        raise DeliveryRefusedError(f"webhook: {answer.status}")
