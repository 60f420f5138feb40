"""What a detector is worth: the command, and the rows of a detector that is always right or always wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import pytest
from typer.testing import CliRunner

from tsbot.cli.app import app
from tsbot.detect.finding import Facets, Finding, Kind, Stance
from tsbot.detect.learn.datasets import Example
from tsbot.detect.measure import Scored, rows
from tsbot.errors import InputError


def example(number: int, source: str, threat: bool, sort: str = "") -> Example:
    answers = {"threat": float(threat)} | ({"violence": 1.0} if threat else {})
    facets = Facets(target=1, how=number % 2 == 0, stance=Stance.INTENT) if threat else None
    grade = float(number % 4) if threat else None
    return Example(f"{source} {number}", MappingProxyType(answers), 1.0, source, "en", True, threat, facets, grade, grade, sort)


EXAMPLES = [
    *(example(number, "annotated/jigsaw", number < 20) for number in range(40)),
    *(example(number, "jigsaw/other", False) for number in range(30)),
    *(example(number, "talk", False) for number in range(50)),
    *(example(number, "sentences/threat", True) for number in range(12)),
    *(example(number, "sentences/idiom", False, "idiom") for number in range(12)),
]


def told(one: Example, *, right: bool) -> Finding:
    if one.threat != right:
        return Finding(MappingProxyType({Kind.VIOLENCE: 0.01}))
    facets = one.facets or Facets()
    grade = int(one.plausibility or 0)
    return Finding(MappingProxyType({Kind.VIOLENCE: 0.9}), (Kind.VIOLENCE,), facets.specificity, grade, grade, facets)


@pytest.mark.parametrize(("right", "worth"), [(True, 1.0), (False, 0.0)])
def test_a_detector_that_is_always_right_or_wrong(right: bool, worth: float) -> None:
    found = {(row.name, row.figure): row for row in rows(Scored(EXAMPLES, [told(one, right=right) for one in EXAMPLES]), 20)}
    assert found["Wikipedia talk", "AUROC"].interval.value == worth
    assert found["annotated threats against hard look-alikes", "AUROC"].interval.value == worth
    assert found["ordinary talk comments", "false positives at 90 % recall"].interval.value == 1 - worth
    assert found["harmless violence words", "false positives at 90 % recall"].interval.value == 1 - worth
    assert found["kind among threats, annotated", "accuracy"].interval.value == worth
    assert found["sentences, en", "flagged"].interval.value == worth
    assert found["sentences, en", "flagged falsely"].interval.value == 1 - worth
    for grade in ("specificity", "plausibility", "imminence"):
        assert (found[f"{grade}, annotated", "kappa"].interval.value == 1) == right
    assert found["Wikipedia talk", "AUROC"].threats == 20


def test_the_command_prints_writes_and_draws(data: Path, tmp_path: Path) -> None:
    figures, plots = tmp_path / "figures.json", tmp_path / "plots"
    command = ["evaluate", str(data), "--rounds", "10", "--json", str(figures), "--plots", str(plots)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    names = {row["name"] for row in json.loads(figures.read_text())["rows"]}
    assert {"sentences, de", "kind among threats, project sentences", "harmless violence words"} <= names
    assert (plots / "languages.png").read_bytes().startswith(b"\x89PNG")


def test_findings_of_another_detector(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    lines = [{"text": f"talk about section {n} of the page", "threat": 0.0, "kind": "none"} for n in range(30)]
    lines += [{"text": f"I will hurt you on day {word}", "threat": 0.9, "kind": "violence"} for word in "abcdefgh"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = CliRunner().invoke(app, ["evaluate", str(data), "--all", "--rounds", "10", "--findings", str(path)], catch_exceptions=False)
    assert "0.00 %" in result.output
    path.write_text('{"text": "no threat"}')
    with pytest.raises(InputError, match="line 1: not a finding"):
        CliRunner().invoke(app, ["evaluate", str(data), "--findings", str(path)], catch_exceptions=False)
