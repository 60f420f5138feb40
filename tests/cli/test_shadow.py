"""``tsbot shadow report``, after a patrol with a real candidate: another language pack."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

BEGONE = """
[[construction]]
kind = "violence"
stance = "intent"
strength = 0.9
patterns = ["begone"]
"""


def try_out(office: Any, make: Any) -> None:
    """Patrol with the packs that tsbot has and a sentence more."""
    packs = office.folder / "packs"
    shutil.copytree(Path(str(resources.files("tsbot.detect").joinpath("packs"))), packs)
    with (packs / "en.toml").open("a", encoding="utf-8") as file:
        file.write(BEGONE)
    office.configure('[detect]\nshadow_packs = "packs"\n')
    messages = (make.change(2, comment=make.threat), make.change(3, comment="begone"), make.change(4))
    assert office.patrol("--stream", office.record(*messages)).code == 0


def test_a_candidate_is_compared_and_flags_nothing(office: Any, make: Any) -> None:
    try_out(office, make)
    (report,) = office.run("shadow", "report", "--json").lines
    assert (report["failed"], report["skipped"]) == (0, 0)
    diffs = {diff["kind"]: diff for diff in report["diffs"] if diff["only_live"] or diff["only_candidate"]}
    assert diffs["violence"]["subjects_only_candidate"] == ["enwiki:rev:100003"]
    assert sum(diff["both"] for diff in report["diffs"]) == 1
    assert [line["subject"] for line in office.run("flags", "list", "--json").lines] == ["enwiki:rev:100002"]


def test_a_report_for_the_eye_has_ids_and_no_text(office: Any, make: Any) -> None:
    try_out(office, make)
    result = office.run("shadow", "report")
    assert (result.code, "+enwiki:rev:100003" in result.out, "only candidate" in result.out) == (0, True, True)
    assert "begone" not in result.out


def test_a_candidate_that_cannot_be_loaded_leaves_the_patrol_alone(office: Any, make: Any) -> None:
    office.configure('[detect]\nshadow_model = "nowhere"\n')
    assert office.patrol("--stream", office.record()).code == 0
    (report,) = office.run("shadow", "report", "--json").lines
    assert report["candidate"] == "(not loaded)"
    assert report["failed"] > 0
    assert len(office.run("flags", "list", "--json").lines) == 1


def test_no_candidate(office: Any) -> None:
    result = office.run("shadow", "report")
    assert (result.code, result.out.startswith("No candidate has judged anything yet.")) == (0, True)
    assert office.run("shadow", "report", "--json").out == ""
