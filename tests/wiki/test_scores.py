"""Outside models, asked over HTTP on this machine: services that answer as documented, and as services do in trouble."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tsbot.errors import WikiUnavailableError
from tsbot.settings import ScoreSettings
from tsbot.wiki.scores import LiftWing, Ores, RevisionScores, ScoresUnavailableError, open_scores, wikipedia_language

AGENT = "tsbot/0 (test; bot)"


@dataclass
class Service:
    """Knows some revisions, and misbehaves on request."""

    port: int = 0
    known: dict[int, float] = field(default_factory=dict)
    faults: dict[int, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    """What is answered when asked about a revision: status, body, headers. Status 0 never answers."""
    asked: list[tuple[str, Any, str]] = field(default_factory=list)
    quiet: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lift_wing(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["lang"] not in ("en", "be-x-old"):
            return 400, {"error": f"Unsupported lang: {body['lang']}."}
        if body["rev_id"] not in self.known:
            return 422, {"error": "Could not make prediction for revision. Reason: parent_revision_missing"}
        p = self.known[body["rev_id"]]
        output = {"prediction": p > 0.5, "probabilities": {"true": p, "false": 1 - p}}
        head = {"model_name": "revertrisk-language-agnostic", "model_version": "3", "wiki_db": "enwiki", "revision_id": body["rev_id"]}
        return 200, head | {"output": output}

    def ores(self, wiki: str, model: str, rev_ids: list[int]) -> tuple[int, Any]:
        if wiki != "enwiki":
            return 404, {"error": {"code": "not found", "message": f"No scorers available for {wiki}"}}
        scores = {}
        for rev_id in rev_ids:
            p = self.known.get(rev_id)
            missing = {"error": {"type": "RevisionNotFound", "message": f"RevisionNotFound: Could not find revision ({rev_id})"}}
            score = {"prediction": False, "probability": {"true": p, "false": None if p is None else 1 - p}}
            scores[str(rev_id)] = {model: missing if p is None else {"score": score}}
        document = {wiki: {"models": {model: {"version": "0.5.1"}}, "scores": scores}}
        return 200, document | {"warnings": [{"type": "deprecated"}]}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.service.asked.append((self.path, body, self.headers["User-Agent"]))  # type: ignore[attr-defined]
        self.answer([body["rev_id"]], lambda service: service.lift_wing(body))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        rev_ids = [int(rev_id) for rev_id in query["revids"][0].split("|")]
        self.server.service.asked.append((parts.path, rev_ids, self.headers["User-Agent"]))  # type: ignore[attr-defined]
        wiki = parts.path.strip("/").rpartition("/")[2]
        self.answer(rev_ids, lambda service: service.ores(wiki, query["models"][0], rev_ids))

    def answer(self, rev_ids: list[int], usual: Any) -> None:
        service: Service = self.server.service  # type: ignore[attr-defined]
        fault = next((service.faults[rev_id] for rev_id in rev_ids if rev_id in service.faults), None)
        if fault is not None and fault[0] == 0:
            service.quiet.wait(5)
            return
        if fault is not None:
            status, content, headers = fault
        else:
            status, document = usual(service)
            content, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.service = Service(server.server_port, known={1: 0.97, 2: 0.03})  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.service  # type: ignore[attr-defined]
    server.service.quiet.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["liftwing", "ores"])
def scores(request: pytest.FixtureRequest, service: Service) -> RevisionScores:
    opened = open_scores(ScoreSettings(service=request.param, url=service.url, timeout=0.5), AGENT)
    assert opened is not None
    return opened


def test_known_revisions_have_a_probability_and_unknown_ones_none(scores: RevisionScores) -> None:
    assert scores.scores("enwiki", [1, 2, 404]) == {1: 0.97, 2: 0.03, 404: None}
    assert scores.scores("enwiki", []) == {}


def test_a_wiki_without_a_model_is_unknown(scores: RevisionScores) -> None:
    assert scores.scores("examplewiki", [1]) == {1: None}


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [(429, {"Retry-After": "7"}, 7), (429, {}, None), (500, {}, None), (503, {"Retry-After": "30"}, 30), (0, {}, None)],
)
def test_trouble_is_to_be_tried_again(
    scores: RevisionScores, service: Service, status: int, headers: dict[str, str], wait: float | None
) -> None:
    service.faults[2] = (status, b'{"error": "trouble"}', headers)
    started = time.monotonic()
    with pytest.raises(WikiUnavailableError) as caught:
        scores.scores("enwiki", [2])
    assert caught.value.retry_after == wait
    assert time.monotonic() - started < 3


def test_what_was_answered_before_the_trouble_is_kept(service: Service) -> None:
    service.faults[2] = (503, b"", {})
    with pytest.raises(ScoresUnavailableError) as caught:
        LiftWing(AGENT, base=service.url).scores("enwiki", [1, 2])
    assert caught.value.answered == {1: 0.97}


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_trouble(scores: RevisionScores, service: Service, body: bytes) -> None:
    service.faults[1] = (200, body, {})
    with pytest.raises(WikiUnavailableError):
        scores.scores("enwiki", [1])


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"error": {"message": "no"}},
        {"output": {"probabilities": {"true": "high"}}},
        {"output": {"probabilities": {"true": 7}}, "enwiki": {"scores": {"1": {"damaging": {"score": {"probability": {"true": True}}}}}}},
        {"output": None, "enwiki": None},
        {"enwiki": {"scores": {}}},
    ],
)
def test_an_answer_of_another_shape_is_unknown(scores: RevisionScores, service: Service, document: Any) -> None:
    service.faults[1] = (200, json.dumps(document).encode(), {})
    assert scores.scores("enwiki", [1]) == {1: None}


def test_a_refusal_is_unknown(scores: RevisionScores, service: Service) -> None:
    service.faults[1] = (403, b"{}", {})
    assert scores.scores("enwiki", [1]) == {1: None}


def test_what_lift_wing_is_asked(service: Service) -> None:
    scores = LiftWing(AGENT, base=service.url + "/v1/models/")
    scores.scores("be_x_oldwiki", [1])
    assert service.asked == [("/v1/models/revertrisk-language-agnostic:predict", {"lang": "be-x-old", "rev_id": 1}, AGENT)]
    assert scores.scores("enwiktionary", [1]) == {1: None}
    assert len(service.asked) == 1
    assert scores.name == "liftwing revertrisk-language-agnostic"


def test_ores_is_asked_about_twenty_at_once(service: Service) -> None:
    scores = Ores(service.url + "/", AGENT, model="reverted")
    assert len(scores.scores("enwiki", range(1, 42))) == 41
    assert [(path, len(rev_ids), agent) for path, rev_ids, agent in service.asked] == [
        ("/v3/scores/enwiki/", 20, AGENT), ("/v3/scores/enwiki/", 20, AGENT), ("/v3/scores/enwiki/", 1, AGENT)
    ]  # fmt: skip


def test_nobody_listens() -> None:
    for settings in (ScoreSettings(service="liftwing", url="http://127.0.0.1:9"), ScoreSettings(service="ores", url="http://127.0.0.1:9")):
        opened = open_scores(settings, AGENT)
        assert opened is not None
        with pytest.raises(WikiUnavailableError, match="does not answer"):
            opened.scores("enwiki", [1])


def test_nobody_is_asked_unless_the_settings_say_so() -> None:
    assert open_scores(ScoreSettings(), AGENT) is None


@pytest.mark.parametrize(
    ("wiki", "language"), [("enwiki", "en"), ("be_x_oldwiki", "be-x-old"), ("enwiktionary", None), ("wiki", None), ("sourceswikix", None)]
)
def test_the_language_of_a_wikipedia(wiki: str, language: str | None) -> None:
    assert wikipedia_language(wiki) == language
