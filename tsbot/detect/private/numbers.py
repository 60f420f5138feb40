"""Numbers that belong to a person: telephone, bank, identity, Internet address, e-mail, date of birth.

Telephone numbers are told by ``phonenumbers`` (Google's libphonenumber data: which numbers exist in which country), identity
numbers by their check digits through ``python-stdnum``. Every expression runs in time linear in the text: repeats are bounded
and what separates digits is never a digit.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

import phonenumbers

from tsbot.detect.private.cues import Words
from tsbot.detect.private.spans import Label, PersonalSpan

REGIONS = (
    *("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "RU", "JP", "CN", "AU", "NL", "PL", "TR", "MX", "ZA", "SE", "CH", "AR"),
    *("BE", "AT", "UA", "KR", "IE", "NO", "DK", "FI", "CZ", "GR", "HU", "PT", "RO", "IL", "EG", "NG", "PK", "BD", "ID", "VN", "NZ"),
)
"""Countries whose numbers are looked for without a country code: those with most writers."""
OF_LANGUAGE = {
    "de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "CH", "CA"), "es": ("ES", "MX", "AR", "CO", "CL", "PE"), "it": ("IT", "CH"),
    "nl": ("NL", "BE"), "pl": ("PL",), "pt": ("BR", "PT"), "ru": ("RU", "KZ", "BY"), "uk": ("UA",), "tr": ("TR",),
    "ar": ("EG", "SA", "MA"), "hi": ("IN",), "bn": ("BD", "IN"), "ur": ("PK",), "fa": ("IR",), "he": ("IL",),
    "zh": ("CN", "TW", "HK"), "ja": ("JP",), "ko": ("KR",), "vi": ("VN",), "th": ("TH",), "id": ("ID",), "ms": ("MY",),
    "tl": ("PH",), "sv": ("SE", "FI"), "no": ("NO",), "da": ("DK",), "fi": ("FI",), "cs": ("CZ",), "sk": ("SK",), "hu": ("HU",),
    "ro": ("RO",), "bg": ("BG",), "sr": ("RS",), "hr": ("HR",), "el": ("GR", "CY"), "ca": ("ES",), "az": ("AZ",), "hy": ("AM",),
}
"""Countries whose numbers are looked for in a text of a language."""
MOST_LOOKUPS = 200
"""Numbers without a cue that are looked up in a text: a page of statistics has thousands, and each costs up to 1 ms."""

_WORDLIKE = r"[^\W\u0e00-\u0e7f\u2e80-\ud7ff]"
"""What may not touch a number: letters and digits, except of scripts that put no spaces between words."""
_GAP = r"[ \t.()/\u00a0\u202f\u2010-\u2015\uff0d-]"
_DIGITS = re.compile(
    rf"(?<!{_WORDLIKE})(?<![/&@$€£¥§%^_+*.])(?<!\d[.,:-])(?:\+ ?\(?|\(\+?(?=\d))?\d(?:{_GAP}{{0,3}}\d){{5,21}}(?:(?: ?x|"
    rf" ?ext\.? ?)\d{{1,6}})?(?!{_WORDLIKE}|[@%°′€£$]|[.,:]\d|/\d)"
)
_DATE = re.compile(
    r"(?:(?:1[0-9]|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:1[6-9]|20)\d\d|"
    r"\d{1,2}[./]\d{1,2}[./]\d\d)(?:[ T]+\d.*)?|(?:(?:1[5-9]|20)\d\d ?[-–—/ ] ?){1,3}(?:(?:1[5-9]|20)\d\d|\d\d)"
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_GROUPED = re.compile(r"\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+")
"""A number with its thousands apart."""
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:@| ?[\[({](?:at|AT|arroba|@)[\])}] ?| at )[\w-]{1,63}(?:(?:\.| ?[\[({](?:dot|DOT|punto|\.)[\])}] ?|"
    r" dot )[\w-]{1,63}){1,6}"
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)(?!\w)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f:]{0,39}(?![\w:])|(?<![\w:.])::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4}(?![\w:])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])")
_CARD = re.compile(rf"(?<!{_WORDLIKE})(?<!\.)\d(?:[ -]?\d){{11,18}}(?!{_WORDLIKE}|\.\d)")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_LOOSE_CODE = re.compile(
    r"(?<![\w/=])(?=[^\s\d]{0,6}\d|\w{1,3}[ -]\w{0,3}\d)[^\W_]{1,20}(?:[ ./-][^\W_]{0,6}\d[^\W_]{0,12}){0,5}(?:-[^\W_]{1,2})?(?![\w=])"
)
_BIRTH = re.compile(
    r"\d{4}[-./年년] ?\d{1,2}[-./月월] ?\d{1,2}[日일]?|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|\d{1,2}\.?(?:st|nd|rd|"
    r"th)? (?:de )?[^\W\d_]{3,12}\.?,? (?:de )?\d{4}|[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_VERSION = re.compile(r"(?:version|ver\.?|v|release|build|section|firmware|ios|android|php|mediawiki|§)\.? ?$", re.IGNORECASE)

SHAPES = {
    "us.ssn": r"\d{3}-\d{2}-\d{4}",
    "es.dni": r"\d{8}[- ]?[A-HJ-NP-TV-Z]",
    "es.nie": r"[XYZ][- ]?\d{7}[- ]?[A-HJ-NP-TV-Z]",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]",
    "cn.ric": r"\d{17}[\dX]",
    "mx.curp": r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d",
    "fr.nir": r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3}(?: ?\d{2})?",
    "fi.hetu": r"\d{6}[-+A]\d{3}[0-9A-Y]",
    "in_.pan": r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]",
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "br.cnpj": r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}",
    "cl.rut": r"\d{1,2}\.\d{3}\.\d{3}-[\dKk]",
    "ar.cuit": r"\d{2}-\d{8}-\d",
    "se.personnummer": r"(?:19|20)?\d{6}[-+]\d{4}",
    "dk.cpr": r"\d{6}-\d{4}",
    "kr.rrn": r"\d{6}-[1-8]\d{6}",
    "in_.aadhaar": r"[2-9]\d{3} \d{4} \d{4}",
    "ch.ssn": r"756\.\d{4}\.\d{4}\.\d{2}",
    "be.nn": r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}",
    "tw.id": r"[A-Z][12]\d{8}",
    "cz.rc": r"\d{6}/\d{3,4}",
    "gb.nino": r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
    "sg.nric": r"[STFG]\d{7}[A-Z]",
    "ru.snils": r"\d{3}-\d{3}-\d{3} \d{2}",
    "pk.cnic": r"\d{5}-\d{7}-\d",
    "my.nric": r"\d{6}-\d{2}-\d{4}",
    "hk.hkid": r"[A-Z]{1,2}\d{6}\([0-9A]\)",
    "ro.cnp": r"[1-8]\d{12}",
    "za.idnr": r"\d{13}",
    "tr.tckimlik": r"[1-9]\d{10}",
    "pl.pesel": r"\d{11}",
    "bg.egn": r"\d{10}",
    "jp.in_": r"\d{12}|\d{4} \d{4} \d{4}",
    "th.pin": r"\d-\d{4}-\d{5}-\d{2}-\d",
}
"""Forms of identity numbers by module of ``stdnum`` (or, where the library has none, by country and name)."""
CUED = frozenset(("ro.cnp", "za.idnr", "tr.tckimlik", "pl.pesel", "bg.egn", "jp.in_", "sg.nric"))
"""Forms so plain that a cue is needed, whatever the check digits say."""
UNCHECKED = frozenset(("gb.nino", "sg.nric", "ru.snils", "pk.cnic", "hk.hkid", "us.ssn"))
"""Forms without check digits known to ``stdnum``."""
_SHAPE = re.compile(
    "(?:"
    + "|".join(f"(?P<{name.replace('.', '__')}>{form})" for name, form in SHAPES.items())
    + rf")(?!{_WORDLIKE}|=|[-.]\w)"
)

_START = re.compile(rf"[0-9A-Z](?<!{_WORDLIKE}.)(?<![.=/-].)(?=[0-9A-Z.-])", re.DOTALL)
"""Where an identity number may begin. (The letter comes before what may not stand before it: the scan is faster so.)"""


def emails(text: str) -> Iterator[PersonalSpan]:
    """E-mail addresses, also with "(at)" and "x at example dot org"."""
    for match in _EMAIL.finditer(text):
        found = match.group()
        if " at " in found and " dot " not in found:
            continue
        yield PersonalSpan(match.start(), match.start() + len(found.rstrip(".-_")), Label.EMAIL)


def hosts(text: str) -> Iterator[PersonalSpan]:
    """IPv4 and IPv6 addresses; numbers of versions and sections look alike."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            found = match.group()
            if pattern is _IPV6 and found.endswith(":") and not found.endswith("::"):
                found = found[:-1]
            try:
                address = ipaddress.ip_address(found)
            except ValueError:
                continue
            small = pattern is _IPV4 and len(found) == 7
            if not (address.is_unspecified or small or _VERSION.search(text[max(0, match.start() - 12) : match.start()])):
                yield PersonalSpan(match.start(), match.start() + len(found), Label.IP)


def bank(text: str, cues: Words) -> Iterator[PersonalSpan]:
    """IBANs (ISO 13616, with their check digits) and numbers of payment cards (ISO/IEC 7812: Luhn's check digit, or a cue)."""
    for match in _IBAN.finditer(text):
        found = match.group()
        while len(found) >= 15:  # what follows may be the next word
            if _iban(found):
                yield PersonalSpan(match.start(), match.start() + len(found), Label.BANK)
                break
            if " " not in found:
                if cues.before("bank", match.start()):
                    yield PersonalSpan(match.start(), match.start() + len(found), Label.BANK)
                break
            found = found[: found.rindex(" ")]
    for match in _CARD.finditer(text):
        digits = _plain(match.group())
        cued = _account(cues, match.start())
        likely = digits[0] in "23456" and len(digits) in (15, 16) and len(set(digits)) > 3 and _luhn(digits) and _spread(match.group())
        if cued or (likely and not cues.before("other_number", match.start())):
            yield PersonalSpan(match.start(), match.end(), Label.BANK)
    for _, at in cues.of("bank"):  # an account of a country without IBAN
        account = _LOOSE_CODE.search(text, at, at + 48)
        if account is None or account.start() - at > 14 or not _account(cues, account.start()):
            continue
        if _digits(account.group()) >= 8 and not _DATE.fullmatch(account.group()):
            yield PersonalSpan(account.start(), account.end(), Label.BANK)


def _account(cues: Words, at: int) -> bool:
    """Whether a word for a card or an account is the nearest: an identity card is none."""
    found, other = cues.last("bank", at), cues.last("identity", at)
    return found is not None and (other is None or other[1] < found[1]) and not cues.before("other_number", at, 12)


def _digits(found: str) -> int:
    return sum(map(str.isdigit, found))


def _plain(found: str) -> str:
    return "".join(str(int(char)) for char in found if char.isdecimal())


def _spread(found: str) -> bool:
    """Written as cards are: without gaps, or in groups of four (or 4-6-5)."""
    groups = [len(part) for part in re.split(r"[ -]", found)]
    return len(groups) == 1 or groups in ([4, 4, 4, 4], [4, 6, 5])


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _iban(found: str) -> bool:
    """ISO 7064 mod 97-10."""
    code = found.replace(" ", "").upper()
    return len(code) <= 34 and code.isascii() and int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


def identity_numbers(text: str, cues: Words) -> Iterator[PersonalSpan]:
    """Identity numbers with valid check digits, and whatever stands directly behind a cue such as "passport no."."""
    for match in _SSN.finditer(text):
        if not cues.before("other_number", match.start(), 12):
            yield PersonalSpan(match.start(), match.end(), Label.IDENTITY_NUMBER)
    for match in _shapes(text):
        name = (match.lastgroup or "").replace("__", ".")
        cued = cues.before("identity", match.start())
        bare = name not in CUED and not cues.before("other_number", match.start())
        if cued or (bare and (name in UNCHECKED or _valid(name, match.group()))):
            yield PersonalSpan(match.start(), match.end(), Label.IDENTITY_NUMBER)
    for _, at in cues.of("identity"):
        found = _LOOSE_CODE.search(text, at, at + 48)
        if found is None or found.start() - at > 16 or "\n\n" in text[at : found.start()]:
            continue
        if _digits(found.group()) >= 4 and not _DATE.fullmatch(found.group()) and not _YEAR.fullmatch(found.group()):
            yield PersonalSpan(found.start(), found.end(), Label.IDENTITY_NUMBER)


def _shapes(text: str) -> Iterator[re.Match[str]]:
    done = 0
    for begin in _START.finditer(text):
        match = _SHAPE.match(text, begin.start()) if begin.start() >= done else None
        if match is not None:
            done = match.end()
            yield match


def births(text: str, cues: Words) -> Iterator[PersonalSpan]:
    """Dates behind "born on", "date of birth"."""
    for _, at in cues.of("birth"):
        found = _BIRTH.search(text, at, at + 40)
        if found and found.start() - at <= 14:
            yield PersonalSpan(found.start(), found.end(), Label.BIRTH_DATE)


def phones(text: str, language: str, cues: Words) -> Iterator[PersonalSpan]:
    """Telephone numbers: with a country code, of a country of the language, or behind a word that says so."""
    lookups = 0
    alone = text.strip() if len(text) < 40 else None  # a text that is a number and nothing else
    for match in _DIGITS.finditer(text):
        found = match.group()
        start, end = match.start(), match.end()
        if found.startswith("(") and ")" not in found:
            found, start = found[1:], start + 1
        digits = _plain(re.split(r" ?(?:x|ext)", found)[0])
        if not 6 <= len(digits) <= 16 or len(set(digits)) == 1 or _DATE.fullmatch(found) or cues.before("other_number", start, 16):
            continue
        before = text[start - 1 : start]
        if cues.before("phone", start, 24) or cues.after("phone_after", end):
            yield PersonalSpan(start, end, Label.PHONE)
            continue
        dialled = _looks_dialled(found, digits) or (found == alone and len(digits) < 13)
        if dialled and before not in ("=", "#") and lookups < MOST_LOOKUPS:
            lookups += 1
            if _exists(found, language):
                yield PersonalSpan(start, end, Label.PHONE)


USUAL_GROUPS = (
    *([3, 3, 4], [1, 3, 3, 4], [3, 4, 4], [5, 5], [2, 5, 4], [2, 4, 4], [1, 3, 3, 2, 2], [3, 3, 3], [3, 2, 2, 2], [3, 2, 3]),
)
"""Digits in a row of numbers without a leading zero."""


def _looks_dialled(found: str, digits: str) -> bool:
    """Whether somebody might have written a telephone number so: apart, not as an amount, not too short."""
    if found.startswith(("+", "(+", "00")):
        return len(digits) >= 8
    if len(digits) < 8 or _GROUPED.fullmatch(found):
        return False
    groups = [len(part) for part in re.findall(r"\d+", found.partition("x")[0])]
    national = found.startswith(("0", "(0", "8 (", "8(")) and max(groups) >= 3
    return national or groups in USUAL_GROUPS


def _exists(found: str, language: str) -> bool:
    """Whether a number of this form is possible with its country code, or exists in a country of the language."""
    plain = found.replace("(0)", "") if found.startswith(("+", "00")) else found
    if found.startswith(("+", "(+")):
        return _known(plain.replace("(", "").replace(")", ""), "US", sure=False)
    if found.startswith("00"):
        return _known("+" + plain[2:], "US", sure=True)
    return any(_known(plain, region, sure=True) for region in OF_LANGUAGE.get(language, REGIONS))


def _known(found: str, region: str, *, sure: bool) -> bool:
    try:
        number = phonenumbers.parse(found, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) if sure else phonenumbers.is_possible_number(number)


@cache
def _check(name: str) -> Callable[[str], bool] | None:
    try:
        found: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    except ImportError:
        return None
    return found


def _valid(name: str, number: str) -> bool:
    check = _check(name)
    try:
        return check is not None and check(number)
    except Exception:  # the library's modules raise what they like on odd input
        return False
