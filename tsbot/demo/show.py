"""The demo for people: watched in a terminal, or checked unattended."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsbot.demo import emergency, machines, oversight, reported, steward
from tsbot.demo.desk import DemoConsole, console_lines
from tsbot.demo.patrolled import AUTOMATIC, Patrolled
from tsbot.demo.scenario import Check, Scenario
from tsbot.demo.seeds import Played, play, read_seeds
from tsbot.demo.world import World
from tsbot.view import flag_table


def check(world: World, only: str, *, as_json: bool, many_machines: bool = False) -> bool:
    """Play the whole scenario, a line per check; whether all were kept. ``many_machines`` plays the first part on many machines."""
    console = Console()
    kept, number = True, 0
    say: Callable[[str], None] = (lambda _: None) if as_json else typer.echo
    with world:
        patrolled = Patrolled(world)
        try:
            plays = [_only(machines.play(world, say), only)] if many_machines else _plays(world, patrolled, say, only)
            for one in itertools.chain.from_iterable(plays):
                kept, number = kept and one.ok, number + 1
                if as_json:
                    typer.echo(json.dumps(dataclasses.asdict(one)))
                else:
                    mark = Text("  kept  ", "green") if one.ok else Text(" BROKEN ", "bold red")
                    console.print(Text.assemble(mark, f" {one.check}: {one.detail}"))
        finally:
            patrolled.kill()
    if not number:
        typer.echo(f"No check begins with {only!r}.", err=True)
    return kept and number > 0


def _plays(world: World, patrolled: Patrolled, say: Callable[[str], None], only: str) -> list[Iterator[Check]]:
    others = {"emergency": emergency.play, "oversight": oversight.play, "trace": steward.play, "intake": reported.play}
    plays: list[Iterator[Check]] = [] if only.startswith(tuple(others)) else [Scenario(world, patrolled, say).run(only)]
    return plays + [_only(other(world, say), only) for name, other in others.items() if not only or only.startswith(name)]


def _only(checks: Iterator[Check], prefix: str) -> Iterator[Check]:
    return (one for one in checks if one.check.startswith(prefix))


def watch(world: World, *, many_machines: bool = False) -> None:
    """Let people edit, show what the patrol finds, and go on until Ctrl-C."""
    console = Console()
    with world, ExitStack() as stack:
        report = (*AUTOMATIC, *console_lines(world))
        if many_machines:
            patrolled: Patrolled = machines.Crew(world, stack.enter_context(machines.Engines()), report=report)
        else:
            patrolled = Patrolled(world, report=report)
        try:
            console.print(f"{patrolled.who.capitalize()} starts and reads the wikis' stream.")
            patrolled.start()
            console.print("People edit ...")

            def told(one: Played) -> None:
                console.print(f"  {one.seed.wiki}: {one.seed.id}")

            played = play(world.family, read_seeds(), clock=time.time, progress=told)
            patrolled.wait(patrolled.idle, 60.0, f"{patrolled.who} is still busy")
            show_results(console, world, patrolled, played)
            show_console(console, world, stack.enter_context(DemoConsole(patrolled)))
            _follow(console, patrolled)
        except KeyboardInterrupt:
            console.print("Stopping.")
        finally:
            patrolled.stop()


def show_results(console: Console, world: World, patrolled: Patrolled, played: list[Played]) -> None:
    """Flags, mails, and what to do next."""
    flags = patrolled.flags()
    console.print(flag_table(flags))
    seeds = {one.subject: one.seed for one in played}
    for flag in flags:
        seed = seeds.get(flag.subject)
        if seed is not None and not seed.expected:
            console.print(f"  {flag.subject} is an ordinary edit ({seed.id}): {seed.why}")
    mails = Table(title="Mails at the sink")
    for heading in ("to", "subject", "file"):
        mails.add_column(heading)
    for mail in world.sink.messages:
        mails.add_row(", ".join(mail.recipients), str(mail.message["Subject"]), os.path.relpath(mail.path or ""))
    console.print(mails)
    console.print("\nThe wikis run. Edit them yourself and watch; Ctrl-C ends it all.")
    for name, wiki in world.family.wikis.items():
        console.print(f"  {name}: {wiki.url}/wiki/")
    for command in ("flags list", "flags show ID", "reports list", "reports show ID --text"):
        console.print(f"  tsbot {command} --config {os.path.relpath(patrolled.config)}", highlight=False)


def show_console(console: Console, world: World, office: DemoConsole) -> None:
    """Where the private console is, and who may sign in to it."""
    console.print("\nThe private console, for somebody who may see it and somebody who may not:")
    console.print(f"  {office.url}")
    for name in ("Oversighter", "Example Sysop"):
        console.print(f"  {name}: {world.family.accounts[name].password}", highlight=False)


def _follow(console: Console, patrolled: Patrolled) -> None:
    """Show new flags as they come, for ever."""
    seen = {flag.id for flag in patrolled.flags()}
    while True:
        time.sleep(1.0)
        new = [flag for flag in patrolled.flags() if flag.id not in seen]
        seen |= {flag.id for flag in new}
        if new:
            console.print(flag_table(new))
