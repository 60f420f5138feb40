"""Making the wikis from Debian's MediaWiki: databases, accounts, and a template folder to start from next time."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tsbot.demo.accounts import ACCOUNTS_FILE, read_accounts, save_accounts, with_passwords
from tsbot.errors import DemoError

MEDIAWIKI = Path("/usr/share/mediawiki")
"""Where Debian's package puts it."""
PHP_FILES = Path(__file__).with_name("mediawiki")
DEBIAN_INSTALL = Path(__file__).with_name("debian") / "install.sh"
EXTENSIONS = ("AbuseFilter", "Cite", "Gadgets", "Interwiki", "Nuke", "ParserFunctions", "Renameuser")
PHP_MODULES = ("curl", "intl", "mbstring", "pdo_sqlite", "sockets", "xml")
FORMAT = 1
"""Part of the template's key: raise it when the code below makes other wikis from the same files."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WikiSpec:
    """A wiki of the family before it runs."""

    dbname: str
    language: str
    name: str
    project: str
    """Name of the project namespace, as in ``Wikipedia:Sandbox``."""


WIKIS = (
    WikiSpec("metawiki", "en", "Meta (demo)", "Meta"),  # first: it owns the shared accounts
    WikiSpec("enwiki", "en", "Wikipedia (demo)", "Wikipedia"),
    WikiSpec("dewiki", "de", "Wikipedia (Demo)", "Wikipedia"),
)


def check_prerequisites(mediawiki: Path = MEDIAWIKI) -> str:
    """Path of ``php``. Raises DemoError, saying what to install, where MediaWiki or PHP is missing."""
    php = shutil.which("php")
    if php is None or not (mediawiki / "maintenance" / "install.php").is_file():
        missing = "MediaWiki" if php else "PHP"
        raise DemoError(
            f"{missing} is not installed. On Debian: `sudo sh {DEBIAN_INSTALL}` (or `make debian` in a checkout)."
        )
    loaded = set(_php_output([php, "-r", "echo implode(' ', get_loaded_extensions());"]).lower().split())
    absent = [module for module in PHP_MODULES if module not in loaded]
    if absent:
        raise DemoError(
            f"PHP lacks the modules {', '.join(absent)}. On Debian: `sudo sh {DEBIAN_INSTALL}` (or `make debian`)."
        )
    return php


def template_key(mediawiki: Path) -> str:
    """A name that changes with everything a template is made from."""
    digest = hashlib.sha256(f"{FORMAT} {EXTENSIONS} {WIKIS}".encode())
    for path in (mediawiki / "includes" / "Defines.php", ACCOUNTS_FILE, *sorted(PHP_FILES.glob("*.php"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def ready_template(cache: Path, *, mediawiki: Path, progress: Progress) -> Path:
    """The template folder (``data/*.sqlite``, ``accounts.json``) in ``cache``, made now if it is not there.

    Raises DemoError.
    """
    php = check_prerequisites(mediawiki)
    template = cache / f"wikis-{template_key(mediawiki)}"
    if template.is_dir():
        return template
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old_templates(cache)
    work = cache / f"{template.name}.{os.getpid()}-{secrets.token_hex(3)}"
    try:
        _make(work, php=php, mediawiki=mediawiki, progress=progress)
        try:
            work.rename(template)
        except OSError:
            if not template.is_dir():  # another process was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return template


def family_config(
    folder: Path, urls: Mapping[str, str], *, mediawiki: Path, feed_port: int, mail_port: int
) -> dict[str, object]:
    """What LocalSettings.php reads. A ``feed_port`` of 0 sends no events."""
    return {
        "folder": str(folder),
        "secret": secrets.token_hex(32),
        "feed_port": feed_port,
        "mail_port": mail_port,
        "extensions": [name for name in EXTENSIONS if (mediawiki / "extensions" / name / "extension.json").is_file()],
        "wikis": {
            spec.dbname: {
                "dbname": spec.dbname,
                "language": spec.language,
                "name": spec.name,
                "project": spec.project,
                "url": urls[spec.dbname],
            }
            for spec in WIKIS
        },
    }


def php_environment(folder: Path, dbname: str, mediawiki: Path) -> dict[str, str]:
    """Environment in which PHP runs as one of the wikis in ``folder``."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MW_", "PHP_"))},
        "MW_CONFIG_FILE": str(PHP_FILES / "LocalSettings.php"),
        "TSBOT_DEMO_CONFIG": str(folder / "family.json"),
        "TSBOT_DEMO_ACCOUNTS": str(folder / "accounts.json"),
        "TSBOT_DEMO_WIKI": dbname,
        "TSBOT_DEMO_MEDIAWIKI": str(mediawiki),
    }


def use_wal(data: Path) -> None:
    """Set write-ahead logging, about twice as fast for several writers; it is kept in the files."""
    for path in data.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _forget_old_templates(cache: Path) -> None:
    # Only those of another day: another process may be copying a recent one.
    for path in cache.glob("wikis-*"):
        if time.time() - path.stat().st_mtime > 86_400:
            shutil.rmtree(path, ignore_errors=True)


def _make(work: Path, *, php: str, mediawiki: Path, progress: Progress) -> None:
    data = work / "data"
    data.mkdir(parents=True, mode=0o700)
    accounts = with_passwords(read_accounts())
    save_accounts(accounts, work / "accounts.json")
    urls = {spec.dbname: "http://127.0.0.1" for spec in WIKIS}
    config = family_config(work, urls, mediawiki=mediawiki, feed_port=0, mail_port=0)
    (work / "family.json").write_text(json.dumps(config))
    for spec in WIKIS:
        progress(f"installing {spec.dbname}")
        confs = work / "installer" / spec.dbname
        confs.mkdir(parents=True)
        password_file = confs / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(accounts["Admin"].password)
        run_php(
            [
                php, str(mediawiki / "maintenance" / "install.php"), "--dbtype=sqlite", f"--dbpath={data}",
                f"--dbname={spec.dbname}", f"--lang={spec.language}", f"--server={urls[spec.dbname]}", "--scriptpath=/w",
                f"--confpath={confs}", f"--passfile={password_file}", spec.name, "Admin",
            ],
            {name: value for name, value in os.environ.items() if not name.startswith("MW_")},
        )  # fmt: skip
    for spec in WIKIS:
        progress(f"making the accounts of {spec.dbname}")
        environment = php_environment(work, spec.dbname, mediawiki)
        for name in ("cache", "images"):
            (work / name / spec.dbname).mkdir(parents=True)
        run_php([php, str(mediawiki / "maintenance" / "update.php"), "--quick", "--skip-external-dependencies"], environment)
        run_php([php, str(PHP_FILES / "Provision.php")], environment)
    use_wal(data)
    shutil.rmtree(work / "installer")
    (work / "family.json").unlink()


def run_php(command: list[str], environment: Mapping[str, str]) -> None:
    """Run a script of MediaWiki. Raises DemoError, with the end of what it said."""
    _php_output(command, environment)


def _php_output(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    result = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        tail = (result.stdout + result.stderr).strip()[-600:]
        raise DemoError(f"{Path(command[1]).name} failed with status {result.returncode}: {tail}")
    return result.stdout
