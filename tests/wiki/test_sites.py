"""From a database name to an address, without a single request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tsbot.errors import SettingsError, UnknownWikiError
from tsbot.settings import WikiSettings
from tsbot.wiki.sites import Sites, base_url

NAMES = [
    line.split()
    for line in (Path(__file__).parent / "databases.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def wikimedia(_pywikibot: Path) -> Sites:
    """With the default settings: all families that pywikibot knows."""
    return Sites(WikiSettings())


@pytest.mark.parametrize(("name", "address"), NAMES, ids=[name for name, _ in NAMES])
def test_wikimedia_databases(wikimedia: Sites, name: str, address: str) -> None:
    assert wikimedia.known(name)
    assert wikimedia.base(name) == address
    assert wikimedia.database(address) == name


def test_all_the_wikis_of_wikimedia_are_known_without_asking_any(wikimedia: Sites, stub: Any) -> None:
    names = list(wikimedia._index())
    assert len(names) > 900
    for name in names:
        wikimedia.site(name)
    assert stub.requests == []


@pytest.mark.parametrize(
    ("server_url", "domain", "expected"),
    [
        ("https://wikimania2099.wikimedia.org", "", True),
        ("", "new.wikipedia.org", True),
        ("//new.wikipedia.org", "", True),
        ("http://new.wikipedia.org", "", False),  # never in the clear
        ("https://wikipedia.org.example", "", False),
        ("https://notwikipedia.org", "", False),
        ("https://wiki.example", "", False),
        ("https://wikipedia.org@wiki.example", "", False),
        ("https://wiki.example\\.wikipedia.org", "", False),  # a browser takes the backslash for a slash
        ("https://wiki.example\\@new.wikipedia.org", "", False),
        ("https://somebody@new.wikipedia.org", "", False),
        ("javascript:x//new.wikipedia.org", "", False),
        ("https://[::1", "", False),
        ("", "[", False),
        ("http://127.0.0.1:8080", "", False),
        ("", "", False),
    ],
)
def test_a_wiki_that_no_family_lists_is_known_by_its_host(wikimedia: Sites, server_url: str, domain: str, expected: bool) -> None:
    assert wikimedia.known("brandnewwiki", server_url, domain) is expected


@pytest.mark.parametrize(
    ("server_url", "domain", "expected"),
    [
        ("https://en.wikipedia.org", "", True),
        ("", "en.wikipedia.org", True),
        ("https://renamed.wikipedia.org", "", True),
        ("", "", True),
        ("https://wiki.example", "", False),  # a letter would link to it
        ("https://wiki.example", "en.wikipedia.org", False),
        ("https://[::1", "", False),
    ],
)
def test_a_known_name_at_a_strange_address_is_not_that_wiki(wikimedia: Sites, server_url: str, domain: str, expected: bool) -> None:
    assert wikimedia.known("enwiki", server_url, domain) is expected


def test_a_new_wiki_is_asked_at_the_address_of_its_events(wikimedia: Sites) -> None:
    assert wikimedia.base("brandnewwiki", "https://new.wikipedia.org") == "https://new.wikipedia.org"
    assert wikimedia.site("brandnewwiki", "https://new.wikipedia.org").apipath() == "/w/api.php"


def test_unknown_wikis_have_an_error_of_their_own(wikimedia: Sites) -> None:
    with pytest.raises(UnknownWikiError, match="'nosuchwiki'"):
        wikimedia.site("nosuchwiki", "https://wiki.example")


def test_of_two_wikis_with_one_name_the_address_decides(stub: Any, pywikibot_home: Path, settings: WikiSettings) -> None:
    """The demo's enwiki and Wikipedia's, for instance."""
    from pywikibot import config

    (pywikibot_home / "families" / "twin_family.py").write_text(
        "from pywikibot import family\n"
        "class Family(family.Family):\n"
        "    name = 'twin'\n"
        "    langs = {'en': '127.0.0.1:9'}\n"
        "    def protocol(self, code): return 'http'\n"
        "    def dbName(self, code): return 'enwiki'\n"
    )
    config.family_files["twin"] = str(pywikibot_home / "families" / "twin_family.py")
    try:
        sites = Sites(msgspec.structs.replace(settings, families=("wikipedia", "twin")))
        assert sites.base("enwiki") == "https://en.wikipedia.org"
        assert sites.base("enwiki", "http://127.0.0.1:9") == "http://127.0.0.1:9"
    finally:
        del config.family_files["twin"]


def test_a_family_that_pywikibot_does_not_know_is_a_wrong_setting(pywikibot_home: Path) -> None:
    with pytest.raises(SettingsError, match="nosuchfamily"):
        Sites(WikiSettings(families=("nosuchfamily",))).known("enwiki")


@pytest.mark.parametrize(
    ("server_url", "domain", "expected"),
    [
        ("https://en.wikipedia.org", "ignored", "https://en.wikipedia.org"),
        ("https://en.wikipedia.org/", "", "https://en.wikipedia.org"),
        ("//de.wikipedia.org", "", "https://de.wikipedia.org"),
        ("", "de.wikipedia.org", "https://de.wikipedia.org"),
        ("", "127.0.0.1:8901", "http://127.0.0.1:8901"),
        ("", "localhost:8901", "http://localhost:8901"),
        ("", "[::1]:8901", "http://[::1]:8901"),
        ("HTTPS://De.Wikipedia.org", "", "https://de.wikipedia.org"),
        ("", "", ""),
        ("https://[::1", "", ""),
        ("https://ex\u2100mple.org", "", ""),
        ("https://user:word@de.wikipedia.org", "", ""),
    ],
)
def test_scheme_and_host_of_an_event(server_url: str, domain: str, expected: str) -> None:
    assert base_url(server_url, domain) == expected
