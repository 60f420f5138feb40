"""``tsbot patrol`` on recorded streams: exact accounting, restarts, bad input, stopping, and clear words."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import time
from typing import Any
from urllib.request import urlopen

import pytest
import zstandard

SUMMARY_KEYS = ["received", "duplicates", "skipped", "cleared", "flagged", "outcome", "failed", "pending", "gaps", "cursor"]


def summary(office: Any, *words: Any) -> Any:
    """Run a patrol, which must end well, and read its summary."""
    result = office.patrol(*words, "--summary", office.folder / "summary.json")
    assert result.code == 0, result.err
    return json.loads((office.folder / "summary.json").read_text())


def books_of(text: str) -> Any:
    """The part of a summary that other programs rely on, without the cursor."""
    return {name: value for name, value in json.loads(text).items() if name in SUMMARY_KEYS[:-1]}


def test_every_event_ends_in_one_place(office: Any, make: Any) -> None:
    books = summary(office, "--stream", office.record())
    assert set(SUMMARY_KEYS) <= set(books)
    assert books_of(json.dumps(books)) == make.books
    ends = sum(books["skipped"].values()) + sum(books[name] for name in ("cleared", "flagged", "outcome", "failed", "pending"))
    assert books["received"] == ends
    (flag,) = office.run("flags", "list", "--json").lines
    assert (flag["subject"], flag["kind"], flag["field"]) == ("enwiki:rev:100002", "violence", "summary")


def test_the_same_file_again_changes_nothing(office: Any) -> None:
    path = office.record()
    before = summary(office, "--stream", path)
    reports = office.run("reports", "list", "--json").lines
    assert summary(office, "--stream", path) == before
    assert office.run("reports", "list", "--json").lines == reports


def test_a_file_that_grew_is_read_from_where_it_ended(office: Any, make: Any) -> None:
    path = office.record()
    summary(office, "--stream", path)
    with path.open("ab") as file:
        file.write(make.change(20) + b"\n" + make.change(21) + b"\n")
    books = summary(office, "--stream", path)
    assert (books["received"], books["duplicates"], books["cleared"]) == (make.books["received"] + 2, 1, make.books["cleared"] + 2)


def test_the_same_events_from_another_file_are_duplicates(patrolled: Any, make: Any) -> None:
    books = summary(patrolled, "--stream", patrolled.record(name="copy.jsonl"))
    assert books["duplicates"] == 1 + len(make.recording)
    assert books["received"] == make.books["received"]


@pytest.mark.parametrize("ending", [".zst", ".gz"])
def test_compressed_recordings(office: Any, make: Any, ending: str) -> None:
    plain = office.record().read_bytes()
    path = office.folder / f"events.jsonl{ending}"
    path.write_bytes(zstandard.compress(plain) if ending == ".zst" else gzip.compress(plain))
    assert summary(office, "--stream", path)["received"] == make.books["received"]


def test_standard_input_and_output(office: Any, make: Any) -> None:
    stdin = b"".join(message + b"\n" for message in make.recording)
    result = office.process("patrol", "--stream", "-", "--no-fetch", "--idle-exit", "60", "--summary", "-", stdin=stdin)
    assert result.code == 0
    assert books_of(result.out) == make.books
    assert json.loads(result.out)["cursor"] is None


def test_without_a_summary_one_line_says_what_happened(office: Any) -> None:
    result = office.patrol("--stream", office.record())
    assert result.err.splitlines()[-1] == "13 events: 7 skipped, 2 cleared, 1 flagged, 1 outcomes, 2 failed, 0 pending"
    assert result.out == ""


def test_no_log_line_holds_text_or_names(office: Any, make: Any) -> None:
    result = office.patrol("--stream", office.record())
    assert [json.loads(line)["event"] for line in result.err.splitlines() if line.startswith("{")][-1] == "patrol.stopped"
    for private in (make.threat, "hurt", "Editor 2", "Talk:Example"):
        assert private not in result.err


def test_a_missing_file_is_a_wrong_command(office: Any) -> None:
    result = office.patrol("--stream", "nowhere.jsonl")
    assert (result.code, result.out) == (2, "")
    assert "nowhere.jsonl is neither an address (https://...) nor a file" in result.err


def test_what_comes_before_damage_is_stored(office: Any, make: Any) -> None:
    lines = b"".join(make.change(number) + b"\n" for number in range(1, 5001))
    whole = zstandard.ZstdCompressor(write_checksum=True).compress(lines)
    path = office.folder / "damaged.jsonl.zst"
    path.write_bytes(zstandard.compress(office.record().read_bytes()) + whole[: len(whole) // 2])
    result = office.patrol("--stream", path, "--summary", "-")
    assert result.code == 4
    assert "damaged" in result.err
    assert "What came before it is judged and stored" in result.err
    books = json.loads(result.out)
    assert books["flagged"] == 1
    assert len(office.run("flags", "list", "--json").lines) == 1


@pytest.mark.parametrize("form", ["other/place.sqlite", "sqlite:///other/place.sqlite"])
def test_the_database_by_path_or_url(office: Any, make: Any, form: str) -> None:
    (office.folder / "other").mkdir()
    books = summary(office, "--stream", office.record(), "--database", form)
    assert books["received"] == make.books["received"]
    assert (office.folder / "other" / "place.sqlite").is_file()
    assert not (office.data / "tsbot.sqlite").exists()
    assert len(office.run("flags", "list", "--json", "--database", form).lines) == 1


@pytest.mark.parametrize("form", ["nonsense://x", "sqlite:///events.jsonl/below-a-file.sqlite", "a-folder"])
def test_a_database_that_cannot_be_used(office: Any, form: str) -> None:
    (office.folder / "a-folder").mkdir()
    result = office.patrol("--stream", office.record(), "--database", form)
    assert result.code in (2, 4)
    assert result.err.splitlines()[-1].startswith("tsbot: The database")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(office: Any, make: Any, number: signal.Signals) -> None:
    process = office.start("patrol", "--stream", "-", "--no-fetch", "--summary", "summary.json")
    try:
        process.stdin.write(b"".join(message + b"\n" for message in make.recording))
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while received(office) < make.books["received"]:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, b"Traceback" in err) == (0, False)
    assert books_of((office.folder / "summary.json").read_text()) == make.books


def received(office: Any) -> int:
    """What the running patrol has stored so far."""
    if not office.data.joinpath("tsbot.sqlite").exists() or not office.sql("SELECT 1 FROM sqlite_master WHERE name = 'counter'"):
        return 0
    rows = office.sql("SELECT value FROM counter WHERE name = 'received'")
    return int(rows[0][0]) if rows else 0


def test_a_patrol_answers_prometheus_while_it_runs(office: Any, make: Any) -> None:
    office.configure('[metrics]\nlisten = "127.0.0.1:0"\n')
    process = office.start("patrol", "--stream", "-", "--no-fetch")
    try:
        lines = map(json.loads, iter(process.stderr.readline, b""))
        url = next(line["source"] for line in lines if line["event"] == "metrics.listening")
        process.stdin.write(b"".join(message + b"\n" for message in make.recording))
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while f"tsbot_events_received_total {make.books['received']}.0\n" not in (told := fetched(f"{url}/metrics")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert json.loads(fetched(f"{url}/readyz"))["ready"] is True
        assert fetched(f"{url}/healthz") == "ok\n"
    finally:
        process.communicate(timeout=60)
    assert process.returncode == 0
    for words in ("events_flagged_total 1.0", "events_failed 2.0", 'cases_in_state{state="new"} 1.0', "letters_unreleased 1.0"):
        assert f"tsbot_{words}\n" in told
    assert re.search(r'tsbot_passages_judged_total\{field="summary"\} [1-9]', told)
    for private in (make.threat, "hurt", "Editor 2", "enwiki", "emergency@"):
        assert private not in told


def fetched(url: str) -> str:
    """What a server on this machine answers."""
    with urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def test_metrics_that_cannot_be_served_are_a_wrong_setting(office: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        office.configure(f'[metrics]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n')
        result = office.patrol("--stream", office.record())
    assert (result.code, result.out) == (2, "")
    assert "cannot be listened on" in result.err


def test_two_patrols_on_one_database_are_refused(patrolled: Any) -> None:
    process = patrolled.start("patrol", "--stream", "-", "--no-fetch")
    try:
        for line in process.stderr:
            if b"patrol.started" in line:
                break
        result = patrolled.patrol("--stream", "events.jsonl")
        assert (result.code, "Another patrol is working on this database" in result.err) == (2, True)
        assert patrolled.run("dead", "redrive", "--no-fetch").code == 2
    finally:
        process.communicate(timeout=60)
    assert process.returncode == 0


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_without_a_network_it_names_the_demo(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("TSBOT_STREAM__URL", f"http://127.0.0.1:{port}/v2/stream/")
    result = office.run("patrol")
    assert (result.code, result.out) == (4, "")
    assert f"Cannot reach 127.0.0.1:{port}" in result.err
    assert "make demo" in result.err
    assert not office.data.exists()


def test_released_reports_land_in_the_spool_unless_simulated(office: Any) -> None:
    office.configure('[report]\nreporter_contact = "you@example.org"\n[report.release.violence]\n')
    # A process of its own: pywikibot, which is one per process, remembers that it simulates.
    words = ("patrol", "--no-fetch", "--quiet", "--stream", office.record())
    assert office.process(*words, "--simulate").code == 0
    assert list(office.data.rglob("*.eml")) == []
    assert office.patrol("--stream", office.record()).code == 0
    (letter,) = office.data.joinpath("spool").glob("*.eml")
    assert b"X-Tsbot-State: held" not in letter.read_bytes()
    assert letter.stat().st_mode & 0o777 == 0o600


def test_nothing_in_the_data_folder_is_open_to_others(patrolled: Any) -> None:
    assert patrolled.data.stat().st_mode & 0o077 == 0
    assert (patrolled.data / "master.key").stat().st_mode & 0o777 == 0o600
    for letter in (patrolled.data / "spool").iterdir():
        assert letter.stat().st_mode & 0o777 == 0o600


def test_texts_and_names_are_sealed_in_the_database(patrolled: Any, make: Any) -> None:
    stored = b"".join(path.read_bytes() for path in patrolled.data.glob("tsbot.sqlite*"))
    assert b"enwiki:rev:100002" in stored
    for private in (make.threat, "hurt you", "Editor 2", "Talk:Example 2"):
        assert private.encode() not in stored
