"""From a database name to the wiki's address, without asking anybody."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tsbot.errors import SettingsError, UnknownWikiError
from tsbot.settings import WikiSettings
from tsbot.wiki.session import api_user

if TYPE_CHECKING:
    from tsbot.wiki._framework import Site

# Database names of Wikimedia's wikis follow from family and code, but for these (operations/mediawiki-config,
# dblists/all.dblist). pywikibot's own dbName() gives "enwikipedia" for enwiki.
_SUFFIX = {"wikipedia": "wiki", "wikimediachapter": "wikimedia"}
_SAME_AS_FAMILY = frozenset(
    ("wikibooks", "wikinews", "wikiquote", "wikisource", "wikiversity", "wikivoyage", "wiktionary")
)
_ODD = {
    ("wikisource", "mul"): "sourceswiki",
    ("wikisource", "-"): "sourceswiki",
    ("wikitech", "en"): "labswiki",
    ("wikimania", "wikimania"): "wikimaniawiki",
    ("commons", "test"): "testcommonswiki",
    ("wikidata", "test"): "testwikidatawiki",
}
_ODD_CODE = {"be-tarask": "be_x_old"}
# Browsers, urllib and requests disagree about anything odder, such as a backslash or a name before an @.
_BASE = re.compile(
    r"(?:(?P<scheme>https?):)?//(?P<place>(?P<host>[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)(?:/.*)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Place:
    family: str
    code: str
    host: str


class Sites:
    """Finds wikis among pywikibot's families, or by the address that an event gives. Thread-safe.

    Needs :func:`tsbot.wiki.session.prepare` to have run. No method uses the network.
    """

    def __init__(self, settings: WikiSettings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._places: dict[str, list[_Place]] | None = None
        self._names: dict[str, str] = {}
        self._known: dict[tuple[str, str, str], bool] = {}
        self._sites: dict[tuple[str, str], Site] = {}

    def known(self, wiki: str, server_url: str = "", domain: str = "") -> bool:
        """Whether the wiki can be asked, and its events may be linked. Cheap enough for every event.

        The address of an event must be one that a family lists for the wiki, or lie below ``wiki.domains``: letters link to it.
        """
        key = (wiki, server_url, domain)
        answer = self._known.get(key)
        if answer is None:
            base = base_url(server_url, domain)
            places = self._index().get(wiki, [])
            listed = not (server_url or domain) or urlsplit(base).netloc in {place.host for place in places}
            answer = bool(wiki) and ((bool(places) and listed) or self._allowed(base))
            if len(self._known) < 10_000:  # a hostile stream could name wikis without end
                self._known[key] = answer
        return answer

    def site(self, wiki: str, server_url: str = "") -> Site:
        """The site object for a database name. Raises ``UnknownWikiError``."""
        key = (wiki, server_url)
        with self._lock:
            if key not in self._sites:
                self._sites[key] = self._make(wiki, server_url)
            return self._sites[key]

    def database(self, base: str) -> str | None:
        """The database name of the wiki at ``base`` (scheme and host) if a family lists it."""
        self._index()
        return self._names.get(urlsplit(base).netloc)

    def databases(self) -> tuple[str, ...]:
        """Database names of all wikis of the configured families; none where the settings name no family: those would be a thousand."""
        return tuple(sorted(self._index())) if self._settings.families else ()

    def base(self, wiki: str, server_url: str = "") -> str:
        """Scheme and host of a wiki. Raises ``UnknownWikiError``."""
        site = self.site(wiki, server_url)
        return str(site.base_url("")).rstrip("/")

    def _make(self, wiki: str, server_url: str) -> Site:
        from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

        user = api_user(self._settings)
        places = self._index().get(wiki, [])
        if places:
            host = urlsplit(server_url).netloc
            place = next((place for place in places if place.host == host), places[0])
            return _framework.make_site(_framework.load_family(place.family), place.code, user)
        base = base_url(server_url, "")
        if not wiki or not self._allowed(base):
            raise UnknownWikiError(f"No configured family has the wiki {wiki[:64]!r}, and its host is not below `wiki.domains`.")
        # Family names may have letters and digits only, and a single-site family has its name as code.
        name = "auto" + re.sub(r"[^a-z0-9]", "", f"{wiki}{urlsplit(base).netloc}".lower())
        return _framework.make_site(_framework.auto_family(name, base), name, user)

    def _allowed(self, base: str) -> bool:
        parts = urlsplit(base)
        host = parts.hostname or ""
        if parts.scheme != "https" and not is_loopback(host):
            return False
        return any(host == domain or host.endswith("." + domain) for domain in self._settings.domains)

    def _index(self) -> dict[str, list[_Place]]:
        if self._places is None:
            with self._lock:
                if self._places is None:
                    self._places = self._read_families()
        return self._places

    def _read_families(self) -> dict[str, list[_Place]]:
        from tsbot.wiki import _framework  # noqa: PLC0415 - imports pywikibot

        places: dict[str, list[_Place]] = defaultdict(list)
        for name in self._settings.families or _framework.families():
            try:
                family = _framework.load_family(name)
            except KeyError as error:
                raise SettingsError(f"wiki.families names {name!r}, a family that pywikibot does not know.") from error
            wikimedia = hasattr(family, "wikimedia_org_content_families")
            for code, host in family.langs.items():
                if not host or code in family.obsolete:
                    continue
                dbname = _wikimedia_database(name, code) if wikimedia else family.dbName(code)
                if dbname:
                    places[dbname].append(_Place(name, code, host))
                    self._names.setdefault(host, dbname)
        return dict(places)


def _wikimedia_database(family: str, code: str) -> str | None:
    """The database name of a Wikimedia wiki; None for those of the beta cluster, whose names collide with real ones."""
    if (family, code) in _ODD:
        return _ODD[family, code]
    if code == "beta" and family != "wikiversity":
        return None
    stem = _ODD_CODE.get(code, code).replace("-", "_")
    if family in _SAME_AS_FAMILY:
        return stem + family
    if family == "wikimania":
        return f"wikimania{code}wiki"
    if family in _SUFFIX:
        return stem + _SUFFIX[family]
    return f"{family}wiki"


def base_url(server_url: str, domain: str) -> str:
    """Scheme and host of a wiki from what an event gives: its server's address, or its host alone.

    A host alone is taken as https, on loopback (the demo) as http. Empty for anything that is no plain address of a server.
    """
    match = _BASE.fullmatch(server_url or f"//{domain}")
    if match is None:
        return ""
    local = not server_url and is_loopback(match["host"].strip("[]"))
    return f"{(match['scheme'] or ('http' if local else 'https')).lower()}://{match['place'].lower()}"


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
