"""Servers end with the program that started them, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tsbot.demo.processes import ProcessGroup, stop_stale

# A server with a worker, as php -S has them. Its own name is told to be found in the command line.
SERVER = ["/bin/sh", "-c", "sleep 60 & echo $!; wait", "made-up-server"]


def gone(pid: int, patience: float = 5.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # ended; only its parent has not looked yet
            return True
        time.sleep(0.01)
    return False


def worker_of(log: Path) -> int:
    deadline = time.monotonic() + 5
    while not log.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(log.read_text())


def test_stopping_ends_server_and_workers(tmp_path: Path):
    with ProcessGroup(tmp_path) as servers:
        process = servers.start(SERVER, environment=os.environ, log=tmp_path / "log")
        worker = worker_of(tmp_path / "log")
        assert not servers.any_ended()
    assert process.returncode is not None
    assert gone(worker)
    assert not (tmp_path / "pids").exists()


def test_a_server_that_ends_by_itself_is_noticed(tmp_path: Path):
    with ProcessGroup(tmp_path) as servers:
        servers.start(["/bin/false"], environment={}, log=tmp_path / "log").wait()
        assert servers.any_ended()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_program_that_is_killed_leaves_no_server(tmp_path: Path, number: signal.Signals):
    program = f"""
import os, time
from pathlib import Path
from tsbot.demo.processes import ProcessGroup
folder = Path({str(tmp_path)!r})
ProcessGroup(folder).start({SERVER!r}, environment=os.environ, log=folder / "log")
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout.readline() == "started\n"
        worker = worker_of(tmp_path / "log")
        process.send_signal(number)
    assert gone(worker)
    assert gone(int((tmp_path / "pids").read_text()))


def test_servers_of_an_earlier_run_are_found_by_their_file(tmp_path: Path):
    with subprocess.Popen(SERVER, stdout=subprocess.DEVNULL, start_new_session=True) as left_over:
        (tmp_path / "pids").write_text(f"{left_over.pid}\n")
        # For a moment after its start, the kernel shows no command line of a process.
        command_line = Path(f"/proc/{left_over.pid}/cmdline")
        while b"made-up-server" not in command_line.read_bytes():
            time.sleep(0.01)
        assert stop_stale(tmp_path, "made-up-server") == 1
        assert left_over.wait(5) == -signal.SIGKILL
    assert stop_stale(tmp_path, "made-up-server") == 0


def test_a_process_that_only_has_the_number_is_left_alone(tmp_path: Path):
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        (tmp_path / "pids").write_text(f"{stranger.pid}\n")
        assert stop_stale(tmp_path, "made-up-server") == 0
        assert stranger.poll() is None
        stranger.kill()
