"""Numbers that belong to a person: telephone, bank, identity, Internet address, and e-mail.

Telephone numbers are told by ``phonenumbers`` (Google's libphonenumber data: which numbers exist in which country), identity
numbers by their check digits through ``python-stdnum``. Every expression runs in time linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import phonenumbers

from tsbot.detect.private.cues import Cues
from tsbot.detect.private.spans import Label, PersonalSpan

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "RU", "JP", "CN", "AU", "NL", "PL", "TR", "MX", "ZA", "SE", "CH", "AR")
"""Countries whose numbers are looked for without a country code: those with most writers."""
OF_LANGUAGE = {
    **{"de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "CH", "CA"), "es": ("ES", "MX", "AR", "CO", "CL"), "it": ("IT", "CH")},
    **{"nl": ("NL", "BE"), "pl": ("PL",), "pt": ("BR", "PT"), "ru": ("RU", "KZ", "BY"), "uk": ("UA",), "tr": ("TR",), "ar": ("EG", "SA", "MA")},
    **{"hi": ("IN",), "bn": ("BD", "IN"), "ur": ("PK",), "fa": ("IR",), "he": ("IL",), "zh": ("CN", "TW", "HK"), "ja": ("JP",), "ko": ("KR",)},
    **{"vi": ("VN",), "th": ("TH",), "id": ("ID",), "ms": ("MY",), "tl": ("PH",), "sv": ("SE",), "no": ("NO",), "da": ("DK",), "fi": ("FI",)},
    **{"cs": ("CZ",), "sk": ("SK",), "hu": ("HU",), "ro": ("RO",), "bg": ("BG",), "sr": ("RS",), "hr": ("HR",), "el": ("GR", "CY")},
    **{"ca": ("ES",), "az": ("AZ",), "hy": ("AM",)},
}
_DIGITS = re.compile(r"(?<![\w.,:/=&#@-])(?:\+|\(?00)?\(?\+?\d(?:[ \t.()/\u00a0\u2010-\u2015-]{0,3}\d){5,21}(?:[ ]?(?:x|ext\.?) ?\d{1,6})?(?![\w@]|[.,:]\d|/\d)")
_DATE = re.compile(r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4})(?:[ T]\d{1,2}.*)?|\d{4} ?[-–—/] ?\d{4}")
_GROUPED = re.compile(r"\d{1,3}(?:[ .,\u00a0]\d{3})+")
"""A number with its thousands apart."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(?:@| ?[\[(](?:at|AT)[\])] ?)[\w-]{1,63}(?:(?:\.| ?[\[(](?:dot|DOT)[\])] ?)[\w-]{1,63}){1,6}")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f:]{0,39}(?![\w:])|(?<![\w:.])::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4}(?![\w:])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w]|\.\d)")
_CODE = re.compile(r"(?<![\w./=-])(?=[\w.-]{0,3}\d)[A-Z0-9](?:[ .-]?[A-Z0-9]){7,17}(?![\w=]|-\w)")
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_LOOSE_CODE = re.compile(r"(?<![\w/=])(?=[\w-]*\d)[A-Za-z0-9]+(?:[ .-][A-Za-z0-9]*\d[A-Za-z0-9]*){0,4}(?![\w=])")

NATIONAL = (
    *("es.dni", "es.nie", "it.codicefiscale", "pl.pesel", "br.cpf", "br.cnpj", "nl.bsn", "se.personnummer", "fi.hetu", "dk.cpr"),
    *("no.fodselsnummer", "in_.aadhaar", "in_.pan", "cn.ric", "jp.in_", "fr.nir", "ch.ssn", "ro.cnp", "bg.egn", "tr.tckimlik"),
    *("kr.rrn", "gb.nhs", "ca.sin", "au.tfn", "za.idnr", "mx.curp", "cl.rut", "ar.cuit", "ee.ik", "lt.asmens", "lv.pk"),
    *("cz.rc", "be.nn", "pt.cc", "de.idnr", "ua.rntrc", "il.idnr", "hr.oib", "rs.jmbg", "gr.amka", "us.ssn", "th.pin", "my.nric"),
)
"""Modules of ``stdnum``: identity and tax numbers of persons."""
BARE = frozenset(("it.codicefiscale", "cn.ric", "mx.curp", "fr.nir", "es.dni", "es.nie", "fi.hetu", "in_.pan"))
"""Those whose form and check digits together are seldom met by chance, so that no cue is needed."""


def emails(text: str) -> Iterator[PersonalSpan]:
    """E-mail addresses, also with "(at)"."""
    if "@" in text or "at" in text.lower():
        for match in _EMAIL.finditer(text):
            if "@" in match.group() or "(" in match.group() or "[" in match.group():
                end = match.end() - (len(match.group()) - len(match.group().rstrip(".-_")))
                yield PersonalSpan(match.start(), end, Label.EMAIL)


def addresses_of_hosts(text: str) -> Iterator[PersonalSpan]:
    """IPv4 and IPv6 addresses of the public Internet."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match.group().rstrip(":") if pattern is _IPV6 and not match.group().endswith("::") else match.group())
            except ValueError:
                continue
            if not (address.is_loopback or address.is_unspecified) and not _version(text, match.start()):
                yield PersonalSpan(match.start(), match.end(), Label.IP)


def _version(text: str, start: int) -> bool:
    return bool(re.search(r"(?:version|v|release|build|section|§)\.? ?$", text[max(0, start - 10) : start], re.IGNORECASE))


def bank(text: str, cues: Cues) -> Iterator[PersonalSpan]:
    """IBANs (ISO 13616, with their check digits) and numbers of payment cards (ISO/IEC 7812: Luhn's check digit, or a cue)."""
    iban = _module("iban")
    for match in _IBAN.finditer(text):
        found = match.group()
        while len(found) >= 15:  # what follows may be the next word
            if _valid(iban, found) or (cues.before("bank", text, match.start()) and " " not in found.strip()):
                yield PersonalSpan(match.start(), match.start() + len(found), Label.BANK)
                break
            if " " not in found:
                break
            found = found[: found.rindex(" ")]
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if digits[0] in "23456" and (_luhn(digits) and len(set(digits)) > 3 and len(digits) >= 13 and _spread(match.group())):
            if cues.before("bank", text, match.start()) or (len(digits) in (15, 16) and not cues.before("other_number", text, match.start())):
                yield PersonalSpan(match.start(), match.end(), Label.BANK)
        elif cues.before("bank", text, match.start()):
            yield PersonalSpan(match.start(), match.end(), Label.BANK)


def _spread(found: str) -> bool:
    """Written as cards are: without gaps, or in groups of four (or 4-6-5)."""
    groups = [len(part) for part in re.split(r"[ -]", found)]
    return len(groups) == 1 or groups in ([4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 4, 4, 4, 3], [4, 4, 4, 1])


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def identity_numbers(text: str, cues: Cues) -> Iterator[PersonalSpan]:
    """Identity numbers with valid check digits, and whatever stands directly behind a cue such as "passport no."."""
    for match in _SSN.finditer(text):
        if match.group()[:3] not in ("000", "666"):
            yield PersonalSpan(match.start(), match.end(), Label.IDENTITY_NUMBER)
    for match in _CODE.finditer(text):
        cued = cues.before("identity", text, match.start())
        names = NATIONAL if cued else BARE
        if any(_valid(_module(name), match.group()) for name in names):
            yield PersonalSpan(match.start(), match.end(), Label.IDENTITY_NUMBER)
    for at in cues.ends("identity", text):
        found = _LOOSE_CODE.search(text, at, at + 40)
        if found and found.start() - at <= 12 and sum(map(str.isdigit, found.group())) >= 4 and not _DATE.fullmatch(found.group()):
            yield PersonalSpan(found.start(), found.end(), Label.IDENTITY_NUMBER)


def phones(text: str, language: str, cues: Cues) -> Iterator[PersonalSpan]:
    """Telephone numbers: with a country code, of a country of the language, or behind a word that says so."""
    for match in _DIGITS.finditer(text):
        found = match.group().rstrip(" \t(")
        start, end = match.start(), match.start() + len(found)
        digits = re.sub(r"\D", "", re.split(r" ?(?:x|ext)", found)[0])
        if not 6 <= len(digits) <= 16 or len(set(digits)) == 1:
            continue
        cued = cues.before("phone", text, start) or cues.after("phone_after", text, end)
        if _DATE.fullmatch(found) or (_GROUPED.fullmatch(found) and not cued) or cues.before("other_number", text, start):
            continue
        international = found.startswith(("+", "00", "(+", "(00"))
        if cued or (international and _possible(found)) or (_written_apart(found) and _real(found, language)):
            yield PersonalSpan(start, end, Label.PHONE)


def _written_apart(found: str) -> bool:
    return bool(re.search(r"\d[ ().\u2010-\u2015/-]{1,3}\d", found)) or found.startswith(("+", "0"))


def _possible(found: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(found.replace("(", "").replace(")", ""), "US"))
    except phonenumbers.NumberParseException:
        return False


def _real(found: str, language: str) -> bool:
    """Whether a number of this form exists in a country where the language is spoken, or in one of the largest."""
    for region in OF_LANGUAGE.get(language, REGIONS):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(found, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _module(name: str) -> ModuleType | None:
    try:
        return import_module(f"stdnum.{name}")
    except ImportError:
        return None


def _valid(module: ModuleType | None, number: str) -> bool:
    if module is None:
        return False
    check: Callable[[str], bool] = module.is_valid
    try:
        return check(number)
    except Exception:  # the library's modules raise what they like on odd input
        return False
