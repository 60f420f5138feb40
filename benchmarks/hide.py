"""Plan what to hide on a page with thousands of revisions, on the real wikis, and print one table.

    python benchmarks/hide.py
    python benchmarks/hide.py --revisions 5000 --distinct 1.0 --bytes 2000

The page is imported; a made-up threat is put into it, taken out and put back. ``distinct`` is the share of revisions with a text of
their own (the others are reverts). Measured is the plan, from question to answer; the reading of settings and the start of Python are
not. Then every text is read once more to compare: the plan must name just the revisions that show it. Needs Debian's MediaWiki
(make demo installs it).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from tsbot.demo.patrolled import write_settings
from tsbot.demo.world import World
from tsbot.detect.finding import Kind
from tsbot.hide.matter import Matter
from tsbot.hide.suggest import Question, suggest
from tsbot.settings import load
from tsbot.text.passage import Field

THREAT = "I will come to your office tomorrow at noon and hurt you."
WORDS = ("mill", "river", "floors", "wheel", "wood", "stone", "bridge", "water", "grain", "flour", "miller", "weir", "pond", "roof")


def texts(count: int, distinct: float, size: int, rng: random.Random) -> list[str]:
    """The texts of a page's revisions, with the threat in two stretches."""
    made: list[str] = []
    body = ""
    while len(body) < size:
        body += " ".join(rng.choices(WORDS, k=12)).capitalize() + ".\n\n"
    for number in range(count):
        if made and rng.random() > distinct:
            made.append(rng.choice(made[-50:]))
            continue
        shown = count * 6 // 10 <= number < count * 7 // 10 or count * 8 // 10 <= number < count * 9 // 10
        made.append(f"{body[:size]}\n\nRemark {number}.{' ' + THREAT if shown else ''}")
    return made


def dump(contents: list[str]) -> str:
    """XML of one page, as Special:Export has it."""
    start = datetime(2015, 1, 1, tzinfo=UTC)
    revisions = "".join(
        f"<revision><timestamp>{start + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}</timestamp><contributor>"
        f"<username>Editor {number % 40}</username></contributor><comment>c</comment><model>wikitext</model>"
        f"<format>text/x-wiki</format><text>{escape(text)}</text></revision>"
        for number, text in enumerate(contents)
    )
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">'
    return f"{head}<page><title>Talk:Long history</title><ns>1</ns>{revisions}</page></mediawiki>"


def wiki_seconds(folder: str) -> float:
    """Processor time that the wikis' servers have used."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.encode() in (process / "cmdline").read_bytes() and b"php" in (process / "cmdline").read_bytes():
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--revisions", type=int, default=5000)
    parser.add_argument("--distinct", type=float, default=1.0)
    parser.add_argument("--bytes", type=int, default=2000, help="of the page, about")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="without the right to high limits: 50 texts a request")
    arguments = parser.parse_args()
    contents = texts(arguments.revisions, arguments.distinct, arguments.bytes, random.Random(1))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, World(Path(folder)) as world:
        file = Path(folder) / "dump.xml"
        file.write_text(dump(contents), encoding="utf-8")
        began = time.monotonic()
        world.family.import_dump("enwiki", file)
        print(f"{arguments.revisions:,} revisions imported in {time.monotonic() - began:.0f} s")
        os.environ["PYWIKIBOT_DIR"] = str(world.family.pywikibot_dir)
        config = write_settings(world)
        if arguments.plain:
            config.write_text(config.read_text().replace('account = "TsBot"\n', ""))
        measure(config, arguments.runs, folder)


def measure(config: Path, runs: int, folder: str) -> None:
    from tsbot.parts import open_wikis  # noqa: PLC0415 - reads pywikibot's configuration, which must be there by now
    from tsbot.wiki.history_reader import ApiHistories  # noqa: PLC0415

    settings = load(config, {})
    wikis = open_wikis(settings)
    matter = Matter.of_text(THREAT)
    source = ApiHistories(wikis.api, "enwiki", wikis.budget, time.sleep)
    (page,) = source.pages(["Talk:Long history"])
    history = source.history(page.page_id, 1_000_000)
    assert history is not None
    brute = [rev_id for rev_id, text in sorted(dict(source.texts([one.rev_id for one in history.revisions])).items()) if matter.shows(text)]
    took, requests, read, own, wiki = [], 0, 0, 0.0, 0.0
    for _ in range(runs):
        fresh = ApiHistories(wikis.api, "enwiki", wikis.budget, time.sleep, concurrency=settings.wiki.concurrency)
        began, used, before = time.monotonic(), time.process_time(), wiki_seconds(folder)
        plan = suggest(Question("enwiki", brute[0], matter, (Kind.VIOLENCE,)), fresh)
        took.append(time.monotonic() - began)
        own, wiki = time.process_time() - used, wiki_seconds(folder) - before
        requests, read = fresh.requests, plan.read
        named = sorted(one.rev_id for page in plan.pages for one in page.revisions if Field.TEXT in one.fields)
        assert named == brute, "the plan is wrong"
    names = ("revisions", "to hide", "texts read", "requests", "best s", "median s", "own CPU s", "wiki's CPU s", "load")
    busy = os.getloadavg()[0]
    values = (len(history.revisions), len(brute), read, requests, min(took), statistics.median(took), own, wiki, busy)
    print("  ".join(names))
    shown = (f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for value in values)
    print("  ".join(value.rjust(len(name)) for name, value in zip(names, shown, strict=True)))


if __name__ == "__main__":
    main()
