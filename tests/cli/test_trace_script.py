"""``scripts/trace.py`` in pywikibot's manner does what ``tsbot trace account`` does."""

from __future__ import annotations

import inspect
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pywikibot

from tsbot.cli import trace_account
from tsbot.trace.answer import Candidate, Grouping, Silent, Subject, Trace, of_json
from tsbot.trace.view import lines

SCRIPT = Path(__file__).parents[2] / "scripts" / "trace.py"
TRACE = Trace("trace:1", 1.78e9, Subject("Example Account", "account"), candidates=(Candidate(1, "Other", 9.0, "strong", "w", 1.0),))
ELSEWHERE = {"config", "database"}
"""What pywikibot's own parameters and those of all scripts stand for."""
NAMED = {"account": "-account", "wiki": "-askwiki", "against": "-with", "diffs": "-nodiffs", "as_json": "-json"}


@pytest.fixture
def script(office: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Run it with an answer at hand; exit code, output, what was asked."""

    def run(*words: str, trace: Trace = TRACE) -> tuple[int, str, dict[str, Any]]:
        asked: dict[str, Any] = {}

        def answer(_settings: Any, account: str, why: str, **more: Any) -> Trace:
            asked.update(account=account, why=why, **more)
            return trace

        monkeypatch.setattr(trace_account, "answer", answer)
        # It would ask the configured wiki who we are.
        monkeypatch.setattr(pywikibot, "handle_args", list)
        main = runpy.run_path(str(SCRIPT))["main"]
        code = 0
        try:
            main(*words)
        except SystemExit as end:
            code = int(end.code or 0)
        return code, "".join(office.capture.readouterr()), asked

    return run


def test_it_knows_all_options_of_the_command() -> None:
    words = runpy.run_path(str(SCRIPT))["__doc__"]
    options = [name for name in inspect.signature(trace_account.account_command).parameters if name not in ELSEWHERE]
    assert [name for name in options if NAMED.get(name, f"-{name}") not in words] == []


def test_it_asks_and_tells_the_same(script: Any) -> None:
    code, out, asked = script(
        "-account:Example Account", "-why:case 12", "-askwiki:dewiki", "-with:Other", "-with:Third", "-fresh", "-top:3", "-nodiffs"
    )
    assert code == 0
    assert asked == {"account": "Example Account", "why": "case 12", "wikis": ["dewiki"], "against": ["Other", "Third"], "fresh": True}
    assert all(line in out for line in lines(TRACE, top=3, diffs=False) if line)


def test_json_and_picture(script: Any, tmp_path: Path) -> None:
    trace = Trace(TRACE.id, TRACE.asked, TRACE.subject, grouping=Grouping(svg="<svg/>"), candidates=TRACE.candidates)
    _, out, _ = script("Example Account", "-why:case 12", "-json", f"-picture:{tmp_path / 'a.svg'}", trace=trace)
    assert of_json(json.loads(out[out.index("{") : out.rindex("}") + 1])) == trace
    assert (tmp_path / "a.svg").read_text() == "<svg/>"


@pytest.mark.parametrize(
    ("trace", "code"),
    [
        (TRACE, 0),
        (Trace("t", 1.0, Subject("A", "account", "missing")), 1),
        (Trace("t", 1.0, Subject("A", "account"), silent=(Silent("dewiki", "down"),)), 3),
        (Trace("t", 1.0, Subject("A", "account", "unknown")), 4),
    ],
)
def test_it_ends_as_the_command_does(script: Any, trace: Trace, code: int) -> None:
    assert script("A", "-why:case 12", trace=trace)[0] == code == trace_account.exit_of(trace)


@pytest.mark.parametrize(
    "words", [("Example Account",), ("-why:case 12",), ("A", "-why:x", "-unknown"), ("A", "-why:case 12", "-language:xx")]
)
def test_what_it_cannot_use(script: Any, words: tuple[str, ...]) -> None:
    assert script(*words)[0] == 2
