"""Which events deserve a closer look: an ordered table of rules, each of which skips some.

An admitted edit has its text fetched and its summary, title and user name judged; an admitted log entry is judged by what
it carries. Changes of visibility and deletions are never skipped here, since they may be the outcome of a flag. No rule
looks at a language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tsbot.settings import AdmissionSettings
from tsbot.stream.events import Event, EventKind


class Admission:
    """The rules with the operator's settings applied."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._skip_bots = settings.skip_bots
        self._skip_wikis = frozenset(settings.skip_wikis)
        self._only_wikis = frozenset(settings.only_wikis)
        self._skip_namespaces = frozenset(settings.skip_namespaces)
        self._trusted_groups = frozenset(settings.trusted_groups)
        self._judge_log_types = frozenset(settings.judge_log_types)

    def rule(self, event: Event) -> str | None:
        """Name of the first rule of :data:`RULES` that skips the event; None if it is admitted."""
        if event.kind in (EventKind.VISIBILITY, EventKind.DELETION):
            return None
        for name, skips in _TABLE:
            if skips(self, event):
                return name
        return None

    def _canary(self, event: Event) -> bool:
        """A heartbeat of the stream, not about a wiki."""
        return event.kind is EventKind.CANARY

    def _other(self, event: Event) -> bool:
        """An undeletion or another change that adds no text, or a stream that tsbot has no use for."""
        return event.kind is EventKind.OTHER

    def _wiki(self, event: Event) -> bool:
        """A wiki that `skip_wikis` names."""
        return event.wiki in self._skip_wikis

    def _other_wiki(self, event: Event) -> bool:
        """A wiki that `only_wikis` does not name, if that setting is used."""
        return bool(self._only_wikis) and event.wiki not in self._only_wikis

    def _categorize(self, event: Event) -> bool:
        """A page entered or left a category; the edit that did it is an event of its own."""
        return event.kind is EventKind.CATEGORIZE

    def _external(self, event: Event) -> bool:
        """A change on Wikidata, shown on a wiki that uses it; the edit there is an event of its own."""
        return event.kind is EventKind.EXTERNAL

    def _bot(self, event: Event) -> bool:
        """An edit that carries the bot flag, while `skip_bots` is set."""
        return self._skip_bots and event.bot and event.kind is EventKind.EDIT

    def _namespace(self, event: Event) -> bool:
        """An edit in a namespace that `skip_namespaces` names."""
        return event.kind is EventKind.EDIT and event.namespace in self._skip_namespaces

    def _trusted_group(self, event: Event) -> bool:
        """An edit by a member of one of `trusted_groups`, where the stream names groups."""
        groups = event.user_groups
        return groups is not None and event.kind is EventKind.EDIT and not self._trusted_groups.isdisjoint(groups)

    def _log_type(self, event: Event) -> bool:
        """A log entry of a type that `judge_log_types` does not name."""
        return event.kind is EventKind.LOG and event.log_type not in self._judge_log_types


_TABLE: tuple[tuple[str, Callable[[Admission, Event], bool]], ...] = (
    ("canary", Admission._canary),
    ("other", Admission._other),
    ("wiki", Admission._wiki),
    ("other_wiki", Admission._other_wiki),
    ("categorize", Admission._categorize),
    ("external", Admission._external),
    ("bot", Admission._bot),
    ("namespace", Admission._namespace),
    ("trusted_group", Admission._trusted_group),
    ("log_type", Admission._log_type),
)

RULES: Mapping[str, str] = MappingProxyType({name: (skips.__doc__ or "").strip() for name, skips in _TABLE})
"""Each rule's name and what it skips, in the order in which they are asked; the first that applies is counted."""
