"""What outside models say of revisions: one small interface, Lift Wing and ORES-compatible hosts behind it.

An outside score is one reason among others in a flag's priority, never a condition of anything. None means unknown, and unknown is
neither low nor high.

* Lift Wing's revert-risk models: ``POST BASE/MODEL:predict`` with ``{"lang": "en", "rev_id": 1}`` gives ``output.probabilities.true``;
  400 is an unknown language or revision, 422 a revision that cannot be judged (no parent, hidden). One revision a request: flagged
  revisions are few, and one that is refused must not take others with it. Source: machinelearning/inference-services,
  ``src/models/revert_risk_model``. The models are made for articles of Wikipedias.
* ORES: ``GET HOST/v3/scores/WIKI/?revids=..&models=..``, through ``oresapi``. That library knows neither time limits nor statuses,
  and logs what it gets; so it is handed a session that does, and that raises instead.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import oresapi
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.http_client import pool, retry_after
from tsbot.settings import ScoreSettings

LIFTWING = "https://api.wikimedia.org/service/lw/inference/v1/models"
REVERT_RISK = "revertrisk-language-agnostic"
DAMAGING = "damaging"
ORES_BATCH = 20
"""Scores a request; the public shim took no more."""
LONGEST_ANSWER = 1 << 20
"""Bytes of an answer that are read."""


class RevisionScores(Protocol):
    """Asks an outside model about revisions."""

    @property
    def name(self) -> str:
        """Service and model, at most 64 characters."""

    def scores(self, wiki: str, rev_ids: Sequence[int]) -> Mapping[int, float | None]:
        """Probability (0-1) that each revision of a wiki (database name) will be reverted; None where the model has none.

        Raises ``WikiUnavailableError`` where asking again later may help; what was answered until then is in its ``answered``.
        """


class ScoresUnavailableError(WikiUnavailableError):
    """The service does not answer now. ``answered`` holds what it said before."""

    def __init__(self, message: str, retry_after: float | None, answered: Mapping[int, float | None]) -> None:
        super().__init__(message, retry_after)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class _Http:
    """Requests with a time limit, a length limit, and errors in our own words."""

    user_agent: str
    timeout: float
    clock: Callable[[], float] = time.time

    def ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON of an answer. Raises ``WikiUnavailableError`` or ``WikiRefusedError``."""
        headers = {"User-Agent": self.user_agent, "Accept": "application/json"}
        limit = Timeout(total=self.timeout)
        try:
            with pool(url) as http:
                answer = http.request(
                    method, url, json=body, headers=headers, timeout=limit, retries=False, redirect=False, preload_content=False
                )
                content = answer.read(LONGEST_ANSWER)
                answer.close()
        except HTTPError as error:
            raise WikiUnavailableError(f"The scoring service does not answer: {type(error).__name__}.") from error
        if answer.status == 429 or answer.status >= 500:
            wait = retry_after(answer.headers.get("Retry-After"), self.clock())
            raise WikiUnavailableError(f"The scoring service answered {answer.status}.", wait)
        if answer.status != 200:
            raise WikiRefusedError(f"The scoring service answered {answer.status}.", f"http-{answer.status}")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise WikiUnavailableError("The scoring service answered something that is no JSON.") from error


class LiftWing:
    """A revert-risk model of Lift Wing."""

    def __init__(self, user_agent: str, *, base: str = "", model: str = "", timeout: float = 10.0) -> None:
        self._model = model or REVERT_RISK
        self._url = f"{(base or LIFTWING).rstrip('/')}/{quote(self._model)}:predict"
        self._http = _Http(user_agent, timeout)

    @property
    def name(self) -> str:
        """Service and model."""
        return f"liftwing {self._model}"[:64]

    def scores(self, wiki: str, rev_ids: Sequence[int]) -> Mapping[int, float | None]:
        """See :class:`RevisionScores`. Wikis that are no Wikipedia are not asked about."""
        language = wikipedia_language(wiki)
        found: dict[int, float | None] = {}
        for rev_id in rev_ids:
            if language is None:
                found[rev_id] = None
                continue
            try:
                answer = self._http.ask("POST", self._url, {"lang": language, "rev_id": rev_id})
            except WikiUnavailableError as error:
                raise ScoresUnavailableError(str(error), error.retry_after, found) from error
            except WikiRefusedError:
                answer = None
            found[rev_id] = _probability(answer, "output", "probabilities", "true")
        return found


class Ores:
    """A model of a host that speaks as ORES did."""

    def __init__(self, host: str, user_agent: str, *, model: str = "", timeout: float = 10.0) -> None:
        self._model = model or DAMAGING
        session = _OresSession(_Http(user_agent, timeout))
        self._session = oresapi.Session(host.rstrip("/"), user_agent, session=session, batch_size=ORES_BATCH, parallel_requests=1)

    @property
    def name(self) -> str:
        """Service and model."""
        return f"ores {self._model}"[:64]

    def scores(self, wiki: str, rev_ids: Sequence[int]) -> Mapping[int, float | None]:
        """See :class:`RevisionScores`."""
        found: dict[int, float | None] = {}
        for start in range(0, len(rev_ids), ORES_BATCH):
            some = rev_ids[start : start + ORES_BATCH]
            try:
                answers: Iterable[Any] = list(self._session.score(wiki, (self._model,), some))
            except WikiUnavailableError as error:
                raise ScoresUnavailableError(str(error), error.retry_after, found) from error
            except (WikiRefusedError, LookupError, TypeError, AttributeError):  # the last three: an answer of another shape
                answers = [None] * len(some)
            for rev_id, answer in zip(some, answers, strict=True):
                found[rev_id] = _probability(answer, self._model, "score", "probability", "true")
        return found


@dataclass(frozen=True, slots=True)
class _OresSession:
    """What ``oresapi`` needs of a session of ``requests``."""

    http: _Http

    def get(self, url: str, params: Mapping[str, str], **_others: object) -> _OresAnswer:
        """Ask. Raises ``WikiUnavailableError`` or ``WikiRefusedError``, which ``oresapi`` lets pass."""
        document = self.http.ask("GET", f"{url}?{urlencode(params)}")
        if not isinstance(document, dict) or "error" in document:
            raise WikiRefusedError("The scoring service answered with an error.", "ores")
        return _OresAnswer({name: value for name, value in document.items() if name != "warnings"})


@dataclass(frozen=True, slots=True)
class _OresAnswer:
    document: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """The answer, without the warnings that ``oresapi`` would log in a way that Python has given up."""
        return self.document


def wikipedia_language(wiki: str) -> str | None:
    """The language code by which Lift Wing knows a Wikipedia: ``en`` for ``enwiki``; None for other projects."""
    code = wiki.removesuffix("wiki")
    return code.replace("_", "-") if code and code != wiki else None


def _probability(answer: Any, *path: str) -> float | None:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    known = isinstance(answer, (int, float)) and not isinstance(answer, bool) and 0 <= answer <= 1
    return float(answer) if known else None


def open_scores(settings: ScoreSettings, user_agent: str) -> RevisionScores | None:
    """The service of the settings; None if there is none."""
    if settings.service == "liftwing":
        return LiftWing(user_agent, base=settings.url, model=settings.model, timeout=settings.timeout)
    if settings.service == "ores":
        return Ores(settings.url, user_agent, model=settings.model, timeout=settings.timeout)
    return None
