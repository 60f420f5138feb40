"""A handler at the console: what they do on the page of a case, by HTTP here, in a real browser in the tests."""

from __future__ import annotations

import re
from html import unescape
from typing import Protocol

from tsbot.demo.accounts import Account
from tsbot.demo.desk import Guest
from tsbot.errors import DemoError

VERSION = re.compile(r'name="version" value="(\d+)"')


class Handler(Protocol):
    """Somebody who works on cases; each act gives the page that it led to."""

    def begin(self, url: str, account: Account) -> None:
        """Sign in to the console."""

    def merge(self, case_id: str, into: str) -> str:
        """Give a case to another one that its report names."""

    def answer(self, case_id: str, hearing_id: str, situation: str, text: str) -> str:
        """Answer a person."""

    def note(self, case_id: str, text: str) -> str:
        """Write a note."""

    def step(self, case_id: str, what: str) -> str:
        """Note a step towards the end."""

    def close(self, case_id: str, outcome: str) -> str:
        """Close a case."""


class ByForms:
    """A handler without a browser: sends the forms that the pages have."""

    def __init__(self) -> None:
        self._guest: Guest | None = None

    def begin(self, url: str, account: Account) -> None:
        """Sign in."""
        self._guest = Guest(url)
        if (status := self._guest.sign_in(account)) >= 400:
            raise DemoError(f"The console does not let {account.name} in (HTTP {status}).")

    def merge(self, case_id: str, into: str) -> str:
        """Give a case to another one."""
        return self._send(case_id, "merge", into=into)

    def answer(self, case_id: str, hearing_id: str, situation: str, text: str) -> str:
        """Answer a person."""
        return self._send(case_id, "answer", hearing=hearing_id, situation=situation, text=text)

    def note(self, case_id: str, text: str) -> str:
        """Write a note."""
        return self._send(case_id, "note", text=text)

    def step(self, case_id: str, what: str) -> str:
        """Note a step."""
        return self._send(case_id, "step", what=what)

    def close(self, case_id: str, outcome: str) -> str:
        """Close a case."""
        return self._send(case_id, "close", outcome=outcome, stay="1")

    def _send(self, case_id: str, act: str, **fields: str) -> str:
        if self._guest is None:
            raise DemoError("The handler has not signed in.")
        page = f"/cases/{case_id}"
        version = VERSION.search(self._guest.get(page).text)
        return unescape(self._guest.send(f"{page}/{act}", page, version=version[1] if version else "", **fields).text)
