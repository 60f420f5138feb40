"""The links that a letter gives."""

from __future__ import annotations

from tsbot.cases.flag import Flag
from tsbot.report.letter import Links
from tsbot.wiki.accounts import is_address
from tsbot.wiki.links import WikiLinks


def flag_links(flag: Flag) -> Links:
    """Links about a flag; none where its content is destroyed or the address of its wiki is not known.

    A name that no address can be made of (half of a surrogate pair) has no link; what has a number keeps its own.
    """
    content = flag.content
    if content is None or not content.server_url:
        return Links()
    wiki = WikiLinks.of(content.server_url)
    title, user = _written(content.title), _written(content.user or "")
    log = wiki.log_entry(content.log_id) if content.log_id else wiki.abuse_entry(content.abuse_id) if content.abuse_id else ""
    return Links(
        page=wiki.page(title) if title else "",
        permanent=wiki.permanent(content.rev_id) if content.rev_id else "",
        diff=wiki.diff(content.rev_id, content.parent_id) if content.rev_id and content.parent_id != 0 else "",
        history=wiki.history(title) if title and not content.log_id else "",
        log=log,
        user=wiki.user(user) if user and not is_address(user) else "",
        elsewhere=(wiki.central_auth(user) or "") if user and not is_address(user) else "",
        contributions=wiki.contributions(user) if user else "",
    )


def _written(name: str) -> str:
    """A name that can be encoded, else nothing."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return ""
    return name
