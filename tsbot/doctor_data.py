"""The doctor's look at data files: what processes of this machine work with, against what lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator

from tsbot.doctor import Diagnosis, State
from tsbot.reload import PATROL, differing, living, of_console
from tsbot.settings import Settings

RELOAD = "Reload it: systemctl reload tsbot-patrol (or its own unit), or kill -HUP {pid}."


def check_data(settings: Settings) -> Iterator[Diagnosis]:
    """For each process that uses this data folder: which data files it refused, or has not read yet."""
    try:
        files = (*PATROL, *of_console())
    except ModuleNotFoundError:  # no console, no reception
        files = (*PATROL,)
    for one in living(settings):
        check = f"data.{one.role}"
        if one.refused:
            words = f"process {one.pid} works with older files, since newer ones are wrong: {' '.join(one.refused)}"
            yield Diagnosis(check, State.PROBLEM, words, f"Mend the file. {RELOAD.format(pid=one.pid)}")
        elif others := differing(one, files):
            words = f"process {one.pid} has not read what was changed since: {', '.join(others)}"
            yield Diagnosis(check, State.WARNING, words, RELOAD.format(pid=one.pid))
        else:
            yield Diagnosis(check, State.OK, f"process {one.pid} works with the {len(one.versions)} sorts of data files that lie here")
