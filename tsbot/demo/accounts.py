"""The accounts of the demo's wikis: who there is, and with which passwords."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tsbot.errors import DemoError

BOT_APP = "tsbot"
"""Name of bot passwords: the account logs in as ``TsBot@tsbot``."""
ACCOUNTS_FILE = Path(__file__).with_name("accounts.toml")


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account, the same on all wikis of the family."""

    name: str
    ip: str
    """Address that its requests seem to come from (``X-Forwarded-For``)."""
    email: str = ""
    groups: dict[str, tuple[str, ...]] = {}
    """Groups by database name."""
    grants: tuple[str, ...] = ()
    """Grants of its bot password; without any it has none."""
    password: str = ""
    bot_password: str = ""
    bot_app: str = BOT_APP


class _File(msgspec.Struct, forbid_unknown_fields=True):
    account: list[Account]


def read_accounts(path: Path = ACCOUNTS_FILE) -> dict[str, Account]:
    """The accounts of a TOML file by name, without passwords. Raises DemoError where the file is wrong."""
    try:
        accounts = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).account
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DemoError(f"{path}: {error}") from error
    by_name = {account.name: account for account in accounts}
    if len(by_name) != len(accounts):
        raise DemoError(f"{path}: an account is named twice")
    return by_name


def with_passwords(accounts: Mapping[str, Account]) -> dict[str, Account]:
    """The same accounts with new random passwords. MediaWiki wants 32 characters for a bot password."""
    return {
        name: msgspec.structs.replace(
            account,
            password=secrets.token_urlsafe(18),
            bot_password=secrets.token_hex(16) if account.grants else "",
        )
        for name, account in accounts.items()
    }


def save_accounts(accounts: Mapping[str, Account], path: Path) -> None:
    """Write accounts with their passwords, readable by the owner only."""
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(list(accounts.values())))


def load_accounts(path: Path) -> dict[str, Account]:
    """Read what :func:`save_accounts` wrote."""
    return {account.name: account for account in msgspec.json.decode(path.read_bytes(), type=list[Account])}
