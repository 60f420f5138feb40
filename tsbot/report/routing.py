"""Which recipients get the reports of a kind: the table in ``routing.toml``, and what the settings put in its place."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tsbot.datafiles import data_file
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import SettingsError
from tsbot.http_client import is_safe
from tsbot.i18n.catalogue import SOURCE
from tsbot.report.deadlines import deadlines_of
from tsbot.report.policy import check_rules
from tsbot.report.signature import secret_keys
from tsbot.settings import Recipient, ReportSettings, Settings

SHIPPED = Path(__file__).with_name("routing.toml")
EMERGENCY = "emergency"
EVERYWHERE = "default"
"""The entry that holds for whatever has none of its own."""
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+|[A-Za-z0-9._-]+@\[[0-9A-Fa-f.:]+\]")
"""What we accept as a mail address: ASCII, one ``@``, no quoting (a part of RFC 5322 addr-spec)."""
RECIPIENT_CHARS = 255
SECRET_BYTES = 16
"""A webhook's secret that is shorter could be guessed."""
ACK_LOCAL = 30
"""Characters before the @ of the address for acknowledgements: with ``+ack-`` and a code it must stay within 64 (RFC 5321)."""


class KindRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of ``[kinds]``."""

    roles: tuple[str, ...]
    letter: str


class Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The routing table."""

    roles: dict[str, str]
    kinds: dict[Kind, KindRoute]
    wikis: dict[str, dict[str, str]] = {}
    languages: dict[str, str] = {}
    second: dict[str, str] = {}
    """The role that is written to, too, where a role does not acknowledge in time."""

    def address(self, role: str, wiki: str) -> str:
        """The address of a role, for matters of one wiki."""
        return self.wikis.get(wiki, {}).get(role) or self.roles[role]

    def language(self, role: str, wiki: str, settings: ReportSettings) -> str:
        """The language of letters to a role, for matters of one wiki.

        What is said of the role on that wiki comes first, and the settings come before the table.
        """
        tables = settings.languages, self.languages
        return next((table[key] for key in (f"{wiki}:{role}", role) for table in tables if key in table), _default_language(settings))


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a message goes."""

    recipient: str
    """As the outbox names it: a mail address, ``wiki:User name`` for ``emailuser``, a webhook's name or label, a group of ``zammad``,
    or a name for ``suitecrm``."""
    channel: str
    excerpt: bool = False
    language: str = SOURCE


def load_routing(path: Path = SHIPPED) -> Routing:
    """Read a routing table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Routing)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for kind in Kind:
        if kind not in table.kinds and kind is not Kind.NONE:
            raise SettingsError(f"{path.name}: kinds.{kind} is missing.")
    for kind, route in table.kinds.items():
        if unknown := [role for role in route.roles if role not in table.roles]:
            raise SettingsError(f"{path.name}: kinds.{kind} names the role {unknown[0]}, which [roles] does not have.")
        if EMERGENCY in route.roles and kind not in PHYSICAL:
            raise SettingsError(f"{path.name}: kinds.{kind} must not go to the emergency address, which is for threats to life or limb.")
    for where, roles in (("roles", table.roles), *((f"wikis.{wiki}", roles) for wiki, roles in table.wikis.items())):
        for role, address in roles.items():
            if role not in table.roles:
                raise SettingsError(f"{path.name}: {where}.{role}: [roles] does not have it.")
            if not is_address(address):
                raise SettingsError(f"{path.name}: {where}.{role} is no mail address.")
    for entry in table.languages:
        if entry.rpartition(":")[2] not in table.roles:
            raise SettingsError(f"{path.name}: languages.{entry}: [roles] does not have it.")
    _check_second(table, path.name)
    return table


def _check_second(table: Routing, name: str) -> None:
    for role, second in table.second.items():
        if unknown := [one for one in (role, second) if one not in table.roles]:
            raise SettingsError(f"{name}: second.{role} names the role {unknown[0]}, which [roles] does not have.")
        if second == role:
            raise SettingsError(f"{name}: second.{role} is the same role again.")
        if second == EMERGENCY and any(role in route.roles and kind not in PHYSICAL for kind, route in table.kinds.items()):
            raise SettingsError(f"{name}: second.{role} must not be the emergency address, which is for threats to life or limb.")


@data_file("routing", SHIPPED)
def shipped() -> Routing:
    """The routing table of the package."""
    return load_routing()


def is_address(text: str) -> bool:
    """Whether mail can be addressed to ``text``."""
    return ADDRESS.fullmatch(text) is not None and len(text) <= RECIPIENT_CHARS


def destinations(settings: ReportSettings, kind: Kind, wiki: str, routing: Routing | None = None) -> tuple[Destination, ...]:
    """Who gets the letters about a ``kind`` on ``wiki``, each recipient once. About what is nothing, nobody does."""
    routing = routing or shipped()
    chosen = settings.recipients.get(kind.value, settings.recipients.get("default"))
    if kind is Kind.NONE:
        found = []
    elif chosen is not None:
        found = [_destination(settings, recipient) for recipient in chosen]
    elif kind in routing.kinds:
        # Addresses cannot be reached through EmailUser, which wants user names.
        channel = "spool" if settings.channel == "emailuser" else settings.channel
        found = [
            Destination(routing.address(role, wiki), channel, language=routing.language(role, wiki, settings))
            for role in routing.kinds[kind].roles
        ]
    else:
        found = []
    if kind not in PHYSICAL:
        found = [item for item in found if not is_emergency(item.recipient, wiki, routing)]
    return tuple({item.recipient: item for item in reversed(found)}.values())[::-1]


def is_emergency(recipient: str, wiki: str, routing: Routing | None = None) -> bool:
    """Whether a recipient is the emergency address, which is for threats to life or limb only."""
    routing = routing or shipped()
    addresses = {routing.roles.get(EMERGENCY, "").lower(), routing.wikis.get(wiki, {}).get(EMERGENCY, "").lower()} - {""}
    return recipient.lower() in addresses


def second_address(settings: ReportSettings, kind: Kind, wiki: str, recipient: str, routing: Routing | None = None) -> Destination | None:
    """Who is written to, too, where ``recipient`` does not acknowledge a letter about a ``kind``; None where nobody is named."""
    routing = routing or shipped()
    channel = "spool" if settings.channel == "emailuser" else settings.channel
    chosen = settings.recipients.get(kind.value, settings.recipients.get("default"))
    if chosen is not None:
        named = (item for item in chosen if item.second and _destination(settings, item).recipient == recipient)
        found = next((Destination(item.second, channel if item.channel in ("", "emailuser") else item.channel) for item in named), None)
    else:
        role = role_of(kind, wiki, recipient, routing)
        second = routing.second.get(role)
        found = Destination(routing.address(second, wiki), channel) if second else None
    if found is None or found.recipient == recipient or (kind not in PHYSICAL and is_emergency(found.recipient, wiki, routing)):
        return None
    return found


def role_of(kind: Kind, wiki: str, recipient: str, routing: Routing | None = None) -> str:
    """The role in which a recipient is told of a kind, or of anything; ``recipient`` for one that only the settings name."""
    routing = routing or shipped()
    route = routing.kinds.get(kind)
    for role in (*(route.roles if route else ()), *routing.roles):
        if routing.address(role, wiki).lower() == recipient.lower():
            return role
    return "recipient"


def letter_name(kind: Kind, routing: Routing | None = None) -> str:
    """Name of the template of the letters about a kind."""
    return (routing or shipped()).kinds[kind].letter


def pagers(settings: Settings) -> tuple[Destination, ...]:
    """Who is woken. Webhook addresses may hold secrets, so the outbox only has their name or label."""
    mail = "smtp" if settings.mail.host else "spool"
    hooks = (Destination(one if one in settings.webhooks else webhook_label(one), "webhook") for one in settings.page.webhooks)
    return (*(Destination(address, mail) for address in settings.page.mail), *hooks)


def webhook_label(url: str) -> str:
    """A name for a webhook that tells it from others without revealing its secret part: ``host#digest``."""
    return f"{(urlsplit(url).hostname or '')[:200]}#{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def check_routing(settings: Settings, routing: Routing | None = None) -> None:
    """Refuse settings that would send a report astray or nowhere. To be called once at start. Raises ``SettingsError``."""
    routing = routing or shipped()
    emergency = routing.roles.get(EMERGENCY, "").lower()
    for name, recipients in settings.report.recipients.items():
        where = f"report.recipients.{name}"
        for recipient in recipients:
            _check_recipient(settings, recipient, where)
            if recipient.second and not is_address(recipient.second):
                raise SettingsError(f"{where}: a second address is no mail address.")
            if emergency in (recipient.to.lower(), recipient.second.lower()) and (name == "default" or Kind(name) not in PHYSICAL):
                raise SettingsError(f"{where}: the emergency address is for threats to life or limb only; name another recipient.")
    contact = settings.report.reporter_contact
    if contact and not is_address(contact):
        raise SettingsError("report.reporter_contact is no mail address.")
    if settings.mail.bounces and not is_address(settings.mail.bounces):
        raise SettingsError("mail.bounces is no mail address.")
    for name, address in (("ack_address", settings.report.ack_address), ("drill_address", settings.report.drill_address)):
        if address and not is_address(address):
            raise SettingsError(f"report.{name} is no mail address.")
    if len(settings.report.ack_address.partition("@")[0]) > ACK_LOCAL:
        raise SettingsError(f"report.ack_address: there must be room for a code; at most {ACK_LOCAL} characters before the @.")
    for address in settings.page.mail:
        if not is_address(address):
            raise SettingsError("page.mail: an entry is no mail address.")
    for url in settings.page.webhooks:
        if url not in settings.webhooks and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise SettingsError("page.webhooks: an entry is no http or https address, and no name of [webhooks].")
    check_rules(settings)
    _check_servers(settings)
    deadlines_of(settings.report.deadlines)
    channels = {item.channel for kind in routing.kinds for item in destinations(settings.report, kind, "", routing)}
    channels |= {item.channel for item in pagers(settings)}
    if "smtp" in channels and not settings.mail.host:
        raise SettingsError("Reports are to go by smtp, but mail.host is empty; set it, or use the channel 'spool'.")
    if "smtp" in channels and not contact:
        raise SettingsError("Reports are to go by smtp, but report.reporter_contact is empty; it is the sender that recipients answer to.")


def _destination(settings: ReportSettings, recipient: Recipient) -> Destination:
    channel = recipient.channel or settings.channel
    name = f"{recipient.wiki}:{recipient.to}" if channel == "emailuser" else recipient.to
    return Destination(name, channel, recipient.excerpt, recipient.language or _default_language(settings))


def _default_language(settings: ReportSettings) -> str:
    return settings.languages.get(EVERYWHERE, SOURCE)


def _check_recipient(settings: Settings, recipient: Recipient, where: str) -> None:
    channel = recipient.channel or settings.report.channel
    name = _destination(settings.report, recipient).recipient
    if len(name) > RECIPIENT_CHARS or not recipient.to.strip() or not recipient.to.isprintable():
        raise SettingsError(f"{where}: a recipient is empty, too long, or holds control characters.")
    if channel in ("spool", "smtp") and not is_address(recipient.to):
        raise SettingsError(f"{where}: a recipient is no mail address (a user name needs channel = 'emailuser').")
    if channel == "webhook" and recipient.to not in settings.webhooks:
        raise SettingsError(f"{where}: a recipient is no name of [webhooks].")
    if (channel == "suitecrm" and not settings.suitecrm.url) or (channel == "zammad" and not settings.zammad.url):
        raise SettingsError(f"{where}: reports are to go to {channel}, but {channel}.url is empty.")


def _check_servers(settings: Settings) -> None:
    """Refuse servers that letters could be read on the way to, or that cannot work."""
    crm, zammad = settings.suitecrm, settings.zammad
    hooks = [(f"webhooks.{name}", hook.url) for name, hook in settings.webhooks.items()]
    for name, url in (("suitecrm", crm.url), ("zammad", zammad.url), *hooks):
        if url and not is_safe(url):
            raise SettingsError(f"{name}.url is no https address (http is allowed to this machine only).")
    for name, hook in settings.webhooks.items():
        try:
            short = any(len(key) < SECRET_BYTES for key in secret_keys(hook.secret))
        except ValueError as error:
            raise SettingsError(f"webhooks.{name}.secret begins with whsec_, but no base64 follows.") from error
        if short:
            raise SettingsError(f"webhooks.{name}.secret is shorter than {SECRET_BYTES} bytes (a space parts two secrets).")
    if crm.url and not (crm.client_id and crm.client_secret):
        raise SettingsError("suitecrm.client_id or suitecrm.client_secret (TSBOT_SUITECRM__CLIENT_SECRET) is empty.")
    if zammad.url and not zammad.token:
        raise SettingsError("zammad.token (TSBOT_ZAMMAD__TOKEN) is empty.")
    if zammad.url and not is_address(zammad.customer or settings.report.reporter_contact):
        raise SettingsError("zammad.customer is no mail address, nor is report.reporter_contact.")
    for name, secret in (("suitecrm.client_secret", crm.client_secret), ("zammad.token", zammad.token)):
        if not (secret.isascii() and secret.isprintable()):
            raise SettingsError(f"{name} holds characters that it cannot have.")
