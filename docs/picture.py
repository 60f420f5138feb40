"""Make docs/demo.svg, what `make demo` shows, drawn by Rich; run it from the checkout: ``.venv/bin/python docs/picture.py``."""

from __future__ import annotations

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
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True) as folder, World(Path(folder)) as world:
        patrolled = Patrolled(world)
        patrolled.start()
        try:
            played = play(world.family, read_seeds(), clock=time.time)
            patrolled.wait(patrolled.idle, 60.0, "the patrol is still busy")
            show_results(console, world, patrolled, played)
        finally:
            patrolled.stop()
    drawn = console.export_svg(title="tsbot demo").replace(folder, "tsbot-demo")
    Path(__file__).with_name("demo.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
