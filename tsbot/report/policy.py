"""What may leave to whom, decided when a letter is sent: as it is, encrypted, or links only.

::

    policy       key usable                       key not usable
    require      encrypted                        links only, and it shouts
    prefer       encrypted                        in clear, without the excerpt
    links_only   links and category, in clear
    plain        as it is, in clear
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tsbot.errors import SettingsError
from tsbot.settings import Recipient, Settings

MAIL_CHANNELS = frozenset(("spool", "smtp", "emailuser"))
"""Channels whose messages can be encrypted to a recipient."""


class Policy(StrEnum):
    """What may leave."""

    PLAIN = "plain"
    PREFER = "prefer"
    REQUIRE = "require"
    LINKS_ONLY = "links_only"

    @property
    def encrypts(self) -> bool:
        """Whether a key is needed."""
        return self in (Policy.PREFER, Policy.REQUIRE)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the settings say of one recipient."""

    policy: Policy
    key: str = ""
    """File of the key, relative to the data folder."""
    fingerprint: str = ""
    excerpt: bool = False
    """Whether its letters may quote at all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What leaves."""

    policy: Policy
    """Under which it leaves; what the report is marked with."""
    encrypted: bool
    quotes: bool
    """Whether the excerpt may be in it."""
    trouble: str = ""
    """Why less leaves than the rule asks for; empty where all is as asked."""


def rule_for(settings: Settings, recipient: str, channel: str) -> Rule:
    """The rule of a recipient as the outbox names it. ``check_rules`` has made sure that there are no two."""
    found = next((rule for name, rule in _own_rules(settings) if name == _name(recipient, channel)), None)
    if found is None:
        found = _by_address(settings, recipient, channel)
    quotes = any(
        one.excerpt and _same(settings, one, recipient, channel) for many in settings.report.recipients.values() for one in many
    )
    return Rule(found.policy, found.key, found.fingerprint, quotes)


def decide(rule: Rule, trouble: str) -> Decision:
    """What leaves; ``trouble`` is why the recipient's key cannot be used, empty where it can."""
    if rule.policy is Policy.LINKS_ONLY or (rule.policy is Policy.REQUIRE and trouble):
        return Decision(Policy.LINKS_ONLY, encrypted=False, quotes=False, trouble=trouble if rule.policy is Policy.REQUIRE else "")
    if rule.policy is Policy.PREFER and trouble:
        return Decision(Policy.PLAIN, encrypted=False, quotes=False, trouble=trouble)
    return Decision(rule.policy, encrypted=rule.policy.encrypts, quotes=rule.excerpt)


def check_rules(settings: Settings) -> None:
    """Refuse settings that say two things of one recipient, or ask for encryption without naming a key. Raises ``SettingsError``."""
    known: dict[str, Rule] = {}
    for name, rule in _own_rules(settings):
        if known.setdefault(name, rule) != rule:
            raise SettingsError(f"report.recipients: {name.partition('|')[2]} has two policies or keys; give it one.")
    for address in settings.report.keys:
        if address != address.lower():
            raise SettingsError(f"report.keys.{address}: write the address in small letters.")
    rules = {f"report.keys.{address}": _by_address(settings, address, "smtp") for address in settings.report.keys}
    for where, rule in (*rules.items(), *((f"report.recipients: {name.partition('|')[2]}", rule) for name, rule in known.items())):
        if rule.policy.encrypts and not (rule.key and rule.fingerprint):
            raise SettingsError(f"{where}: the policy {rule.policy} needs key and fingerprint.")
        if rule.fingerprint and (len(_bare(rule.fingerprint)) not in (40, 64) or not _is_hex(_bare(rule.fingerprint))):
            raise SettingsError(f"{where}: fingerprint is not 40 (or 64) hexadecimal digits.")
    for many in settings.report.recipients.values():
        for one in many:
            channel = one.channel or settings.report.channel
            if channel not in MAIL_CHANNELS and one.policy in ("prefer", "require"):
                raise SettingsError(f"report.recipients: {channel} cannot encrypt to a recipient; use plain or links_only.")


def guarded(settings: Settings) -> Iterator[tuple[str, Rule]]:
    """Recipients whose letters are to be encrypted, each once, with their rules."""
    seen = set()
    for name, rule in _own_rules(settings):
        recipient = name.partition("|")[2]
        if rule.policy.encrypts and recipient not in seen:
            seen.add(recipient)
            yield recipient, rule
    for address in settings.report.keys:
        rule = _by_address(settings, address, "smtp")
        if rule.policy.encrypts and address not in seen:
            yield address, rule


def _own_rules(settings: Settings) -> Iterator[tuple[str, Rule]]:
    """The rules that recipients carry themselves."""
    for many in settings.report.recipients.values():
        for one in many:
            if one.policy or one.key or one.fingerprint:
                channel = one.channel or settings.report.channel
                recipient = f"{one.wiki}:{one.to}" if channel == "emailuser" else one.to
                known = _by_address(settings, recipient, channel)
                policy = Policy(one.policy) if one.policy else Policy.REQUIRE
                yield _name(recipient, channel), Rule(policy, one.key or known.key, one.fingerprint or known.fingerprint)


def _by_address(settings: Settings, recipient: str, channel: str) -> Rule:
    entry = settings.report.keys.get(recipient.lower()) if channel in MAIL_CHANNELS else None
    if entry is not None:
        return Rule(Policy(entry.policy), entry.key, entry.fingerprint)
    return Rule(Policy.LINKS_ONLY if channel == "webhook" else Policy.PLAIN)


def _same(settings: Settings, one: Recipient, recipient: str, channel: str) -> bool:
    own = one.channel or settings.report.channel
    return own == channel and (f"{one.wiki}:{one.to}" if own == "emailuser" else one.to) == recipient


def _name(recipient: str, channel: str) -> str:
    """One name for a recipient, however mail gets to it."""
    return f"{'mail' if channel in ('spool', 'smtp') else channel}|{recipient.lower()}"


def _bare(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdef" for char in text)
