"""A patrol that kills itself with SIGKILL at a given moment; run by test_kill.py, never imported.

Usage: victim.py FOLDER EVENTS TEXTS MOMENT OCCURRENCE (moment ``none`` runs undisturbed).
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tsbot.cases.filing
import tsbot.pipeline
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.duties import open_duties
from tsbot.parts import Stop, open_pipeline, open_wikis
from tsbot.patrol import Options, _Patrol
from tsbot.report.channels import SpoolChannel
from tsbot.report.deliver import Deliverer, DeliveryThread
from tsbot.settings import ReleaseRule, ReportSettings, Settings
from tsbot.store import claims, ledger, outbox
from tsbot.store.opening import open_store
from tsbot.stream.replay import FileSource
from tsbot.text.passage import Field
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState


class Words:
    """Flags one harmless word."""

    version = "word-1"

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """One finding per text."""
        return [
            Finding(
                kinds={Kind.VIOLENCE: 0.9 if "walrus" in text else 0.0},
                flagged=(Kind.VIOLENCE,) if "walrus" in text else (),
                coverage=Coverage.SCORED,
            )
            for text in texts
        ]


class Texts:
    """Texts from a file."""

    def __init__(self, path: Path) -> None:
        self._texts: dict[str, str] = json.loads(path.read_text())

    def batch_size(self, wiki: str) -> int:
        """Small, so that there are many requests to be killed in."""
        return 3

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """The text of each."""
        return [FetchedRevision(ref, RevisionState.PRESENT, text=self._texts[str(ref.rev_id)]) for ref in refs]


def die_in(owner: Any, name: str, occurrence: int, *, after: bool) -> None:
    """Replace a function by one that dies before, or after, doing its work for the ``occurrence``-th time."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def deadly(*args: Any, **more: Any) -> Any:
        mine = next(calls) == occurrence
        if mine and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **more)
        if mine and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def main() -> None:
    """Run the patrol."""
    folder, events, texts, moment, occurrence = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    rules = {"violence": ReleaseRule()}
    settings = Settings(data_dir=str(folder), report=ReportSettings(release=rules))
    database = open_store(settings)
    wikis = open_wikis(settings)
    pipeline = open_pipeline(settings, database, wikis, fetch=True, detector=Words(), revisions=Texts(texts))
    spool = SpoolChannel(settings.spool_path)
    deliverer = Deliverer(database, settings, {"spool": spool}, account_status=None, clock=time.time, rng=random.Random(1))
    moments: dict[str, tuple[Any, str, bool]] = {
        "before_sorting": (pipeline.intake, "sort", False),
        "after_judging": (tsbot.pipeline, "judge", True),
        "inside_the_batch_transaction": (ledger, "add_pending", True),
        "after_flags_before_commit": (tsbot.pipeline, "file_flags", True),
        "after_the_batch_commit": (pipeline.intake, "remember", False),
        "inside_the_text_transaction": (claims, "remove", True),
        "after_the_text_commit": (pipeline.waiting, "let_go", False),
        "after_a_letter_was_handed_over": (spool, "send", True),
        "before_a_letter_is_handed_over": (spool, "send", False),
        "after_a_letter_was_noted": (outbox, "mark_sent", True),
    }
    if moment != "none":
        owner, name, after = moments[moment]
        die_in(owner, name, occurrence, after=after)
    source = FileSource(events)
    options = Options(events, summary=folder / "summary.json")
    duties = open_duties(settings, database, wikis, pipeline, source.name, ask_wikis=False, sleep=time.sleep, busy=lambda: False)
    patrol = _Patrol(settings, options, database, pipeline, source, wikis, deliverer, DeliveryThread(deliverer), duties)
    patrol.run(Stop(), None)
    patrol.finish()


if __name__ == "__main__":
    main()
