"""The gadget as it is built and served. tests/live/test_gadget.py has it at work in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tsbot.console import sessions
from tsbot.console.access import Groups, load_matrix, shipped_matrix
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.gadget import build
from tsbot.console.people import FreshRights
from tsbot.errors import InputError
from tsbot.settings import ConsoleSettings, Settings
from tsbot.store.database import Database

URL, WIKI = "https://tsbot.example.org", "https://en.wikipedia.org"
NOW = 1_790_000_000.0
I18N = build.HERE / "i18n"


@pytest.fixture
def console(database: Database) -> Console:
    """A console where everybody is an oversighter."""
    rights = FreshRights(lambda person: Groups({"enwiki": frozenset({"suppress"})}, at=NOW), shipped_matrix(), lambda: NOW)
    settings = Settings(console=ConsoleSettings(url=URL, client_id="c", behind_proxy=True, wiki_origins=(WIKI,)))
    return Console(settings, database, rights, lambda: NOW)


@pytest.fixture
def stranger(console: Console) -> TestClient:
    return TestClient(create_app(console), base_url=URL, follow_redirects=False)


@pytest.fixture
def oversighter(console: Console, stranger: TestClient) -> TestClient:
    with console.database.write() as connection:
        stranger.cookies.set(console.cookie, sessions.sign_in(connection, console.database.key, "1", "Somebody", NOW))
    return stranger


def given(script: str) -> dict:
    """What a build puts into the script."""
    found = re.search(r"^var gadget = (\{.*\});$", script, re.MULTILINE)
    assert found is not None
    return json.loads(found[1])


def test_a_script_knows_its_console_and_whom_it_is_for() -> None:
    assert given(build.script(URL))["settings"] == {"console": URL, "groups": ["oversight", "steward", "suppress"]}


def test_an_operators_own_table_decides_whom_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[roles]\nkeeper = { groups = ["keepers"], scope = "own_wiki" }\nteam = { groups = [], scope = "all_wikis" }\n'
        '[acts]\nsee_queue = ["keeper", "team"]\n'
    )
    assert given(build.script(URL, load_matrix(tmp_path / "own.toml")))["settings"]["groups"] == ["keepers"]


@pytest.mark.parametrize("address", ["", "tsbot.example.org", URL + "/", URL + "/path", "javascript:alert(1)", "https://a b", URL + "\n//"])
def test_only_an_address_without_a_path_can_be_built_in(address: str) -> None:
    with pytest.raises(InputError, match="no path"):
        build.script(address)


def test_a_wiki_leaves_the_script_as_it_is() -> None:
    """Saving a page transforms signatures, substitutions and the pipe trick, even in scripts."""
    text = build.script(URL)
    for transformed in ("~~~", "{{subst:", "{{safesubst:", "|]]"):
        assert transformed not in text
    assert text.count("<nowiki>") == text.count("</nowiki>") == 1
    assert text.isascii()


def test_the_definition_keeps_it_from_those_without_the_right() -> None:
    assert re.fullmatch(r"\* tsbot\[ResourceLoader\|rights=suppressrevision\|dependencies=[a-z.,]+\]\|tsbot\.js", build.DEFINITION)
    assert "default" not in build.DEFINITION


def test_messages_are_whole_and_explained() -> None:
    languages = {path.stem: json.loads(path.read_text("utf-8")) for path in I18N.glob("*.json")}
    english = languages.pop("en")
    assert languages.pop("qqq").keys() == english.keys()
    for language, messages in languages.items():
        assert messages.keys() <= english.keys(), language
        assert all(messages[key].strip() for key in messages if key != "@metadata"), language


def test_every_message_that_the_script_names_exists() -> None:
    source = "".join((build.HERE / "src" / f"{part}.js").read_text() for part in build.PARTS)
    named = set(re.findall(r"(?:words|tellStatus|say)\( (?:[^()]*? \? )?'([a-z-]+)'(?: : '([a-z-]+)')?", source))
    assert {key for pair in named for key in pair if key} <= build.messages()["en"].keys()
    assert {"token", "forbidden", "busy", "away"} <= build.messages()["en"].keys()
    assert {part.stem for part in (build.HERE / "src").glob("*.js")} == set(build.PARTS)


def test_a_mark_says_nothing_about_what_it_marks() -> None:
    telling = re.compile(r"threat|violen|oversight|suppress|hid|privat|case|fall\b|gewalt|droh", re.IGNORECASE)
    assert [messages["mark"] for messages in build.messages().values() if telling.search(messages.get("mark", ""))] == []


def test_make_gadget_writes_script_and_definition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([URL, str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "Gadget-tsbot.js").read_text("utf-8") == build.script(URL)
    assert (tmp_path / "out" / "Gadgets-definition").read_text("utf-8") == build.DEFINITION + "\n"
    assert "docs/gadget.md" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["", "out"], ["http://tsbot.example.org/path", "out"]])
def test_make_gadget_without_an_address_says_what_it_wants(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main([argument.replace("out", str(tmp_path / "out")) for argument in arguments]) == 2
    assert "https://tsbot.example.org" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("origin", "allowed"), [(WIKI, WIKI), ("https://evil.example", None), ("null", None), ("", None)])
def test_the_script_is_for_pages_of_configured_wikis(stranger: TestClient, origin: str, allowed: str | None) -> None:
    answer = stranger.get("/gadget/tsbot.js", headers={"origin": origin} if origin else {})
    assert (answer.status_code, answer.text) == (200, build.script(URL))
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "access-control-allow-credentials" not in answer.headers


def test_the_script_is_asked_for_anew_only_if_it_has_changed(stranger: TestClient) -> None:
    tag = stranger.get("/gadget/tsbot.js").headers["etag"]
    again = stranger.get("/gadget/tsbot.js", headers={"if-none-match": tag, "origin": WIKI})
    assert (again.status_code, again.content, again.headers["access-control-allow-origin"]) == (304, b"", WIKI)


def test_the_page_is_for_those_who_may_have_tokens(stranger: TestClient) -> None:
    assert stranger.get("/gadget").headers["location"] == "/sign-in?back=/gadget"


def test_the_page_says_how_to_install_it(oversighter: TestClient) -> None:
    page = oversighter.get("/gadget")
    assert page.status_code == 200
    assert build.DEFINITION in page.text
    assert WIKI in page.text
    assert f"connect-src {URL}" in page.text
    digest = base64.b64encode(hashlib.sha384(oversighter.get("/gadget/tsbot.js").content).digest()).decode()
    assert f"sha384-{digest.replace('+', '&#43;')}" in page.text.replace("+", "&#43;")


def test_the_built_script_is_javascript(tmp_path: Path) -> None:
    (tmp_path / "tsbot.js").write_text(build.script(URL))
    done = subprocess.run(["node", "--check", str(tmp_path / "tsbot.js")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
