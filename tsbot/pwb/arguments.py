"""pywikibot's command line, also where its wiki cannot be reached."""

from __future__ import annotations

from collections.abc import Sequence

import pywikibot
import requests

from tsbot.errors import WikiError, WikiUnavailableError


def handle(args: Sequence[str]) -> list[str]:
    """What is left of a command line when pywikibot has taken its own parameters.

    ``pywikibot.handle_args`` asks the configured wiki who we are, which scripts that only read a file do not need. Raises
    ``WikiUnavailableError`` if that wiki cannot be reached, and ``WikiError`` if pywikibot's configuration cannot be used.
    """
    try:
        return list(pywikibot.handle_args(args))
    except (requests.RequestException, pywikibot.exceptions.ServerError, pywikibot.exceptions.FatalServerError) as error:
        raise WikiUnavailableError(
            f"pywikibot cannot reach the wiki of its configuration ({type(error).__name__}). Without a network use `tsbot` instead of pwb."
        ) from error
    except pywikibot.exceptions.Error as error:
        raise WikiError(f"pywikibot's configuration cannot be used: {type(error).__name__}.") from error
