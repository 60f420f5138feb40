"""Postal addresses in the manner of many countries: street and number, and what stands around them.

A word of a street (``streets.toml``), a part of a house ("Apt. 4"), "lives at", or a postcode gives the place; from there the
address grows over neighbouring names and numbers, by at most a few words on each side, so time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tsbot.detect.private.cues import Words
from tsbot.detect.private.spans import Label, PersonalSpan

WINDOW = 70
"""Characters on each side in which a street's name and number stand."""
MOST_WORDS = 5
"""Words of a street's name."""
MOST_PARTS = 8
"""Parts (flat, postcode, town, region, country) behind a street."""

_TOKEN = re.compile(r"[^\s,;>]+|[,;]|\n")
_HOUSE = re.compile(
    r"(?:[#№]|n[ºo°]\.?|no[.:]|d\.|д\.|дом|nr\.?|č\.p\.|br\.|پلاک|رقم|αρ\.)?\d{1,5}(?:[a-zA-Zа-яА-Яª]|(?:[/-]\d{1,4}){1,2}[a-zA-Z]?|"
    r"[a-z]/\d{1,3})?\.?[,.]?",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"(?:[#№]|n[ºo°]\.?|n\.|no[.:]?|núm\.?|num\.?|номер|д\.?|дом|буд\.?|будинок|nr\.?|č\.?p?\.?|br\.?|b\.|پلاک|رقم|αρ\.|בית|नंबर|नं\.?|"
    r"เลขที่|số)",
    re.IGNORECASE,
)
_LONG = re.compile(r"\d{3}")
_BEFORE_YEAR = re.compile(r"(?:(?<!\w)(?:in|since|of|the|by|until|from|after|before|during|and|a|early|late|circa)|[,.;(])\s{0,2}$")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}\b|[A-Z]{1,2}-?\d{4,5}|\d{5}-\d{3,4}|\d{2}-\d{3}|"
    r"\d{3} \d{2,3}|\d{3}-\d{4}|\d{4}-\d{3}|\d{4,7})"
)
_CITY = r"[^\W\d_a-zß-öø-ÿ∆][^\W\d_]{0,30}(?:[.'’∆-][^\W\d_]{0,30}){0,3}(?!\w)"
_TAIL = re.compile(
    r"(?:[.]?[\s,;>?|·–-]{1,14}|[.])(?:"
    r"(?P<unit>(?:(?i:apt|apartment|suite|ste|flat|unit|floor|room|rm|whg|appt|bât|piso|pta|puerta|apto|bloco|bl|interno|int|scala|"
    r"lok|m|кв|корп|к|под|эт|оф|daire|d|kat|ap|sc|et|ет|вх|бл|lgh|as|em|стр|буд|apartamento|appartamento|interior|ajtó|byt|box|no|شقة|"
    r"דירה)\b|#|№|[Nn][º°])[.:]? ?\d{1,5}(?:-\d{1,4})?\w?\b\.?)"
    rf"|(?P<code>(?<!\d){_POSTCODE}(?!\w|[ -]\d)(?: ?[A-Z]{{2}}\b)?)"
    rf"|(?P<state>(?:[A-Z]{{1,3}}|nan|\d\d?)\s{{1,6}}{_POSTCODE}(?!\w))"
    rf"|(?P<city>{_CITY}(?:[ -](?:{_CITY}|(?:de|del|di|do|da|du|la|le|am|an|der|den|im|upon|on|na|nad|pri|i|al|o)\b(?= )|"
    rf"\([^\W\d_]{{1,12}}\)|\d\b)){{0,3}})"
    r")"
)
_LOWER_TAIL = re.compile(
    r"(?:[\s,;>?|·-]{1,14})(?:(?P<unit>(?:apt|suite|unit|flat)\.? \d{1,5}\b)|(?P<code>\d{4,6}\b)|"
    r"(?P<state>[a-z]{2,3} \d{4,6}\b)|(?P<city>[^\W\d_]{2,20}(?: [^\W\d_]{2,20}){0,2}))"
)
_CODE_BEHIND = re.compile(rf"(?: is|:|=| ?№)?:? {{0,4}}({_POSTCODE})(?!\w)")
_CODE_NEXT = re.compile(rf"[\s,]{{1,6}}(?:[A-Z]{{2,3}} )?{_POSTCODE}(?!\w)")
_UNIT = re.compile(r"[^\W\d]{1,12}[.:]? ?\d{1,5}\w?")
_SKIP = re.compile(r"(?: is| est| es| è| ist| это| to the same)?[:\s>]{0,14}(?:(?:the|with|in|at|to|on|it is)\s){0,2}")
_UNIT_NEXT = re.compile(r"\s{1,6}(?:>|\?\?\?)?\s?(?:Apt|Suite|Unit|Flat)\.? \d")
_LEFT_UNIT = re.compile(r"(?<!\w)(?:apt|suite|flat|unit|room|#)\.? ?\d{1,5}\w?,?\s{1,3}", re.IGNORECASE)
_BOX = re.compile(
    r"(?<!\w)(?:(?:psc|cmr|unit) \d{1,5},? box \d{1,5}(?:\s{1,3}[afd]po,? [a-z]{2} \d{5})?|"
    r"us[a-z]{1,4} \w{2,30}\s{1,3}[afd]po,? a[aep] \d{5}|p\.? ?o\.? ?box:? \d{1,6}|(?:postfach|"
    r"postbus|boîte postale|b\.?p\.|bp|apartado(?: de correos| postal)?|apdo\.?|casella postale|caixa postal|skrytka pocztowa|"
    r"poštovní přihrádka|pf\.|а/я|абонентский ящик|posta kutusu|p\.k\.|ص\. ?ب\.?|صندوق پستی|ת\.ד\.|postboks|postilokero|"
    r"box)[ :]{1,2}(?:№ ?)?\d{2,6})(?!\w)",
    re.IGNORECASE,
)
_CODES = re.compile(
    r"(?<!\w)(?:"
    r"[A-Z][a-z]{2,15}(?: [A-Z][a-z]{2,15}){0,2},? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|"
    r"PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) \d{5}(?:-\d{4})?"
    r"|(?:[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d)"
    r"|〒 ?\d{3}-?\d{4}"
    r")(?!\w)"
)
_LINE = re.compile(rf"\d{{1,5}} (?:{_CITY} ){{1,4}}\d{{1,5}}[a-z]?(?=,|\.?\n| [A-Z]|$)")
"""A street between two numbers."""
_LINE_BEGIN = re.compile(r"(?:(?:^|\n)[ >?]{0,8}|\b(?:is|at|to|with):? |\b(?:Apt|Suite|Unit|Flat)\.? \d{1,5},? )$")
_PLACE = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,30}"
_HOUSE_TOWN = re.compile(
    r"\d{1,4}(?: ?[a-zA-Z])?(?:/\d{1,3})?(?:,? ?\n? ?| - )(?<=[,\n ])(?:[A-Z]{1,2}-)?"
    rf"(?!(?:1[5-9]|20)\d\d\b)(?:\d{{4,6}}|\d{{3}} \d\d|\d\d-\d{{3}}),? {_PLACE}"
)
"""A house's number, a postcode and a town: a street without a telling word stands before."""
_REGION = re.compile(
    r"(?<!\w)(?:г\.|с\.|д\.|п\.|м\.|ст\.|к\.|клх|р-н|обл\.|город|місто|село|ք\.|гр\.|Số|số|№|Nr\.?|"
    r"No\.?) ?(?:[^\W\d_][\w-]{1,30}(?: [^\W\d_][\w-]{1,20})?, {0,2})?$"
)
_CJK = "\u3040-\u30ff\u3400-\u9fff々"
_DIGIT_CJK = r"[\d０-９一二三四五六七八九十百]"
_EASTERN = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]")
_EAST = re.compile(
    rf"(?:〒? ?\d{{3}}-\d{{4}} ?)?(?:[{_CJK}]{{2,3}}[都道府県])?[{_CJK}]{{1,10}}[市区町村郡][{_CJK}]{{0,14}}"
    rf"{_DIGIT_CJK}{{1,4}}(?:丁目|番地|番|号|"
    rf"[-−ー‐－の]{_DIGIT_CJK}{{1,4}})(?:{_DIGIT_CJK}{{1,4}}(?:番地|番|号)?|"
    rf"[-−ー‐－の]{_DIGIT_CJK}{{1,4}}){{0,3}}(?: ?[{_CJK}A-Za-z]{{0,12}}{_DIGIT_CJK}{{1,4}}号?室)?"
    rf"|[{_CJK}]{{0,24}}[路街巷弄道][{_CJK}]{{0,2}}{_DIGIT_CJK}{{1,5}}(?:段{_DIGIT_CJK}{{1,4}})?(?:号|號|弄|"
    rf"巷)(?:[{_CJK}]{{0,6}}{_DIGIT_CJK}{{1,4}}(?:号楼|栋|棟|单元|單元|室|楼|樓|号|號|幢|层|之{_DIGIT_CJK})){{0,5}}"
    rf"|[{_CJK}]{{1,24}}[路街巷弄道][A-Za-z]座"
    r"|(?:[가-힣]{2,8}(?:시|도|특별시|광역시) ?){0,2}(?:[가-힣]{1,6}(?:구|군|시|읍|면) ?){1,2}[가-힣\d]{1,10}(?:로|길|동|리|"
    r"거리) ?(?:지하 ?)?\d{1,4}(?:-\d{1,4})?(?:번길 ?\d{1,4})?(?:번지|호)?(?:,? ?\d{1,4}동)?(?: ?\d{1,4}호)?"
)


def addresses(text: str, cues: Words) -> Iterator[PersonalSpan]:
    """Postal addresses, the fullest first."""
    head = text[:2000]
    lower = head == head.lower() and head != head.upper()
    tail = _LOWER_TAIL if lower else _TAIL
    found: list[tuple[int, int]] = (
        [match.span() for match in _EAST.finditer(text)] if not text.isascii() and _EASTERN.search(text) else []
    )
    for match in _LINE.finditer(text):
        alone = _LINE_BEGIN.search(text, max(0, match.start() - 16), match.start())
        if alone and not cues.inside("calendar", *match.span()):
            found.append(_grown(text, cues, *match.span(), tail))
    for match in _HOUSE_TOWN.finditer(text):
        start, words, _ = _left(text, match.start(), lower)
        if words and not text[match.start() - 1].isalnum() and not cues.inside("calendar", start, match.end()):
            found.append(_grown(text, cues, start, match.end(), tail))
    if cues.of("box"):
        found += [_grown(text, cues, *match.span(), tail) for match in _BOX.finditer(text)]
    for start, end in cues.of("corner"):
        streets = _corner(text, end, lower)
        if streets > end:
            found.append(_grown(text, cues, start, streets, tail))
    done = 0
    kinds: dict[tuple[int, int], set[str]] = {}
    for kind in ("number_first", "number_first_soft", "number_last", "name_last"):
        for place in cues.of(kind):
            kinds.setdefault(place, set()).add(kind)
    for (start, end), kind_set in sorted(kinds.items()):
        street = _street(text, cues, start, end, kind_set, lower) if end > done else None
        if street is not None:
            found.append(_grown(text, cues, *street, tail))
            done = found[-1][1]
    for start, _ in cues.of("unit"):
        street = _before_unit(text, start, lower) if start >= done else None
        if street is not None:
            found.append(_grown(text, cues, *street, tail))
            done = found[-1][1]
    for _, end in cues.of("lives"):
        street = _behind_cue(text, cues, end, lower)
        if street is not None:
            found.append(_grown(text, cues, *street, tail))
    found += [match.span() for match in _CODES.finditer(text)]
    for _, end in cues.of("postcode"):
        code = _CODE_BEHIND.match(text, end)
        if code:
            found.append(code.span(1))
    found.sort(key=lambda place: place[0] - place[1])
    for start, end in found:
        if end - start > 3:
            yield PersonalSpan(start, end, Label.ADDRESS)


_WIKITEXT = frozenset("_%#=|{}[]<*")
"""Signs that stand in links and templates, not in names."""


def _named(word: str, *, lower: bool) -> bool:
    """Whether a word may be part of a name: capitalised, or of a script that has no capitals."""
    first = word.lstrip("('\"«„“")[:1]
    if not _WIKITEXT.isdisjoint(word):
        return False
    return first.isalpha() and (lower or first.isupper() or first.lower() == first.upper() or "\u10d0" <= first <= "\u10ff")


AMBIGUOUS = frozenset(
    (
        "passage", "place", "via", "route", "square", "strada", "c.", "r.", "gang", "path", "cours", "largo", "pl.", "g.", "av",
        "plan", "ring", "feld", "tee", "tie", "berg", "sor", "hof", "pad", "tori", "lei", "wei", "part", "baan", "gate", "put",
        "dol", "promenade", "privada", "manzana", "interior", "row", "way", "close", "court", "circle", "drive", "walk", "loop",
        "track", "view", "rise", "hill", "cross",
    )
)
"""Words of streets that are common words elsewhere: they need a capital."""


def _part(word: str, *, lower: bool) -> bool:
    """Whether a word may stand within the name of a street."""
    return _named(word, lower=lower) or word.lower() in PARTICLES


def _tokens_left(text: str, at: int) -> list[re.Match[str]]:
    start = max(0, at - WINDOW)
    while start > 0 and start < at and text[start - 1].isalnum():
        start += 1
    return list(_TOKEN.finditer(text, start, at))[::-1]


def _left(text: str, at: int, lower: bool, loose: bool = False, most: int = MOST_WORDS, numbers: int = 2) -> tuple[int, int, int]:
    """Grow to the left: start, words and numbers met. Begins with a number where there is one.

    ``loose``: the nearest word may lack its capital ("Petőfi sándor utca").
    """
    start, words, met, begin = at, 0, 0, at
    for token in _tokens_left(text, at):
        word = token.group()
        if word == ",":
            if met:
                break
            continue
        if word in (";", "\n"):
            break
        if _HOUSE.fullmatch(word):
            if word[-1] == "." and word[0].isdigit():
                break
            met, start = met + 1, token.start()
            if met == numbers:
                break
        elif loose and not words and word.isalpha() and not _part(word, lower=lower):
            loose = False
        elif met or words == most or (word[-1] in ".:!?" and len(word) > 5) or not _part(word, lower=lower):
            break
        else:
            words += 1
            begin = token.start() if _named(word, lower=False) else begin
    return (start if met else begin), words, met


PARTICLES = frozenset(
    (
        "de", "du", "des", "la", "le", "les", "del", "della", "delle", "dei", "di", "da", "do", "dos", "das", "e", "y", "i", "a",
        "von", "der", "den", "dem", "zum", "zur", "am", "im", "van", "het", "ter", "ten", "pod", "nad", "na", "u", "v", "ve", "og",
        "och", "of", "the", "st", "el", "los", "las", "al", "im.", "gen.", "dr.", "sv.", "św.", "št.",
    )
)
"""Words inside names of streets that need no capital."""


ENGLISH = frozenset(("of", "the", "a", "i", "on", "st", "in", "e", "y", "u", "v", "al", "am", "im", "an"))
"""Small words that are others in English, or letters."""


def _right(text: str, at: int, lower: bool, most: int = MOST_WORDS) -> tuple[int, int, int]:
    """Grow to the right up to a number: end, words and numbers met."""
    end, words, met = at, 0, 0
    linked = False  # "rue de la gare": what follows a small word belongs to the name
    for token in _TOKEN.finditer(text, at, min(len(text), at + WINDOW)):
        word = token.group()
        if word in (",", "\n"):
            if word == "\n":
                break
            continue
        if word == ";":
            break
        bare = word.rstrip(").!?:»\"'”")
        if bare[:1].isdigit() or _HOUSE.fullmatch(bare):
            house = _HOUSE.match(bare)
            if house is None or (house.end() < len(bare.rstrip(".,")) and bare[house.end()].isalnum()):
                break
            end, met = token.start() + len(house.group().rstrip(".,")), 1
            break
        if _NUMBER_WORD.fullmatch(word):
            continue
        if words == most or not (_part(word, lower=lower) or linked):
            break
        words += 1
        named, linked = _named(word, lower=lower) or linked, word.lower() in PARTICLES and word.lower() not in ENGLISH
        if word[-1] in ".!?:" and len(word) > 5:
            end = token.start() + len(bare)
            break
        if named:
            end = token.start() + len(bare)
    return end, words, met


def _year_only(text: str, start: int, end: int) -> bool:
    """Whether every number in a stretch may be a year."""
    numbers = re.findall(r"\d+", text[start:end])
    return bool(numbers) and all(map(_YEAR.fullmatch, numbers))


def _dated(text: str, start: int, end: int) -> bool:
    """Whether the number that a stretch begins with is a year: "in 1929 Wall Street crashed"."""
    return _year_only(text, start, end) and _BEFORE_YEAR.search(text, max(0, start - 16), start) is not None


def _street(text: str, cues: Words, start: int, end: int, kinds: set[str], lower: bool) -> tuple[int, int] | None:
    """The street around a word such as "Street", "rue", "-straße"."""
    word = text[start:end].lower()
    if word[-1] == "." and not text[end : end + 1].isspace() and not text[end : end + 1].isdigit():
        return None  # an abbreviation that goes on: U.S.A.
    while start and text[start - 1].isalpha():  # the word is the end of a longer one
        start -= 1
    capital = not lower and _named(text[start:end], lower=False)
    left, words, numbers = _left(text, start, lower, kinds == {"name_last"} and not capital and word not in AMBIGUOUS)
    cued = cues.before("lives", left, 8)
    english = text.startswith((" of ", " the ", " and ", " a "), end)
    if not capital and not cued and (english or (word in AMBIGUOUS and not (words and "name_last" in kinds))):
        return None
    end += text[end : end + 1] == "." and text[end - 1] != "."
    right, right_words, right_number = _right(text, end, lower)
    best: tuple[int, int] | None = None
    named_first = "number_last" in kinds and capital and right_words and word not in AMBIGUOUS and text[right - 4 : right] < "1900"
    if right_number and kinds - {"number_first", "number_first_soft"} and (cued or named_first or not _year_only(text, end, right)):
        telling = len(word) > 3 and word not in AMBIGUOUS and not kinds & {"number_first", "number_first_soft"}
        if "\n" not in text[end:right] and (capital or words or right_words or telling or ("." in word and "name_last" in kinds)):
            best = left if numbers or (words and not right_words) else start, right
    if best is None and numbers and (cued or not _dated(text, left, start)):
        named_behind = right_words and "number_last" in kinds and not right_number
        sure = cued or _TAIL.match(text, end) is not None or _LONG.search(text, left, start) is not None
        soft = "number_first_soft" in kinds and capital and sure
        if (words and ("number_first" in kinds or soft)) or named_behind:
            best = left, right if named_behind else end
    if best is None and cued and words and capital and kinds & {"number_first", "number_last"}:
        best = left, end
    if best is None and cued and right_words and "number_last" in kinds:
        best = start, right
    if best is None or (cues.inside("calendar", best[0], best[1] + 10) and not cued):
        return None
    if lower and not cued and len(re.findall(r"\d+", text[best[0] : best[1] + 20])) < 2:
        return None  # without capitals a street's name is any word: something else must speak for it
    return best


def _before_unit(text: str, at: int, lower: bool) -> tuple[int, int] | None:
    """A street without a telling word before "Apt. 4"."""
    match = _UNIT.match(text, at)
    if match is None:
        return None
    start, words, met = at, 0, 0
    for token in _tokens_left(text, at):
        word = token.group()
        if word in ("\n", ","):
            if word == "\n" and words:
                break
            continue
        if _HOUSE.fullmatch(word):
            met, start = met + 1, token.start()
            if met == 3:
                break
        elif words == MOST_WORDS or met == 2 or word[-1] in ";:!?" or not _part(word, lower=lower):
            break
        else:
            words += 1
    return (start, match.end()) if met and words else None


def _behind_cue(text: str, cues: Words, at: int, lower: bool) -> tuple[int, int] | None:
    """A street without a telling word behind "lives at" or "address:"."""
    skip = _SKIP.match(text, at)
    begin = skip.end() if skip else at
    numbers, words, common, end, start = 0, 0, 0, begin, begin
    for token in _TOKEN.finditer(text, begin, min(len(text), begin + WINDOW)):
        word = token.group()
        bare = word.rstrip(").!?:»\"'”")
        if word in (",", ";", "\n"):
            if numbers and words:
                break
            if word != ",":
                break
            continue
        if _HOUSE.fullmatch(bare):
            numbers, end = numbers + 1, token.start() + len(bare)
            if words:
                break
        elif words == MOST_WORDS or numbers > 2:
            break
        elif not (_part(word, lower=lower) or (word[-1] == "." and len(word) < 5)):
            common += 1
            if common > 1 or not word.isalpha() or word.isascii():
                break
        else:
            words += 1
            end = token.start() + len(bare)
        if word[-1] in "!?" or (word[-1] == "." and len(word) > 5):
            break
    if not numbers or not words or _year_only(text, start, end):
        return None
    if lower and len(re.findall(r"\d+", text[start : end + 20])) < 2:
        return None
    return None if cues.inside("calendar", start, end) else (start, end)


CORNER_WORDS = PARTICLES | frozenset(("and", "und", "et", "y", "e", "i", "и", "ve", "street", "str", "utca"))
"""Words between two streets that meet."""


def _corner(text: str, at: int, lower: bool) -> int:
    """The end of two streets that meet."""
    end = at
    for token in _TOKEN.finditer(text, at, min(len(text), at + 90)):
        word = token.group()
        short = word[:1].isdigit() or (word[-1] == "." and len(word) < 6)
        if word in ("\n", ",", ";") or not (short or _named(word, lower=lower) or word.lower() in CORNER_WORDS):
            break
        if _named(word, lower=lower) or word[:1].isdigit() or word.lower() in ("street", "str"):
            end = token.start() + len(word.rstrip(".,!?")) + (word[-1] == "." and len(word) < 6)
    return end


def _grown(text: str, cues: Words, start: int, end: int, tail: re.Pattern[str]) -> tuple[int, int]:
    """An address with its flat, postcode, town and country, and with the numbers before it."""
    firm = end  # a town counts only where a comma, a line's end or a postcode sets it apart
    for _ in range(MOST_PARTS):
        match = tail.match(text, end)
        if match is None or "\n\n\n" in match.group():
            break
        separator = text[end : match.start(match.lastgroup or 0)]
        if match.lastgroup == "city":
            place = match.end()
            parted = "," in separator or ("\n" in separator and "\n\n" not in separator)
            followed = _CODE_NEXT.match(text, place)
            country = cues.before("country", place, 0) or _UNIT_NEXT.match(text, place) is not None
            coded = re.search(r"\d{4,}\s{1,3}$", text[firm:end] + separator) is not None
            if not (country or followed or coded or parted):
                break
            if parted and _stranger(text, match, cues):
                break
            end = firm = place
        else:
            if match.lastgroup == "code" and _YEAR.fullmatch(match.group("code")) and "," not in separator:
                break  # "12 Elm Street 1998" may be a house and a year
            end = firm = match.end()
    unit = _LEFT_UNIT.search(text, max(0, start - 16), min(len(text), start + 7))
    if unit and (unit.end() == start or unit.start() < start):
        start = min(start, unit.start())
    region = _REGION.search(text, max(0, start - 64), start)
    return (region.start() if region else start), firm


def _stranger(text: str, match: re.Match[str], cues: Words) -> bool:
    """Whether what follows on the next line is another field ("Phone: ...") or another sentence."""
    follows = text[match.end() : match.end() + 2]
    return follows.startswith(":") or (cues.after("phone", match.start("city"), 1)) or cues.after("name", match.start("city"), 1)
