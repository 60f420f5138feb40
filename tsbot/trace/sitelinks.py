"""One article in many languages: what Wikidata's sitelinks join counts as one page, whoever edited it in which language.

Whether a wiki has such a repository, and which, it says itself (API:Wikibase client), so of wikis that have none nobody else is asked. Only
articles of the account asked about are looked up; what others edited is recognised by where the links lead. Fails on: articles that
nobody has linked; lists and years, which many languages have and many people edit (they are common, so they weigh little).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from tsbot.trace.activity import Account
from tsbot.trace.gallery import subject
from tsbot.wiki.fanout import FanOut

FROM_WIKIS = 4
"""Wikis of the account whose articles are looked up, those with the most edits first."""
MOST_PAGES = 100
"""Articles of one wiki that are looked up, those with the most edits first."""
AT_ONCE = 50
"""Titles, and wikis, in one request: the most that the API takes of people without further rights."""


def sitelinks(fan: FanOut, account: Account, where: Sequence[str], known: Sequence[str], repository: str) -> Mapping[str, str]:
    """``wiki|title`` of articles of other languages, with the account's own article (in the same form) that each of them is.

    ``where`` are the account's wikis, ``known`` those on which others may be, ``repository`` the database name of the wiki that holds
    the links (empty: ask nobody). Wikis that do not answer leave it out.
    """
    if not repository or repository in fan.skip or len({*where, *known}) < 2:
        return {}
    ours = [wiki for wiki in where if wiki != repository][:FROM_WIKIS]
    told = fan.gather("repositories", {wiki: (wiki, partial(fan.repository, wiki)) for wiki in ours})
    host = urlsplit(fan.base(repository)).netloc
    sites = {wiki: one.site for wiki, one in told.items() if host and one.site and urlsplit(one.base).netloc == host}
    wanted = tuple(dict.fromkeys((*sites.values(), *where, *known)))[:AT_ONCE]
    jobs = {}
    for wiki, site in sites.items():
        titles = _articles(account, wiki)
        for start in range(0, len(titles), AT_ONCE):
            some = tuple(titles[start : start + AT_ONCE])
            jobs[wiki, start] = (repository, partial(fan.sitelinks, repository, site, some, wanted))
    found: dict[str, str] = {}
    for (wiki, _), items in sorted(fan.gather("sitelinks", jobs).items()):
        for links in items:
            _join(found, wiki, sites[wiki], links)
    return found


def _join(found: dict[str, str], wiki: str, site: str, links: Mapping[str, str]) -> None:
    """Note what one item links; its article in the account's wiki may be joined to one of another wiki already."""
    own = f"{wiki}|{links[site]}" if site in links else ""
    if not own:
        return
    first = found.get(own, own)
    for other, title in sorted(links.items()):
        page = f"{other}|{title}"
        if page != first and other != site:
            found.setdefault(page, first)


def _articles(account: Account, wiki: str) -> list[str]:
    """Articles of an account on a wiki, a talk page for its article, those with the most edits first."""
    counts = Counter(
        title for edit in account.edits if edit.wiki == wiki for space, title in map(subject, edit.pages) if not space and title
    )
    return [title for title, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))][:MOST_PAGES]
