"""A check that an answer to a person reveals neither reporter, target, evidence nor handler. Pure.

It finds what is literally there: names, addresses, and runs of words of what is sealed. It cannot find a hint; that is for who writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tsbot.detect.private import Exposure, find_personal
from tsbot.text.titles import canonical_name

RUN = 5
"""Words in a row that are a quotation."""
SHORTEST = 3
"""Letters of a name; shorter ones are words of some language."""


@dataclass(frozen=True)
class Secrets:
    """What a case knows and an answer must not tell."""

    reporters: frozenset[str] = frozenset()
    """Accounts and addresses of those who reported, the person themselves included: whoever finds the link must not learn them."""
    targets: frozenset[str] = frozenset()
    accused: frozenset[str] = frozenset()
    handlers: frozenset[str] = frozenset()
    """Names and pseudonyms of those who work on cases."""
    evidence: tuple[str, ...] = ()
    """Texts that are sealed: of flags, of notes, of reports."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that an answer tells."""

    what: str
    """``reporter``, ``target``, ``accused``, ``handler``, ``evidence`` or ``personal``."""
    words: str
    """Where in the answer."""


def leaks(answer: str, secrets: Secrets) -> list[Leak]:
    """What an answer reveals; empty if nothing is found."""
    found: list[Leak] = []
    plain = _plain(answer)
    for what in ("reporters", "targets", "accused", "handlers"):
        names: Iterable[str] = getattr(secrets, what)
        found += [Leak(what.removesuffix("s"), name) for name in sorted(names) if _stands(name, plain)]
    runs = set(_runs(_words(answer)))
    for text in secrets.evidence:
        shared = runs.intersection(_runs(_words(text)))
        if shared:
            found.append(Leak("evidence", min(shared)))
    found += [Leak("personal", answer[span.start : span.end]) for span in find_personal(answer) if span.exposure is not Exposure.PUBLIC]
    return found


def _stands(name: str, plain: str) -> bool:
    known = _plain(canonical_name(name))
    return len(known) >= SHORTEST and re.search(rf"(?<!\w){re.escape(known)}(?!\w)", plain) is not None


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _runs(words: list[str]) -> Iterable[str]:
    return (" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))
