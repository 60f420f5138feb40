"""A family of three real MediaWiki wikis on this machine: metawiki, enwiki and dewiki."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from tsbot.demo.accounts import Account, load_accounts
from tsbot.demo.actors import Actor
from tsbot.demo.ports import free_ports
from tsbot.demo.processes import ProcessGroup, stop_stale
from tsbot.demo.provision import (
    MEDIAWIKI,
    PHP_FILES,
    WIKIS,
    Progress,
    check_prerequisites,
    family_config,
    php_environment,
    ready_template,
    run_php,
)
from tsbot.demo.pywikibot_files import write_pywikibot_files
from tsbot.errors import DemoError

LOCK = "tsbot-demo.lock"
"""File by which a folder is known to be a demo's."""
START_PATIENCE = 60.0
"""Seconds that a wiki may take until it answers for the first time."""


@dataclass(frozen=True, slots=True)
class Wiki:
    """A running wiki."""

    dbname: str
    language: str
    url: str
    """Scheme, host and port, for instance ``http://127.0.0.1:8801``."""

    @property
    def api(self) -> str:
        """Address of the action API."""
        return f"{self.url}/w/api.php"

    @property
    def domain(self) -> str:
        """Host and port, as in the events' ``meta.domain``."""
        return self.url.removeprefix("http://")


def _silent(_text: str) -> None:
    pass


class WikiFamily:
    """The wikis, from :meth:`start` to :meth:`stop`; also a context manager.

    ``folder`` belongs to the family: ``cache/`` keeps ready-made wikis so that a start takes a few seconds (pass
    ``cache`` to share it), ``wikis/`` is the running copy, made anew at each start, ``pywikibot/`` the configuration
    for pywikibot. ``feed_port`` is the UDP port of the event stream twin, ``mail_port`` that of the mail sink; with 0
    there are no events and no mail. Ports are free ones unless ``first_port`` is given (meta, then en, de). Everything
    listens on loopback only. Not thread-safe; the actors are, one per thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        feed_port: int = 0,
        mail_port: int = 0,
        first_port: int | None = None,
        workers: int = 2,
        cache: Path | None = None,
        mediawiki: Path = MEDIAWIKI,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.accounts: Mapping[str, Account] = {}
        self.wikis: Mapping[str, Wiki] = {}
        self._running = self.folder / "wikis"
        self._cache = (cache or self.folder / "cache").absolute()
        self.feed_port, self.mail_port = feed_port, mail_port
        """May be set until :meth:`start`."""
        self._first_port = first_port
        self._workers = workers
        self._mediawiki = mediawiki
        self._progress = progress or _silent
        self._servers = ProcessGroup(self.folder)
        self._lock: IO[bytes] | None = None

    @property
    def pywikibot_dir(self) -> Path:
        """Folder for ``PYWIKIBOT_DIR``: family ``tsbotdemo``, user TsBot on all wikis."""
        return self.folder / "pywikibot"

    def claim(self) -> None:
        """Take the folder for this program until :meth:`stop`.

        Raises DemoError where another one has it, or where it holds other things than a demo's: those would be deleted.
        """
        if self._lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self.folder / LOCK
        if not place.exists() and any(self.folder.iterdir()):
            raise DemoError(f"{self.folder} holds other things. Name a new or an empty folder: a demo deletes what an earlier one left.")
        lock = place.open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise DemoError(f"another demo is running in {self.folder}") from None
        self._lock = lock

    def start(self) -> None:
        """Set the wikis up and return when all of them answer. Raises DemoError."""
        php = check_prerequisites(self._mediawiki)
        self.claim()
        try:
            if stop_stale(self.folder, str(PHP_FILES)):
                self._progress("stopped the servers of an earlier run")
            template = ready_template(self._cache, mediawiki=self._mediawiki, progress=self._progress)
            self._restore(template)
            self._start_servers(php)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the servers. What they wrote stays in ``folder/wikis`` until the next start. May be called twice."""
        self._servers.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def actor(self, name: str, wiki: str) -> Actor:
        """A person (one of ``accounts``) at work on a wiki. Raises DemoError for a name nobody has."""
        if name not in self.accounts:
            raise DemoError(f"no account {name!r}; there are {', '.join(self.accounts)}")
        return Actor(self.wikis[wiki].url, self.accounts[name])

    def anonymous(self, ip: str, wiki: str) -> Actor:
        """Somebody who is not logged in, at an address (``203.0.113.7``, ``2001:db8::7``)."""
        return Actor(self.wikis[wiki].url, Account(name="", ip=ip))

    def import_dump(self, dbname: str, dump: Path) -> None:
        """Import pages with their histories into a wiki (XML of Special:Export); their authors stay strangers. Raises DemoError."""
        script = str(self._mediawiki / "maintenance" / "importDump.php")
        command = [check_prerequisites(self._mediawiki), script, "--no-updates", "--username-prefix=imported", str(dump)]
        run_php(command, php_environment(self._running, dbname, self._mediawiki))

    def maintain(self, dbname: str, script: str, *arguments: str) -> None:
        """Run one of MediaWiki's maintenance scripts on a wiki. Raises DemoError."""
        command = [check_prerequisites(self._mediawiki), str(self._mediawiki / "maintenance" / script), *arguments]
        run_php(command, php_environment(self._running, dbname, self._mediawiki))

    def __enter__(self) -> WikiFamily:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _restore(self, template: Path) -> None:
        shutil.rmtree(self._running, ignore_errors=True)
        shutil.copytree(template, self._running)
        root = self._running / "root"
        root.mkdir()
        (root / "w").symlink_to(self._mediawiki)
        (self._running / "log").mkdir()
        self.accounts = load_accounts(self._running / "accounts.json")

    def _start_servers(self, php: str) -> None:
        ports = free_ports(len(WIKIS), self._first_port)
        self.wikis = {
            spec.dbname: Wiki(spec.dbname, spec.language, f"http://127.0.0.1:{port}")
            for spec, port in zip(WIKIS, ports, strict=True)
        }
        config = family_config(
            self._running,
            {wiki.dbname: wiki.url for wiki in self.wikis.values()},
            mediawiki=self._mediawiki,
            feed_port=self.feed_port,
            mail_port=self.mail_port,
        )
        (self._running / "family.json").write_text(json.dumps(config))
        write_pywikibot_files(self.pywikibot_dir, self.wikis, self.accounts["TsBot"])
        for wiki in self.wikis.values():
            environment = php_environment(self._running, wiki.dbname, self._mediawiki)
            self._servers.start(
                [php, "-S", wiki.domain, "-t", str(self._running / "root"), str(PHP_FILES / "router.php")],
                environment={**environment, "PHP_CLI_SERVER_WORKERS": str(self._workers)},
                log=self._log(wiki),
            )
        for wiki in self.wikis.values():
            self._progress(f"waiting for {wiki.dbname} at {wiki.url}")
            self._await(wiki)

    def _log(self, wiki: Wiki) -> Path:
        return self._running / "log" / f"{wiki.dbname}.log"

    def _await(self, wiki: Wiki) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy for loopback
        deadline = time.monotonic() + START_PATIENCE
        answer = "nothing"
        while time.monotonic() < deadline:
            try:
                with opener.open(f"{wiki.api}?action=query&meta=siteinfo&format=json", timeout=20) as reply:
                    answer = reply.read().decode("utf-8", "replace")
                if json.loads(answer).get("query", {}).get("general", {}).get("wikiid") == wiki.dbname:
                    return
            except (OSError, ValueError) as error:
                answer = str(error)
            if self._servers.any_ended():
                break
            time.sleep(0.05)
        tail = self._log(wiki).read_text("utf-8", "replace")[-400:]
        raise DemoError(f"{wiki.dbname} does not answer at {wiki.url}: {answer[:300]}\nIts log ends: {tail}")
