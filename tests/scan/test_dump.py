"""Dumps: only what each revision added is judged, whatever the file is packed with, and wherever the process dies."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import itertools
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import py7zr
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsbot.cases.filing import Windows
from tsbot.errors import DumpError, InputError
from tsbot.scan.compressed import opened
from tsbot.scan.dump import DumpScan, Within
from tsbot.scan.dump_xml import Site, revisions
from tsbot.scan.examine import Examiner
from tsbot.scan.history_table import COLUMNS, HistoryScan, check_table, is_history_table
from tsbot.scan.job import Counts, Job, JobState, What
from tsbot.scan.keeper import Keeper
from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.text.passages import added_passages

ROOT = Path(__file__).parent.parent.parent
HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<siteinfo><sitename>E</sitename><dbname>enwiki</dbname><base>https://en.wikipedia.org/wiki/Main_Page</base></siteinfo>
"""


def generator() -> Any:
    """``benchmarks/dump_data.py``."""
    place = ROOT / "benchmarks" / "dump_data.py"
    spec = importlib.util.spec_from_file_location("dump_data", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dump_data"] = module
    spec.loader.exec_module(module)
    return module


MAKE = generator()


def pages(*made: tuple[str, list[dict[str, Any]]]) -> str:
    """An export of pages with their revisions: ``id``, ``text``, and what else is given."""
    parts = [HEAD]
    for number, (title, history) in enumerate(made, 1):
        parts.append(f"<page><title>{title}</title><ns>1</ns><id>{number}</id>")
        parent = 0
        for one in history:
            who = one.get("who", "<contributor><username>Grey Pebble</username><id>5</id></contributor>")
            text = one.get("xml", f"<model>wikitext</model><text bytes='1' xml:space='preserve'>{one.get('text', '')}</text>")
            before = f"<parentid>{one.get('parent', parent)}</parentid>" if one.get("parent", parent) else ""
            comment = one.get("comment", "<comment>a remark</comment>")
            parts.append(
                f"<revision><id>{one['id']}</id>{before}<timestamp>2026-01-15T10:00:00Z</timestamp>{who}{comment}{text}</revision>"
            )
            parent = one["id"]
        parts.append("</page>")
    return "".join((*parts, "</mediawiki>\n"))


def packed(folder: Path, xml: str, how: str) -> Path:
    path = folder / f"part.xml.{how}"
    data = xml.encode()
    if how == "7z":
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.writestr(data, "part.xml")
        return path
    half = len(data) // 2
    pack: dict[str, Callable[[bytes], bytes]] = {
        "bz2": bz2.compress,
        "gz": gzip.compress,
        "xz": lzma.compress,
        "zst": zstandard.ZstdCompressor().compress,
        "xml": bytes,
    }
    path.write_bytes(pack[how](data[:half]) + pack[how](data[half:]))  # two streams, as in multistream dumps
    return path


def job(name: str = "part", *, dry: bool = False) -> Job:
    return Job(name, What.DUMP, "", "word-1", dry, JobState.RUNNING, "", Counts(), 1.0, 1.0, None, "part.xml")


def scan(database: Database, detector: Any, path: Path, within: Within | None = None, **more: Any) -> DumpScan:
    keeper = Keeper(database, Examiner(detector), Windows(), lambda: 1_700_000_000.0, lambda _seconds: None)
    return DumpScan(keeper, path, within or Within(), **more)


def flagged(database: Database) -> set[str]:
    with database.read() as connection:
        return {row[0] for row in connection.exec_driver_sql("select subject from flag where source = 'scan'")}


@pytest.mark.parametrize("how", ["bz2", "gz", "xz", "zst", "7z", "xml"])
def test_every_packing_gives_the_same(database: Database, detector: Any, tmp_path: Path, how: str) -> None:
    history = [{"id": 1, "text": "A mill."}, {"id": 2, "text": "A mill. A walrus."}, {"id": 3, "text": "A mill. A walrus. More."}]
    path = packed(tmp_path, pages(("Talk:Mill", history), ("Talk:Weir", [{"id": 4, "text": "A walrus."}])), how)
    *_, last = scan(database, detector, path).run(job())
    assert flagged(database) == {"enwiki:rev:2", "enwiki:rev:4"}
    assert (last.job.state, last.job.counts.edits, last.job.counts.new_flags) == (JobState.DONE, 4, 2)
    with database.read() as connection:
        assert connection.exec_driver_sql("select count(*) from report").scalar() == 0


def gone(tag: str) -> str:
    return f"<{tag} deleted='deleted' />"


def test_hidden_parts_slots_and_data(tmp_path: Path) -> None:
    made = [
        {"id": 1, "xml": gone("text"), "who": gone("contributor"), "comment": gone("comment")},
        {"id": 2, "xml": "<content><role>main</role><model>wikitext</model><text>In a slot.</text></content>"},
        {"id": 3, "xml": "<model>wikibase-item</model><text>{}</text>"},
        {"id": 4, "xml": "<text bytes='700' id='9' />"},  # a stub dump has no texts
        {"id": 5, "xml": "<text bytes='0' />", "who": "<contributor><ip>192.0.2.7</ip></contributor>", "comment": ""},
    ]
    path = packed(tmp_path, pages(("Talk:Mill", made)), "xml")
    with opened(path) as file:
        found = list(revisions(file, site := Site()))
    assert (site.wiki, site.base) == ("enwiki", "https://en.wikipedia.org")
    assert [one.text for one in found] == [None, "In a slot.", None, None, ""]
    assert [one.user for one in found] == [None, "Grey Pebble", "Grey Pebble", "Grey Pebble", "192.0.2.7"]
    assert [one.comment for one in found] == [None, "a remark", "a remark", "a remark", None]
    assert {(one.page.title, one.page.namespace, one.page.page_id) for one in found} == {("Talk:Mill", 1, 1)}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-20],
        lambda data: data[: len(data) // 2] + b"\x00\xff\x00\xff" + data[len(data) // 2 + 4 :],
    ],
    ids=["half", "end missing", "overwritten"],
)
@pytest.mark.parametrize("how", ["bz2", "gz", "zst", "7z", "xml"])
def test_a_damaged_file_ends_as_broken_and_keeps_what_came_before(
    database: Database, detector: Any, tmp_path: Path, how: str, damage: Callable[[bytes], bytes]
) -> None:
    rng = random.Random(1)
    maker = MAKE.Maker(rng, MAKE.made_up(rng))
    path = packed(tmp_path, "".join(MAKE.part(maker, 0.5)), how)
    path.write_bytes(damage(path.read_bytes()))
    *_, last = scan(database, detector, path).run(job())
    assert last.job.state is JobState.BROKEN


@pytest.mark.parametrize(
    "content", [b"", b"no dump at all", b"<html></html>", b"<mediawiki><page><revision></revision></page></mediawiki>"]
)
def test_what_is_no_export(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part.xml"
    path.write_bytes(content)
    with pytest.raises(DumpError), opened(path) as file:
        list(revisions(file, Site()))


def test_an_export_that_does_not_name_its_wiki(database: Database, detector: Any, tmp_path: Path) -> None:
    path = packed(tmp_path, pages(("Talk:Mill", [{"id": 1, "text": "A walrus."}])).replace("<dbname>enwiki</dbname>", ""), "xml")
    with pytest.raises(InputError, match="name it with --wiki"):
        list(scan(database, detector, path).run(job()))
    list(scan(database, detector, path, wiki="dewiki").run(job("other")))
    assert flagged(database) == {"dewiki:rev:1"}


def test_only_a_time_and_a_namespace(database: Database, detector: Any, tmp_path: Path) -> None:
    path = packed(tmp_path, pages(("Talk:Mill", [{"id": 1, "text": "A walrus."}])), "xml")
    for number, within in enumerate((Within(since=1_800_000_000.0), Within(until=1_700_000_000.0), Within(namespaces=(0,)))):
        *_, last = scan(database, detector, path, within).run(job(f"part-{number}"))
        assert (last.job.state, last.job.counts.edits) == (JobState.DONE, 0)
    assert flagged(database) == set()


NAMES = itertools.count()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), kills=st.lists(st.integers(1, 5), max_size=4))
def test_it_finds_what_comparing_with_every_parent_finds(
    detector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, kills: list[int]
) -> None:
    """Whatever the histories are (reverts, branches, imported revisions), and wherever it is killed."""
    monkeypatch.setattr("tsbot.scan.dump.PORTION", 3)
    rng = random.Random(seed)
    numbers = itertools.count(1)
    made, expected = [], set()
    for page in range(rng.randrange(1, 4)):
        texts: dict[int, str] = {}
        history = []
        for _ in range(rng.randrange(1, 9)):
            parent = rng.choice([*texts]) if texts and rng.random() < 0.3 else max(texts, default=0)
            rev_id = next(numbers)
            words = texts.get(parent, "").split()
            words[rng.randrange(len(words) + 1) :] = rng.choices(["mill", "weir", "walrus", "river."], k=rng.randrange(4))
            texts[rev_id] = " ".join(words)
            history.append({"id": rev_id, "parent": parent, "text": texts[rev_id]})
            added = added_passages(texts.get(parent) if parent else None, texts[rev_id], max_chars=10_000).passages
            if any("walrus" in passage.text for passage in added):
                expected.add(f"enwiki:rev:{rev_id}")
        made.append((f"Talk:P{page}", history))
    path = packed(tmp_path, pages(*made), "bz2")
    store = Database(connect(f"sqlite:///{tmp_path / f'dump-{next(NAMES)}.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    for kill in kills:
        news = scan(store, detector, path).run(job())
        for _ in itertools.islice(news, kill):
            pass
        news.close()  # type: ignore[attr-defined]
    *_, last = scan(store, detector, path).run(job())
    assert flagged(store) == expected
    assert last.job.counts.edits == sum(len(history) for _, history in made)
    store.close()


# -- the history tables


def row(number: int, **more: str) -> str:
    values = {
        "wiki_db": "enwiki",
        "event_entity": "revision",
        "event_type": "create",
        "event_timestamp": "2026-01-15 10:00:00.0",
        "event_comment": "a remark",
        "event_user_text_historical": "Grey Pebble",
        "page_id": "7",
        "page_title_historical": "Old_mill",
        "page_namespace_historical": "1",
        "revision_id": str(number),
        "revision_parent_id": str(number - 1),
    }
    return "\t".join((values | more).get(name, "") for name in COLUMNS) + "\n"


def history(database: Database, detector: Any, path: Path, within: Within | None = None) -> HistoryScan:
    keeper = Keeper(database, Examiner(detector), Windows(), lambda: 1_700_000_000.0, lambda _seconds: None)
    return HistoryScan(keeper, path, within or Within(), path.parent / "scratch")


@pytest.mark.parametrize("how", ["tsv", "bz2", "gz", "zst"])
def test_summaries_titles_and_names_of_a_history_table(database: Database, detector: Any, tmp_path: Path, how: str) -> None:
    rows = [
        row(1),
        row(2, event_comment='the "walrus said so'),
        row(3, page_title_historical="A_walrus_mill", page_id="8"),
        row(4, event_user_text_historical="walrus77"),
        row(5, event_comment="walrus", event_entity="page"),
    ]
    path = packed(tmp_path, "".join(rows), how if how != "tsv" else "xml")
    assert is_history_table(path)
    check_table(path)
    *_, last = history(database, detector, path).run(job("table"))
    assert flagged(database) == {"enwiki:rev:2", "enwiki:rev:3", "enwiki:rev:4"}
    assert (last.job.state, last.job.counts.edits) == (JobState.DONE, 4)
    with database.read() as connection:
        times = {row[0] for row in connection.exec_driver_sql("select event_time from flag")}
    assert times == {1_768_471_200.0}
    assert not list((tmp_path / "scratch").glob("*"))


def test_a_table_is_gone_on_with_and_a_strange_one_refused(
    database: Database, detector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsbot.scan.history_table.PORTION", 2)
    path = packed(tmp_path, "".join(row(number, event_comment="walrus" if number % 3 == 0 else "x") for number in range(1, 12)), "gz")
    news = history(database, detector, path).run(job("table"))
    list(itertools.islice(news, 3))
    news.close()  # type: ignore[attr-defined]
    *_, last = history(database, detector, path).run(job("table"))
    assert flagged(database) == {f"enwiki:rev:{number}" for number in (3, 6, 9)}
    assert last.job.counts.edits == 11
    within = Within(since=1_800_000_000.0, namespaces=(1,))
    *_, last = history(database, detector, path, within).run(job("later"))
    assert last.job.counts.edits == 0
    strange = tmp_path / "strange.tsv"
    strange.write_text("\t".join("x" * 12) + "\n")
    with pytest.raises(InputError, match="12 columns"):
        check_table(strange)


def test_a_damaged_table(database: Database, detector: Any, tmp_path: Path) -> None:
    for how in ("bz2", "gz", "xml"):
        path = packed(tmp_path, "".join(row(number) for number in range(1, 3000)), how)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if how != "xml" else data[: len(data) // 2] + b"\nhalf a line\n")
        *_, last = history(database, detector, path).run(job(f"table-{how}"))
        assert last.job.state is JobState.BROKEN, how


# -- the command


def tsbot(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tsbot", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[list[str], set[str]]:
    """Three files, and what is planted in them."""
    rng = random.Random(5)
    maker = MAKE.Maker(rng, MAKE.made_up(rng), threats=1 / 40, revisions=20)
    names = []
    for number in range(3):
        path = tmp_path / f"part{number}.xml.bz2"
        path.write_bytes(bz2.compress("".join(MAKE.part(maker, 0.8)).encode()))
        names.append(path.name)
    return names, {f"enwiki:rev:{rev_id}" for rev_id in maker.planted}


def subjects(folder: Path) -> set[str]:
    lines = tsbot(folder, "flags", "list", "--limit", "1000", "--json").stdout.splitlines()
    return {flag["subject"] for line in lines if (flag := json.loads(line))["kind"] in ("violence", "mass_violence")}


def test_several_processes_and_kills(tmp_path: Path, parts: tuple[list[str], set[str]]) -> None:
    names, planted = parts
    command = [sys.executable, "-m", "tsbot", "scan", "dump", *names, "--workers", "2"]
    for patience in (6.0, 9.0):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(patience)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    done = tsbot(tmp_path, "scan", "dump", *names, "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert {line["state"] for line in map(json.loads, done.stdout.splitlines()) if "file" in line} == {"done"}
    assert planted
    assert planted - subjects(tmp_path) == set()


def test_a_damaged_part_is_named_and_the_others_are_examined(tmp_path: Path, parts: tuple[list[str], set[str]]) -> None:
    names, planted = parts
    damaged = tmp_path / names[1]
    damaged.write_bytes(damaged.read_bytes()[:20_000])
    done = tsbot(tmp_path, "scan", "dump", *names, "--workers", "1")
    assert done.returncode == 3, done.stderr
    assert f"{names[1]} is damaged" in done.stderr
    assert f"Not examined to their end: {names[1]}." in done.stderr
    again = tsbot(tmp_path, "scan", "dump", *names, "--dry-run", "--json", "--workers", "1")
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert {line["file"]: line["state"] for line in lines if "file" in line} == {names[0]: "done", names[1]: "broken", names[2]: "done"}
    assert {line["new"] for line in lines if "subject" in line} == {False}
    assert len(subjects(tmp_path) & planted) >= 2


def test_files_that_there_are_not(tmp_path: Path) -> None:
    done = tsbot(tmp_path, "scan", "dump", "nowhere.xml.bz2")
    assert (done.returncode, "nowhere.xml.bz2 is no file" in done.stderr) == (2, True)
