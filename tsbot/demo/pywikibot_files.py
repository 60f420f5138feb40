"""pywikibot's configuration for the demo's wikis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tsbot.demo.accounts import Account

FAMILY = "tsbotdemo"


class _Wiki(Protocol):
    @property
    def dbname(self) -> str: ...
    @property
    def domain(self) -> str: ...


_FAMILY_FILE = '''\
"""The demo's wikis, for pywikibot. Written at each start of the demo."""

from __future__ import annotations

from pywikibot import family


class Family(family.Family):
    """metawiki, enwiki and dewiki on this machine."""

    name = {name!r}
    langs = {langs!r}

    def protocol(self, code: str) -> str:
        """The demo has no certificates."""
        return "http"

    def scriptpath(self, code: str) -> str:
        """As on Wikimedia wikis."""
        return "/w"

    def dbName(self, code: str) -> str:
        """The name that events call the wiki by."""
        return f"{{code}}wiki"
'''

_USER_CONFIG = """\
# pywikibot's configuration for the demo's wikis. Written at each start of the demo.
family_files[{name!r}] = {family_file!r}
family = {name!r}
mylang = "en"
for _code in {codes!r}:
    usernames[{name!r}][_code] = {user!r}
password_file = {password_file!r}
put_throttle = 0
minthrottle = 0
maxthrottle = 1
max_retries = 2
retry_wait = 1
"""

_LOGIN = "({user!r}, BotPassword({app!r}, {password!r}))\n"


def write_pywikibot_files(folder: Path, wikis: Mapping[str, _Wiki], account: Account) -> None:
    """Write family file, ``user-config.py`` and ``user-password.py``, readable by the owner only.

    A wiki's code is its database name without ``wiki``: en, de, meta.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    langs = {wiki.dbname.removesuffix("wiki"): wiki.domain for wiki in wikis.values()}
    family_file = folder / f"{FAMILY}_family.py"
    password_file = folder / "user-password.py"
    files = {
        family_file: _FAMILY_FILE.format(name=FAMILY, langs=langs),
        folder / "user-config.py": _USER_CONFIG.format(
            name=FAMILY,
            family_file=str(family_file),
            codes=sorted(langs),
            user=account.name,
            password_file=str(password_file),
        ),
        password_file: _LOGIN.format(user=account.name, app=account.bot_app, password=account.bot_password),
    }
    for path, text in files.items():
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text, "utf-8")
