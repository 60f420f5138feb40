"""``tsbot cases``, as the people of a team use it."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from tsbot.cli import common

CANARY = "canary-6634"


@pytest.fixture
def acting(patrolled: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command as somebody."""

    def run(who: str, *words: str) -> Any:
        monkeypatch.setattr(common, "operator", lambda: who)
        return patrolled.run("cases", *words)

    return run


@pytest.fixture
def case_id(acting: Any) -> str:
    """The one case of the patrol, which is of violence and of high priority; its text was partly hidden."""
    (line,) = acting("ann", "list", "--json").lines
    return str(line["id"])


def version(acting: Any, case_id: str) -> str:
    (shown,) = acting("zoe", "show", case_id, "--json").lines
    return str(shown["version"])


def test_the_queue_has_ids_and_times_and_nothing_private(acting: Any, make: Any) -> None:
    (line,) = acting("ann", "list", "--json").lines
    assert (line["kind"], line["wiki"], line["state"], line["lease"], line["flags"], line["held"]) == ("violence", "enwiki", "new", None, 1, 1)
    shown = acting("ann", "list")
    assert shown.code == 0
    for words in ("priority", "due", "lease", line["id"][:8], "violence", "enwiki"):
        assert words in shown.out
    for private in (make.threat, "hurt", "Editor 2", "Talk:Example 2"):
        assert private not in shown.out + json.dumps(line)


def test_an_empty_queue(office: Any) -> None:
    assert office.run("cases", "list").out == "No cases.\n"
    assert office.run("cases", "list", "--json").out == ""


def test_a_case_without_and_with_its_text(acting: Any, case_id: str, make: Any, patrolled: Any) -> None:
    plain = acting("ann", "show", case_id[:8])
    assert plain.code == 0
    for words in ("of violence on enwiki, new", "+28  the kind violence", "TLP:AMBER+STRICT", "became partly_hidden (by stream",
                  "next: tsbot hide suggest enwiki 100002", "next: tsbot trace enwiki:rev:100002", "Release the letter first", "case.opened by tsbot"):  # fmt: skip
        assert words in plain.out
    for private in (make.threat, "Editor 2", "Talk:Example 2"):
        assert private not in plain.out
    read = acting("ann", "show", case_id, "--text")
    assert all(words in read.out for words in (make.threat, "user: Editor 2", "page: Talk:Example 2", "triage, version 2"))
    assert patrolled.sql("select actor, act from audit where object = ? order by number", case_id)[-2:] == [
        ("ann", "case.triaged"), ("ann", "case.revealed")
    ]  # fmt: skip


def test_from_claim_to_closed(acting: Any, case_id: str) -> None:
    assert acting("ann", "claim", case_id[:8]).out.endswith("yours for 10 minutes (triage, version 2)\n")
    assert acting("ann", "list", "--mine", "--json").lines[0]["lease"] == "ann"
    refused = acting("bob", "note", case_id, "me too")
    assert (refused.code, "ann works on case" in refused.err) == (1, True)
    assert acting("ann", "open", case_id).code == 0
    assert acting("ann", "note", case_id, f"told the desk {CANARY}").code == 0
    assert CANARY not in acting("ann", "show", case_id).out
    assert CANARY in acting("ann", "show", case_id, "--text").out
    (closed,) = acting("ann", "close", case_id, "--outcome", "handled", "--json").lines
    assert (closed["state"], closed["outcome"], closed["lease_by"]) == ("closed", "handled", None)
    assert acting("ann", "list", "--json").lines == []
    assert [line["id"] for line in acting("ann", "list", "--state", "closed", "--json").lines] == [case_id]
    assert acting("ann", "reopen", case_id).code == 0


def test_two_people_at_once_the_second_is_told(acting: Any, case_id: str) -> None:
    seen = version(acting, case_id)
    assert acting("ann", "close", case_id, "--outcome", "handled", "--seen", seen).code == 0
    late = acting("bob", "close", case_id, "--outcome", "no_action", "--seen", seen)
    assert (late.code, "case.closed by ann at" in late.err) == (1, True)
    unseen = acting("carl", "reopen", case_id)
    assert (unseen.code, "--seen" in unseen.err) == (2, True)


def test_a_high_priority_is_dismissed_by_two(acting: Any, case_id: str) -> None:
    words = ("close", case_id, "--outcome", "false_positive", "--seen", version(acting, case_id))
    asked = acting("ann", *words)
    assert (asked.code, "needs a second person" in asked.err) == (1, True)
    assert "dismiss_high, asked for by ann: waits for a second person" in acting("ann", "show", case_id).out
    assert acting("ann", "approve", case_id).code == 2
    (given,) = acting("bob", "approve", case_id[:8], "--json").lines
    assert given == {"object": case_id, "act": "dismiss_high", "asked_by": "ann"}
    assert acting("ann", *words[:-1], version(acting, case_id)).code == 0


def test_a_letter_that_needs_two_people(patrolled: Any, case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patrolled.configure('[cases]\ntwo_person = ["send_report"]\n')
    (held,) = patrolled.run("reports", "list", "--json").lines

    def release(who: str) -> Any:
        monkeypatch.setattr(common, "operator", lambda: who)
        return patrolled.run("reports", "release", held["id"])

    for _ in range(2):
        asked = release("ann")
        assert (asked.code, "second person" in asked.err) == (1, True)
        assert patrolled.run("reports", "list", "--json").lines[0]["state"] == "held"
    assert release("bob").code == 0
    (queued,) = patrolled.run("reports", "list", "--json").lines
    assert (queued["state"], queued["released_by"]) == ("queued", "bob")
    assert patrolled.run("cases", "list", "--json").lines[0]["state"] == "open"


def test_a_letter_of_a_dismissed_case_is_not_released(patrolled: Any, acting: Any, case_id: str) -> None:
    patrolled.configure("[cases]\ntwo_person = []\n")
    closed = acting("ann", "close", case_id, "--outcome", "dismissed", "--seen", version(acting, case_id))
    assert "1 letter of it still waits for release" in closed.out
    (held,) = patrolled.run("reports", "list", "--json").lines
    refused = patrolled.run("reports", "release", held["id"])
    assert (refused.code, "closed as dismissed" in refused.err) == (1, True)


def test_a_party_handles_nothing_and_reads_nothing(patrolled: Any, acting: Any, case_id: str) -> None:
    patrolled.configure('[people]\nann = ["Editor 2"]\n')
    (held,) = patrolled.run("reports", "list", "--json").lines
    for words in (("claim", case_id), ("note", case_id, "x"), ("show", case_id, "--text")):
        refused = acting("ann", *words)
        assert (refused.code, refused.out, "You are a party" in refused.err) == (1, "", True)
    for words in (("flags", "show", "enwiki:rev:100002"), ("reports", "show", held["id"], "--text"), ("reports", "preview", held["id"])):
        refused = patrolled.run(*words)
        assert (refused.code, refused.out) == (1, "")
    assert patrolled.run("reports", "release", held["id"]).code == 1
    assert acting("bob", "claim", case_id).code == 0


def test_reading_a_flag_or_a_letter_is_noted_in_the_log(patrolled: Any, case_id: str) -> None:
    (held,) = patrolled.run("reports", "list", "--json").lines
    patrolled.run("flags", "show", "enwiki:rev:100002")
    patrolled.run("reports", "show", held["id"], "--text")
    patrolled.run("reports", "preview", held["id"])
    patrolled.run("reports", "show", held["id"])
    patrolled.run("reports", "release", held["id"])
    acts = patrolled.sql("select act from audit where actor != 'tsbot' order by number")
    assert [act for (act,) in acts] == [
        "case.triaged", "flag.revealed", "report.revealed", "report.revealed", "report.released", "case.taken_up"
    ]  # fmt: skip


def test_a_report_from_outside(acting: Any, monkeypatch: pytest.MonkeyPatch, patrolled: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"They wrote {CANARY}\x1b[2J \xff".encode("latin-1"))))
    words = ("open", "--report", "-", "--kind", "harassment", "--wiki", "enwiki", "--author", f"[x] {CANARY}\u202e", "--json")
    (opened,) = acting("ann", *words).lines
    assert (opened["state"], opened["kind"], opened["source"]) == ("open", "harassment", "intake")
    assert CANARY not in acting("ann", "show", opened["id"]).out
    shown = acting("ann", "show", opened["id"], "--text").out
    assert f"They wrote {CANARY}" in shown
    assert f"accused: [x] {CANARY}\\u{{202E}}" in shown
    assert not set("\x1b\u202e") & set(shown)
    (whole,) = acting("ann", "show", opened["id"], "--text", "--json").lines
    assert whole["outside_report"]["author"] == f"[x] {CANARY}\u202e"
    for file in (patrolled.data / "tsbot.sqlite", patrolled.data / "tsbot.sqlite-wal"):
        assert not file.exists() or CANARY.encode() not in file.read_bytes()


def test_merge_and_split(acting: Any, case_id: str, patrolled: Any, make: Any) -> None:
    patrolled.patrol("--stream", patrolled.record(make.change(50, comment="we are going to burn down your house tonight"), name="more.jsonl"))
    (other,) = [line["id"] for line in acting("ann", "list", "--json").lines if line["id"] != case_id]
    assert acting("ann", "claim", other).code == 0
    (merged,) = acting("ann", "merge", other, case_id, "--json").lines
    assert merged["id"] == case_id
    (shown,) = acting("ann", "show", case_id, "--json").lines
    assert (shown["flag_count"], shown["merged"]) == (2, [other])
    (flag,) = [flag["id"] for flag in shown["flags"] if flag["subject"] == "enwiki:rev:100050"]
    (new,) = acting("ann", "split", case_id, flag[:8], "--json").lines
    assert [line["flags"] for line in acting("ann", "list", "--json").lines] == [1, 1]
    assert len(acting("ann", "show", new["id"], "--json").lines[0]["reports"]) == 1


def test_labels_and_holds(acting: Any, case_id: str) -> None:
    acting("ann", "claim", case_id)
    (marked,) = acting("ann", "mark", case_id, "--tlp", "red", "--json").lines
    assert marked["tlp"] == "red"
    asked = acting("ann", "hold", case_id, "--until", "2099-12-31")
    assert (asked.code, "second person" in asked.err) == (1, True)
    (held,) = acting("bob", "hold", case_id, "--until", "2099-12-31", "--seen", str(marked["version"]), "--json").lines
    assert held["hold_until"] == 4102444800.0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("show", "ffff"), "no case"),
        (("claim", "'; drop table case_file; --"), "no case"),
        (("claim", ""), "no case"),
        (("claim", "%"), "no case"),
        (("note", "ID", ""), "empty"),
        (("close", "ID", "--outcome", "solved", "--seen", "1"), "false_positive"),
        (("close", "ID", "--outcome", "merged", "--seen", "1"), "closes with one of"),
        (("mark", "ID"), "--tlp"),
        (("mark", "ID", "--tlp", "purple"), "amber+strict"),
        (("hold", "ID"), "--until"),
        (("hold", "ID", "--until", "31.12.2099"), "2027-01-31"),
        (("merge", "ID", "ID", "--seen", "1"), "itself"),
        (("split", "ID", "ffff", "--seen", "1"), "No flag"),
        (("approve", "ID"), "Nothing about"),
        (("open",), "--diff"),
        (("open", "ID", "--report", "-"), "--diff"),
        (("open", "--report", "-"), "--kind"),
        (("open", "--diff", "not a link"), "diff"),
        (("list", "--state", "lost"), "lost"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used_is_said(acting: Any, case_id: str, words: tuple[str, ...], named: str) -> None:
    result = acting("ann", *(case_id if word == "ID" else word for word in words))
    assert (result.code, result.out) == (2, "")
    assert named in result.err
