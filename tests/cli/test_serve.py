"""``tsbot serve``: what it refuses before it listens."""

from __future__ import annotations

import sys
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("settings", "words", "named"),
    [
        ("", (), "Nobody could sign in"),
        ('client_id = "c"', ("--listen", "0.0.0.0:8787"), "other machines"),
        ('client_id = "c"', ("--listen", "nowhere"), "console.listen"),
        ('client_id = "c"\nmatrix = "none.toml"', (), "console.matrix"),
        ('wiki_login = "enwiki"\nlisten = "192.0.2.1:8787"', (), "other machines"),
    ],
)
def test_what_it_refuses(office: Any, settings: str, words: tuple[str, ...], named: str) -> None:
    office.configure(f"[console]\n{settings}\n")
    refused = office.run("serve", *words)
    assert (refused.code, named in refused.err) == (2, True), refused.err


def test_without_its_packages_it_says_what_to_install(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office.configure('[console]\nclient_id = "c"\n')
    for name in [name for name in sys.modules if name.startswith(("tsbot.console.serve", "tsbot.console.signin.oauth", "authlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "authlib", None)
    refused = office.run("serve")
    assert (refused.code, "pip install 'tsbot[console]'" in refused.err) == (2, True), refused.err
