"""The catalogue of kinds of evidence, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Collection

from tsbot.trace.evidence.base import Evidence
from tsbot.trace.evidence.dates import Dates
from tsbot.trace.evidence.hours import Hours
from tsbot.trace.evidence.names import Names
from tsbot.trace.evidence.opposition import Opposition
from tsbot.trace.evidence.pages import Pages
from tsbot.trace.evidence.phrases import Phrases
from tsbot.trace.evidence.sections import Sections
from tsbot.trace.evidence.style import Style
from tsbot.trace.evidence.summaries import Summaries
from tsbot.trace.evidence.targets import Targets
from tsbot.trace.evidence.topics import Topics
from tsbot.trace.evidence.workflow import Workflow
from tsbot.trace.gallery import Gallery

KINDS = (Pages, Topics, Sections, Targets, Phrases, Style, Summaries, Workflow, Hours, Dates, Names, Opposition)
WITH_NAMES = ("names", "opposition")
"""Kinds that look at user names."""


def build(gallery: Gallery, without: Collection[str] = ()) -> list[Evidence]:
    """The evidence of a gallery; user names are not looked at where they are not shown."""
    left_out = {*without, *(() if gallery.names_shown else WITH_NAMES)}
    return [kind(gallery) for kind in KINDS if kind.kind not in left_out]
