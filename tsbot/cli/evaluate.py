"""``tsbot evaluate``: what a detector is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tsbot.cli.common import ConfigOption, read_settings, terminal
from tsbot.detect.detector import Detector, load_detector
from tsbot.detect.finding import Finding, Kind
from tsbot.errors import InputError

AT_ONCE = 256


def evaluate(
    data: Annotated[Path, typer.Argument(help="Folder with the data sets (docs/detection.md says what it holds).", show_default=False)],
    json: Annotated[Path | None, typer.Option(help="Write the rows to this file as JSON too.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw ranking, calibration and languages into this folder.")] = None,
    only: Annotated[str, typer.Option(help="Show rows whose name contains this.")] = "",
    all_texts: Annotated[bool, typer.Option("--all", help="Use the texts too that the shipped model has learnt from.")] = False,
    findings: Annotated[
        Path | None,
        typer.Option(help='Judge nothing: another detector did, and wrote "text", "threat", "kind" and grades as JSON lines here.'),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of the bootstrap.", min=10)] = 300,
    config: ConfigOption = None,
) -> None:
    """Measure the detector on the held-out part of the data: ranking, false positives, agreement, calibration, per language and kind.

    Every figure has its 95 % interval. The rows that docs/detection.md quotes are made by this command.

    Example: tsbot evaluate data --json figures.json --plots plots
    """
    try:
        from tsbot.detect.learn.datasets import read_examples  # noqa: PLC0415 - one stack trace less where the data is missing
        from tsbot.detect.measure import Scored, rows  # noqa: PLC0415
        from tsbot.detect.measure_personal import personal_rows, read_marked  # noqa: PLC0415
    except ImportError as error:
        raise InputError(f"Evaluation needs the extra `train`: pip install 'tsbot[train]' ({error}).") from error
    console = terminal()
    examples = [example for example in read_examples(data) if all_texts or example.held_out]
    detector: Detector | None = None
    if findings is not None:
        told = _read_findings(findings)
        examples = [example for example in examples if example.text in told]
        scored = Scored(examples, [told[example.text] for example in examples])
        name = str(findings)
    else:
        settings = read_settings(config).detect
        detector = load_detector(settings.thresholds, settings.identify)
        scored = Scored(examples, list(_judged(detector, [example.text for example in examples], console)))
        name = detector.version
    made = list(rows(scored, rounds))
    if detector is not None:
        marked = read_marked(data)
        shown = [finding.evidence for finding in _judged(detector, [one.text for one in marked], console)]
        made += personal_rows(marked, shown, rounds)
    found = [row for row in made if only.lower() in f"{row.name} {row.figure}".lower()]
    table = Table("what", "figure", "value", "95 % interval", "threats", "others", title=f"{name}, {len(examples):,} texts")
    for row in found:
        interval = row.interval
        table.add_row(
            row.name,
            row.figure,
            _number(row.figure, interval.value),
            f"{_number(row.figure, interval.low)} to {_number(row.figure, interval.high)}",
            f"{row.threats:,}",
            f"{row.others:,}",
        )
    console.print(table)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode({"detector": name, "rows": found}), indent=2) + b"\n")
    if plots is not None:
        from tsbot.detect.plots import draw  # noqa: PLC0415 - matplotlib is an extra

        for path in draw(scored, found, plots):
            console.print(f"{path}")


def _judged(detector: Detector, texts: Sequence[str], console: Console) -> Iterator[Finding]:
    starts = range(0, len(texts), AT_ONCE)
    for start in track(starts, "judging", console=console, transient=True):
        yield from detector.judge(texts[start : start + AT_ONCE])


def _number(figure: str, value: float) -> str:
    shares = ("false positives", "flagged", "accuracy", "recall", "precision")
    return f"{100 * value:.2f} %" if figure.startswith(shares) else f"{value:.3f}"


def _read_findings(path: Path) -> dict[str, Finding]:
    """Findings of another detector by text, in the format that ``tsbot detect`` writes."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    told: dict[str, Finding] = {}
    for number, line in enumerate(lines, 1):
        try:
            row: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
            kind = Kind(row.get("kind", "none"))
            specific, plausible, near = (int(row.get(name, 0)) for name in ("specificity", "plausibility", "imminence"))
            flagged = (kind,) if kind is not Kind.NONE else ()
            told[str(row["text"])] = Finding({Kind.VIOLENCE: float(row["threat"])}, flagged, specific, plausible, near)
        except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
            raise InputError(f'{path}, line {number}: not a finding with "text" and "threat": {error}.') from error
    return told


def register(app: typer.Typer) -> None:
    """Add the command ``evaluate``."""
    app.command("evaluate")(evaluate)
