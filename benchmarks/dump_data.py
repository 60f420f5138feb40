"""Makes a dump as MediaWiki exports it, of made-up pages whose histories look like real ones.

    python benchmarks/dump_data.py --output FOLDER --megabytes 100 --parts 4 --data ../shared/data

Talk pages grow by comments, articles by changed sentences; some edits are vandalism that the next one reverts. Texts are the comments
of ``--data`` (negatives), which stay on this machine; without it a few made-up sentences are mixed. About one revision in two thousand
adds a mild made-up threat; ``planted.txt`` lists them.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

_WORDS = """
the mill stands by the river and was rebuilt after the flood of the year before last with timber from the upper valley whose owner
left it to the village when he moved to the coast where his sister kept a school for the children of the harbour and its ferrymen
"""
WORDS = _WORDS.split()
THREAT = "I will come to your house in {place} tomorrow and hurt you."
HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Example</sitename>
    <dbname>enwiki</dbname>
    <base>https://en.wikipedia.org/wiki/Main_Page</base>
    <generator>made up</generator>
    <case>first-letter</case>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
    </namespaces>
  </siteinfo>
"""
START = 1_200_000_000


@dataclass
class Maker:
    """Makes pages, one after the other."""

    rng: random.Random
    sentences: Sequence[str]
    threats: float = 1 / 2000
    """Share of revisions that add a threat."""
    page_bytes: int = 15_000
    """Bytes that a page grows to."""
    revisions: int = 60
    """Of a page, on average."""
    planted: list[int] = field(default_factory=list)
    """Revisions that add a threat."""
    _page: int = 0
    _revision: int = 0

    def page(self) -> str:
        """One page with its history, as XML."""
        self._page += 1
        talk = self.rng.random() < 0.4
        title = f"Talk:Example {self._page}" if talk else f"Example {self._page}"
        number = max(1, int(self.rng.expovariate(1 / self.revisions)))
        size = int(self.page_bytes * self.rng.uniform(0.2, 2.0))
        lines = [self._paragraph() for _ in range(max(1, size // 800))]
        parts = [f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{int(talk)}</ns>\n    <id>{self._page}</id>\n"]
        parent, before = 0, lines
        for index in range(number):
            self._revision += 1
            user, comment = f"Editor {self.rng.randrange(5000)}", "/* Sources */ a remark"
            if index and lines is not before and self.rng.random() < 0.8:
                lines, comment = before, "Undid the last revision"  # vandalism goes
            else:
                before, lines = lines, self._edited(lines, talk=talk)
            text = "\n\n".join(lines)
            parts.append(self._xml(parent, text, user, comment))
            parent = self._revision
            if comment == "/* Sources */ a remark" and self.rng.random() > 0.1:
                before = lines  # it stays
        parts.append("  </page>\n")
        return "".join(parts)

    def _edited(self, lines: list[str], *, talk: bool) -> list[str]:
        edited = list(lines)
        at = self.rng.randrange(len(edited))
        if self.rng.random() < self.threats:
            self.planted.append(self._revision)
            edited.insert(at + 1, THREAT.format(place=f"{self.rng.choice(WORDS).title()}stadt"))
        elif talk:
            edited.append(f":{self.rng.choice(self.sentences)} ~~~~")
        else:
            words = edited[at].split(" ")
            place = self.rng.randrange(len(words))
            words[place : place + self.rng.randrange(4)] = self.rng.choice(self.sentences).split(" ")[: self.rng.randrange(1, 25)]
            edited[at] = " ".join(words)
        return edited

    def _paragraph(self) -> str:
        text = " ".join(self.rng.choice(self.sentences) for _ in range(12))
        return f"== Part {self.rng.randrange(1000)} ==\n{text[:800]}"

    def _xml(self, parent: int, text: str, user: str, comment: str) -> str:
        moment = datetime.fromtimestamp(START + self._revision * 37, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:31]
        before = f"      <parentid>{parent}</parentid>\n" if parent else ""
        who = f"<username>{user}</username>\n        <id>{abs(hash(user)) % 10_000}</id>"
        size = len(text.encode())
        return (
            f"    <revision>\n      <id>{self._revision}</id>\n{before}      <timestamp>{moment}</timestamp>\n"
            f"      <contributor>\n        {who}\n      </contributor>\n      <comment>{escape(comment)}</comment>\n"
            f"      <origin>{self._revision}</origin>\n      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
            f'      <text bytes="{size}" sha1="{sha1}" xml:space="preserve">{escape(text)}</text>\n      <sha1>{sha1}</sha1>\n'
            "    </revision>\n"
        )


def made_up(rng: random.Random, number: int = 2000) -> list[str]:
    """Sentences of mild words."""
    return [" ".join(rng.choices(WORDS, k=rng.randrange(5, 30))).capitalize() + "." for _ in range(number)]


def comments(data: Path) -> list[str]:
    """Ordinary comments of real talk pages."""
    with gzip.open(data / "negatives" / "gc.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    name = next(key for key in ("text", "comment", "comment_text") if key in rows[0])
    return [" ".join(row[name].split())[:400] for row in rows if row[name].strip()]


def part(maker: Maker, megabytes: float) -> Iterator[str]:
    """A part of a dump of at least so many MB of XML."""
    yield HEAD
    size = 0
    while size < megabytes * 1e6:
        page = maker.page()
        size += len(page.encode())
        yield page
    yield "</mediawiki>\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    rng = random.Random(1)
    maker = Maker(rng, comments(options.data) if options.data else made_up(rng))
    options.output.mkdir(parents=True, exist_ok=True)
    for number in range(1, options.parts + 1):
        path = options.output / f"enwiki-20260101-pages-meta-history{number}.xml.bz2"
        with bz2.open(path, "wt", encoding="utf-8") as file:
            file.writelines(part(maker, options.megabytes / options.parts))
        print(path)
    (options.output / "planted.txt").write_text("\n".join(map(str, maker.planted)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
