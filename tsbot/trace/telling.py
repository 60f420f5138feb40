"""Parts of an answer told from what the wikis said: places, links, notes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tsbot.i18n.voice import Phrase
from tsbot.trace.answer import Block, Place, Trace
from tsbot.trace.footprints import Footprint, Visit
from tsbot.trace.index import AHEAD
from tsbot.trace.records import OurFlags
from tsbot.trace.words import said
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.footprint import LocalBlock
from tsbot.wiki.links import WikiLinks

HUB_NOTES = 5
"""Crowded pages that are named."""


def link_to(footprint: Footprint, fan: FanOut) -> str:
    """All accounts of the name where CentralAuth shows them, else its contributions where it edits most."""
    best = max(footprint.visits, key=lambda visit: len(visit.contributions.edits), default=None)
    if best is None:
        return ""
    links = WikiLinks(fan.base(best.wiki))
    name = footprint.subject.name
    return (links.central_auth(name) if footprint.central is not None and footprint.central.exists else None) or links.contributions(name)


def place(visit: Visit, flags: OurFlags | None, locked: bool | None, name: str) -> Place:
    """What one wiki tells of the subject."""
    local, edits = visit.local, visit.contributions.edits
    return Place(
        wiki=visit.wiki,
        base=visit.base,
        edits=local.edits if local else None,
        seen=len(edits),
        complete=visit.contributions.complete,
        first=edits[-1].time if edits else None,
        last=edits[0].time if edits else None,
        registered=local.registered if local else None,
        groups=local.groups if local else (),
        blocks=tuple(map(_block, local.blocks)) if local else (),
        locked=locked,
        flags=flags.flags if flags else 0,
        cases=flags.cases if flags else (),
        link=WikiLinks(visit.base).contributions(name),
    )


def _block(block: LocalBlock) -> Block:
    return Block(block.partial, block.expiry, block.flags, block.restrictions, block.by, block.since)


def notes(trace: Trace, footprint: Footprint, crowded: Sequence[str]) -> tuple[Phrase, ...]:
    """What whoever reads the answer must know: what was cut, passed over, left out."""
    notes = []
    if cut := [visit.wiki for visit in footprint.visits if not visit.contributions.complete]:
        notes.append(said("note-cut", ", ".join(cut)))
    if future := sum(edit.time > trace.asked + AHEAD for visit in footprint.visits for edit in visit.contributions.edits):
        notes.append(said("note-future", future))
    if crowded:
        notes.append(said("note-crowded", len(crowded), tuple(said("shared-page", *key.split("|", 1)) for key in crowded[:HUB_NOTES])))
    if not any(visit.contributions.edits for visit in footprint.visits):
        notes.append(said("note-nothing"))
    elif sum(len(visit.contributions.edits) for visit in footprint.visits) < 5:
        notes.append(said("note-few"))
    if any(one.temporary for one in trace.links) or trace.subject.kind == "temporary":
        notes.append(said("note-temporary"))
    if trace.imitations:
        notes.append(said("note-imitation"))
    if not trace.index_days:
        notes.append(said("note-no-index"))
    if footprint.central is None and trace.subject.kind in ("account", "temporary"):
        notes.append(said("note-no-central"))
    return tuple(notes)
