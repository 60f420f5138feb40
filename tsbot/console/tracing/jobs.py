"""Questions under way: each in a thread of its own, so that a page can show what wikis have answered so far.

An answer is kept in memory, for minutes, for whoever asked; nothing of it is stored. A console that is started again has forgotten it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from tsbot.errors import AnswerGoneError, TooManyError, TsbotError
from tsbot.trace.answer import Trace
from tsbot.trace.early import Tell
from tsbot.trace.question import Asked, Tracer
from tsbot.wiki.history import Progress

KEPT_SECONDS = 1800.0
AT_ONCE = 2
"""Questions that are worked on at the same time; others wait."""
A_PERSON = 2
"""Questions that one person may have under way."""
MOST = 10
"""Answers that are kept for one person."""
BUSY_SECONDS = 10.0

MakeTracer = Callable[[Progress, Tell], Tracer]


class State(StrEnum):
    """How far a question is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One round of questions to wikis."""

    what: str
    done: int
    of: int


@dataclass
class Job:
    """A question. ``version`` grows with everything that changes."""

    id: str
    person_id: str
    asked: Asked
    began: float
    """Seconds since the epoch."""
    state: State = State.WAITING
    version: int = 0
    trace: Trace | None = None
    """The answer; while the question is under way, what is known already."""
    trouble: str = ""
    """Why it failed, in words."""
    _steps: dict[str, Step] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self.state in (State.DONE, State.FAILED)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done, and is being done, in its order."""
        with self._lock:
            return tuple(self._steps.values())

    def wait(self, seconds: float) -> bool:
        """Wait until it is over; whether it is."""
        return self._done.wait(seconds)

    def run(self, make: MakeTracer) -> None:
        """Ask. Never raises."""
        self._set(State.RUNNING)
        try:
            self.trace = make(self._progress, self._early).ask(self.asked)
        except TsbotError as error:
            self.trouble = str(error)
        except Exception as error:  # whoever waits must be told that nothing comes
            structlog.get_logger().error("console.trouble", error=type(error).__name__)
            self.trouble = "Something went wrong here; nothing was done."
        self._set(State.FAILED if self.trouble else State.DONE)
        self._done.set()

    def _progress(self, what: str, done: int, of: int) -> None:
        with self._lock:
            self._steps[what] = Step(what, done, of)
            self.version += 1

    def _early(self, trace: Trace) -> None:
        self.trace = trace
        self.version += 1

    def _set(self, state: State) -> None:
        self.state = state
        self.version += 1


class Jobs:
    """The questions of a console. ``clock`` gives seconds since the epoch. Thread-safe."""

    def __init__(self, make: MakeTracer, clock: Callable[[], float]) -> None:
        self._make, self._clock = make, clock
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(AT_ONCE)

    def start(self, person_id: str, asked: Asked) -> Job:
        """Begin to ask. Raises ``TooManyError`` where somebody has enough under way."""
        job = Job(str(uuid.uuid4()), person_id, asked, self._clock())
        with self._lock:
            self._forget()
            mine = [one for one in self._jobs.values() if one.person_id == person_id]
            if sum(not one.over for one in mine) >= A_PERSON:
                raise TooManyError(f"{A_PERSON} questions of yours are under way. Wait for an answer.", BUSY_SECONDS)
            for old in [one for one in mine if one.over][: max(0, len(mine) + 1 - MOST)]:
                del self._jobs[old.id]
            self._jobs[job.id] = job
        threading.Thread(target=self._in_turn, args=(job,), name="trace-job", daemon=True).start()
        return job

    def get(self, person_id: str, job_id: str) -> Job:
        """A question of somebody. Raises ``AnswerGoneError``, which is the same for one that is another person's."""
        with self._lock:
            self._forget()
            job = self._jobs.get(job_id)
        if job is None or job.person_id != person_id:
            raise AnswerGoneError("There is no such answer, or not any more: it is kept for half an hour, for whoever asked. Ask again.")
        return job

    def of(self, person_id: str) -> list[Job]:
        """Somebody's questions that are kept, the newest first."""
        with self._lock:
            self._forget()
            return [job for job in reversed(self._jobs.values()) if job.person_id == person_id]

    def _in_turn(self, job: Job) -> None:
        with self._turns:
            job.run(self._make)

    def _forget(self) -> None:
        now = self._clock()
        for job in [job for job in self._jobs.values() if job.over and not 0 <= now - job.began <= KEPT_SECONDS]:
            del self._jobs[job.id]
