"""The benchmark's traffic is what it says: its counts, its edits' texts and its made-up threats are all there."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tsbot.errors import MalformedEventError
from tsbot.settings import AdmissionSettings
from tsbot.stream.admission import Admission
from tsbot.stream.events import Event, EventKind
from tsbot.stream.replay import FileSource
from tsbot.stream.wire import decode, message_id
from tsbot.wiki.types import RevisionRef, RevisionState

EVENTS = 20_000


class Made:
    """What one run of the generator made, read back."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
        try:
            import local_texts
            import traffic
        finally:
            sys.path.pop(0)
        self.generate = traffic.generate
        self.expected = traffic.generate(EVENTS, folder / "t.jsonl.zst", folder / "t.sqlite")
        self.texts = local_texts.LocalTexts(folder / "t.sqlite")
        source = FileSource(folder / "t.jsonl.zst")
        source.start(None)
        self.messages = list(source.read(EVENTS + 1, 1.0).messages)
        source.close()
        self.events: dict[str, Event] = {}
        self.refused: list[str] = []
        for message in self.messages:
            try:
                self.events[message_id(message)] = decode(message)
            except MalformedEventError as error:
                self.refused.append(error.reason)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Made(tmp_path_factory.mktemp("traffic"))
    yield made
    made.texts.close()


def test_every_message_is_accounted_for(made: Any) -> None:
    assert len(made.messages) == EVENTS
    assert len({message_id(message) for message in made.messages}) == made.expected["distinct"]
    assert len(made.refused) == made.expected["malformed"]
    assert made.expected["duplicates"] > 0


def test_one_in_ten_is_an_edit_with_a_text(made: Any) -> None:
    admission = Admission(AdmissionSettings())
    edits = [e for e in made.events.values() if e.kind is EventKind.EDIT and admission.rule(e) is None]
    revisions = {(e.wiki, e.rev_id, e.parent_id or 0) for e in edits if e.stream == "mediawiki.recentchange"}
    assert 0.09 * EVENTS < len(revisions) < 0.11 * EVENTS
    assert len(revisions) == made.expected["edits"]
    for wiki, rev_id, parent_id in sorted(revisions)[:200]:
        (found,) = made.texts.fetch(wiki, [RevisionRef(wiki, rev_id, parent_id)])
        assert found.state is RevisionState.PRESENT
        assert found.text != found.parent_text
        assert (found.parent_text is None) == (parent_id == 0)


def test_threats_stand_where_the_list_says(made: Any) -> None:
    by_subject = {e.subject: e for e in made.events.values() if e.stream == "mediawiki.recentchange"}
    assert len(made.expected["threats"]) == made.expected["edits"] // 500
    for threat in made.expected["threats"]:
        event = by_subject[threat["subject"]]
        (found,) = made.texts.fetch(event.wiki, [RevisionRef(event.wiki, event.rev_id or 0)])
        places = {"text": found.text, "summary": event.comment, "title": event.title}
        assert threat["text"].rstrip(".") in places[threat["field"]]


def test_it_has_many_wikis_and_kinds(made: Any) -> None:
    kinds = Counter(event.kind for event in made.events.values())
    assert set(kinds) == set(EventKind) - {EventKind.EXTERNAL, EventKind.OTHER, EventKind.ATTEMPT}  # no stream has those
    assert len({event.wiki for event in made.events.values()}) > 60
    assert any(event.user_is_temp for event in made.events.values())


def test_the_same_seed_makes_the_same_traffic(made: Any, tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl"]
    for file, seed in zip(files, (5, 5, 6), strict=True):
        made.generate(500, file, None, seed)
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    assert json.loads(Path(f"{files[0]}.expected.json").read_text(encoding="utf-8"))["events"] == 500


def test_a_revision_that_the_file_does_not_have_is_deleted(made: Any) -> None:
    assert made.texts.fetch("enwiki", [RevisionRef("enwiki", 1)])[0].state is RevisionState.DELETED
