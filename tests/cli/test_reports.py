"""``tsbot reports`` after a real patrol; tests/report/test_cli.py has the details."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any


def test_from_finding_to_letter(patrolled: Any) -> None:
    (held,) = patrolled.run("reports", "list", "--state", "held", "--json").lines
    assert (held["kind"], held["channel"], held["released_by"]) == ("violence", "spool", None)
    preview = patrolled.run("reports", "preview", held["id"][:8])
    assert preview.code == 0
    assert "https://en.wikipedia.org/w/index.php?diff=100002" in preview.out
    (released,) = patrolled.run("reports", "release", held["id"], "--json").lines
    assert released == {"id": held["id"], "done": True}
    (draft,) = patrolled.data.joinpath("spool").glob("*.eml")
    assert draft.read_bytes().startswith(b"X-Tsbot-State: held")  # the patrol sends, not the command
    assert patrolled.patrol("--stream", "events.jsonl").code == 0
    (letter,) = patrolled.data.joinpath("spool").glob("*.eml")
    message = message_from_bytes(letter.read_bytes(), policy=policy.default)
    assert held["id"] in message["Message-ID"]
    assert message["X-Tsbot-State"] is None
    (sent,) = patrolled.run("reports", "list", "--json").lines
    assert (sent["id"], sent["state"]) == (held["id"], "sent")
    assert patrolled.run("reports", "release", held["id"]).code == 1


def test_show_as_json(patrolled: Any) -> None:
    (held,) = patrolled.run("reports", "list", "--json").lines
    (shown,) = patrolled.run("reports", "show", held["id"], "--json").lines
    assert shown == held
    (whole,) = patrolled.run("reports", "show", held["id"], "--text", "--json").lines
    assert "Reported user: Editor 2" in whole["text"]


def test_no_reports(office: Any) -> None:
    assert office.run("reports", "list").out == "No reports.\n"
    assert office.run("reports", "list", "--json").out == ""
    assert office.run("reports", "show", "ffffffff").code == 1
