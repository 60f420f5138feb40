"""``tsbot keys``, ``audit``, ``purge`` and ``hold``, as an operator uses them."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tsbot.cli.common import operator
from tsbot.errors import TsbotError
from tsbot.store.database import Database

Office = Any
DAY = 86400.0


def approvals(need: Any) -> Any:
    """In the place of ``tsbot.cases.approvals``, which has tests of its own."""
    return SimpleNamespace(need=need, asking=Database.write, rules=frozenset)


@pytest.fixture
def second_person(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody who approves everything; what was asked."""
    asked: list[str] = []
    monkeypatch.setitem(sys.modules, "tsbot.cases.approvals", approvals(lambda connection, act, *more: asked.append(act)))
    return asked


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class NotApprovedError(TsbotError):
        pass

    def need(_connection: Any, act: str, *_more: Any) -> None:
        raise NotApprovedError(f"{act} waits for a second person")

    monkeypatch.setitem(sys.modules, "tsbot.cases.approvals", approvals(need))


def case_of(office: Office) -> str:
    ((case,),) = office.sql("SELECT id FROM case_file")
    return str(case)


def close(office: Office, days_ago: float = 8) -> str:
    case = case_of(office)
    then = time.time() - days_ago * DAY
    office.sql("UPDATE case_file SET state = 'closed', closed = ?, updated = ? WHERE id = ?", then, then, case)
    return case


def test_keys_are_listed_rotated_and_retired(patrolled: Office) -> None:
    (first,) = patrolled.run("keys", "list", "--json").lines
    assert (first["state"], first["data_keys"]) == ("current", 1)
    (done,) = patrolled.run("keys", "rotate", "--json").lines
    assert (done["added"], done["rewrapped"]) == (True, 1)
    listed = patrolled.run("keys", "list", "--json").lines
    assert [(key["fingerprint"], key["state"]) for key in listed] == [(done["fingerprint"], "current"), (first["fingerprint"], "old")]
    shown = patrolled.run("flags", "show", patrolled.sql("SELECT id FROM flag")[0][0])
    assert "come to your office" in shown.out
    assert patrolled.run("keys", "retire", done["fingerprint"]).code == 2
    assert patrolled.run("keys", "retire", first["fingerprint"]).code == 0
    assert [key["state"] for key in patrolled.run("keys", "list", "--json").lines] == ["current"]
    assert "come to your office" in patrolled.run("flags", "show", patrolled.sql("SELECT id FROM flag")[0][0]).out
    acts = [entry["act"] for entry in patrolled.run("audit", "list", "--json").lines]
    assert acts == ["key.rotated", "key.rewrapped", "flag.revealed", "key.retired", "flag.revealed"]


def test_a_key_for_the_environment(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    line = office.run("keys", "new").out.strip()
    assert line.startswith("tsbot-master-1:")
    monkeypatch.setenv("TSBOT_MASTER_KEY", line)
    assert office.run("keys", "list", "--json").lines[0]["state"] == "current"
    assert not (office.data / "master.key").exists()
    refused = office.run("keys", "rotate")
    assert (refused.code, "tsbot keys new" in refused.err) == (2, True)
    monkeypatch.setenv("TSBOT_MASTER_KEY", f"{office.run('keys', 'new').out.strip()} {line}")
    assert office.run("keys", "rotate").code == 0


def test_a_key_in_the_settings_file_is_refused(office: Office) -> None:
    office.configure('master_key = "tsbot-master-1:AAAA"\n')
    result = office.run("keys", "list")
    assert (result.code, "has no place in a settings file" in result.err) == (2, True)
    assert "AAAA" not in result.err


def test_the_audit_log_is_verified_against_a_head_that_was_kept(patrolled: Office) -> None:
    for _ in range(3):
        patrolled.run("flags", "show", patrolled.sql("SELECT id FROM flag")[0][0])
    head = patrolled.run("audit", "head").out.strip()
    assert head.startswith("3:")
    assert patrolled.run("audit", "verify", "--head", head).code == 0
    patrolled.sql("DELETE FROM audit WHERE number = 3")
    assert patrolled.run("audit", "verify").code == 1
    patrolled.sql("DELETE FROM fact WHERE name = 'audit_head'")
    assert patrolled.run("audit", "verify").code == 0, "the log is whole in itself"
    result = patrolled.run("audit", "verify", "--head", head, "--json")
    assert (result.code, result.lines[0]["holds"], result.lines[0]["number"]) == (1, False, 3)
    assert patrolled.run("audit", "verify", "--head", "nonsense").code == 2


def test_a_changed_entry_is_a_problem_for_the_doctor_too(patrolled: Office) -> None:
    patrolled.run("flags", "show", patrolled.sql("SELECT id FROM flag")[0][0])
    patrolled.sql("UPDATE audit SET actor = 'nobody'")
    result = patrolled.run("audit", "verify")
    assert (result.code, "entry 1 was changed" in result.err) == (1, True)
    findings = {line["check"]: line for line in patrolled.run("doctor", "--offline", "--json").lines}
    assert findings["audit"]["state"] == "problem"


def test_reveals_are_in_the_log_with_who_read(patrolled: Office) -> None:
    ((flag,),) = patrolled.sql("SELECT id FROM flag")
    report = patrolled.sql("SELECT id FROM report WHERE purpose = 'letter'")[0][0]
    patrolled.run("flags", "show", flag)
    patrolled.run("reports", "preview", report)
    patrolled.run("reports", "show", report)
    patrolled.run("flags", "list")
    entries = patrolled.run("audit", "list", "--json").lines
    expected = [("flag.revealed", flag), ("report.revealed", report)]
    assert [(entry["act"], entry["object"]) for entry in entries] == expected
    assert {entry["actor"] for entry in entries} == {operator()}
    assert [entry["act"] for entry in patrolled.run("audit", "list", "--object", flag[:8], "--json").lines] == ["flag.revealed"]
    assert "flag.revealed" in patrolled.run("audit", "list").out


def test_what_left_is_in_the_register(patrolled: Office) -> None:
    assert patrolled.run("audit", "disclosures").out.strip() == "Nothing private has left."
    for (report,) in patrolled.sql("SELECT id FROM report WHERE purpose = 'letter'"):
        assert patrolled.run("reports", "release", report).code == 0
    patrolled.patrol("--stream", patrolled.record(name="again.jsonl"))
    lines = patrolled.run("audit", "disclosures", "--case", case_of(patrolled)[:8], "--json").lines
    assert {line["what"] for line in lines} == {"user_name", "account_status"}
    assert {(line["channel"], line["decided_by"]) for line in lines} == {("spool", operator())}
    assert "user_name" in patrolled.run("audit", "disclosures").out


def test_what_is_due_is_shown_and_then_destroyed(patrolled: Office) -> None:
    assert patrolled.run("purge", "--dry-run").out.strip() == "Nothing is due."
    case = close(patrolled)
    (due,) = patrolled.run("purge", "--dry-run", "--json").lines
    assert (due["case"], due["why"]) == (case, "dismissed")
    assert patrolled.sql("SELECT purged FROM case_file") == [(None,)]
    first, last = patrolled.run("purge", "--json").lines
    assert (first["case"], first["flags"]) == (case, 1)
    assert last == {"cases": 1, "dead_letters": 0, "files": 1, "clean": True}
    ((flag,),) = patrolled.sql("SELECT id FROM flag")
    assert "destroyed with its key" in patrolled.run("flags", "show", flag).out
    assert patrolled.run("reports", "retry", "--all").code == 1
    findings = {line["check"]: line for line in patrolled.run("doctor", "--offline", "--json").lines}
    assert (findings["reports.dead"]["state"], findings["audit"]["state"], findings["retention"]["state"]) == ("ok", "ok", "ok")


def test_a_purge_before_its_time_waits_for_a_second_person(patrolled: Office, nobody: None) -> None:
    result = patrolled.run("purge", "--case", case_of(patrolled)[:8])
    assert (result.code, "waits for a second person" in result.err) == (1, True)
    assert patrolled.sql("SELECT purged FROM case_file") == [(None,)]


def test_a_purge_that_was_approved(patrolled: Office, second_person: list[str]) -> None:
    assert patrolled.run("purge", "--case", case_of(patrolled)).code == 0
    assert second_person == ["purge_early"]
    assert patrolled.run("purge", "--case", case_of(patrolled)).code == 2
    assert patrolled.run("purge", "--case", "nothing").code == 1


def test_a_hold_is_set_listed_and_lifted(patrolled: Office, second_person: list[str]) -> None:
    case = close(patrolled)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * DAY))
    assert patrolled.run("hold", "list").out.strip() == "No case is under a legal hold."
    assert patrolled.run("hold", "set", case[:8], "--until", day).code == 0
    assert [line["case"] for line in patrolled.run("hold", "list", "--json").lines] == [case]
    assert json.loads(patrolled.run("purge", "--json").out)["cases"] == 0
    assert patrolled.run("purge", "--case", case).code == 2
    assert patrolled.run("hold", "lift", case).code == 0
    assert patrolled.run("hold", "lift", case).code == 2
    assert second_person == ["legal_hold", "legal_hold"]
    assert patrolled.run("purge", "--json").lines[0]["case"] == case


def test_a_hold_that_nobody_else_approved(patrolled: Office, nobody: None) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * DAY))
    assert patrolled.run("hold", "set", case_of(patrolled), "--until", day).code == 1
    assert patrolled.run("hold", "set", case_of(patrolled), "--until", "soon").code == 2
    assert patrolled.sql("SELECT hold_until FROM case_file") == [(None,)]


def test_another_table_of_times(patrolled: Office) -> None:
    from tsbot.cases.retention import SHIPPED

    table = patrolled.folder / "times.toml"
    table.write_text(SHIPPED.read_text(encoding="utf-8").replace("dismissed = 7 ", "dismissed = 10 "), encoding="utf-8")
    patrolled.configure(f'[cases]\nretention = "{table}"\n')
    close(patrolled, 9)
    assert patrolled.run("purge", "--dry-run").out.strip() == "Nothing is due."
    table.write_text("[days]\n", encoding="utf-8")
    result = patrolled.run("purge", "--dry-run")
    assert (result.code, "times.toml" in result.err) == (2, True)


def test_the_doctor_sees_what_is_kept_too_long_and_rotations_that_are_not_finished(patrolled: Office) -> None:
    close(patrolled, 20)
    findings = {line["check"]: line for line in patrolled.run("doctor", "--offline", "--json").lines}
    assert findings["retention"]["state"] == "problem"
    assert findings["keys"]["state"] == "ok"
    patrolled.sql("UPDATE case_file SET state = 'open', closed = NULL, updated = ?", time.time() - 340 * DAY)
    key = patrolled.data / "master.key"
    key.write_text(patrolled.run("keys", "new").out + key.read_text())
    findings = {line["check"]: line for line in patrolled.run("doctor", "--offline", "--json").lines}
    assert (findings["retention"]["state"], findings["keys"]["state"]) == ("warning", "warning")
    assert findings["keys"]["remedy"] == "tsbot keys rotate"
    patrolled.run("keys", "rotate")
    findings = {line["check"]: line for line in patrolled.run("doctor", "--offline", "--json").lines}
    assert "tsbot keys retire" in findings["keys"]["remedy"]
