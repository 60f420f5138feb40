"""``tsbot detect`` and ``tsbot train``."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsbot.cli.common import ConfigOption, harmless, read_settings, terminal
from tsbot.detect.detector import Detector, load_detector
from tsbot.detect.finding import Finding, Kind
from tsbot.errors import InputError

BATCH_LINES, BATCH_BYTES = 512, 1_000_000
BROKEN_LINES = 3
"""Exit code when some lines could not be judged."""

Texts = Annotated[list[str] | None, typer.Argument(help="Texts to judge and show in the terminal.", show_default=False)]
Source = Annotated[str, typer.Option("--input", "-i", help='Lines {"id", "text"} (JSON); - is standard input.')]
Target = Annotated[str, typer.Option("--output", "-o", help="Findings, one JSON line for each line read; - is standard output.")]


def detect(texts: Texts = None, source: Source = "-", target: Target = "-", config: ConfigOption = None) -> None:
    """Judge texts: how probable a threat is, of which kind, how specific, plausible and near.

    Reads one JSON object with a string "text" per line, and writes it back with its finding: "threat" (a probability), "kind",
    "kinds", "specificity", "plausibility", "imminence" (0-3), "facets", "language", "coverage" and "evidence" (offsets in code points of
    "text"). Fields it does not know pass through. A line that cannot be judged gives {"line": N, "error": "..."} in its
    place, and the exit code is 3.

    Examples: tsbot detect --input texts.jsonl --output findings.jsonl

    tsbot detect "I will come to your office tomorrow and hurt you"
    """
    settings = read_settings(config).detect
    detector = load_detector(settings.thresholds, settings.identify)
    if texts:
        show(detector.judge(texts), texts, terminal())
        return
    with _reader(source) as lines, _writer(target) as out:
        broken = run(detector, lines, out)
    if broken:
        typer.echo(f"{broken} line{'s' if broken > 1 else ''} could not be judged; the output says why.", err=True)
        raise typer.Exit(BROKEN_LINES)


def run(detector: Detector, lines: IO[bytes], out: IO[bytes]) -> int:
    """Judge lines until they end, in order, in constant memory; returns how many were broken."""
    broken = 0
    encoder = msgspec.json.Encoder()
    for batch in _batches(lines):
        rows = [_parse(number, line) for number, line in batch]
        good = [row for row in rows if "error" not in row or "text" in row]
        findings = iter(detector.judge([row["text"] for row in good]))
        for row in rows:
            judged = row if "text" not in row else row | as_json(next(findings))
            broken += "text" not in row
            out.write(_encode(encoder, judged) + b"\n")
        out.flush()
    return broken


def as_json(finding: Finding) -> dict[str, Any]:
    """The fields of a finding as ``tsbot detect`` writes them."""
    return {
        "threat": round(finding.threat, 6),
        "kind": str(finding.kind),
        "kinds": {str(kind): round(p, 6) for kind, p in finding.kinds.items()},
        "specificity": finding.specificity,
        "plausibility": finding.plausibility,
        "imminence": finding.imminence,
        "facets": dataclasses.asdict(finding.facets),
        "language": finding.language,
        "coverage": str(finding.coverage),
        "evidence": [{"start": span.start, "end": span.end, "label": span.label} for span in finding.evidence],
    }


def show(findings: Sequence[Finding], texts: Sequence[str], console: Console) -> None:
    """Print findings for people."""
    table = Table("threat", "kind", "specific", "plausible", "near", "language", "evidence", title=f"{len(texts)} judged")
    for finding, text in zip(findings, texts, strict=True):
        spans = "; ".join(f"{span.label}: {harmless(text[span.start : span.end])}" for span in finding.evidence)
        grades = (str(finding.specificity), str(finding.plausibility), str(finding.imminence))
        kind = Text(str(finding.kind), "bold red") if finding.kind is not Kind.NONE else "none"
        table.add_row(f"{finding.threat:.2f}", kind, *grades, f"{finding.language} ({finding.coverage})", spans)
    console.print(table)


def train(
    data: Annotated[Path, typer.Option(help="Folder with the training data (docs/detection.md says what it holds).")],
    output: Annotated[Path, typer.Option(help="Folder for the model; what was done before is taken up again.")],
    seed: Annotated[int, typer.Option(help="Seed of everything that is random.")] = 1,
    interface: Annotated[
        Path | None, typer.Option(help="Folder of MediaWiki's messages (languages/i18n); default: where `make debian` puts them.")
    ] = None,
) -> None:
    """Train the detector's model on a CPU: half an hour to an hour on two cores.

    Stop it whenever you like; the same command goes on where it was. `tsbot evaluate` says what the model is worth.

    Example: tsbot train --data data --output model
    """
    try:
        from tsbot.detect.learn import datasets, training  # noqa: PLC0415 - PyTorch is an extra that only training needs
    except ImportError as error:
        raise InputError(f"Training needs the extra `train`: pip install 'tsbot[train]' ({error}).") from error
    console = Console()
    manifest = training.train(data, output, seed, console, interface=interface or datasets.INTERFACE)
    console.print(f"{manifest.version} is in {output}.")


def register(app: typer.Typer) -> None:
    """Add the commands ``detect`` and ``train``."""
    app.command("detect")(detect)
    app.command("train")(train)


def _reader(source: str) -> IO[bytes]:
    if source == "-":
        return sys.stdin.buffer
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from error


def _writer(target: str) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    try:
        return Path(target).open("wb")
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error


def _batches(lines: IO[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    batch: list[tuple[int, bytes]] = []
    size = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        batch.append((number, line))
        size += len(line)
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _parse(number: int, line: bytes) -> dict[str, Any]:
    """The object on a line, or what is wrong with it (then without ``text``)."""
    import json  # noqa: PLC0415 - see below

    try:
        # The standard library's decoder, because it takes lone surrogates (\ud800), which real exports hold.
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return {"line": number, "error": "not UTF-8"}
    except (ValueError, RecursionError) as error:
        return {"line": number, "error": f"not JSON: {error}"}
    if not isinstance(row, dict):
        return {"line": number, "error": "not a JSON object"}
    if "text" not in row:
        return {"line": number, "error": 'no "text"'} | _id(row)
    if not isinstance(row["text"], str):
        return {"line": number, "error": '"text" is not a string'} | _id(row)
    return row


def _id(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"]} if "id" in row else {}


def _encode(encoder: msgspec.json.Encoder, row: dict[str, Any]) -> bytes:
    try:
        return encoder.encode(row)
    except UnicodeEncodeError:  # lone surrogates go out as they came in, escaped
        import json  # noqa: PLC0415

        return json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode("ascii")
