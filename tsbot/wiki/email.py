"""Letters through a wiki's "e-mail this user" (``action=emailuser``; mediawiki.org, API:Emailuser)."""

from __future__ import annotations

import structlog

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError, UnknownWikiError, WikiRefusedError, WikiUnavailableError
from tsbot.wiki.api import Api
from tsbot.wiki.session import simulating

LATER = frozenset({"actionthrottledtext", "ratelimited", "badtoken"})
"""Refusals of the API that another time of day, or another token, cures."""


def send(api: Api, wiki: str, recipient: str, subject: str, text: str) -> None:
    """Mail a user of a wiki. The wiki shows them the sending account's address.

    Sends nothing while pywikibot simulates. Raises ``DeliveryDeferredError`` if the wiki cannot take the letter now, and
    ``DeliveryRefusedError`` if it never will or if nobody can tell whether it did: a second letter would be worse than a
    person who looks.
    """
    if simulating():
        structlog.get_logger().info("wiki.email_simulated", wiki=wiki)
        return
    try:
        data = api.post(wiki, {"action": "emailuser", "target": recipient, "subject": subject, "text": text})
    except UnknownWikiError as error:
        raise DeliveryRefusedError(f"The wiki to mail through is unknown ({wiki}).") from error
    except WikiUnavailableError as error:
        if error.maybe_done:
            raise DeliveryRefusedError(
                f"{wiki} took the letter and did not answer. Ask the recipient before sending it again."
            ) from error
        raise DeliveryDeferredError(f"{wiki} cannot mail now: {error}") from error
    except WikiRefusedError as error:
        if error.code in LATER:
            raise DeliveryDeferredError(f"{wiki} mails no more for now ({error.code}).") from error
        raise DeliveryRefusedError(f"{wiki} does not mail this recipient ({error.code}).") from error
    if str((data.get("emailuser") or {}).get("result")) != "Success":
        raise DeliveryRefusedError(f"{wiki} did not confirm the letter. Ask the recipient before sending it again.")
