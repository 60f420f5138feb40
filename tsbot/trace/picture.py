"""Clusters as a picture: SVG, the same bytes for the same clusters, readable without colour and by a screen reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tsbot.report.wording import misleading
from tsbot.trace.clusters import Clusters, pair
from tsbot.trace.tiers import STRONG, VERY_STRONG

_RADIUS, _GAP, _MARGIN, _LETTERS = 9, 80, 170, 28
_TOP, _BESIDE = 40, 0.3
_NARROWEST = 420
"""Pixels: the legend fits."""


def draw(clusters: Clusters, links: Mapping[tuple[str, str], float], subject: str = "") -> str:
    """An SVG document: a ring per cluster, lines for links (thick: very strong), dashes for bridges. ``subject`` is filled."""
    places, sides, width, height = _places(clusters)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{len(clusters.clusters)} clusters, {len(clusters.singles)} single accounts, {len(clusters.bridges)} bridges</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for group in clusters.clusters:
        for index, first in enumerate(group):
            for second in group[index + 1 :]:
                value = links.get(pair(first, second), links.get((second, first), 0.0))
                lines.append(_line(places[first], places[second], 3 if value >= VERY_STRONG else 1.5, "#36c", "", f"log LR {value:.1f}"))
    for bridge in clusters.bridges:
        told = f"bridge, log LR {bridge.log_lr:.1f}; apart because of a pair at {bridge.weakest_log_lr:.1f}"
        dashes = "2 4" if bridge.forbidden else "8 5"
        lines.append(_line(places[bridge.first], places[bridge.second], 1.5, "#b32424", dashes, told))
    for name in sorted(places):
        x, y = places[name]
        marked = ' class="subject" fill="#36c"' if name == subject else ' fill="#eaf3ff"'
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"{marked} stroke="#202122"/>')
        lines.append(_text(name, x, y, *sides[name], bold=name == subject))
    legend = f"lines: log LR from {STRONG:.1f}, thick from {VERY_STRONG:.1f}; dashes: weak bridge"
    lines.append(f'<text x="8" y="{height - 8}" fill="#54595d">{legend}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _places(clusters: Clusters) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]], int, int]:
    """Where every account stands: clusters side by side as rings, singles in a row below; and on which side its name does."""
    places: dict[str, tuple[float, float]] = {}
    sides: dict[str, tuple[float, float]] = {}
    left, top = float(_MARGIN), 0.0
    for group in clusters.clusters:
        radius = max(_GAP * 0.7, _GAP * 1.4 * len(group) / (2 * math.pi))
        for index, name in enumerate(group):
            angle = 2 * math.pi * index / len(group) - math.pi / 2
            sides[name] = (round(math.cos(angle), 6), round(math.sin(angle), 6))
            places[name] = (left + radius + radius * sides[name][0], _TOP + radius + radius * sides[name][1])
        left += 2 * radius + _MARGIN
        top = max(top, 2 * radius)
    row = _TOP + top + (_GAP * 1.2 if clusters.clusters else 0)
    per_row = max(4, int((left - _MARGIN) / (_GAP * 3)))
    for index, name in enumerate(clusters.singles):
        sides[name] = (0.0, 1.0)
        places[name] = (_MARGIN + index % per_row * _GAP * 3, row + index // per_row * _GAP)
    width = max([_NARROWEST, left, *(x + _MARGIN for x, _ in places.values())])
    height = max([y for _, y in places.values()], default=0.0) + _GAP
    return places, sides, math.ceil(width), math.ceil(height)


def _text(name: str, x: float, y: float, right: float, down: float, *, bold: bool) -> str:
    """The name of an account outside its ring, on a border of background so that lines do not cross it."""
    if abs(right) > _BESIDE:
        anchor, x, y = ("start" if right > 0 else "end"), x + math.copysign(_RADIUS + 6, right), y + 4
    else:
        anchor, y = "middle", y + (_RADIUS + 15 if down > 0 else -_RADIUS - 6)
    weight = ' font-weight="bold"' if bold else ""
    halo = 'stroke="#fff" stroke-width="3" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {halo}{weight}>{_label(name)}</text>'


def _line(start: tuple[float, float], end: tuple[float, float], width: float, colour: str, dashes: str, title: str) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}><title>{escape(title)}</title></line>'


def _label(name: str) -> str:
    harmless = "".join("\ufffd" if misleading(char) else char for char in name)
    return escape(harmless if len(harmless) <= _LETTERS else harmless[: _LETTERS - 1] + "…")
