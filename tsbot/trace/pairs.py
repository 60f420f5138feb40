"""Two edits side by side for what evidence says: which diffs a person opens to check it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tsbot.i18n.voice import Phrase
from tsbot.trace.activity import seconds
from tsbot.trace.answer import DiffPair, Side
from tsbot.trace.evidence.phrases import fold
from tsbot.trace.gallery import Gallery, ReadEdit, owner
from tsbot.trace.words import english, said

MOST = 3
"""Pairs shown for one kind of evidence."""
Keys = Callable[[ReadEdit], Iterable[tuple[Hashable, Phrase]]]


@dataclass(frozen=True)
class PairFinder:
    """Finds pairs among the accounts that were compared; ``link`` makes the address of a diff from wiki and revision."""

    gallery: Gallery
    link: Callable[[str, int], str]

    def pairs(self, kind: str, first: str, second: str) -> tuple[DiffPair, ...]:
        """Pairs for a kind of evidence; empty for kinds that no two single edits show."""
        one, other = self._read(first), self._read(second)
        if not one or not other:
            return ()
        if kind == "opposition":
            return self._opposed(first, second)
        if kind == "dates":
            return self._turn(first, second)
        keys = _KEYS.get(kind)
        return () if keys is None else self._shared(keys, first, second)

    def _shared(self, keys: Keys, first: str, second: str) -> tuple[DiffPair, ...]:
        mine, theirs = _by_key(keys, self._read(first)), _by_key(keys, self._read(second))
        shared = [key for key in mine if key in theirs and not self._at_home(key, first, second)]
        rarity = self._rarity(keys)
        shared.sort(key=lambda key: (rarity[key], str(key)))
        pairs = []
        for key in shared[:MOST]:
            a, b = min(
                ((x, y) for x in mine[key][1][-50:] for y in theirs[key][1][-50:]),
                key=lambda two: (abs(seconds(two[0].edit) - seconds(two[1].edit)), two[0].edit.rev_id, two[1].edit.rev_id),
            )
            count = rarity[key]
            pairs.append(side_by_side(said("of", mine[key][0], count, self.gallery.size), self._side(first, a), self._side(second, b)))
        return tuple(pair for pair in pairs if pair.first.rev_id and pair.second.rev_id)

    def _opposed(self, first: str, second: str) -> tuple[DiffPair, ...]:
        """An edit of the one that names or undoes the other, beside the last edit of the other before it."""
        pairs = []
        for who, whom in ((first, second), (second, first)):
            for one in self._read(who):
                if whom in one.reading.users or one.reading.reverted == whom:
                    before = [edit for edit in self._read(whom) if seconds(edit.edit) <= seconds(one.edit)]
                    if before and one.edit.rev_id:
                        pairs.append(side_by_side(said("opposes", who, whom), self._side(who, one), self._side(whom, before[-1])))
        return tuple(pairs[:MOST])

    def _turn(self, first: str, second: str) -> tuple[DiffPair, ...]:
        """The last edit of the one and the first of the other, where one follows the other."""
        for who, whom in ((first, second), (second, first)):
            last, begin = self._read(who)[-1], self._read(whom)[0]
            if seconds(last.edit) <= seconds(begin.edit) and last.edit.rev_id and begin.edit.rev_id:
                return (side_by_side(said("turn"), self._side(who, last), self._side(whom, begin)),)
        return ()

    def _read(self, name: str) -> Sequence[ReadEdit]:
        position = self._positions.get(name)
        return () if position is None else self.gallery.read[position]

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {account.name: position for position, account in enumerate(self.gallery.accounts)}

    def _rarity(self, keys: Keys) -> Counter[Hashable]:
        """In how many accounts each key occurs."""
        return Counter(key for edits in self.gallery.read for key in {key for one in edits for key, _ in keys(one)})

    @staticmethod
    def _at_home(key: Hashable, first: str, second: str) -> bool:
        """Whether a page is in the user space of one of the two: everybody who warns an account shares that with it."""
        return isinstance(key, str) and owner(key.partition("|")[2]) in (first, second)

    def _side(self, account: str, one: ReadEdit) -> Side:
        edit = one.edit
        link = self.link(edit.wiki, edit.rev_id) if edit.rev_id else ""
        return Side(account, edit.wiki, seconds(edit), edit.pages[0] if edit.pages else "", edit.summary, link, edit.rev_id)


def side_by_side(told: Phrase, first: Side, second: Side) -> DiffPair:
    """Two edits, with what they share."""
    return DiffPair(english(told), first, second, told)


def _by_key(keys: Keys, edits: Sequence[ReadEdit]) -> dict[Hashable, tuple[Phrase, list[ReadEdit]]]:
    found: dict[Hashable, tuple[Phrase, list[ReadEdit]]] = {}
    lists: dict[Hashable, list[ReadEdit]] = defaultdict(list)
    for one in edits:
        for key, words in keys(one):
            lists[key].append(one)
            found.setdefault(key, (words, lists[key]))
    return found


def _pages(one: ReadEdit) -> Iterable[tuple[Hashable, Phrase]]:
    for subject in one.subjects:
        yield subject, said("shared-page", *subject.split("|", 1))


def _sections(one: ReadEdit) -> Iterable[tuple[Hashable, Phrase]]:
    if one.reading.section:
        yield ("section", one.reading.section.lower()), said("heading", one.reading.section)


def _targets(one: ReadEdit) -> Iterable[tuple[Hashable, Phrase]]:
    for user in one.reading.users:
        yield ("user", user), said("named-user", user)
    for target in one.reading.targets:
        yield ("target", target), said("named", target)


def _summaries(one: ReadEdit) -> Iterable[tuple[Hashable, Phrase]]:
    folded = fold(one.reading.words)
    if len(folded) > 2:
        yield ("summary", folded), said("equal-summary", one.reading.words)


_KEYS: dict[str, Keys] = {"pages": _pages, "sections": _sections, "targets": _targets, "phrases": _summaries}
