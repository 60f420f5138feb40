"""The doctor on PostgreSQL and NATS: green where all is well, red with the right words for what is broken on purpose."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tsbot.bus.roster import Membership
from tsbot.demo.engines.nats import Nats
from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.settings import load
from tsbot.store import audit, ledger
from tsbot.store.keyfile import KeyFile
from tsbot.store.opening import open_store

from .conftest import WELL, Host

pytestmark = pytest.mark.live
ROLES = ("listen", "work", "deliver")


@dataclass
class Site:
    """Machines that share the recording."""

    office: Any
    postgresql: PostgreSQL
    nats: Nats
    config: Path

    def sql(self, statement: str, **values: Any) -> None:
        """Past tsbot."""
        with closing(open_store(load(self.config, {}))) as store, store.engine.begin() as connection:
            connection.execute(text(statement), values)

    def join(self) -> None:
        """One of each role gives a sign of life."""
        with closing(open_store(load(self.config, {}))) as store:
            for role in ROLES:
                Membership(store, role, time.time).beat(0.0, broker=role != "deliver")


@pytest.fixture(scope="module")
def nats() -> Iterator[Nats]:
    with Nats() as server:
        yield server


@pytest.fixture
def site(office: Any, host: Host, postgresql: PostgreSQL, nats: Nats) -> Site:
    """A database of its own, with one entry in the log."""
    url = postgresql.create(f"test_{uuid.uuid4().hex}")
    well = WELL.replace("[wiki]", '[wiki]\ndomains = ["127.0.0.1"]')
    lines = (
        f'database = "{url}"',
        well,
        '[admission]\nonly_wikis = ["zzwiki"]',
        f'[stream]\nurl = "http://127.0.0.1:{host.port}/stream/"',
        f'[bus]\nengine = "nats"\nname = "t{uuid.uuid4().hex}"\nservers = ["{nats.address}"]',
    )
    config = office.configure("\n".join(lines))
    with closing(open_store(load(config, {}))) as store, store.write() as connection:
        audit.record(connection, "somebody", "case.opened", "none", time.time())
        ledger.save_wikis(connection, {"zzwiki": f"http://127.0.0.1:{host.port}"})
    return Site(office, postgresql, nats, config)


def examined(site: Site) -> tuple[int, dict[str, Any]]:
    result = site.office.run("doctor", "--json")
    return result.code, {line["check"]: line for line in result.lines}


def red(findings: dict[str, Any]) -> set[str]:
    return {name for name, line in findings.items() if line["state"] == "problem"}


def test_green_where_all_is_well(site: Site) -> None:
    told = site.config.read_text()
    site.config.write_text(told.replace('["zzwiki"]', '["enwiki"]'))
    assert site.office.run("listen", "--stream", site.office.record(), "--no-ask-wikis").code == 0
    assert site.office.run("work", "--no-fetch", "--idle-exit", "1").code == 0
    site.config.write_text(told)  # from now on only this machine's wiki is asked
    site.join()
    code, findings = examined(site)
    assert (code, red(findings)) == (0, set()), findings
    for name in ("broker", *(f"machines.{role}" for role in ROLES), "key", "schema", "accounting", "audit", "retention", "stream"):
        assert findings[name]["state"] == "ok", findings[name]


def broker_down(site: Site) -> None:
    site.nats.stop()


def database_down(site: Site) -> None:
    site.postgresql.stop()


def nobody_listens(site: Site) -> None:
    site.sql("delete from worker where role = 'listen'")


def nobody_works(site: Site) -> None:
    site.sql("delete from worker where role = 'work'")


def nobody_delivers(site: Site) -> None:
    site.sql("delete from worker where role = 'deliver'")


def other_key(site: Site) -> None:
    (site.office.data / "master.key").unlink()
    KeyFile(site.office.data / "master.key").create()


def newer_schema(site: Site) -> None:
    site.sql("update alembic_version set version_num = '9999'")


def unbalanced(site: Site) -> None:
    site.sql("insert into counter (name, value) values ('cleared', 1)")


def forged_log(site: Site) -> None:
    site.sql("update audit set actor = 'somebody else' where number = 1")


BROKEN: list[tuple[Callable[[Site], None], str, str, str]] = [
    (broker_down, "broker", "nats does not answer", "Check bus.servers"),
    (database_down, "database", "does not answer", "Does the server that `database` names run"),
    (nobody_listens, "machines.listen", "nobody reads the stream", "tsbot listen"),
    (nobody_works, "machines.work", "nobody judges", "tsbot work"),
    (nobody_delivers, "machines.deliver", "nobody sends letters", "tsbot deliver"),
    (other_key, "database", "put the right key file back", "Nothing is stored"),
    (newer_schema, "database", "schema 9999, unknown to this version", "Nothing is stored"),
    (unbalanced, "accounting", "do not add up", "Keep the database"),
    (forged_log, "audit", "entry 1", "compare backups"),
]


@pytest.mark.parametrize(("break_it", "check", "words", "remedy"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
def test_red_with_the_right_words(
    site: Site,
    break_it: Callable[[Site], None],
    check: str,
    words: str,
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("tsbot.doctor_machines.CONNECT_SECONDS", 3.0)
    for server in (site.nats, site.postgresql):
        request.addfinalizer(lambda server=server: server.pids or server.start())
    site.join()
    break_it(site)
    code, findings = examined(site)
    assert (code, red(findings)) == (1, {check}), findings  # and nothing else is blamed
    assert words in findings[check]["words"]
    assert remedy in findings[check]["remedy"]
