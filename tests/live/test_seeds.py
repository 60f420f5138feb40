"""The whole play runs on the real wikis and comes out of the event stream."""

from __future__ import annotations

import time

import pytest

from tsbot.demo.seeds import Action, play, read_seeds
from tsbot.demo.world import World

pytestmark = pytest.mark.live


@pytest.fixture
def fresh(tmp_path, request):
    """Wikis of their own: a play starts on empty pages."""
    with World(tmp_path, cache=request.config.cache.mkdir("tsbot-wikis")) as world:
        yield world


def test_every_seed_becomes_an_event_about_its_subject(fresh):
    import json

    seeds = read_seeds()
    played = play(fresh.family, seeds, clock=time.time)
    assert [act.seed.id for act in played] == [seed.id for seed in seeds]

    def subjects():
        for entry in fresh.twin.log.entries:
            event = json.loads(entry.data)
            if event["meta"]["stream"] == "mediawiki.recentchange":
                if event["type"] == "log":
                    yield f"{event['wiki']}:log:{event['log_id']}", event
                else:
                    yield f"{event['wiki']}:rev:{event['revision']['new']}", event

    deadline = time.monotonic() + 10
    missing = {act.subject for act in played}
    while missing and time.monotonic() < deadline:
        missing = {act.subject for act in played} - {subject for subject, _ in subjects()}
    assert not missing
    events = dict(subjects())
    for act in played:
        event = events[act.subject]
        if act.seed.action is Action.CREATE_ACCOUNT:
            assert (event["user"], event["log_action"]) == (act.seed.page, "create")
        else:
            assert event["user"] == act.seed.who
    exceptions = fresh.folder / "wikis" / "log" / "exceptions.log"
    assert not exceptions.exists(), exceptions.read_text()[:2000]
