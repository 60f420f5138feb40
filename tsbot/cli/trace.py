"""``tsbot trace``: which accounts behave alike, from public activity."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer
import typer.core
from rich.table import Table

from tsbot import __version__
from tsbot.cli.common import EXIT_PARTIAL, harmless, terminal
from tsbot.cli.trace_account import account_command
from tsbot.cli.trace_handover import add_commands
from tsbot.errors import InputError
from tsbot.trace.activity import Activity, account_name, read_activity
from tsbot.trace.evidence.catalogue import KINDS
from tsbot.trace.rank import Link, Ranker
from tsbot.trace.weights import load_weights, shipped_weights


class AccountFirst(typer.core.TyperGroup):
    """What is none of the words is taken for the name of an account, to ask about."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in that was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [ACCOUNT, *args]
        return list(super().parse_args(ctx, args))


ACCOUNT = "account"
trace = typer.Typer(cls=AccountFirst, help="Which accounts behave alike, on what evidence, for and against.", no_args_is_help=True)
trace.command(ACCOUNT)(account_command)
add_commands(trace)


@trace.command("rank")
def rank(
    activity: Annotated[Path, typer.Option(help="Public activity: Parquet or JSON Lines (docs/tracing.md names the columns).")],
    queries: Annotated[Path, typer.Option(help="Account names to ask about, one a line.")],
    output: Annotated[str, typer.Option("--output", "-o", help="Links, JSON Lines; - is standard output.")] = "-",
    top: Annotated[int, typer.Option(min=1, help="Accounts listed for each query.")] = 10,
    names: Annotated[bool, typer.Option("--names/--no-names", help="Whether user names are evidence.")] = True,
    without: Annotated[list[str] | None, typer.Option(help="A kind of evidence to leave out; may be repeated.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of `tsbot trace fit`; default: those that come with tsbot.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Also show the first link of each query on the terminal.")] = False,
) -> None:
    """Rank, for each query, the accounts whose activity is most consistent with it, each with its evidence.

    A line of the output: {"query", "rank", "account", "log_lr" (natural logarithm of the likelihood ratio), "tier", "coincidences"
    (strangers who would look at least as similar, at most), "evidence": [{"kind", "log_lr", "words"}]}. The exit code is 3 if some rows
    could not be used or some queries have no activity; standard error says which.

    Example: tsbot trace rank --activity activity.jsonl --queries accounts.txt --top 20 --output links.jsonl
    """
    if unknown := set(without or ()) - {kind.kind for kind in KINDS}:
        raise InputError(f"No kind of evidence is called {', '.join(sorted(unknown))}; there are {', '.join(kind.kind for kind in KINDS)}.")
    asked = _queries(queries)
    found = read_activity(activity)
    ranker = Ranker(found.accounts, names=names, without=without or (), weights=load_weights(weights) if weights else shipped_weights())
    encoder = msgspec.json.Encoder()
    shown = Table("query", "account", "log LR", "tier", "evidence")
    with _writer(output) as out:
        for links in ranker.rank(asked, top):
            for link in links:
                out.write(encoder.encode(as_json(link)) + b"\n")
            if links:
                shown.add_row(*_row(links[0]))
    if summary:
        terminal().print(shown)
    _tell(found, asked)


@trace.command("fit")
def fit(
    activity: Annotated[list[Path], typer.Option(help="Public activity, as for `tsbot trace rank`; may be repeated.")],
    labels: Annotated[list[Path], typer.Option(help='Its labels, JSON Lines {"account", "person", "group"}; as often as --activity.')],
    output: Annotated[Path, typer.Option("--output", "-o", help="File for the weights (JSON).")],
    source: Annotated[str, typer.Option(help="What the data is, with its licence, for whoever reads the weights.")] = "not said",
    disputed: Annotated[
        Path | None, typer.Option(help="Disputed links (`tsbot trace disputes --labels FILE`): two persons each, besides the labels.")
    ] = None,
) -> None:
    """Fit what evidence weighs on accounts of which it is known who is behind them.

    "person" is the same for all accounts of one person, and null for an account that is nobody else's; "group" keeps an investigation
    together. --disputed adds links that people found wrong. The weights hold curves and figures, no name and no text. Ten minutes for a
    few thousand edits.

    Example: tsbot trace fit --activity activity.jsonl --labels persons.jsonl --output weights.json
    """
    if len(activity) != len(labels):
        raise InputError(f"--activity is given {len(activity)} times and --labels {len(labels)} times; each activity needs its labels.")
    try:
        from tsbot.trace.training import fit_weights, read_disputed, read_labelled  # noqa: PLC0415

        apart = read_disputed(disputed) if disputed else ()
        labelled = [read_labelled(one, other, apart) for one, other in zip(activity, labels, strict=True)]
        if disputed:
            used = sum(len(one.disputed) // 2 for one in labelled)
            typer.echo(
                f"{used} of {len(apart)} disputed links have activity of both accounts here, and labels that do not contradict.", err=True
            )
        made = f"tsbot {__version__}, {datetime.now(UTC):%Y-%m-%d}"
        weights = fit_weights(labelled, source, made)
    except ImportError as error:
        raise InputError(f"Fitting needs the extra `train`: pip install 'tsbot[train]' ({error}).") from error
    output.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")
    for name, value in weights.figures.items():
        typer.echo(f"{name}: {value:.3f}")


def as_json(link: Link) -> dict[str, Any]:
    """A line of the output."""
    return {
        "query": link.query,
        "rank": link.rank,
        "account": link.account,
        "log_lr": link.log_lr,
        "tier": link.tier,
        "coincidences": float(f"{link.coincidences:.3g}"),
        "evidence": [{"kind": reason.kind, "log_lr": reason.log_lr, "words": reason.words} for reason in link.evidence],
    }


def _row(link: Link) -> list[str]:
    reasons = "; ".join(f"{reason.kind} {reason.log_lr:+.1f}" for reason in link.evidence[:4])
    return [harmless(link.query), harmless(link.account), f"{link.log_lr:+.1f}", link.tier, reasons]


def _queries(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    asked = list(dict.fromkeys(name for line in lines if (name := account_name(line))))
    if not asked:
        raise InputError(f"{path} names no account.")
    return asked


def _tell(found: Activity, asked: list[str]) -> None:
    """What could not be used, on standard error."""
    missing = [query for query in asked if query not in found.names]
    if found.bad:
        typer.echo(f"{found.bad} of {found.rows} rows could not be used: {'; '.join(found.troubles)}", err=True)
    if missing:
        typer.echo(f"{len(missing)} of {len(asked)} queries have no activity, the first: {harmless(missing[0])}", err=True)
    if found.bad or missing:
        raise typer.Exit(EXIT_PARTIAL)


def _writer(target: str) -> Any:
    if target == "-":
        return nullcontext(sys.stdout.buffer)
    try:
        file: IO[bytes] = Path(target).open("wb")  # noqa: SIM115 - the caller's with closes it
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    return file


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(trace, name="trace")
