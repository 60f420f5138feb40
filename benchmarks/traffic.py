"""Make a day of multi-wiki traffic: events as EventStreams sends them, and the texts of the edits among them.

    python benchmarks/traffic.py --events 1000000 --output traffic.jsonl.zst --texts traffic.sqlite

Of all events, one in ten is an edit in ``recentchange`` that the default admission rules let through, each with a text of
its own (interface messages of MediaWiki in its language, those that the detector has not learnt from), and as many again are
the same edits in ``page_change`` (no second text to judge). The rest is bots, Wikidata, categorisation, logs, canaries,
visibility changes and deletions; 0.5 % are sent twice, 0.01 % are malformed. The same seed gives the same bytes. Beside the
output, ``OUTPUT.expected.json`` says what is in it: counts, and the made-up mild threats with their subjects. Needs MediaWiki
(`make debian`).
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import time
import tomllib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import zstandard
from local_texts import SCHEMA

from tsbot.detect.learn.datasets import INTERFACE, ordinary_messages

START = 1_772_323_200  # 2026-03-01T00:00:00Z
RATE = 60.0
"""Events per second of the traffic's own time, as Wikimedia's streams together have."""
BASES_PER_LANGUAGE = 40
THREAT_EVERY = 500
"""Edits per threat: 0.02 % of all events."""

# Actions and their share of all events; those with two events are told by recentchange and by page_change.
SHARES = {
    "edit": 0.10,
    "bot": 0.10,
    "wikidata": 0.14,
    "categorize": 0.24,
    "log": 0.08,
    "delete": 0.001,
    "visibility": 0.0005,
    "canary": 0.0005,
}
DUPLICATES = 0.005
MALFORMED = 0.0001

LOGS = [  # type, action; the first four are skipped by default
    *[("patrol", "patrol")] * 5,
    *[("thanks", "thank")] * 3,
    *[("review", "approve")] * 2,
    ("pagetriage-curation", "reviewed"),
    *[("newusers", "create")] * 4,
    ("upload", "upload"),
    ("move", "move"),
    ("block", "block"),
    ("delete", "delete"),
    ("delete", "revision"),
]
NAMESPACES = [(0, ""), (0, ""), (0, ""), (0, ""), (1, "Talk:"), (3, "User talk:"), (2, "User:"), (4, "Project:")]
PROJECTS = [("wiktionary", "wiktionary"), ("wikisource", "wikisource"), ("wikivoyage", "wikivoyage"), ("wikibooks", "wikibooks")]


@dataclass(frozen=True)
class Wiki:
    """A wiki and the language of its texts."""

    name: str
    domain: str
    language: str


@dataclass
class Traffic:
    """Generates; ``expected`` tells afterwards what was generated."""

    events: int
    seed: int = 1
    texts: sqlite3.Connection | None = None
    expected: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._material = tomllib.loads((Path(__file__).parent / "traffic.toml").read_text(encoding="utf-8"))
        self._languages: dict[str, dict[str, list[str]]] = self._material["language"]
        for code, source in self._languages.items():
            source["sentences"] = ordinary_messages(INTERFACE, code, 1)
        self._wikis = self._make_wikis()
        self._bases = self._make_bases()
        self._counts: Counter[str] = Counter()
        self._threats: list[dict[str, str]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._now = float(START)
        self._rev_id = 1_200_000_000
        self._rc_id = 1_800_000_000
        self._log_id = 160_000_000
        self._twins: deque[tuple[int, dict[str, Any]]] = deque()
        self._recent: deque[bytes] = deque(maxlen=1000)

    def lines(self) -> Iterator[bytes]:
        """The messages, one JSON text each, in their order."""
        actions: dict[str, Callable[[], dict[str, Any]]] = {name: getattr(self, f"_{name}") for name in SHARES}
        names, shares = list(SHARES), list(SHARES.values())
        rng = self._rng
        chosen: list[str] = []
        for number in range(self.events):
            self._now = START + number / RATE
            chance = rng.random()
            if chance < DUPLICATES and self._recent:
                self._counts["duplicates"] += 1
                yield self._recent[rng.randrange(len(self._recent))]
                continue
            if chance > 1 - MALFORMED:
                self._counts["malformed"] += 1
                yield self._malformed()
                continue
            if self._twins and self._twins[0][0] <= number:
                message = self._twins.popleft()[1]
                message["meta"]["dt"] = self._dt()
                self._counts["page_change_edits"] += 1
            else:
                if not chosen:
                    chosen = rng.choices(names, shares, k=1000)
                name = chosen.pop()
                self._counts[name] += 1
                message = actions[name]()
                if (twin := message.pop("twin", None)) is not None:
                    self._twins.append((number + rng.randrange(1, 90), twin))
            line = msgspec.json.encode(message)
            self._recent.append(line)
            yield line
        self._save()
        self.expected.update(
            events=self.events,
            distinct=self.events - self._counts["duplicates"],
            duplicates=self._counts["duplicates"],
            malformed=self._counts["malformed"],
            edits=self._counts["edit"],
            actions=dict(sorted(self._counts.items())),
            threats=self._threats,
        )

    # --- actions -----------------------------------------------------------------------------------------------------

    def _edit(self) -> dict[str, Any]:
        """An edit by a person: both streams, and a text."""
        rng = self._rng
        wiki = rng.choice(self._wikis)
        number = self._counts["edit"]
        threat = self._material["threats"].get(wiki.language) if number % THREAT_EVERY == 0 else None
        if number % THREAT_EVERY == 0 and threat is None:
            wiki, threat = self._wikis[0], self._material["threats"]["en"]
        words = rng.choice(threat) if threat else ""
        place = ("text", "text", "text", "text", "text", "summary", "title")[len(self._threats) % 7] if words else ""
        namespace, prefix = rng.choice(NAMESPACES)
        title = prefix + self._title(wiki.language) + (f" {words.rstrip('.')}" if place == "title" else "")
        comment = words if place == "summary" else self._phrase(wiki.language, "summaries")
        temporary = rng.random() < 0.15
        user = f"~2026-{rng.randrange(10_000, 99_999)}-{rng.randrange(100)}" if temporary else f"Gardener {rng.randrange(200_000)}"
        added = self._paragraph(wiki.language, rng.randrange(50, 800))
        if place == "text":
            half = len(added) // 2
            added = f"{added[:half]}\n\n{words}\n{added[half:]}"
        message = self._change(wiki, title, namespace, user, comment, temporary=temporary)
        rev_id = message["revision"]["new"]
        base_id = rng.randrange(BASES_PER_LANGUAGE) + self._bases[wiki.language][0]
        length = self._bases[wiki.language][1][base_id]
        position = length if rng.random() < 0.4 else rng.randrange(length)
        removed = min(rng.randrange(50, 800), length - position) if rng.random() < 0.2 else 0
        fresh = rng.random() < 0.03
        if fresh:
            message["type"], message["revision"]["old"], message["length"]["old"] = "new", None, None
            message["twin"]["page_change_kind"] = "create"
            del message["twin"]["revision"]["rev_parent_id"]
        page = message["twin"]["page"]["page_id"]
        where = (None, 0, 0) if fresh else (base_id, position, removed)
        self._rows.append((rev_id, wiki.name, title, page, namespace, *where, added))
        if len(self._rows) >= 5000:
            self._save()
        if words:
            self._threats.append({"subject": f"{wiki.name}:rev:{rev_id}", "field": place, "language": wiki.language, "text": words})
        return message

    def _bot(self) -> dict[str, Any]:
        wiki = self._rng.choice(self._wikis)
        return self._change(wiki, self._title(wiki.language), 0, f"ExampleBot {self._rng.randrange(50)}", "Bot: link update", bot=True)

    def _wikidata(self) -> dict[str, Any]:
        item = f"Q{self._rng.randrange(1, 130_000_000)}"
        bot = self._rng.random() < 0.5
        user = f"ItemBot {self._rng.randrange(30)}" if bot else f"Gardener {self._rng.randrange(200_000)}"
        wiki = Wiki("wikidatawiki", "www.wikidata.org", "en")
        return self._change(wiki, item, 0, user, "/* wbsetclaim-create:2||1 */ [[Property:P31]]: [[Q5]]", bot=bot)

    def _categorize(self) -> dict[str, Any]:
        wiki = self._rng.choice(self._wikis)
        title = self._title(wiki.language)
        message = self._recentchange(wiki, f"Category:{self._title(wiki.language)}", 14, f"Gardener {self._rng.randrange(200_000)}")
        comment = f"[[:{title}]] added to category"
        return message | {"type": "categorize", "comment": comment, "parsedcomment": f"<a>{title}</a> added to category"}

    def _log(self) -> dict[str, Any]:
        rng = self._rng
        wiki = rng.choice(self._wikis)
        kind, action = rng.choice(LOGS)
        self._log_id += 1
        user = f"Gardener {rng.randrange(200_000)}"
        title = f"User:{user}" if kind in ("newusers", "block") else self._title(wiki.language)
        message = self._recentchange(wiki, title, 2 if kind in ("newusers", "block") else 0, user, self._phrase(wiki.language, "summaries"))
        params: Any = rng.choice([{}, [], "x", {"curid": 5}])
        if action == "revision":
            params = {"type": "revision", "ids": [str(self._rev_id - rng.randrange(1, 5000))], "ofield": 0, "nfield": 1}
        log = {"log_id": self._log_id, "log_type": kind, "log_action": action, "log_params": params}
        return message | {"type": "log"} | log | {"log_action_comment": f"{action} [[{title}]]"}

    def _delete(self) -> dict[str, Any]:
        wiki = self._rng.choice(self._wikis)
        message = self._page_event(wiki, "/mediawiki/page/delete/1.0.0", "mediawiki.page-delete")
        return message | {"rev_count": self._rng.randrange(1, 9), "comment": self._phrase(wiki.language, "summaries")}

    def _visibility(self) -> dict[str, Any]:
        wiki = self._rng.choice(self._wikis)
        message = self._page_event(wiki, "/mediawiki/revision/visibility-change/1.0.0", "mediawiki.revision-visibility-change")
        shown = {"text": False, "user": self._rng.random() < 0.8, "comment": self._rng.random() < 0.7}
        return message | {"visibility": shown, "prior_state": {"visibility": {"text": True, "user": True, "comment": True}}}

    def _canary(self) -> dict[str, Any]:
        meta = self._meta(Wiki("", "canary", "en"), "mediawiki.recentchange", "")
        return {"$schema": "/mediawiki/recentchange/1.0.0", "meta": meta, "type": "edit", "title": "canary", "wiki": "canary"}

    def _malformed(self) -> bytes:
        line = msgspec.json.encode(self._bot() | {"twin": None})
        bad = (
            line[: len(line) // 2],
            line.replace(b"recentchange/1.0.0", b"recentchange/7.0.0"),
            line.replace(b'"wiki":', b'"wide":'),
            line.replace(b'"namespace":0', b'"namespace":"zero"'),
            b"[" + line + b"]",
        )
        return bad[self._counts["malformed"] % len(bad)]

    # --- messages ----------------------------------------------------------------------------------------------------

    def _change(
        self, wiki: Wiki, title: str, namespace: int, user: str, comment: str, *, bot: bool = False, temporary: bool = False
    ) -> dict[str, Any]:
        """An edit as recentchange tells it, with its page_change twin under ``twin``."""
        rng = self._rng
        self._rev_id += rng.randrange(1, 4)
        size = rng.randrange(1000, 30_000)
        old, new, grown = self._rev_id - rng.randrange(1, 900_000), self._rev_id, size + rng.randrange(-500, 900)
        message = self._recentchange(wiki, title, namespace, user, comment, bot=bot)
        message |= {"length": {"old": size, "new": grown}, "revision": {"old": old, "new": new}}
        groups = ["bot", "*", "user"] if bot else ["*", "temp"] if temporary else ["*", "user", "autoconfirmed"]
        performer = {
            "user_text": user,
            "groups": groups,
            "is_bot": bot,
            "is_system": False,
            "is_temp": temporary,
            "user_id": rng.randrange(1, 10**8),
            "registration_dt": "2026-02-11T10:09:08Z",
            "edit_count": rng.randrange(1, 9000),
        }
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now))
        revision = {
            "rev_id": new,
            "rev_parent_id": old,
            "rev_dt": stamp,
            "is_minor_edit": False,
            "rev_sha1": f"{rng.getrandbits(155):031x}",
            "rev_size": grown,
            "comment": comment,
            "editor": performer,
            "is_content_visible": True,
            "is_editor_visible": True,
            "is_comment_visible": True,
            "content_slots": {"main": {"slot_role": "main", "content_model": "wikitext", "content_size": grown, "origin_rev_id": new}},
        }
        key = title.replace(" ", "_")
        message["twin"] = {
            "changelog_kind": "update",
            "page_change_kind": "edit",
            "dt": stamp,
            "wiki_id": wiki.name,
            "page": {"page_id": rng.randrange(1, 80_000_000), "page_title": key, "namespace_id": namespace, "is_redirect": False},
            "performer": performer,
            "revision": revision,
            "prior_state": {"revision": {"rev_id": old, "rev_size": size}},
            "$schema": "/mediawiki/page/change/1.2.0",
            "meta": self._meta(wiki, "mediawiki.page_change.v1", key),
        }
        return message

    def _recentchange(
        self, wiki: Wiki, title: str, namespace: int, user: str, comment: str = "", *, bot: bool = False
    ) -> dict[str, Any]:
        self._rc_id += 1
        server = f"https://{wiki.domain}"
        return {
            "$schema": "/mediawiki/recentchange/1.0.0",
            "meta": self._meta(wiki, "mediawiki.recentchange", title.replace(" ", "_")),
            "id": self._rc_id,
            "type": "edit",
            "namespace": namespace,
            "title": title,
            "title_url": f"{server}/wiki/{quote(title.replace(' ', '_'))}",
            "comment": comment,
            "timestamp": int(self._now),
            "user": user,
            "bot": bot,
            "notify_url": f"{server}/w/index.php?diff={self._rev_id}",
            "minor": False,
            "server_url": server,
            "server_name": wiki.domain,
            "server_script_path": "/w",
            "wiki": wiki.name,
            "parsedcomment": f'<span dir="auto"><span class="autocomment">{comment}</span></span>',
        }

    def _page_event(self, wiki: Wiki, schema: str, stream: str) -> dict[str, Any]:
        title = self._title(wiki.language).replace(" ", "_")
        return {
            "$schema": schema,
            "meta": self._meta(wiki, stream, title),
            "database": wiki.name,
            "page_id": self._rng.randrange(1, 80_000_000),
            "page_title": title,
            "page_namespace": 0,
            "rev_id": self._rev_id - self._rng.randrange(1, 5000),
            "performer": {"user_text": f"Gardener {self._rng.randrange(900)}", "user_groups": ["sysop", "*", "user"], "user_is_bot": False},
        }

    def _meta(self, wiki: Wiki, stream: str, title: str) -> dict[str, Any]:
        digits = f"{self._rng.getrandbits(128):032x}"
        return {
            "uri": f"https://{wiki.domain}/wiki/{quote(title)}",
            "request_id": digits[::-1],
            "id": f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}",
            "dt": self._dt(),
            "domain": wiki.domain,
            "stream": stream,
            "topic": f"eqiad.{stream}",
            "partition": 0,
            "offset": self._rc_id,
        }

    def _dt(self) -> str:
        whole = int(self._now)
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((self._now - whole) * 1000):03d}Z"

    # --- words -------------------------------------------------------------------------------------------------------

    def _phrase(self, language: str, kind: str) -> str:
        rng, source = self._rng, self._languages[language]
        text = rng.choice(source[kind])
        if "{n}" in text:
            text = text.replace("{n}", str(rng.randrange(1000, 2026)))
        return text.replace("{w}", rng.choice(source["words"])) if "{w}" in text else text

    def _title(self, language: str) -> str:
        words = self._languages[language]["words"]
        return f"{self._rng.choice(words).capitalize()} {self._rng.choice(words)} {self._rng.randrange(9000)}"

    def _paragraph(self, language: str, length: int) -> str:
        parts: list[str] = []
        size = 0
        while size < length:
            parts.append(self._phrase(language, "sentences"))
            size += len(parts[-1]) + 1
        return " ".join(parts)[:length]

    def _make_wikis(self) -> list[Wiki]:
        codes = [*self._languages, *self._material["borrow"]]
        own = {code: self._material["borrow"].get(code, code) for code in codes}
        wikis = [Wiki(f"{code}wiki", f"{code}.wikipedia.org", own[code]) for code in codes]
        big = [wiki for wiki in wikis if wiki.name in ("enwiki", "dewiki", "frwiki", "eswiki", "ruwiki", "jawiki", "zhwiki")]
        others = [Wiki(f"{c}{name}", f"{c}.{site}.org", c) for c in ("en", "de", "fr", "ru") for name, site in PROJECTS]
        shared = [Wiki("commonswiki", "commons.wikimedia.org", "en"), Wiki("metawiki", "meta.wikimedia.org", "en")]
        english = [wiki for wiki in big if wiki.name == "enwiki"]
        # The large wikis several times, so that they are chosen more often.
        return [*english * 15, *big * 5, *wikis, *others, *shared * 4]

    def _make_bases(self) -> dict[str, tuple[int, dict[int, int]]]:
        """For each language the id of its first base page, and the length of each in code points."""
        found: dict[str, tuple[int, dict[int, int]]] = {}
        number = 0
        compressor = zstandard.ZstdCompressor()
        for language in self._languages:
            lengths: dict[int, int] = {}
            first = number
            for _ in range(BASES_PER_LANGUAGE):
                text = self._page(language, self._rng.choice((1000, 3000, 6000, 12_000, 30_000)))
                lengths[number] = len(text)
                if self.texts is not None:
                    self.texts.execute("INSERT INTO base VALUES (?, ?)", (number, compressor.compress(text.encode())))
                number += 1
            found[language] = (first, lengths)
        return found

    def _page(self, language: str, size: int) -> str:
        parts: list[str] = []
        total = 0
        while total < size:
            head = f"\n== {self._title(language)} ==\n" if len(parts) % 3 == 0 else "\n"
            word = self._rng.choice(self._languages[language]["words"])
            body = self._paragraph(language, self._rng.randrange(150, 500))
            parts.append(f"{head}'''[[{word}]]''' {body}<ref>{{{{cite web|title={word}|date={self._rng.randrange(1990, 2026)}}}}}</ref>\n")
            total += len(parts[-1].encode())
        return "".join(parts)

    def _save(self) -> None:
        if self.texts is not None:
            self.texts.executemany("INSERT INTO revision VALUES (?,?,?,?,?,?,?,?,?)", self._rows)
            self.texts.commit()
        self._rows = []


def generate(events: int, output: Path, texts: Path | None, seed: int = 1) -> dict[str, Any]:
    """Write the files and return what ``expected.json`` holds."""
    database = None
    if texts is not None:
        texts.unlink(missing_ok=True)
        database = sqlite3.connect(texts)
        database.execute("PRAGMA journal_mode = OFF")
        database.executescript(SCHEMA)
    traffic = Traffic(events, seed, database)
    with output.open("wb") as file:
        if output.suffix == ".zst":
            with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as writer:
                for line in traffic.lines():
                    writer.write(line + b"\n")
        else:
            file.writelines(line + b"\n" for line in traffic.lines())
    if database is not None:
        database.close()
    Path(f"{output}.expected.json").write_text(json.dumps(traffic.expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return traffic.expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, required=True, help="FILE.jsonl or FILE.jsonl.zst")
    parser.add_argument("--texts", type=Path, help="SQLite file for the edits' texts (see local_texts.py)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    expected = generate(options.events, options.output, options.texts, options.seed)
    print(f"{options.events} events in {time.perf_counter() - began:.0f} s; {len(expected['threats'])} threats; {expected['actions']}")


if __name__ == "__main__":
    main()
