"""Making pywikibot ready in this process: once, explicitly, without a word to the network."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tsbot import __version__
from tsbot.settings import Settings, WikiSettings

if TYPE_CHECKING:
    import requests

USER_CONFIG = "user-config.py"


def prepare(settings: Settings, *, simulate: bool | None = None) -> None:
    """Import and configure pywikibot. Doing it again with the same settings changes nothing.

    Under ``pwb`` the user's configuration is loaded already and its global options (``-simulate``, ``-config``, ``-dir``)
    are heeded. Otherwise ``user-config.py`` is looked for where pywikibot looks; without one an empty one is made in
    ``data_dir/pywikibot``, so that nothing is written to the home or the working directory. ``simulate`` overrides
    pywikibot's own setting unless None.
    """
    if "pywikibot" not in sys.modules:
        _find_configuration(settings)
        import pywikibot  # noqa: F401, PLC0415 - importing it is what reads the configuration
    from pywikibot import config  # noqa: PLC0415 - must not be imported before

    from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

    contact = settings.wiki.contact or config.user_agent_description or ""
    if not contact:
        structlog.get_logger().warning("wiki.no_contact", setting="wiki.contact", consequence="wikis may allow 10 requests a minute")
    _framework.configure(user_agent(contact), settings.wiki.timeout, simulate)
    if settings.wiki.account:
        _framework.load_cookies(settings.wiki.account)


def user_agent(contact: str) -> str:
    """The User-Agent, as the Wikimedia Foundation's policy wants it, in the form of ``config.user_agent_format``.

    Source: foundation.wikimedia.org, Policy:Wikimedia_Foundation_User-Agent_Policy.
    """
    clean = re.sub(r"[^\x20-\x7e]|[(){}]", "", contact).strip()
    about = f"{clean}; bot" if clean else "bot"
    return f"tsbot/{__version__} ({about}) {{pwb}}"


def own_session(*, keep_cookies: bool = False) -> requests.Session:
    """An HTTP session apart from that of our account. ``keep_cookies`` lets somebody sign in with it."""
    from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

    return _framework.own_session(keep_cookies=keep_cookies)


def simulating() -> bool:
    """Whether nothing may be changed or sent: pywikibot runs with ``-simulate``. For all that sends, mail included."""
    if "pywikibot" not in sys.modules:
        return False
    from pywikibot import config  # noqa: PLC0415 - only where it is imported already

    return bool(config.simulate)


def api_user(settings: WikiSettings) -> str | None:
    """The account to act as; None for anonymous reads. A bot password's suffix (``Name@suffix``) is not part of it."""
    return settings.account.partition("@")[0].strip() or None


def _find_configuration(settings: Settings) -> None:
    """Let pywikibot find a configuration file, the user's if there is one."""
    # "2": a missing configuration is no error and no message.
    os.environ.setdefault("PYWIKIBOT_NO_USER_CONFIG", "2")
    places = [Path()]
    with contextlib.suppress(RuntimeError):  # a user of a container may have no home
        places.append(Path.home() / ".pywikibot")
    if os.environ.get("PYWIKIBOT_DIR"):
        places.insert(0, Path(os.environ["PYWIKIBOT_DIR"]))
    named = any(argument.startswith(("-dir:", "-config:")) for argument in sys.argv[1:])
    if named or any((place / USER_CONFIG).exists() for place in places):
        return
    folder = settings.data_path / "pywikibot"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / USER_CONFIG
    if not file.exists():
        file.write_text("# Made by tsbot, which found none. See user-config.example.py for what can stand here.\n", encoding="utf-8")
        file.chmod(0o600)
    os.environ["PYWIKIBOT_DIR"] = str(folder.absolute())
