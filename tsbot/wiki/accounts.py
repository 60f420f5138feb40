"""What a wiki says of an account, for the letter that names it.

``list=users``, ``list=blocks`` and, where CentralAuth is, ``meta=globaluserinfo`` (mediawiki.org, API:Users, API:Blocks,
API:Globaluserinfo).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import structlog

from tsbot.errors import WikiError
from tsbot.wiki.api import Api, Data
from tsbot.wiki.types import AccountStatus

_TEMPORARY = re.compile(r"^~2\d{3}-")
"""Names of temporary accounts on Wikimedia wikis: ``~2026-12345-67`` ($wgAutoCreateTempUser, ``~2$1`` with the year)."""


def is_address(name: str) -> bool:
    """Whether a user name is an IP address or range, that is, an edit without an account."""
    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
    return True


def is_temporary(name: str) -> bool:
    """Whether a user name is a temporary account's."""
    return _TEMPORARY.match(name) is not None


def account_status(api: Api, wiki: str, name: str, server_url: str = "") -> AccountStatus:
    """Ask one wiki about one account, in one request.

    Never raises for a wiki that does not answer: what is unknown is None, and the letter says so.
    """
    anonymous = is_address(name)
    unknown = AccountStatus(temporary=is_temporary(name), anonymous=anonymous)
    parameters: dict[str, str | int] = {"action": "query"}
    if anonymous:
        parameters |= {"list": "blocks", "bkip": name, "bkprop": "expiry", "bklimit": 50}
    else:
        # A wiki without CentralAuth warns of the unknown value and answers the rest.
        parameters |= {"list": "users", "ususers": name, "usprop": "blockinfo|groups|editcount|registration"}
        parameters |= {"meta": "globaluserinfo", "guiuser": name}
    try:
        data = api.get(wiki, parameters, server_url=server_url)
        query = data.get("query") or {}
        return _address(query) if anonymous else _user(query, unknown)
    except WikiError as error:
        structlog.get_logger().warning("wiki.account_unknown", wiki=wiki, reason=error)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        structlog.get_logger().warning("wiki.account_unknown", wiki=wiki, reason="answer of unknown shape")
    return unknown


def _address(query: Data) -> AccountStatus:
    expiries = [str(block.get("expiry") or "") or None for block in query["blocks"]]
    # Blocks of ranges count too; the longest is what holds. "infinity" is what the wiki says for ever.
    return AccountStatus(anonymous=True, blocked=bool(expiries), block_expiry=max(expiries, key=_length, default=None))


def _length(expiry: str | None) -> tuple[bool, str]:
    return expiry in (None, "infinity", "infinite", "never"), expiry or ""


def _user(query: Data, unknown: AccountStatus) -> AccountStatus:
    user: dict[str, Any] = query["users"][0]
    account = query.get("globaluserinfo")
    locked = bool(account.get("locked")) if isinstance(account, dict) else None
    if user.get("missing") or user.get("invalid"):
        return AccountStatus(exists=False, temporary=unknown.temporary, locked=locked)
    blocked = "blockid" in user or bool(user.get("blockcomponents"))
    return AccountStatus(
        exists=True,
        temporary=unknown.temporary or bool(user.get("temp")),
        blocked=blocked,
        block_expiry=str(user.get("blockexpiry") or "infinity") if blocked else None,
        registered=str(user["registration"]) if user.get("registration") else None,
        edit_count=int(user["editcount"]) if user.get("editcount") is not None else None,
        groups=tuple(str(group) for group in user.get("groups", ()) if group not in ("*", "user")),
        locked=locked,
    )
