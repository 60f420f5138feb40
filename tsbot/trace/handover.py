"""Hand-over: ready texts and exports of an answer, for where it is acted on. Pure.

What may not be public stays out, and the text says so: our flags and cases, diffs whose content we flagged (nobody is led to it), what
summaries say, names that are attacks themselves, links that are weak, disputed or look like imitation.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tsbot.report.wording import misleading
from tsbot.trace.answer import Candidate, DiffPair, Grouping, Trace, to_json
from tsbot.trace.naming import kind_of

PUBLIC_TIERS = ("very strong", "strong", "moderate")
"""Tiers that go into a public text."""
LOCK_TIERS = ("very strong", "strong")
"""To be locked on all wikis is worse than to be looked at: what is only moderate may stand in an investigation, not in such a request."""
QUOTED = {
    "phrases": "equal edit summaries or stretches of text (compare the diffs)",
    "sections": "edits under equal headings (compare the diffs)",
    "targets": "the same users reverted or addressed, or the same links (compare the diffs)",
    "opposition": "one undoes or addresses the other (compare the diffs)",
}
"""Kinds whose words quote what people wrote: in public these words stand in their place."""
GREY = "#72777d"
MOST_DIFFS = 3
LEAST = 0.3
"""Evidence that weighs less, and shows no diff, is left out of texts: nobody decides by it."""
_MARKUP = frozenset("&<>[]{}|'=~*")
_FORMULA = "=+-@\t\r"


@dataclass(frozen=True, slots=True)
class Private:
    """What must not be led to in public."""

    revisions: frozenset[tuple[str, int]] = frozenset()
    """Flagged revisions: wiki and id."""
    names: frozenset[str] = frozenset()
    """Accounts whose name was flagged."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A text to be handed over, and what was left out of it."""

    text: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Public:
    """What of an answer may be public."""

    trace: Trace
    links: tuple[Candidate, ...]
    left_out: tuple[str, ...]

    @property
    def accounts(self) -> list[tuple[str, bool | None]]:
        """The subject and those linked to it, with whether they are locked already."""
        return [(self.trace.subject.name, self.trace.subject.locked), *((one.account, one.locked) for one in self.links)]


def lock_request(trace: Trace, private: Private) -> HandOver:
    """A request for global locks, as stewards want it on Meta (Steward requests/Global)."""
    public = _public(trace, private, LOCK_TIERS)
    subject = trace.subject
    if subject.name in private.names:
        return _only_private(public)
    open_ones = [name for name, locked in public.accounts if not locked and kind_of(name) in ("account", "temporary")]
    addresses = [name for name, _ in public.accounts if kind_of(name) in ("address", "range")]
    done = [name for name, locked in public.accounts if locked]
    title = f"Global lock for {wikitext(subject.name)}" + (f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else "")
    lines = [f"=== {title} ===", "{{Status}}"]
    if open_ones:
        lines.append("{{MultiLock|" + "|".join(_argument(number, name) for number, name in enumerate(open_ones, 1)) + "}}")
    lines += [f'* <span style="color:{GREY}">{_user(name)} (locked already)</span>' for name in done]
    lines += [f"* {_user(name)}: an address, which cannot be locked; a block may be considered" for name in addresses]
    lines += ["", _where(trace), "", "The behaviour of these accounts is '''consistent with''' one person; it is evidence, not proof:"]
    lines += _evidence(public)
    lines += ["", *_caveats(public), "~~~~"]
    return HandOver("\n".join(lines) + "\n", public.left_out)


def investigation(trace: Trace, private: Private) -> HandOver:
    """A report for a sockpuppet investigation, as the English Wikipedia wants it."""
    public = _public(trace, private)
    subject = trace.subject
    if subject.name in private.names:
        return _only_private(public)
    day = datetime.fromtimestamp(trace.asked, UTC)
    lines = [f"==== {day.day} {day:%B %Y} ====", "===== Suspected accounts =====", f"* {_user(subject.name)}"]
    for one in public.links:
        grey = one.locked or bool(one.blocked)
        state = "locked already" if one.locked else f"blocked already on {', '.join(one.blocked)}"
        lines.append(f'* <span style="color:{GREY}">{_user(one.account)} ({state})</span>' if grey else f"* {_user(one.account)}")
    lines += ["===== Evidence =====", _where(trace), ""]
    lines += _evidence(public)
    lines += ["", *_caveats(public), "~~~~"]
    return HandOver("\n".join(lines) + "\n", public.left_out)


def table(trace: Trace, private: Private) -> HandOver:
    """Candidates as CSV, one a line; what a spreadsheet would run as a formula is text."""
    public = _public(trace, private, tiers=None)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("rank", "account", "tier", "log_lr", "coincidences", "population", "families", "kinds", "wikis", "locked", "blocked", "diffs")
    )
    for one in public.links:
        kinds = " ".join(f"{line.kind}{line.log_lr:+.2f}" for line in one.evidence)
        diffs = " ".join(side.link for line in one.evidence for two in line.pairs for side in (two.first, two.second))
        locked = "" if one.locked is None else "yes" if one.locked else "no"
        row = (one.rank, one.account, one.tier, f"{one.log_lr:.3f}", f"{one.coincidences:.3g}", trace.population)
        writer.writerow(map(_cell, (*row, " ".join(one.families), kinds, " ".join(one.wikis), locked, " ".join(one.blocked), diffs)))
    return HandOver(out.getvalue(), public.left_out)


def public_json(trace: Trace, private: Private) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answer as JSON without what may not be public."""
    public = _public(trace, private, tiers=None)
    where = tuple(replace(place, flags=0, cases=()) for place in trace.where)
    shown = {trace.subject.name, *(one.account for one in public.links)}
    grouped = {name for group in (*trace.grouping.clusters, trace.grouping.singles) for name in group}
    grouping, left_out = (trace.grouping, ()) if grouped <= shown else (Grouping(), ("clusters and their picture, which name them",))
    told = replace(public.trace, where=where, candidates=public.links, grouping=grouping)
    return to_json(told), (*public.left_out, *left_out)


def wikitext(text: str) -> str:
    """A name or title as text of a page: nothing of it is markup."""
    shown = "".join("\ufffd" if misleading(char) or char in "\r\n" else char for char in text)
    shown = "".join(f"&#{ord(char)};" if char in _MARKUP else char for char in shown)
    return shown.replace("__", "_&#95;").replace("://", "&#58;//")


def _public(trace: Trace, private: Private, tiers: Collection[str] | None = PUBLIC_TIERS) -> _Public:
    """Take out what may not be public, and say what it was."""
    left_out = []
    flags = sum(place.flags for place in trace.where)
    if flags:
        left_out.append(f"{flags} flags of ours and their cases")
    links = []
    hidden = weak = disputed = imitations = diffs = 0
    for one in trace.candidates:
        if one.account in private.names:
            hidden += 1
        elif one.disputed:
            disputed += 1
        elif tiers is not None and one.tier == "imitation":
            imitations += 1
        elif tiers is not None and one.tier not in tiers:
            weak += one.listed
        else:
            links.append(_without(one, private))
            diffs += sum(_flagged(two, private) for line in one.evidence for two in line.pairs)
    for number, what in (
        (hidden, "accounts whose name was flagged: report them by private means"),
        (disputed, "disputed links"),
        (imitations, "links that look like imitation"),
        (weak, "weaker links"),
        (diffs, "pairs of diffs of which one was flagged"),
    ):
        if number:
            left_out.append(f"{number} {what}")
    if tiers is not None:
        left_out.append("quotations of summaries and headings")
    return _Public(trace, tuple(links), tuple(left_out))


def _without(one: Candidate, private: Private) -> Candidate:
    lines = tuple(replace(line, pairs=tuple(two for two in line.pairs if not _flagged(two, private))) for line in one.evidence)
    return replace(one, evidence=lines)


def _flagged(two: DiffPair, private: Private) -> bool:
    return any((side.wiki, side.rev_id) in private.revisions for side in (two.first, two.second))


def _only_private(public: _Public) -> HandOver:
    words = "The name of this account was flagged itself: do not name it on a wiki. Write to the stewards by private means."
    return HandOver(f"{words} On Wikimedia wikis: stewards@wikimedia.org\n", (*public.left_out, "everything: the name itself was flagged"))


def _where(trace: Trace) -> str:
    places = [place for place in trace.where if place.seen or place.edits]
    told = []
    for place in places[:12]:
        blocked = ", blocked" if any(not block.partial for block in place.blocks) else ""
        told.append(f"{place.wiki} ({max(place.edits or 0, place.seen)} edits{blocked})")
    more = f" and {len(places) - 12} more wikis" if len(places) > 12 else ""
    return f"{_user(trace.subject.name)} is active on {', '.join(told)}{more}."


def _evidence(public: _Public) -> list[str]:
    lines = []
    for one in public.links:
        number = f"at most {one.coincidences:.2g}" if one.coincidences >= 0.001 else "fewer than 0.001"
        lines.append(
            f"* {_user(one.account)}: {one.tier} (log-likelihood ratio {one.log_lr:+.1f}; among {public.trace.population:,} accounts "
            f"{number} strangers would look as similar)"
        )
        for line in one.evidence:
            if abs(line.log_lr) < LEAST and not line.pairs:
                continue
            side = "for" if line.log_lr > 0 else "against" if line.log_lr < 0 else "noted"
            words = QUOTED.get(line.kind) or wikitext(line.words)
            diffs = "".join(f" [{two.first.link} diff] / [{two.second.link} diff]" for two in line.pairs[:MOST_DIFFS])
            lines.append(f"** {side}: {line.kind} ({line.log_lr:+.1f}): {words}{diffs}")
    return lines or ["* No link is strong enough to be named in public."]


def _caveats(public: _Public) -> list[str]:
    lines = ["Made with a tool from public data; no CheckUser data was used. A person is asked to check it."]
    if public.left_out:
        # What it was stays with whoever sends it: that there are flags and cases is no public fact.
        lines.append("What may not be public is left out.")
    if public.trace.silent:
        lines.append(f"These wikis did not answer: {', '.join(one.wiki for one in public.trace.silent)}.")
    return lines


def _user(name: str) -> str:
    return f"[[Special:CentralAuth/{_target(name)}|{wikitext(name)}]]"


def _target(name: str) -> str:
    """A name as the target of a link: MediaWiki allows none of the characters that could end it."""
    return "".join(char for char in name if char not in "[]{}|<>#\r\n")


def _argument(number: int, name: str) -> str:
    """An argument of a template, numbered so that a name with an equals sign stays one."""
    return f"{number}={_target(name)}"


def _cell(value: object) -> object:
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] and text[0] in _FORMULA else value
