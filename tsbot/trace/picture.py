"""Clusters as a picture: SVG, the same bytes for the same clusters, readable without colour and by a screen reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tsbot.report.wording import misleading
from tsbot.trace.clusters import Clusters, pair
from tsbot.trace.tiers import STRONG, VERY_STRONG

_RADIUS, _GAP, _MARGIN, _LETTERS = 9, 60, 110, 28


def draw(clusters: Clusters, links: Mapping[tuple[str, str], float]) -> str:
    """An SVG document: a ring per cluster, lines for links (thick: very strong), dashes for bridges."""
    places, width, height = _places(clusters)
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
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="#eaf3ff" stroke="#202122"/>')
        lines.append(f'<text x="{x:.1f}" y="{y + _RADIUS + 14:.1f}" text-anchor="middle">{_label(name)}</text>')
    legend = f"lines: log LR from {STRONG:.1f}, thick from {VERY_STRONG:.1f}; dashes: weak bridge"
    lines.append(f'<text x="8" y="{height - 8}" fill="#54595d">{legend}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _places(clusters: Clusters) -> tuple[dict[str, tuple[float, float]], int, int]:
    """Where every account stands: clusters side by side as rings, singles in a row below."""
    places: dict[str, tuple[float, float]] = {}
    left, top = float(_MARGIN), 0.0
    for group in clusters.clusters:
        radius = max(_GAP * 0.7, _GAP * 1.4 * len(group) / (2 * math.pi))
        for index, name in enumerate(group):
            angle = 2 * math.pi * index / len(group) - math.pi / 2
            places[name] = (left + radius + radius * math.cos(angle), _MARGIN / 2 + radius + radius * math.sin(angle))
        left += 2 * radius + _MARGIN
        top = max(top, 2 * radius)
    row = _MARGIN / 2 + top + (_GAP * 1.4 if clusters.clusters else 0)
    per_row = max(4, int((left - _MARGIN) / (_GAP * 3)))
    for index, name in enumerate(clusters.singles):
        places[name] = (_MARGIN + index % per_row * _GAP * 3, row + index // per_row * _GAP)
    width = max([left, *(x + _MARGIN for x, _ in places.values())])
    height = max([y for _, y in places.values()], default=0.0) + _GAP
    return places, math.ceil(width), math.ceil(height + 20)


def _line(start: tuple[float, float], end: tuple[float, float], width: float, colour: str, dashes: str, title: str) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}><title>{escape(title)}</title></line>'


def _label(name: str) -> str:
    harmless = "".join("\ufffd" if misleading(char) else char for char in name)
    return escape(harmless if len(harmless) <= _LETTERS else harmless[: _LETTERS - 1] + "…")
