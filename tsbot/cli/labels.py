"""``tsbot labels``: what reviewers said of flags, as data to train and to measure with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cases.labels import examples, write_lines
from tsbot.cli.common import ConfigOption, DatabaseOption, acting, read_settings
from tsbot.store import audit
from tsbot.store.opening import open_store

labels = typer.Typer(help="Take out what reviewers said of flags.", no_args_is_help=True)


@labels.command("export")
def export_command(
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="JSON lines, readable by you alone; replaced if it exists.")],
    without_text: Annotated[bool, typer.Option("--without-text", help="Ids of flag and subject instead of the text.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write labelled data: one line a text that a reviewer labelled with `tsbot flags label`.

    The texts leave the sealed database: keep the file as you keep the key, and delete it when it has served. What concerns minors is
    never written.

    Example: tsbot labels export --output labels.jsonl
    """
    store = open_store(read_settings(config, database))
    try:
        by = acting(store)
        with store.write() as connection:  # what is revealed is written down before it leaves
            found, left_out = examples(connection, store.key, with_text=not without_text)
            audit.record(connection, by, "labels.exported", "", time.time(), {"texts": 0 if without_text else len(found)})
    finally:
        store.close()
    write_lines(output, (example.line(with_text=not without_text) for example in found))
    words = {"minors": "concern minors", "destroyed": "have no text any more", "same_text": "are on a text that is written already"}
    rest = "; ".join(f"{count} {words[reason]}" for reason, count in sorted(left_out.items()))
    typer.echo(f"{len(found)} labelled texts written to {output}" + (f"; of other labelled flags {rest}." if rest else "."))


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(labels, name="labels")
