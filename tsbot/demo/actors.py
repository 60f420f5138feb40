"""People at work on the demo's wikis: each with a session and an address of their own.

pywikibot holds one user per process, so the people of the demo use the action API directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import requests

from tsbot.demo.accounts import Account
from tsbot.errors import DemoError

TIMEOUT = 60.0
"""Seconds that one request may take."""


class ActionRefusedError(DemoError):
    """The wiki refused; ``code`` is the API's error code."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(f"the wiki refused: {code}: {info}")
        self.code = code


class Actor:
    """Somebody on one wiki. Logs in at the first request; an account without a name stays anonymous.

    Every method raises ``ActionRefusedError`` when the wiki says no, and DemoError when it does not answer.
    Not thread-safe.
    """

    def __init__(self, url: str, account: Account) -> None:
        self.account = account
        self._api = f"{url}/w/api.php"
        self._return_url = f"{url}/wiki/"
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "tsbot-demo/1 (loopback)", "X-Forwarded-For": account.ip})
        self._session.trust_env = False  # a proxy of the environment has no business on loopback
        self._token = ""

    def ask(self, **params: str | int | bool) -> dict[str, Any]:
        """One request (POST) with ``params``; lists are joined by ``|`` by the caller. The decoded answer."""
        data = {name: "1" if value is True else str(value) for name, value in params.items() if value is not False}
        try:
            reply = self._session.post(
                self._api, data={"format": "json", "formatversion": "2", "errorformat": "plaintext", **data}, timeout=TIMEOUT
            )
            answer: dict[str, Any] = reply.json()
        except (requests.RequestException, ValueError) as error:
            raise DemoError(f"{self._api} gave no usable answer: {type(error).__name__}") from error
        if errors := answer.get("errors"):
            raise ActionRefusedError(errors[0]["code"], errors[0].get("text", ""))
        return answer

    def act(self, **params: str | int | bool) -> dict[str, Any]:
        """A request that changes something: logged in, with a token, and only as this account."""
        self._log_in_once()
        name = self.account.name
        return self.ask(**params, token=self._token, **({"assertuser": name} if name else {"assert": "anon"}))

    def edit(
        self, title: str, text: str | None = None, *, append: str | None = None, summary: str = "", minor: bool = False
    ) -> int:
        """Save a page with ``text``, or with ``append`` after what is there. The id of the new revision.

        Raises DemoError where nothing changed.
        """
        content: dict[str, str] = {"text": text} if text is not None else {"appendtext": append or ""}
        answer = self.act(action="edit", title=title, summary=summary, minor=minor, **content)["edit"]
        if "newrevid" not in answer:
            raise DemoError(f"the edit of {title!r} changed nothing")
        return int(answer["newrevid"])

    def undo(self, title: str, rev_id: int, summary: str = "") -> int:
        """Undo one revision; the id of the new one."""
        return int(self.act(action="edit", title=title, undo=rev_id, summary=summary)["edit"]["newrevid"])

    def move(self, title: str, to: str, reason: str = "") -> None:
        """Move a page, leaving a redirect."""
        self.act(action="move", **{"from": title}, to=to, reason=reason)

    def delete(self, title: str, reason: str = "") -> int:
        """Delete a page; the id of the log entry."""
        return int(self.act(action="delete", title=title, reason=reason)["delete"]["logid"])

    def block(self, user: str, reason: str = "", *, expiry: str = "1 day", hide_name: bool = False) -> None:
        """Block an account; with ``hide_name`` (and expiry ``never``) its name is suppressed as well."""
        self.act(action="block", user=user, reason=reason, expiry=expiry, nocreate=True, hidename=hide_name)

    def hide(
        self,
        rev_ids: Sequence[int],
        *,
        fields: Sequence[str] = ("content",),
        reason: str = "",
        suppress: bool = False,
    ) -> None:
        """Revision-delete ``fields`` (content, comment, user), or suppress them.

        The wiki answers "Success" as a whole even if it did nothing for a revision (the current one of a page, for
        instance); that is raised as ``ActionRefusedError`` with the code of the first such revision.
        """
        answer = self.act(
            action="revisiondelete",
            type="revision",
            ids="|".join(map(str, rev_ids)),
            hide="|".join(fields),
            reason=reason,
            **({"suppress": "yes"} if suppress else {}),
        )["revisiondelete"]
        for item in answer["items"]:
            if item.get("errors"):
                raise ActionRefusedError(item["errors"][0]["code"], f"revision {item.get('id')}")

    def create_account(self, name: str, password: str, reason: str = "") -> None:
        """Make an account on behalf of somebody."""
        self._log_in_once()
        token = self.ask(action="query", meta="tokens", type="createaccount")["query"]["tokens"]["createaccounttoken"]
        answer = self.ask(
            action="createaccount",
            username=name,
            password=password,
            retype=password,
            reason=reason,
            createtoken=token,
            createreturnurl=self._return_url,
        )["createaccount"]
        if answer["status"] != "PASS":
            raise ActionRefusedError(answer.get("messagecode", answer["status"]), answer.get("message", ""))

    def email(self, target: str, subject: str, text: str) -> None:
        """Write to a user through the wiki's EmailUser."""
        self.act(action="emailuser", target=target, subject=subject, text=text)

    def last_log_id(self, log_type: str) -> int:
        """Id of the wiki's newest public log entry of a type (``move``, ``block`` ...)."""
        events = self.ask(action="query", list="logevents", letype=log_type, lelimit=1, leprop="ids")["query"]["logevents"]
        return int(events[0]["logid"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Actor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _log_in_once(self) -> None:
        if not self._token:
            self._log_in()

    def _log_in(self) -> None:
        # clientlogin rather than a bot password: hiding a user name is in no grant.
        if self.account.name:
            token = self.ask(action="query", meta="tokens", type="login")["query"]["tokens"]["logintoken"]
            answer = self.ask(
                action="clientlogin",
                username=self.account.name,
                password=self.account.password,
                logintoken=token,
                loginreturnurl=self._return_url,
            )["clientlogin"]
            if answer["status"] != "PASS":
                raise ActionRefusedError(answer.get("messagecode", answer["status"]), f"log-in of {self.account.name}")
        self._token = self.ask(action="query", meta="tokens")["query"]["tokens"]["csrftoken"]
