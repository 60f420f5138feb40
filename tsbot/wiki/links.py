"""Addresses of things on a wiki, and what a given address is about. Pure.

Paths are Wikimedia's: articles below ``/wiki/``, scripts below ``/w/`` (so has the demo).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tsbot.errors import InputError
from tsbot.wiki.sites import base_url, is_loopback

CENTRAL_AUTH = "https://meta.wikimedia.org/wiki/Special:CentralAuth/"

# What MediaWiki leaves readable in titles (wfUrlencode), less what mail programs take for the end of a link.
_SAFE = "/:@-_.~"

_SPECIAL = re.compile(
    r"^[^/:?#]+:(?P<page>Diff|MobileDiff|PermanentLink|Permalink|Redirect|Log)(?:/(?P<rest>.*))?$", re.IGNORECASE
)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_HELP = "Give a diff (…?diff=123), a permanent link (…?oldid=123, Special:Diff/123) or a log entry (Special:Redirect/logid/123)."


@dataclass(frozen=True, slots=True)
class WikiLinks:
    """Links into one wiki. ``base`` is scheme and host, as :func:`tsbot.wiki.sites.base_url` gives it."""

    base: str

    @classmethod
    def of(cls, server_url: str, domain: str = "") -> WikiLinks:
        """Links of the wiki that an event names by its server's address or by its host."""
        return cls(base_url(server_url, domain))

    def page(self, title: str) -> str:
        """A page."""
        return f"{self.base}/wiki/{_title(title)}"

    def diff(self, rev_id: int, parent_id: int | None = None) -> str:
        """What an edit changed, compared with its parent, or with the revision before where that is not known."""
        return self._script(diff=rev_id, oldid=parent_id) if parent_id else self._script(diff="prev", oldid=rev_id)

    def permanent(self, rev_id: int) -> str:
        """The page as it was after an edit."""
        return self._script(oldid=rev_id)

    def history(self, title: str) -> str:
        """The revisions of a page."""
        return f"{self.base}/w/index.php?title={_title(title)}&action=history"

    def user(self, name: str) -> str:
        """A user's page."""
        return self.page(f"User:{name}")

    def contributions(self, name: str) -> str:
        """What a user did on this wiki."""
        return self.page(f"Special:Contributions/{name}")

    def log_entry(self, log_id: int) -> str:
        """A log entry."""
        return f"{self.base}/wiki/Special:Redirect/logid/{log_id}"

    def abuse_entry(self, abuse_id: int) -> str:
        """An entry of the abuse log."""
        return f"{self.base}/wiki/Special:AbuseLog/{abuse_id}"

    def central_auth(self, name: str) -> str | None:
        """A user's accounts on all wikis; None where there is no such thing (outside Wikimedia)."""
        return None if is_loopback(urlsplit(self.base).hostname or "") else CENTRAL_AUTH + _title(name)

    def _script(self, **query: str | int) -> str:
        return f"{self.base}/w/index.php?{urlencode(query)}"


def _title(title: str) -> str:
    return quote(title.replace(" ", "_"), safe=_SAFE)


@dataclass(frozen=True, slots=True)
class Target:
    """What an address is about: exactly one of ``rev_id`` and ``log_id`` is set."""

    base: str
    """Scheme and host of the wiki, never of its mobile twin."""
    rev_id: int | None = None
    log_id: int | None = None


def parse_link(url: str) -> Target:
    """Understand a link to a revision, a diff or a log entry.

    Raises ``InputError`` for all else, "next" and "current" diffs included: only the wiki knows what those are.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise InputError(f"This is no address. {_HELP}") from error
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(f"This is no address of a wiki: it must begin with https://. {_HELP}")
    scheme = parts.scheme if is_loopback(host) else "https"
    base = f"{scheme}://{_desktop(host)}{f':{port}' if port else ''}"
    query = {name: values[-1].strip() for name, values in parse_qs(parts.query).items()}
    title = query.get("title") or unquote(parts.path.rpartition("/wiki/")[2])
    special = _SPECIAL.match(title)
    rev_id, log_id = _from_special(special["page"].lower(), special["rest"] or "") if special else (None, None)
    if special and special["page"].lower() == "log":
        log_id = _number(query.get("logid", ""))
    if rev_id is None and log_id is None:
        rev_id = _from_query(query)
    if rev_id is None and log_id is None:
        raise InputError(f"This address names no revision and no log entry. {_HELP}")
    return Target(base, rev_id, log_id)


def _from_special(page: str, rest: str) -> tuple[int | None, int | None]:
    words = [word for word in rest.split("/") if word]
    if page == "redirect":
        kind, number = (words[0], _number(words[1])) if len(words) == 2 else ("", None)
        return (number if kind == "revision" else None), (number if kind == "logid" else None)
    if page in ("diff", "mobilediff"):
        # Special:Diff/NEW, Special:Diff/OLD/NEW, Special:Diff/ID/prev, Special:Diff/prev/ID; mobile: OLD...NEW
        words = rest.replace("...", "/").split("/")
        if any(word in ("next", "cur") for word in words):
            raise InputError(f"Only the wiki knows what the next or current revision is. {_HELP}")
        return next((number for word in reversed(words) if (number := _number(word))), None), None
    return (_number(words[0]) if page in ("permanentlink", "permalink") and words else None), None


def _from_query(query: dict[str, str]) -> int | None:
    diff, oldid = query.get("diff", ""), _number(query.get("oldid", ""))
    if diff in ("next", "cur", "0"):
        raise InputError(f"Only the wiki knows what the next or current revision is. {_HELP}")
    return _number(diff) or oldid


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _desktop(host: str) -> str:
    """The host of the full site: en.m.wikipedia.org is en.wikipedia.org, m.wikidata.org is www.wikidata.org."""
    labels = host.split(".")
    if labels[0] == "m" and len(labels) == 3:
        labels[0] = "www"
    elif "m" in labels[1:-2]:
        labels.remove("m")
    return ".".join(labels)
