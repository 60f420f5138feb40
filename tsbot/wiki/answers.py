"""What a wiki's answer means: data, "try again", or "no".

Pure. Sources: API:Errors_and_warnings, Manual:Maxlag_parameter, Wikimedia_APIs/Rate_limits (all on mediawiki.org), and
the classes of database errors that MediaWiki reports as ``internal_api_error_DB…``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.http_client import retry_after

TRANSIENT = frozenset({"maxlag", "ratelimited", "readonly", "cirrussearch-too-busy-error", "lockmanager-fail-conflict"})
"""API error codes that pass by themselves."""

NOT_US = frozenset({"assertuserfailed", "assertnameduserfailed", "assertbotfailed"})
"""The wiki sees us as somebody else than the account we are configured for."""

WHOLE_WIKI = frozenset(
    {"readapidenied", "permissiondenied", "notloggedin", "login-required", "blocked", "autoblocked", "globalblocking-blockedtext"}
)
"""Refusals that no other choice of revisions would change."""

ASK_AGAIN_AFTER_429 = 60.0
"""Seconds to wait after a 429 that does not say: the gateway counts per minute."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def read(answer: Answer, now: float) -> dict[str, Any]:
    """The JSON object of an API answer.

    Raises ``WikiUnavailableError`` where asking again may help and ``WikiRefusedError`` where it will not. Messages carry
    codes only: MediaWiki's ``info`` may quote titles and names.
    """
    wait = retry_after(answer.headers.get("retry-after"), now)
    if answer.status == 429:
        raise WikiUnavailableError("The wiki says that we ask too often (HTTP 429).", wait or ASK_AGAIN_AFTER_429)
    # A lagged wiki answers with an API error and, depending on its age, status 200 or 503: the body tells more.
    data = _object(answer.body)
    if data is None:
        _raise_without_data(answer, wait)
    error = data.get("error") if data else None
    if isinstance(error, dict):
        _raise_api_error(str(error.get("code") or "unknown"), wait)
    if answer.status >= 400 or not data:
        _raise_without_data(answer, wait)
    return data or {}


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _raise_without_data(answer: Answer, wait: float | None) -> None:
    status = answer.status
    # 401, 403 and 408 concern us or the moment, not what was asked for. They stay visible as a wiki that does not answer.
    if 300 <= status < 500 and status not in (401, 403, 408, 425):
        raise WikiRefusedError(f"The wiki's address answers HTTP {status}: there is no API there.", f"http-{status}")
    if status >= 300:
        raise WikiUnavailableError(f"The wiki answers HTTP {status}.", wait, maybe_done=status not in (401, 403, 503))
    what = "nothing" if not answer.body else "something that is no answer of the API (a page of HTML, probably)"
    raise WikiUnavailableError(f"The wiki answers {what}.", wait, maybe_done=True)


def _raise_api_error(code: str, wait: float | None) -> None:
    if code in TRANSIENT or code.startswith("internal_api_error_DB") or code == "internal_api_error_ReadOnlyError":
        raise WikiUnavailableError(f"The wiki asks for patience ({code}).", wait)
    raise WikiRefusedError(f"The wiki refuses the request ({code}).", code)
