"""Pictures of what a detector is worth: ranking, calibration, languages. Needs matplotlib (the extra ``train``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tsbot.detect.figures import reliability
from tsbot.detect.measure import JIGSAW_HARMLESS, JIGSAW_THREATS, TALK, Row, Scored

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
"""Told apart by colour-blind people too (Okabe and Ito 2008)."""


def draw(scored: Scored, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw what the data supports as PNG files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    threats = scored.where(lambda e: e.source in JIGSAW_THREATS and e.threat)
    harmless = scored.where(lambda e: e.source in JIGSAW_HARMLESS and not e.threat)
    talk = scored.where(lambda e: e.source == TALK)
    scores = scored.scores
    made = []
    if len(threats) and len(harmless):
        made.append(_ranking(scores[threats], {"other talk": scores[harmless], "ordinary talk": scores[talk]}, folder / "ranking.png"))
    if len(threats) and len(talk):
        labels = np.concatenate((np.ones(len(threats), bool), np.zeros(len(talk), bool)))
        made.append(_calibration(labels, np.concatenate((scores[threats], scores[talk])), folder / "calibration.png"))
    languages = [row for row in rows if row.name.startswith("sentences, ") and row.figure == "AUROC"]
    if languages:
        made.append(_languages(languages, folder / "languages.png"))
    return made


def _save(figure: Figure, path: Path) -> Path:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    return path


def _ranking(threats: NDArray[np.float64], others: dict[str, NDArray[np.float64]], path: Path) -> Path:
    """Recall of threats against false positives, on a logarithmic scale, for where the work is."""
    figure = Figure(figsize=(6.4, 4))
    axes = figure.add_subplot()
    for (name, harmless), colour in zip(others.items(), (ORANGE, BLUE), strict=False):
        if not len(harmless):
            continue
        cuts = np.unique(np.concatenate((threats, harmless)))[::-1]
        recall = [(threats >= cut).mean() for cut in cuts]
        false = [max((harmless >= cut).mean(), 0.3 / len(harmless)) for cut in cuts]
        axes.step(false, recall, where="post", color=colour, label=f"{name} ({len(harmless):,} texts)")
    axes.set_xscale("log")
    axes.set_xlabel("share of harmless texts above the cut")
    axes.set_ylabel(f"share of {len(threats)} threats above it")
    axes.set_title("Wikipedia talk: threats found, and at what price")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="lower right")
    return _save(figure, path)


def _calibration(labels: NDArray[np.bool_], probabilities: NDArray[np.float64], path: Path) -> Path:
    figure = Figure(figsize=(4.8, 4))
    axes = figure.add_subplot()
    bins = reliability(labels, probabilities)
    axes.plot([1e-6, 1], [1e-6, 1], color=GREY, linewidth=1, label="as it should be")
    told, there = ([max(value, 1e-6) for value in column] for column in list(zip(*bins, strict=True))[1:])
    axes.plot(told, there, "o", color=BLUE, label="15 bins of equal mass")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("probability told")
    axes.set_ylabel("share of threats there (this sample)")
    axes.set_title("Calibration, Wikipedia talk")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="upper left")
    return _save(figure, path)


def _languages(rows: Sequence[Row], path: Path) -> Path:
    figure = Figure(figsize=(5.2, 0.6 + 0.19 * len(rows)))
    axes = figure.add_subplot()
    ordered = sorted(rows, key=lambda row: row.interval.value)
    for place, row in enumerate(ordered):
        interval = row.interval
        axes.plot([interval.low, interval.high], [place, place], color=GREY, linewidth=1)
        axes.plot(interval.value, place, "o", color=BLUE, markersize=4)
    axes.set_yticks(range(len(ordered)), [row.name.removeprefix("sentences, ") for row in ordered], fontsize=7)
    axes.set_xlabel("AUROC, threats against harmless look-alikes (95 % interval)")
    axes.set_title("Check sentences, per language")
    axes.grid(visible=True, axis="x", alpha=0.3)
    return _save(figure, path)
