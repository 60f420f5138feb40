"""Make docs/demo.svg, what `make demo` shows, drawn by Rich; run it from the checkout: ``.venv/bin/python docs/picture.py``."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tsbot.demo.patrolled import Patrolled
from tsbot.demo.seeds import play, read_seeds
from tsbot.demo.show import show_results
from tsbot.demo.world import World


def main() -> None:
    """Run the demo once and draw its results."""
    console = Console(record=True, width=150)
    target = Path(__file__).resolve().with_name("demo.svg")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, contextlib.chdir(folder), World(Path("tsbot-demo")) as world:
        patrolled = Patrolled(world)
        patrolled.start()
        try:
            played = play(world.family, read_seeds(), clock=time.time)
            patrolled.wait(patrolled.idle, 60.0, "the patrol is still busy")
            show_results(console, world, patrolled, played)
        finally:
            patrolled.stop()
    target.write_text(console.export_svg(title="tsbot demo"), encoding="utf-8")


if __name__ == "__main__":
    main()
