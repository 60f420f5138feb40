"""The directory: all files of a folder, read and checked, and what of it is shown to whom.

Nothing that no person confirmed is ever shown alone: an international directory stands beside it, and it is marked.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tsbot.datafiles import data_file
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import DirectoryError
from tsbot.referral.entry import Emergency, Help, Offer, Page, trouble

SHIPPED = Path(__file__).with_name("places")
EVERYWHERE = "everywhere"
MOST = 6
"""Places near a person that are named at most: who is in need does not read a list."""
FOR: Mapping[Kind, tuple[Offer, ...]] = {
    Kind.SELF_HARM: (Offer.CRISIS,),
    Kind.VIOLENCE: (Offer.VICTIM, Offer.WOMEN, Offer.CRISIS, Offer.LEGAL),
    Kind.MASS_VIOLENCE: (Offer.VICTIM, Offer.CRISIS),
    Kind.SEXUAL_VIOLENCE: (Offer.WOMEN, Offer.VICTIM, Offer.CRISIS, Offer.LEGAL),
    Kind.MINORS: (Offer.CHILDREN, Offer.VICTIM),
    Kind.DOXING: (Offer.DIGITAL, Offer.LEGAL, Offer.VICTIM, Offer.CRISIS),
    Kind.LEGAL: (Offer.LEGAL, Offer.CRISIS),
    Kind.ATTACK_NAME: (Offer.DIGITAL, Offer.CRISIS),
    Kind.HARASSMENT: (Offer.DIGITAL, Offer.VICTIM, Offer.CRISIS, Offer.LEGAL),
}
"""What helps against what, the most fitting first; for what is not known, as for harassment."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A place of help as it is shown."""

    help: Help
    languages: tuple[str, ...]
    doubtful: bool
    """Nobody confirmed it, or not for a year; it says so."""


@dataclass(frozen=True, slots=True)
class Referral:
    """What one person is shown. ``everywhere`` is never empty."""

    emergency: tuple[str, ...]
    """Numbers of the person's country, if that is known."""
    emergency_doubtful: bool
    near: tuple[Shown, ...]
    everywhere: tuple[Shown, ...]
    urgent: bool
    """Whether emergency numbers come first."""


@dataclass(frozen=True)
class Directory:
    """All files."""

    pages: Mapping[str, Page]
    """By the name of the file."""

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries with a file of their own."""
        return tuple(sorted(page.country for page in self.pages.values() if page.country))

    def country_of(self, language: str, country: str = "") -> str:
        """The country whose places are near: the one that was given, else that of a language which is spoken in one country only."""
        if country.upper() in self.countries:
            return country.upper()
        code = language.partition("-")[0]
        spoken = [page.country for page in self.pages.values() if page.country and page.languages[:1] == (code,)]
        return spoken[0] if len(spoken) == 1 else ""

    def refer(self, *, language: str, today: datetime.date, country: str = "", kind: Kind | None = None) -> Referral:
        """What a person is shown who writes a language, perhaps from a country, about a kind of harm."""
        wanted = FOR.get(kind or Kind.HARASSMENT, FOR[Kind.HARASSMENT])
        here = self.pages.get(self.country_of(language, country).lower())
        code = language.partition("-")[0]
        spoken = self.pages.get(f"language-{code}")
        near = [*_fitting(here, wanted, today, code), *_fitting(spoken, wanted, today, code)]
        around = self.pages[EVERYWHERE]
        everywhere = _fitting(around, (Offer.DIRECTORY, *wanted), today, code)
        numbers = here.emergency if here is not None else None
        return Referral(
            emergency=numbers.numbers if numbers else (),
            emergency_doubtful=numbers is not None and (numbers.stale(today) or not numbers.confirmed),
            near=tuple(near[:MOST]),
            everywhere=tuple(everywhere[:MOST]),
            urgent=kind in PHYSICAL,
        )

    def entries(self) -> Iterable[tuple[str, Help | Emergency]]:
        """Everything, with a name to speak of it by."""
        for name, page in sorted(self.pages.items()):
            if page.emergency is not None:
                yield f"{name}: emergency", page.emergency
            yield from ((f"{name}: {one.name or one.offers[0]}", one) for one in page.help)


def _fitting(page: Page | None, wanted: Sequence[Offer], today: datetime.date, language: str) -> list[Shown]:
    """The places of a file that help, the most fitting first; those that speak the person's language before others."""
    if page is None:
        return []
    found = []
    for one in page.help:
        rank = min((wanted.index(offer) for offer in one.offers if offer in wanted), default=None)
        if rank is not None:
            languages = one.languages or page.languages or ((page.language,) if page.language else ())
            found.append((language not in languages and bool(languages), rank, Shown(one, languages, one.doubtful(today))))
    return [shown for *_, shown in sorted(found, key=lambda item: item[:2])]


def load_directory(*folders: Path) -> Directory:
    """Read the files of folders, a later one in the place of an earlier one of the same name.

    Raises ``DirectoryError`` that names the file and what is wrong in it, and where no international directory is among them.
    """
    pages: dict[str, Page] = {}
    for folder in folders or (SHIPPED,):
        for path in sorted(folder.glob("*.toml")):
            pages[path.stem] = read_page(path)
    around = pages.get(EVERYWHERE)
    if around is None or not any(Offer.DIRECTORY in one.offers for one in around.help):
        raise DirectoryError(f"{EVERYWHERE}.toml must name at least one international directory: nothing unconfirmed is shown alone.")
    return Directory(pages)


def read_page(path: Path) -> Page:
    """Read one file. Raises ``DirectoryError``."""
    try:
        page = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Page)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DirectoryError(f"{path.name}: {error}.") from error
    except OSError as error:
        raise DirectoryError(f"{path.name} cannot be read: {error.strerror}.") from error
    if wrong := trouble(page):
        raise DirectoryError(f"{path.name}: {wrong}.")
    if path.stem != page.name:
        raise DirectoryError(f"{path.name}: by what it holds, its name is {page.name}.toml.")
    return page


@data_file("directory", SHIPPED)
def shipped_directory() -> Directory:
    """The directory of the package."""
    return load_directory()
