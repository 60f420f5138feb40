"""Checks of the doctor that ask wikis: do they answer, do they take us for whom we say we are, may we what we want, is the clock right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from tsbot.doctor import Diagnosis, State
from tsbot.errors import TsbotError, UnknownWikiError, WikiRefusedError
from tsbot.settings import Settings
from tsbot.wiki.api import Api

ASKED = 5
"""Wikis asked at most: those that the settings name, or one."""
OFF, FAR_OFF = 10.0, 120.0
"""Seconds by which our clock may differ from a wiki's: a warning, a problem."""
FOR_FILTERS = ("abusefilter-log", "abusefilter-log-detail")


def wikis_to_ask(settings: Settings) -> list[str]:
    """The wikis that the settings name, those first for which rights are needed."""
    named = (*settings.scan.filters, *settings.admission.only_wikis)
    return list(dict.fromkeys(named))[:ASKED] or [settings.console.central_wiki]


def check_wikis(settings: Settings, api: Api, known: Mapping[str, str], clock: Callable[[], float]) -> Iterator[Diagnosis]:
    """Each wiki answers, with the rights that we need. ``known`` are addresses of wikis that no family lists."""
    clocks: list[float] = []
    for wiki in wikis_to_ask(settings):
        check = f"wiki.{wiki}"
        asked: dict[str, str | int] = {"action": "query", "meta": "siteinfo|userinfo", "siprop": "general", "uiprop": "rights"}
        asked["curtimestamp"] = 1
        began = clock()
        try:
            data = api.get(wiki, asked, server_url=known.get(wiki, ""))
        except UnknownWikiError as error:
            yield Diagnosis(check, State.PROBLEM, str(error), "Is the database name right? Set wiki.families or wiki.domains.")
            continue
        except WikiRefusedError as error:
            remedy = "Check wiki.account and its password in pywikibot's files (user-config.example.py)."
            yield Diagnosis(check, State.PROBLEM, str(error), remedy)
            continue
        except TsbotError as error:
            remedy = "Check the network; where it says that it takes us for somebody else, wiki.account and its password."
            yield Diagnosis(check, State.PROBLEM, str(error), remedy)
            continue
        rights = frozenset((data.get("query") or {}).get("userinfo", {}).get("rights", ()))
        yield from _check_rights(settings, wiki, rights)
        if (moment := _moment(data.get("curtimestamp"))) is not None:
            clocks.append((began + clock()) / 2 - moment)
    if clocks:
        yield _clock(sorted(clocks, key=abs)[0])


def _check_rights(settings: Settings, wiki: str, rights: frozenset[str]) -> Iterator[Diagnosis]:
    check = f"wiki.{wiki}"
    missing = [right for right in FOR_FILTERS if right not in rights] if wiki in settings.scan.filters else []
    if missing:
        words = f"scan.filters names it, and we lack {' and '.join(missing)} there"
        yield Diagnosis(check, State.PROBLEM, words, "Ask the wiki for the right, give the bot password the grant, or take the wiki out.")
    elif settings.wiki.account and settings.wiki.client == "approved-bot" and "apihighlimits" not in rights:
        words = "answers, but wiki.client says approved-bot and the account has no apihighlimits there"
        yield Diagnosis(check, State.WARNING, words, 'Give the bot password the grant "highvolume", or correct wiki.client.')
    else:
        yield Diagnosis(check, State.OK, f"answers{', with high limits' if 'apihighlimits' in rights else ''}")


def _clock(off: float) -> Diagnosis:
    words = f"our clock is {abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} the wikis'"
    state = State.PROBLEM if abs(off) > FAR_OFF else State.WARNING if abs(off) > OFF else State.OK
    remedy = "Set the clock (NTP): times in letters mislead, and what is fresh or due is taken wrongly."
    return Diagnosis("clock.wikis", state, words if state is not State.OK else "right", remedy if state is not State.OK else "")


def _moment(stamp: object) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return None
