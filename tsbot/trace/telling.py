"""Parts of an answer told from what the wikis said: places, links, notes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tsbot.trace.answer import Block, Place, Trace
from tsbot.trace.footprints import Footprint, Visit
from tsbot.trace.index import AHEAD
from tsbot.trace.records import OurFlags
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


def notes(trace: Trace, footprint: Footprint, crowded: Sequence[str]) -> tuple[str, ...]:
    """What whoever reads the answer must know: what was cut, passed over, left out."""
    notes = []
    if cut := [visit.wiki for visit in footprint.visits if not visit.contributions.complete]:
        notes.append(f"Only the latest edits were looked at on {', '.join(cut)}; there are older ones.")
    if future := sum(edit.time > trace.asked + AHEAD for visit in footprint.visits for edit in visit.contributions.edits):
        notes.append(f"{future} edits have times in the future (a clock is wrong); they were left out.")
    if crowded:
        named = "; ".join(key.replace("|", ": ", 1) for key in crowded[:HUB_NOTES])
        notes.append(f"{len(crowded)} pages that very many edit point to nobody and were passed over: {named}")
    if not any(visit.contributions.edits for visit in footprint.visits):
        notes.append("No edit is visible: nothing can be compared.")
    elif sum(len(visit.contributions.edits) for visit in footprint.visits) < 5:
        notes.append("So few edits say little, whatever the numbers.")
    if any(one.temporary for one in trace.links) or trace.subject.kind == "temporary":
        notes.append(
            "Several temporary accounts in a row are normal for one person, and no abuse by themselves; they are not resolved to addresses."
        )
    if trace.imitations:
        notes.append("Where the pattern is one of imitation, one of the two may be framing the other: do not act on the link.")
    if not trace.index_days:
        notes.append("The activity index is off or empty: candidates come from page histories and names on the wikis only.")
    if footprint.central is None and trace.subject.kind in ("account", "temporary"):
        notes.append("No CentralAuth tells where the account is: the same name on another wiki may be somebody else.")
    return tuple(notes)
