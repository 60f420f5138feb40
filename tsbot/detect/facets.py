"""From found patterns to facets, and from facets to specificity and imminence.

The definitions are those of the annotation guideline (docs/detection.md repeats them): each facet is a statement about the
text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tsbot.detect.finding import Facets, Kind, Stance
from tsbot.detect.lexicon import Found, Match, Span
from tsbot.detect.personal import personal_spans

FACETS = ("now", "near", "how", "ability", "conditional", "group", "role")
FUTURE = ("iwill", "werde")
"""Lists of packs with "I will", in the languages that the model judges without patterns."""
_CLOCK = re.compile(r"(?<!\d)\d{1,2} ?(?:am|pm|uhr|oclock|o clock|noon)(?!\w)|(?<!\d)\d{1,2}(?:時|点|點|시)")


class Scene:
    """What stands in and around a sentence with a threat: spans by facet, in the normal form of each sentence."""

    def __init__(self, index: int, sentence: str, found: Found, raw: str, language: str) -> None:
        self.index = index
        """Number of the sentence in its batch."""
        self.sentence = sentence
        self.raw = raw
        """The raw text of just this sentence, in which capitals still tell names."""
        self.future = any(found.get(f"{language}:list:{name}") for name in FUTURE)
        self.spans = {name: found.get(f"{language}:F:{name}", []) for name in (*FACETS, "soon", "vague", "kin", "place")}

    def stance(self, kind: Kind) -> Stance:
        """The stance where no pattern tells it: an intention if the author speaks of what is to come."""
        return Stance.INTENT if kind is Kind.SELF_HARM or self.future else Stance.WISH

    def first(self, name: str) -> Span | None:
        """First span of a facet."""
        return self.spans[name][0] if self.spans[name] else None

    def when(self) -> tuple[int, int] | None:
        """Where a time stands; "soon" is none."""
        soon = self.spans["soon"]
        for span in (*self.spans["now"], *self.spans["near"]):
            if not any(other.start <= span.start and span.end <= other.end for other in soon):
                return span.start, span.end
        match = _CLOCK.search(self.sentence)
        return match.span() if match else None

    def where(self) -> tuple[int, int] | None:
        """Where an address stands, or a name after a preposition of place."""
        for address in personal_spans("address", self.sentence, ""):
            return address
        if self.raw.isupper():
            return None
        for span in self.spans["place"]:
            end = self.sentence.find(" ", span.end + 1)
            word = self.sentence[span.end + 1 : end]
            if len(word) < 3 or any(other.start <= span.end + 1 < other.end for name in ("now", "near") for other in self.spans[name]):
                continue
            # A name is capitalised wherever it stands, and here not as the first word of a sentence.
            inside = re.search(rf"\w\W+{re.escape(word.capitalize())}(?!\w)", self.raw)
            if inside and not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self.raw):
                return span.end + 1, end
        return None


def facets_of(match: Match | None, kind: Kind, scenes: Sequence[Scene]) -> Facets:
    """Facets of a threat. ``scenes``: the sentence of the threat first, then its neighbours."""
    own = scenes[0]
    stance = match.construction.stance if match is not None else own.stance(kind)
    when = any(scene.when() for scene in scenes)
    return Facets(
        target=_target(kind, own, match),
        when=when,
        where=any(scene.where() for scene in scenes),
        how=_any(scenes, "how"),
        ability=_any(scenes, "ability"),
        conditional=_any(scenes[:1], "conditional"),
        stance=stance,
    )


def _any(scenes: Iterable[Scene], name: str) -> bool:
    return any(scene.spans[name] for scene in scenes)


def _target(kind: Kind, scene: Scene, match: Match | None) -> int:
    """Whom the threat is about, 0-3."""
    if kind in (Kind.SELF_HARM, Kind.DOXING):
        return 3
    if _full_name(scene.raw):
        return 3
    if scene.spans["role"]:
        return 3 if scene.where() or scene.spans["group"] else 2
    if kind is Kind.MASS_VIOLENCE or scene.spans["group"]:
        return 2
    if match is not None:
        return 2 if any("group" in part.slot or "grup" in part.slot for part in match.construction.parts) else 1
    return 1


def _full_name(raw: str) -> bool:
    """Whether two capitalised words stand together within a sentence (not at its start) of mixed case."""
    if raw.isupper():
        return False
    names = re.findall(r"(?<=[a-zа-яё,] )([A-ZÀ-ÝА-ЯЁ][a-zà-ÿа-яё]+ [A-ZÀ-ÝА-ЯЁ][a-zà-ÿа-яё]+)(?!\w)", raw)
    return any(not name.startswith(("I ", "Wikipedia", "Wikimedia")) for name in names)


def imminence_of(facets: Facets, kind: Kind, scenes: Sequence[Scene]) -> int:
    """0-3: no time; vague future or condition; near; now or within a day (annotation guideline)."""
    soon = any(scene.spans["soon"] for scene in scenes)
    if any(scene.spans["now"] for scene in scenes) and facets.stance is not Stance.WISH:
        return 3
    if facets.when or soon:
        return 1 if facets.stance is Stance.WISH and not facets.when else 2
    if kind is Kind.SELF_HARM:
        return 1 if facets.stance is Stance.INTENT else 0
    return 1 if facets.stance is Stance.INTENT or facets.conditional else 0
