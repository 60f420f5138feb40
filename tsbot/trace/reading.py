"""What one edit tells: the section, what software wrote, the person's own words, whom and what it names."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tsbot.datafiles import data_file
from tsbot.errors import SettingsError
from tsbot.trace.activity import Edit

SHIPPED = Path(__file__).with_name("automatic.toml")
_SECTION = re.compile(r"/\*\s*(.*?)\s*\*/")
_LINK = re.compile(r"\[\[:?([^\]|\[]{1,255})(?:\|([^\]\[]*))?\]\]")
_USER = re.compile(r"^(?:user(?: talk)?|special:contrib\w*|benutzer\w*|utilisateur\w*|usuari[oa]\w*|участни\w+)[:/]\s*(.+)$", re.IGNORECASE)
_CONTRIBUTOR = re.compile(r"^special:contrib\w*/(.+)$", re.IGNORECASE)
_DIFF = re.compile(r"^special:(?!contrib)", re.IGNORECASE)
_DOMAIN = re.compile(r"https?://(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)
_TASK = re.compile(r"\b(?:T|bug:?\s*#?)(\d{3,7})\b", re.IGNORECASE)
_WRAPPED = re.compile(r'^(?:(?:revert(?:ed)?|re-?apply)\s+"|re-?apply:\s+)', re.IGNORECASE)
_BY = re.compile(r"\b(?:edits?|revision \d+) by\s+(.{1,60}?)(?=\s+(?:\(|to\b|-|identified|due)|[(;]|$)", re.IGNORECASE)


class _Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """An edit, read."""

    section: str
    """Heading that the summary names; empty if none."""
    habit: str
    """Name of what software wrote (``automatic.toml``), or ``words``, ``section`` (nothing but a heading), ``empty``."""
    words: str
    """The person's own words of the summary: without headings, user names and what software wrote."""
    users: tuple[str, ...]
    """User names that the summary names."""
    targets: tuple[str, ...]
    """Other things that summary and text name: linked pages, domains, tasks."""
    reverted: str
    """The user whose edit was undone, where the summary says so."""


_SILENT = Reading("", "empty", "", (), (), "")


@data_file("summaries", SHIPPED)
def shipped_patterns() -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """The patterns of the package."""
    return load_patterns(SHIPPED)


def load_patterns(path: Path) -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """Patterns of automatic summaries. Raises ``SettingsError`` naming file and entry."""
    try:
        rows = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, list[_Pattern]])["automatic"]
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from error
    patterns = []
    for number, row in enumerate(rows, 1):
        try:
            patterns.append((re.compile(row.pattern, re.IGNORECASE), row.name, row.whole))
        except re.error as error:
            raise SettingsError(f"{path}: entry {number} ({row.name}): {error}") from error
    return tuple(patterns)


def read_edit(edit: Edit) -> Reading:
    """Read an edit. What is read is bounded: summaries have at most 500 characters, and of added text the first 5,000 count."""
    if not edit.summary and not edit.added:
        return _SILENT
    summary = edit.summary[:1000]
    section = _SECTION.search(summary)
    habit, whole = _automatic(summary)
    users: list[str] = []
    targets: list[str] = []
    bare = _LINK.sub(lambda link: _name(link, users, targets), summary)
    by = _BY.search(bare) if habit in ("rollback", "undo", "restore", "short revert") else None
    reverted = (users[0] if users else by[1].strip() if by else "") if habit in ("rollback", "undo") else ""
    if by and not users:
        users.append(by[1].strip())
    words = _SECTION.sub(" ", bare)
    if by:
        words = words.replace(by[0], " ")
    words = "" if whole else _unwrapped(" ".join(words.split()))
    if habit == "words" and not words:
        habit = "section" if section else "empty"
    text = edit.added[:5000]
    _LINK.sub(lambda link: _name(link, users, targets), text)
    targets += [match.lower() for match in _DOMAIN.findall(summary + " " + text)]
    targets += [f"task {match}" for match in _TASK.findall(summary)]
    return Reading(section[1] if section else "", habit, words, tuple(dict.fromkeys(users)), tuple(dict.fromkeys(targets)), reverted)


def _automatic(summary: str) -> tuple[str, bool]:
    plain = _LINK.sub(lambda link: link[2] or link[1], summary)
    for pattern, name, whole in shipped_patterns():
        if pattern.search(plain):
            return name, whole
    return "words", False


def _unwrapped(words: str) -> str:
    """The summary that a summary quotes as undone or done again, however often: what a button put around it is nobody's words."""
    while match := _WRAPPED.match(words):
        inner = words[match.end() :].removesuffix('"').strip()
        if not inner:
            return words
        words = inner
    return words


def _name(link: re.Match[str], users: list[str], targets: list[str]) -> str:
    """Note what a link names; returns what stands in its place among the words."""
    target = link[1].strip()
    if match := _USER.match(target):
        users.append((_CONTRIBUTOR.match(target) or match)[1].replace("_", " ").split("/")[0].split("#")[0].strip())
        return " "
    if _DIFF.match(target):
        return " "
    targets.append(target.replace("_", " ").lower())
    return link[2] or target
