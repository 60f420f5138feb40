"""What sort of name was asked about, and names that nothing more is computed for."""

from __future__ import annotations

import re
from ipaddress import ip_network

from tsbot.errors import InputError
from tsbot.trace.activity import account_name
from tsbot.trace.ranges import WIDEST
from tsbot.wiki.accounts import is_address, is_temporary

_VANISHED = re.compile(
    r"^(?:vanished|renamed|deleted|retired|deactivated) (?:user|account|editor)\b|^(?:verschwundener|umbenannter) benutzer\b"
    r"|^(?:usuario|usuária|usuário|utilisateur|utente) (?:renombrado|desaparecid[oa]|renomead[oa]|renommé|disparu|scomparso|rinominato)\b",
    re.IGNORECASE,
)
"""How the names begin that accounts get whose owners have left (Meta, Right to vanish; CentralAuth's global vanishing)."""
_LONGEST = 255


def asked_name(text: str) -> str:
    """A name as MediaWiki spells it: without namespace, first letter large, addresses in their canonical form. Raises ``InputError``."""
    name = account_name(re.sub(r"^(?:user|user talk|special:contributions/|special:centralauth/):?", "", text.strip(), flags=re.IGNORECASE))
    if not name:
        raise InputError("Name an account, a temporary account (~2026-12345-67), an IP address or a range.")
    if is_address(name):
        return _network(name)
    if len(name.encode()) > _LONGEST or any(char in "#<>[]|{}" or ord(char) < 32 for char in name):
        raise InputError("No account of MediaWiki can have this name: it is too long, or has one of the characters #<>[]|{}.")
    return name[:1].upper() + name[1:]


def kind_of(name: str) -> str:
    """``account``, ``temporary``, ``address`` or ``range``."""
    if is_address(name):
        return "range" if "/" in name else "address"
    return "temporary" if is_temporary(name) else "account"


def vanished(name: str) -> bool:
    """Whether the owner of an account has left, and it was given a name that says so."""
    return _VANISHED.match(name) is not None


def _network(name: str) -> str:
    network = ip_network(name, strict=False)
    if "/" in name and network.prefixlen < WIDEST[network.version]:
        raise InputError(f"Ranges wider than /16 (IPv4) and /19 (IPv6) can be neither blocked nor asked about: {network}.")
    if network.num_addresses > 1:
        return str(network).upper()
    if network.version == 4:
        return str(network.network_address)
    # So MediaWiki writes them: in capitals, without :: and without leading zeros.
    return ":".join(f"{int(part, 16):X}" for part in network.network_address.exploded.split(":"))
