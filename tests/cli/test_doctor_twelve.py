"""Twelve things broken on purpose, and more: the doctor is red, and says the right words for each."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import tsbot.doctor
from tsbot.store.keyfile import KeyFile

from .conftest import WELL, Host

DAY = 86400.0


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def configure(patrolled: Any, host: Host, more: str = "", *, stream: str = "", filters: bool = False) -> None:
    """Settings under which only this machine is asked."""
    known = {"zzwiki": f"http://127.0.0.1:{host.port}"}
    patrolled.sql("INSERT OR REPLACE INTO fact (name, value) VALUES ('wikis', ?)", json.dumps(known))
    lines = [WELL.replace("[wiki]", '[wiki]\ndomains = ["127.0.0.1"]'), '[admission]\nonly_wikis = ["zzwiki"]']
    lines.append(f'[stream]\nurl = "{stream or f"http://127.0.0.1:{host.port}/stream/"}"')
    if filters:
        lines.append('[scan]\nfilters = ["zzwiki"]')
    patrolled.configure("\n".join((*lines, more)))


def examined(patrolled: Any) -> tuple[int, dict[str, Any]]:
    result = patrolled.run("doctor", "--json")
    return result.code, {line["check"]: line for line in result.lines}


def test_green_on_all_of_it(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    code, findings = examined(patrolled)
    assert code == 0, findings
    assert {name for name, line in findings.items() if line["state"] == "problem"} == set()
    for name in ("stream", "wiki.zzwiki", "clock.wikis", "key", "schema", "accounting", "audit", "retention", "detector", "disk.free"):
        assert findings[name]["state"] == "ok", findings[name]


# -- the twelve: what is broken, the check that turns red, words that it says, and words of its remedy


def no_key(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    (patrolled.data / "master.key").unlink()


def other_key(patrolled: Any, host: Host) -> None:
    no_key(patrolled, host)
    KeyFile(patrolled.data / "master.key").create()


def newer_schema(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    patrolled.sql("UPDATE alembic_version SET version_num = '9999'")


def unbalanced(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    patrolled.sql("UPDATE counter SET value = value + 1 WHERE name = 'cleared'")


def forged_log(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    patrolled.sql("UPDATE audit SET actor = 'somebody else' WHERE number = 1")


def kept_too_long(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    long_ago = time.time() - 4000 * DAY
    patrolled.sql("UPDATE case_file SET state = 'closed', outcome = 'not_actionable', opened = ?, updated = ?, closed = ?", *[long_ago] * 3)


def undelivered(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    patrolled.sql("UPDATE report SET state = 'dead', last_error = 'smtp: 550'")


def silent_stream(patrolled: Any, host: Host) -> None:
    configure(patrolled, host, stream=f"http://127.0.0.1:{closed_port()}/stream/")


def no_mail(patrolled: Any, host: Host) -> None:
    configure(patrolled, host, f'[mail]\nhost = "127.0.0.1"\nport = {closed_port()}\nsecurity = "none"')


def refusing_wiki(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    host.error = "readapidenied"


def no_rights(patrolled: Any, host: Host) -> None:
    configure(patrolled, host, filters=True)
    host.rights = ("read", "abusefilter-log")


def wrong_clock(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    host.skew = 3600.0


def ended_certificate(patrolled: Any, host: Host) -> None:
    from datetime import UTC, datetime, timedelta

    import trustme
    made = trustme.CA().issue_cert("tsbot.example.org", not_after=datetime.now(UTC) - timedelta(days=1))
    (patrolled.data / "cert.pem").write_bytes(made.cert_chain_pems[0].bytes())
    (patrolled.data / "cert.key").write_bytes(made.private_key_pem.bytes())
    (patrolled.data / "cert.key").chmod(0o600)
    more = '[console]\nclient_id = "x"\nclient_secret = "y"\nurl = "https://tsbot.example.org"\n'
    configure(patrolled, host, more + 'certificate = "cert.pem"\nprivate_key = "cert.key"')


def full_disk(patrolled: Any, host: Host) -> None:
    configure(patrolled, host)
    patrolled.patch.setattr(tsbot.doctor, "FREE_BYTES", 1 << 60)


BROKEN: list[tuple[Callable[[Any, Host], None], str, str, str]] = [
    (no_key, "database", "master.key does not exist", "Nothing is stored"),
    (other_key, "database", "put the right key file back", "Nothing is stored"),
    (newer_schema, "database", "schema 9999, unknown to this version", "Nothing is stored"),
    (unbalanced, "accounting", "do not add up", "Keep the database"),
    (forged_log, "audit", "entry 1", "compare backups"),
    (kept_too_long, "retention", "kept longer than they should be", "tsbot purge"),
    (undelivered, "reports.dead", "could not be delivered", "tsbot reports retry"),
    (silent_stream, "stream", "", "Check the network and stream.url"),
    (no_mail, "mail", "ConnectionRefusedError", "Check mail.*"),
    (refusing_wiki, "wiki.zzwiki", "readapidenied", "Check wiki.account"),
    (no_rights, "wiki.zzwiki", "lack abusefilter-log-detail", "Ask the wiki for the right"),
    (wrong_clock, "clock.wikis", "behind the wikis'", "Set the clock (NTP)"),
    (ended_certificate, "console.certificate", "the certificate has ended", "Renew it"),
    (full_disk, "disk.free", "MB free", "Make room"),
]


@pytest.mark.parametrize(("break_it", "check", "words", "remedy"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
def test_red_with_the_right_words(
    patrolled: Any, host: Host, break_it: Callable[[Any, Host], None], check: str, words: str, remedy: str
) -> None:
    break_it(patrolled, host)
    code, findings = examined(patrolled)
    assert findings[check]["state"] == "problem", findings
    assert words in findings[check]["words"]
    assert remedy in findings[check]["remedy"]
    assert code == 1
    red = {name for name, line in findings.items() if line["state"] == "problem"}
    assert red == {check}  # and nothing else is blamed


def test_no_backup_is_worth_a_warning(patrolled: Any, host: Host, tmp_path: Path) -> None:
    configure(patrolled, host)
    _, findings = examined(patrolled)
    assert (findings["backup"]["state"], "tsbot backup" in findings["backup"]["remedy"]) == ("warning", True)
    assert patrolled.run("backup", "--to", tmp_path / "rows", "--keys-to", tmp_path / "keys").code == 0
    _, findings = examined(patrolled)
    assert findings["backup"]["state"] == "ok"
    patrolled.sql("UPDATE fact SET value = ? WHERE name = 'last_backup'", repr(time.time() - 30 * DAY))
    _, findings = examined(patrolled)
    assert "30 days old" in findings["backup"]["words"]
