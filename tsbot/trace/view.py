"""The answer as lines for a terminal. Pure; whoever prints them need not make anything harmless any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import zip_longest

from tsbot.i18n.voice import Phrase, Voice
from tsbot.report.wording import misleading
from tsbot.trace.answer import Block, Candidate, Place, Trace
from tsbot.trace.words import in_language

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = " .:+*#"
_BARS = " ▁▂▃▄▅▆▇█"
_WIDEST = 100
STATES = {
    "missing": "No wiki that answered knows such an account, or none tells of it.",
    "vanished": "The owner of this account has left (right to vanish): nothing more is computed.",
    "unknown": "No wiki answered: nothing is known. Try again later.",
}


def lines(trace: Trace, *, top: int = 10, diffs: bool = True, voice: Voice | None = None) -> Iterator[str]:
    """The answer, the most important first: links and warnings, then where and when. ``voice`` says evidence in another language."""
    subject = trace.subject
    yield f"Trace of {plain(subject.name)} ({subject.kind}), asked {_moment(trace.asked)} UTC"
    if subject.asked_as:
        yield f"  {plain(subject.asked_as)} was renamed; it is the same account."
    if subject.state != "known":
        yield STATES[subject.state]
    else:
        yield from _about(trace)
        yield ""
        yield from _who(trace, top, diffs=diffs, voice=voice)
        yield from _groups(trace)
        yield from _ranges(trace)
        yield from _when(trace)
    if trace.silent:
        yield ""
        yield "PARTIAL: these wikis did not answer; what they know is missing here."
        yield from (f"  {one.wiki}: {one.why}" for one in trace.silent)
    for note, said in zip_longest(trace.notes, trace.notes_said):
        yield f"Note: {_told(said, note, voice)}"
    if subject.state == "known":
        yield "Behaviour is evidence, not proof. Open the diffs before you act, and think of who might gain from a false link."


def plain(text: str) -> str:
    """A stranger's text on one line, for a terminal: what would steer it, or hide, becomes U+FFFD."""
    return "".join("\ufffd" if misleading(char) or char in "\r\n" else char for char in text)


def _told(said: Phrase | None, words: str, voice: Voice | None) -> str:
    return plain(words) if voice is None or said is None else in_language(said, voice, plain)


def _about(trace: Trace) -> Iterator[str]:
    subject = trace.subject
    if subject.former:
        yield f"  formerly {', '.join(map(plain, subject.former))}"
    told = []
    if subject.home:
        told.append(f"home {subject.home}")
    if subject.registered:
        told.append(f"registered {_day(subject.registered)}")
    if subject.global_edits is not None:
        told.append(f"{subject.global_edits:,} edits on all wikis")
    if subject.locked is not None:
        told.append("GLOBALLY LOCKED" if subject.locked else "not locked")
    if told:
        yield f"  {', '.join(told)}"
    if subject.link:
        yield f"  {subject.link}"
    yield "Where:"
    for place in trace.where:
        yield f"  {_place(place)}"


def _place(place: Place) -> str:
    told = [f"{place.wiki}: {max(place.edits or 0, place.seen):,} edits"]
    if place.first is not None and place.last is not None:
        told.append(f"{_day(place.first)} to {_day(place.last)}{'' if place.complete else f' (latest {place.seen})'}")
    if place.groups:
        told.append(f"groups {', '.join(place.groups)}")
    told += [_block(block) for block in place.blocks]
    if place.flags:
        told.append(f"{place.flags} flags of ours in {len(place.cases)} cases ({', '.join(case[:8] for case in place.cases)})")
    return ", ".join(told)


def _block(block: Block) -> str:
    what = f"PARTIALLY BLOCKED ({block.restrictions} restrictions)" if block.partial else "BLOCKED"
    until = "without end" if block.expiry.startswith(("infini", "never")) else f"until {block.expiry}"
    return f"{what} {until}{f' [{chr(32).join(block.flags)}]' if block.flags else ''}"


def _who(trace: Trace, top: int, *, diffs: bool, voice: Voice | None) -> Iterator[str]:
    tiers = Counter(one.tier for one in trace.candidates if one.listed)
    count = f"{trace.compared:,} accounts were compared; coincidences are expected among {trace.population:,}"
    if not trace.links and not trace.imitations:
        yield f"Who else: nobody that the evidence is consistent with. {count}."
        return
    yield f"Who else: {', '.join(f'{number} {tier}' for tier, number in tiers.items())}. {count}."
    for one in [one for one in trace.candidates if one.listed][:top]:
        yield from _candidate(one, diffs=diffs, voice=voice)
    for one in trace.candidates:
        if one.disputed:
            yield f"  - {plain(one.account)}: disputed by {plain(one.disputed)}, not listed (log LR {one.log_lr:+.1f})"
    rest = [one for one in trace.candidates if not one.listed and not one.disputed]
    if rest:
        named = ", ".join(f"{plain(one.account)} ({one.tier} {one.log_lr:+.1f})" for one in rest[:5])
        yield f"  Compared and not listed: {len(rest)}, among them {named}"


def _candidate(one: Candidate, *, diffs: bool, voice: Voice | None) -> Iterator[str]:
    marks = [mark for mark, holds in (("locked", one.locked), (f"blocked on {', '.join(one.blocked)}", one.blocked)) if holds]
    label = "IMITATION" if one.tier == "imitation" else one.tier.upper()
    yield f"  {one.rank}. {plain(one.account)} - {label}{f' ({chr(59).join(marks)})' if marks else ''}"
    yield f"     {one.wording}; log LR {one.log_lr:+.1f}, {_coincidences(one.coincidences)}; {one.edits} edits on {', '.join(one.wikis)}"
    for line in one.evidence:
        side = "for    " if line.log_lr > 0 else "against" if line.log_lr < 0 else "noted  "
        yield f"     {side} {line.kind:<10} {line.log_lr:+5.1f}  {_told(line.said, line.words, voice)}"
        for two in line.pairs if diffs else ():
            yield f"             {_told(two.said, two.what, voice)}"
            yield f"               {two.first.link}  {_moment(two.first.time)}"
            yield f"               {two.second.link}  {_moment(two.second.time)}"


def _coincidences(number: float) -> str:
    told = f"at most {number:,.0f}" if number >= 10 else f"at most {number:.2g}" if number >= 0.001 else "fewer than 0.001"
    return f"{told} strangers would look as similar"


def _groups(trace: Trace) -> Iterator[str]:
    for number, group in enumerate(trace.grouping.clusters, 1):
        yield f"Cluster {number} (each linked to each): {', '.join(map(plain, group))}"
    for bridge in trace.grouping.bridges:
        kept = "evidence against" if bridge.forbidden else "too little evidence"
        yield (
            f"Weak bridge: {plain(bridge.first)} - {plain(bridge.second)} ({bridge.log_lr:+.1f}), kept apart by {kept} between "
            f"{plain(bridge.weakest[0])} and {plain(bridge.weakest[1])} ({bridge.weakest_log_lr:+.1f})"
        )


def _ranges(trace: Trace) -> Iterator[str]:
    for one in trace.ranges:
        yield (
            f"Range {one.network} covers {len(one.addresses)} addresses; others there in {one.days} days: {one.actors}, a day "
            f"{one.actors_a_day:.2f} ({one.low:.2f} to {one.high:.2f}), {one.kept_edits} edits kept, {one.reverted_share:.0%} reverted. "
            f"{one.note}"
        )


def _when(trace: Trace) -> Iterator[str]:
    if not trace.timeline:
        return
    yield ""
    counts = [count for _, count in trace.timeline][-_WIDEST:]
    most = max(counts)
    bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] if count else "." for count in counts)
    yield f"Edits from {trace.timeline[-len(counts)][0]} to {trace.timeline[-1][0]} (at most {most}): {bars}"
    yield "Hours (UTC)  0     6     12    18   23"
    peak = max(max(row) for row in trace.hours) or 1
    for day, row in zip(DAYS, trace.hours, strict=True):
        if any(row):
            yield f"  {day}        {''.join(_SHADES[-(-count * (len(_SHADES) - 1) // peak)] for count in row)}  {sum(row)}"


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
