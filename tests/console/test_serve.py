"""The console as a server: what it refuses to listen on, TLS, proxies, and how it ends."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trustme

from tsbot.console import serve, sessions
from tsbot.errors import InputError, SettingsError
from tsbot.parts import Stop
from tsbot.settings import ConsoleSettings, Settings, load
from tsbot.store.database import Database


@pytest.fixture
def settings(tmp_path: Path, wikis: Any, wiki_settings: Any) -> Settings:
    """A console on any port, to which enwiki signs people in."""
    return Settings(data_dir=str(tmp_path), wiki=wiki_settings, console=ConsoleSettings(listen="127.0.0.1:0", wiki_login="enwiki"))


@contextmanager
def running(settings: Settings, database: Database) -> Iterator[serve.Server]:
    server = serve.Server(serve.open_site(settings, database), settings)
    server.start()
    try:
        yield server
    finally:
        server.close()


def changed(settings: Settings, **values: Any) -> Settings:
    return msgspec.structs.replace(settings, console=msgspec.structs.replace(settings.console, **values))


def test_somebody_signs_in_and_sees_the_queue(settings: Settings, database: Database, wikis: Any, csrf_of: Callable[[str], str]) -> None:
    wikis.add("en", 3, "Ann", "suppress")
    wikis.passwords["Ann"] = "a passphrase"
    with running(settings, database) as server, httpx.Client(base_url=f"http://127.0.0.1:{server.port}", follow_redirects=True) as browser:
        page = browser.get("/")
        assert page.url.path == "/sign-in"
        assert "server" not in page.headers
        form = browser.get("/sign-in/wiki")
        done = browser.post("/sign-in/wiki", data={"csrf": csrf_of(form.text), "name": "Ann", "password": "a passphrase"})
        assert (done.url.path, "<h1>Queue</h1>" in done.text) == ("/", True)
        wikis.local["en"][0]["groups"] = ["*", "user"]
        assert browser.post("/tokens", data={"csrf": csrf_of(done.text), "label": "x", "scope": "handle", "days": "1"}).status_code == 403
        assert browser.get("/").url.path == "/sign-in", "whoever has lost their rights has no session"


def test_tls(settings: Settings, database: Database, tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, blob in enumerate(made.cert_chain_pems):
        blob.write_to_path(tmp_path / "cert.pem", append=number > 0)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        running(changed(settings, certificate="cert.pem", private_key="key.pem"), database) as server,
        httpx.Client(base_url=f"https://127.0.0.1:{server.port}", verify=context) as browser,
    ):
        answer = browser.get("/sign-in/wiki")
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-tsbot-begun=")
        assert "Secure" in cookie


def test_a_certificate_that_cannot_be_used(settings: Settings, database: Database, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    for certificate in ("cert.pem", "none.pem"):
        broken = changed(settings, certificate=certificate, private_key="cert.pem")
        with pytest.raises(SettingsError, match="certificate"):
            serve.Server(serve.open_site(broken, database), broken)


def test_a_proxy_is_believed_only_if_it_is_named(settings: Settings, database: Database) -> None:
    """Tries to sign in are counted by address: whoever could name any address would have endless ones."""
    behind = changed(settings, behind_proxy=True, url="https://tsbot.example.org", sign_ins_per_hour=1, client_id="c", wiki_login="")
    for trusted, statuses in ((("127.0.0.1",), [303, 303, 303]), (("192.0.2.1",), [303, 429, 429])):
        with running(changed(behind, trusted_proxies=trusted), database) as server:
            answers = [
                httpx.get(f"http://127.0.0.1:{server.port}/sign-in/oauth", headers={"x-forwarded-for": f"198.51.100.{number}"})
                for number in range(3)
            ]
        assert [answer.status_code for answer in answers] == statuses
        assert "__Host-" in answers[0].headers["set-cookie"]


def test_the_port_is_taken(settings: Settings, database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = changed(settings, listen=f"127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(InputError, match="cannot listen"):
            serve.Server(serve.open_site(taken, database), taken)


def test_it_ends_when_it_is_told_to(settings: Settings, database: Database) -> None:
    server, stop = serve.Server(serve.open_site(settings, database), settings), Stop()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            assert httpx.get(f"http://127.0.0.1:{server.port}/sign-in").status_code == 200
            break
        except httpx.ConnectError:
            time.sleep(0.05)
    stop.request()
    thread.join(30)
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{server.port}/sign-in")


def test_sessions_that_have_ended_are_deleted(house: Any) -> None:
    house.client()
    serve.tidy(house.database, house.now + sessions.IDLE_SECONDS - 1)
    assert house.database.engine.connect().exec_driver_sql("SELECT count(*) FROM console_session").scalar() == 1
    serve.tidy(house.database, house.now + sessions.IDLE_SECONDS + 1)
    assert house.database.engine.connect().exec_driver_sql("SELECT count(*) FROM console_session").scalar() == 0


def test_nobody_could_sign_in(settings: Settings, database: Database) -> None:
    with pytest.raises(SettingsError, match="Nobody could sign in"):
        serve.open_site(changed(settings, wiki_login=""), database)


def test_passwords_go_to_wikis_over_tls_only(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from pywikibot import config

    family = Path(config.family_files["people"])
    plain = family.with_name("plain_family.py")
    plain.write_text(family.read_text().replace("'people'", "'plain'").replace("127.0.0.1", "wiki.example.org"))
    monkeypatch.setitem(config.family_files, "plain", str(plain))
    elsewhere = msgspec.structs.replace(settings, wiki=msgspec.structs.replace(settings.wiki, families=("plain",)))
    with pytest.raises(SettingsError, match="not https"):
        serve.open_site(elsewhere, database)


def test_an_own_table_of_who_may_do_what(settings: Settings, database: Database, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"console\.matrix cannot be read"):
        serve.open_site(changed(settings, matrix="none.toml"), database)
    (tmp_path / "own.toml").write_text('[roles]\nelder = { groups = ["elder"], scope = "own_wiki" }\n[acts]\nsee_queue = ["elder"]\n')
    own = changed(settings, matrix="own.toml")
    assert serve.open_site(own, database).console.rights._matrix.roles.keys() == {"elder"}
    with pytest.raises(SettingsError, match="lacks team"):
        serve.open_site(changed(own, team=("7",)), database)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("listen = '0.0.0.0:8787'", "other machines"),
        ("listen = '[::]:8787'", "other machines"),
        ("listen = '192.0.2.1:8787'\nurl = 'https://tsbot.example.org'", "other machines"),
        ("listen = '8787'", "console.listen"),
        ("certificate = 'x.pem'", "needed both"),
        ("private_key = 'x.pem'", "needed both"),
        ("behind_proxy = true", "begins with https"),
        ("behind_proxy = true\nurl = 'http://tsbot.example.org'", "begins with https"),
        ("url = 'https://tsbot.example.org/console'", "console.url"),
        ("url = 'tsbot.example.org'", "console.url"),
        ("url = 'http://tsbot.example.org'\ncertificate = 'x'\nprivate_key = 'y'", "console.url"),
        ("wiki_origins = ['*']", "wiki_origins"),
        ("wiki_origins = ['https://en.wikipedia.org/']", "wiki_origins"),
        ("wiki_origins = ['https://*.wikipedia.org']", "wiki_origins"),
        ("oauth_url = 'http://meta.example.org/oauth2'", "console.oauth_url"),
        ("requests_per_minute = 0", "requests_per_minute"),
    ],
)
def test_what_would_be_unsafe_is_refused(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "tsbot.toml"
    file.write_text(f"[console]\n{text}\n")
    with pytest.raises(SettingsError, match=named):
        load(file, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "listen = '[::1]:8787'",
        "listen = '0.0.0.0:8787'\ncertificate = 'x.pem'\nprivate_key = 'y.pem'",
        "listen = '192.0.2.1:8787'\nbehind_proxy = true\nurl = 'https://tsbot.example.org'",
        "wiki_origins = ['https://en.wikipedia.org', 'http://127.0.0.1:8801']",
    ],
)
def test_what_is_safe_is_taken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tsbot.toml"
    file.write_text(f"[console]\n{text}\n")
    assert load(file, {}).console.check() is None
