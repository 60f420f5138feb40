"""``tsbot doctor --offline``: each thing that can be wrong is named, with its remedy, and the exit code tells."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

import tsbot.detect
from tsbot.datafiles import data_file
from tsbot.detect import detector, model
from tsbot.store.keyfile import KeyFile

WELL = '[wiki]\ncontact = "you@example.org"\n[report]\nreporter_contact = "you@example.org"\n'


def examined(office: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and findings by name."""
    result = office.run("doctor", "--offline", "--json")
    findings = {line["check"]: line for line in result.lines}
    assert len(findings) == len(result.lines)
    for line in findings.values():
        assert set(line) == {"check", "state", "words", "remedy"}
        assert line["state"] in ("ok", "warning", "problem")
        assert line["words"]
        assert line["state"] == "ok" or line["remedy"], line
    return result.code, findings


def worrying(findings: dict[str, Any]) -> set[str]:
    return {name for name, line in findings.items() if line["state"] != "ok"}


def test_a_new_installation(office: Any) -> None:
    code, findings = examined(office)
    assert code == 0
    assert worrying(findings) == {"settings.contact", "settings.reporter", "settings.channel"}
    assert "stream" not in findings
    assert "wiki.contact" in findings["settings.contact"]["remedy"]


def test_after_a_patrol(patrolled: Any) -> None:
    patrolled.configure(WELL)
    code, findings = examined(patrolled)
    assert code == 0
    assert worrying(findings) == {"settings.channel", "dead_letters", "backup"}
    assert findings["accounting"]["words"] == "13 events received, each accounted for once"
    assert findings["dead_letters"]["state"] == "warning"
    assert "1 unknown_wiki" in findings["dead_letters"]["words"]
    assert "tsbot dead redrive" in findings["dead_letters"]["remedy"]


def test_the_terminal_says_the_same(patrolled: Any) -> None:
    patrolled.sql("UPDATE counter SET value = value + 1 WHERE name = 'cleared'")
    code, findings = examined(patrolled)
    shown = patrolled.run("doctor", "--offline")
    assert shown.code == code == 1
    flat = " ".join(shown.out.split())
    for name, line in findings.items():
        assert f"{line['state']} {name}: " in flat
        assert name in ("patrol", "disk.free") or line["words"] in flat  # those two change by the second
        assert (line["remedy"] in flat) == (line["state"] != "ok" or not line["remedy"])


def test_the_key_is_missing(patrolled: Any) -> None:
    (patrolled.data / "master.key").unlink()
    code, findings = examined(patrolled)
    assert (code, findings["database"]["state"]) == (1, "problem")
    assert "master.key does not exist. Restore it from your backup" in findings["database"]["words"]
    assert not (patrolled.data / "master.key").exists()


def test_the_key_is_another(patrolled: Any) -> None:
    (patrolled.data / "master.key").unlink()
    key = KeyFile(patrolled.data / "master.key").create()
    code, findings = examined(patrolled)
    assert (code, findings["database"]["state"]) == (1, "problem")
    assert f"the key file holds {key.fingerprint}" in findings["database"]["words"]
    assert "put the right key file back" in findings["database"]["words"]


def test_the_key_can_be_read_by_others(patrolled: Any) -> None:
    (patrolled.data / "master.key").chmod(0o644)
    code, findings = examined(patrolled)
    assert (code, findings["database"]["state"]) == (1, "problem")
    assert "chmod 600" in findings["database"]["words"]


def test_the_key_is_damaged(patrolled: Any) -> None:
    (patrolled.data / "master.key").write_text("rubbish\n")
    code, findings = examined(patrolled)
    assert (code, "master.key is damaged" in findings["database"]["words"]) == (1, True)


def test_the_data_folder_can_be_read_by_others(patrolled: Any) -> None:
    patrolled.data.chmod(0o755)
    code, findings = examined(patrolled)
    assert (code, findings["disk.privacy"]["state"]) == (0, "warning")
    assert findings["disk.privacy"]["remedy"].startswith("Run: chmod 700 ")


def test_the_books_do_not_balance(patrolled: Any) -> None:
    patrolled.sql("UPDATE counter SET value = value + 1 WHERE name = 'cleared'")
    code, findings = examined(patrolled)
    assert (code, findings["accounting"]["state"]) == (1, "problem")
    assert findings["accounting"]["words"] == "13 events received, but the parts do not add up"


def test_a_database_of_a_newer_tsbot(patrolled: Any) -> None:
    patrolled.sql("UPDATE alembic_version SET version_num = 'from_the_future'")
    code, findings = examined(patrolled)
    assert (code, findings["database"]["state"]) == (1, "problem")
    assert "schema from_the_future, unknown to this version of tsbot. Install the newer tsbot" in findings["database"]["words"]


def test_a_database_that_is_none(patrolled: Any) -> None:
    for path in patrolled.data.glob("tsbot.sqlite*"):
        path.unlink()
    (patrolled.data / "tsbot.sqlite").write_bytes(b"This is a letter to the editor." * 100)
    code, findings = examined(patrolled)
    assert (code, findings["database"]["state"]) == (1, "problem")


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_the_model_is_missing_or_damaged(office: Any, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    package = office.folder / "package"
    installed = Path(tsbot.detect.__file__).parent
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    if damage == "missing":
        (package / "models" / model.NGRAMS).unlink()
    else:
        (package / "models" / model.NGRAMS).write_bytes(b"something else")
    there = data_file("model", package / "models")(lambda: model.load_model(package / "models"))
    monkeypatch.setattr(detector, "shipped_model", there)
    result = office.run("doctor", "--offline", "--json")
    (finding,) = (line for line in result.lines if line["check"] == "detector")
    assert (result.code, finding["state"]) == (1, "problem")
    assert model.NGRAMS in finding["words"]
    assert "Reinstall tsbot" in finding["remedy"]


def test_what_waits_for_people(patrolled: Any) -> None:
    long_ago = time.time() - 7200
    patrolled.sql("UPDATE report SET created = ?", long_ago)
    patrolled.sql("UPDATE cursor SET updated = ?", long_ago)
    patrolled.sql("INSERT INTO gap (source, since, until, reason, noticed, note) VALUES ('x', 1, 2, 'silence', 3, '')")
    code, findings = examined(patrolled)
    assert code == 0
    assert {"reports.held", "patrol", "gaps"} <= worrying(findings)
    patrolled.sql("UPDATE report SET state = 'dead'")
    code, findings = examined(patrolled)
    assert (code, findings["reports.dead"]["state"]) == (1, "problem")
    assert "tsbot reports retry" in findings["reports.dead"]["remedy"]


def test_a_problem_is_not_hidden_by_a_later_warning(patrolled: Any) -> None:
    patrolled.sql("UPDATE counter SET value = value + 1 WHERE name = 'cleared'")
    patrolled.data.chmod(0o755)  # a warning, and it comes after the problem
    assert examined(patrolled)[0] == 1
