"""Ranges of historic edits without an account: what covers them, and who else edits from there."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address

from tsbot.trace.answer import CoveringRange, Trace
from tsbot.trace.footprints import Footprint
from tsbot.trace.index import DAY
from tsbot.trace.naming import kind_of
from tsbot.trace.ranges import OtherEdit, collateral, covering
from tsbot.trace.tiers import MODERATE
from tsbot.wiki.fanout import FanOut

RANGES = 3
"""Ranges that the addresses are covered by at most, unless the limits on blocks demand more."""
WIKIS = 3
EDITS = 500
OBSERVED = 90
"""Days of other people's edits by which the collateral of a range is estimated."""


def ranges_of(fan: FanOut, trace: Trace, footprint: Footprint) -> tuple[CoveringRange, ...]:
    """Ranges that cover the subject's addresses, and those of addresses that are linked to it. Temporary accounts have none."""
    addresses = {one.account for one in trace.links if kind_of(one.account) == "address" and one.log_lr >= MODERATE}
    if trace.subject.kind == "address":
        addresses.add(trace.subject.name)
    if trace.subject.kind == "range":
        edits = (edit for visit in footprint.visits for edit in visit.contributions.edits)
        addresses |= {edit.user for edit in edits if kind_of(edit.user) == "address"}
    where = [visit.wiki for visit in footprint.visits][:WIKIS]
    since = trace.asked - OBSERVED * DAY
    told = []
    for network in covering(sorted(addresses), RANGES) if addresses else ():
        jobs = {wiki: (wiki, partial(fan.contributions, wiki, str(network), EDITS, since)) for wiki in where}
        others = [
            OtherEdit(edit.user, datetime.fromtimestamp(edit.time, UTC).date(), edit.reverted)
            for some in fan.gather("ranges", jobs).values()
            for edit in some.edits
            if edit.user not in addresses and kind_of(edit.user) == "address"
        ]
        inside = tuple(one for one in sorted(addresses) if ip_address(one) in network)
        hit = collateral(network, others, OBSERVED)
        numbers = (hit.actors, hit.actors_a_day, hit.low, hit.high, hit.kept_edits, hit.reverted_share)
        told.append(CoveringRange(str(network), inside, *numbers, OBSERVED, hit.note))
    return tuple(told)
