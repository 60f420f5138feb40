"""Questions to one wiki, asked within the budget, repeated while it asks for patience, followed to the end of their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from tsbot.errors import WikiUnavailableError
from tsbot.wiki.api import Api, Data
from tsbot.wiki.budget import Budget

ATTEMPTS = 4
FIRST_WAIT, LONGEST_WAIT = 2.0, 120.0
"""Seconds between attempts, doubled each time, unless the wiki asks for more."""

Parameters = dict[str, str | int]


class Patient:
    """Asks one wiki (``action=query``). Thread-safe. ``sleep`` waits so many seconds."""

    def __init__(
        self,
        api: Api,
        wiki: str,
        budget: Budget,
        sleep: Callable[[float], object],
        *,
        server_url: str = "",
        attempts: int = ATTEMPTS,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.requests = 0
        """Requests sent so far."""
        self._api, self._wiki, self._budget, self._sleep = api, wiki, budget, sleep
        self._server_url = server_url
        self._attempts, self._longest_wait = attempts, longest_wait
        self._lock = threading.Lock()

    def ask(self, parameters: Parameters) -> Data:
        """One answer. Raises ``UnknownWikiError``, ``WikiUnavailableError`` (after a few attempts) or ``WikiRefusedError``."""
        attempt = 0
        while True:
            attempt += 1
            while not self._budget.try_take():
                self._sleep(max(0.05, self._budget.wait_time()))
            with self._lock:
                self.requests += 1
            try:
                return self._api.get(self._wiki, {"action": "query", **parameters}, server_url=self._server_url, paid=True)
            except WikiUnavailableError as error:
                wait = max(FIRST_WAIT * 2.0 ** (attempt - 1), error.retry_after or 0.0)
                if attempt == self._attempts:
                    raise
                self._sleep(min(self._longest_wait, wait))

    def follow(self, parameters: Parameters) -> Iterator[Data]:
        """The answers to one question, to its end. Raises as :meth:`ask`."""
        more: Parameters = {}
        while True:
            data = self.ask({**parameters, **more})
            yield data
            if not data.get("continue"):
                return
            further: Parameters = {str(name): str(value) for name, value in data["continue"].items()}
            if further == more:
                raise WikiUnavailableError("The wiki's answer goes round in circles.")
            more = further
