"""The links that a letter gives."""

from __future__ import annotations

from tsbot.cases.flag import Flag
from tsbot.report.letter import Links
from tsbot.wiki.accounts import is_address
from tsbot.wiki.links import WikiLinks


def flag_links(flag: Flag) -> Links:
    """Links about a flag; none where its content is destroyed or the address of its wiki is not known."""
    content = flag.content
    if content is None or not content.server_url:
        return Links()
    wiki = WikiLinks.of(content.server_url)
    return Links(
        page=wiki.page(content.title) if content.title else "",
        permanent=wiki.permanent(content.rev_id) if content.rev_id else "",
        diff=wiki.diff(content.rev_id, content.parent_id) if content.rev_id and content.parent_id != 0 else "",
        history=wiki.history(content.title) if content.title and not content.log_id else "",
        log=wiki.log_entry(content.log_id) if content.log_id else "",
        user=wiki.user(content.user) if content.user else "",
        elsewhere=(wiki.central_auth(content.user) or "") if content.user and not is_address(content.user) else "",
        contributions=wiki.contributions(content.user) if content.user else "",
    )
