"""What Prometheus gets from a patrol: read over HTTP, as Prometheus reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, text

from tsbot import __version__
from tsbot.bus.engine import BusStatus
from tsbot.bus.roster import Membership
from tsbot.health import HealthServer
from tsbot.metrics import Vitals
from tsbot.store import ledger, schema
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.source import SourceStatus

ROOT = Path(__file__).parent.parent
NOW = 1_790_000_000.0
CANARY = "canary-2718"
VITALS = Vitals(
    source=SourceStatus(connected=True, queued=3, reconnects=2, last_error=CANARY, last_byte_age=1.5),
    detector="word-1",
    newest=NOW - 4,
    age=100.0,
    turn_age=0.25,
    fetching=7,
    judged={"text": 40, "summary": 60},
    bus=BusStatus(connected=True, lag=12, redelivered=4, unknown=1),
    recovered=6,
    untold=9,
    data={"packs": "1a2b", "routing": "3c4d"},
    refused={"routing": CANARY},
)
Samples = dict[str, float]
OF_THIS_PROCESS = re.compile(r"^process_")


@pytest.fixture
def serve() -> Iterator[Callable[..., HealthServer]]:
    """Starts servers on a free port."""
    running: list[HealthServer] = []

    def start(database: Database, vitals: Vitals = VITALS, clock: Callable[[], float] = lambda: NOW) -> HealthServer:
        server = HealthServer(("127.0.0.1", 0), database, lambda: vitals, clock=clock, silent_after=300.0)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.close()


def scrape(server: HealthServer) -> Samples:
    """All samples, named as queries name them."""
    with urlopen(f"{server.url}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        written = answer.read().decode()
    assert CANARY not in written
    found: Samples = {}
    for family in text_string_to_metric_families(written):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in found
            found[name] = sample.value
    return found


@pytest.fixture
def busy(database: Database) -> Database:
    """The books, cases and messages of a patrol that has worked a while; names of strangers are a canary."""
    books = {"received": 100, "duplicates": 5, "cleared": 60, "flagged": 4, "outcome": 3, "failed": 2}
    books |= {"skipped.bot": 20, "skipped.wiki": 10}
    Membership(database, "work", lambda: NOW).beat(0.0, broker=True)
    with database.write() as connection:
        ledger.count(connection, books | {"passages": 90, f"weak.{CANARY}": 6, f"unscored.{CANARY}": 4, "unscored.enwiki": 1})
        ledger.add_dead_letters(connection, database.key, [ledger.DeadLetter("e", "judge_failed", CANARY, b"", CANARY)], NOW)
        connection.execute(insert(t.pending).values(event_id="p", wiki=CANARY, subject=CANARY, time=NOW, body=b""))
        connection.execute(insert(t.gap).values(source="s", since=1.0, until=2.0, reason="silence", noticed=NOW))
        for number, (state, due) in enumerate([("new", NOW - 1), ("new", NOW + 60), ("open", None), ("closed", NOW - 60)]):
            values = {"wiki": CANARY, "kind": "violence", "state": state, "opened": NOW, "updated": NOW, "due": due}
            connection.execute(insert(t.case).values(id=f"case-{number}", **values))
        values = {"wiki": CANARY, "kind": "violence", "state": "new", "opened": NOW, "updated": NOW, "due": NOW - 60}
        connection.execute(insert(t.case).values(id="case-drill", source="drill", **values))
        values = {"wiki": CANARY, "field": "text", "subject": CANARY, "coverage": "scored", "detector": "d", "source": "patrol"}
        numbers = dict.fromkeys(("probability", "specificity", "plausibility", "imminence", "event_time", "created"), 1)
        connection.execute(insert(t.flag).values(id="f", kind="violence", case_id="case-0", language="en", body=b"", **values, **numbers))
        for serial, state in enumerate(("open", "partly", "partly", "done")):
            plan = {"case_id": "case-0", "wiki": CANARY, "state": state, "since": NOW, "serial": serial}
            connection.execute(insert(t.hide_following).values(subject=f"{CANARY}:rev:{serial}", **plan))
        for number, (state, case, more) in enumerate(
            [
                ("held", 0, {"created": NOW - 500}),
                ("new", 0, {"created": NOW - 400}),
                ("new", 0, {"created": NOW - 900, "released": NOW - 800}),  # let go before it was written
                ("queued", 1, {}),
                ("sent", 2, {"sent": NOW - 300}),
                ("sent", 2, {"sent": NOW - 200, "acknowledged": NOW - 100}),
                ("sent", 3, {"sent": NOW - 9000}),  # the case is closed
                ("sent", 2, {"sent": NOW - 50, "purpose": "reminder"}),  # of the letter above
                ("sent", 1, {"sent": NOW - 800, "purpose": "page", "channel": "webhook"}),
                ("held", 1, {"created": NOW - 9999, "drill": True}),
                ("dead", 1, {}),
            ]
        ):
            row = {"subject": CANARY, "kind": "violence", "purpose": "letter", "recipient": CANARY, "channel": "smtp", "auto": False}
            row |= {"created": NOW, "due": NOW, "message_id": CANARY, "case_id": f"case-{case}", "flag_id": "f"}
            connection.execute(insert(t.report).values(id=f"report-{number}", state=state, **(row | more)))
    return database


EXPECTED = {
    "tsbot_store_up": 1,
    "tsbot_events_received_total": 100,
    "tsbot_events_duplicates_total": 5,
    "tsbot_events_skipped_total{rule=bot}": 20,
    "tsbot_events_skipped_total{rule=wiki}": 10,
    "tsbot_events_cleared_total": 60,
    "tsbot_events_flagged_total": 4,
    "tsbot_events_outcome_total": 3,
    "tsbot_events_failed": 2,
    "tsbot_events_pending": 1,
    "tsbot_books_balanced": 1,
    "tsbot_passages_total{coverage=scored}": 79,
    "tsbot_passages_total{coverage=weak}": 6,
    "tsbot_passages_total{coverage=unscored}": 5,
    "tsbot_texts_cut_total": 0,
    "tsbot_backup_last_timestamp_seconds": 0,
    "tsbot_gaps_open": 1,
    "tsbot_dead_letters{reason=judge_failed}": 1,
    "tsbot_hide_plans{state=open}": 1,
    "tsbot_hide_plans{state=partly}": 2,
    "tsbot_hide_plans{state=done}": 1,
    "tsbot_cases_in_state{state=new}": 2,
    "tsbot_cases_in_state{state=open}": 1,
    "tsbot_cases_in_state{state=closed}": 1,
    "tsbot_cases_overdue": 1,
    "tsbot_messages_in_state{purpose=letter,state=new}": 2,
    "tsbot_messages_in_state{purpose=letter,state=held}": 1,
    "tsbot_messages_in_state{purpose=letter,state=queued}": 1,
    "tsbot_messages_in_state{purpose=letter,state=sent}": 3,
    "tsbot_messages_in_state{purpose=letter,state=dead}": 1,
    "tsbot_messages_in_state{purpose=page,state=sent}": 1,
    "tsbot_messages_in_state{purpose=reminder,state=sent}": 1,
    "tsbot_deliveries_total{channel=smtp,purpose=letter}": 3,
    "tsbot_deliveries_total{channel=smtp,purpose=reminder}": 1,
    "tsbot_deliveries_total{channel=webhook,purpose=page}": 1,
    "tsbot_letters_unreleased": 2,
    "tsbot_letter_oldest_unreleased_seconds": 500,
    "tsbot_letters_unacknowledged": 1,
    "tsbot_letter_oldest_unacknowledged_seconds": 300,
    "tsbot_drill_reports": 1,
    "tsbot_stream_connected": 1,
    "tsbot_stream_reconnects_total": 2,
    "tsbot_stream_queue_events": 3,
    "tsbot_stream_last_byte_age_seconds": 1.5,
    "tsbot_stream_last_event_timestamp_seconds": NOW - 4,
    "tsbot_stream_lag_seconds": 4,
    "tsbot_texts_to_fetch": 7,
    "tsbot_passages_judged_total{field=text}": 40,
    "tsbot_passages_judged_total{field=summary}": 60,
    "tsbot_delivery_thread_alive": 1,
    "tsbot_patrol_turn_age_seconds": 0.25,
    "tsbot_store_trouble": 0,
    "tsbot_data_info{data=packs,version=1a2b}": 1,
    "tsbot_data_info{data=routing,version=3c4d}": 1,
    "tsbot_data_refused{data=routing}": 1,
    "tsbot_backlog_events": 0,
    "tsbot_backlog_oldest_seconds": 0,
    "tsbot_processes_alive{role=listen}": 0,
    "tsbot_processes_alive{role=work}": 1,
    "tsbot_processes_alive{role=deliver}": 0,
    "tsbot_bus_connected": 1,
    "tsbot_bus_lag_messages": 12,
    "tsbot_bus_redelivered_total": 4,
    "tsbot_bus_unknown_total": 1,
    "tsbot_bus_recovered_total": 6,
    "tsbot_bus_untold_events": 9,
}


def ours(samples: Samples) -> Samples:
    return {name: value for name, value in samples.items() if not OF_THIS_PROCESS.match(name) and not name.startswith("tsbot_build_info")}


def test_the_numbers_are_those_of_the_database_and_the_process(busy: Database, serve: Any) -> None:
    assert ours(scrape(serve(busy))) == EXPECTED


def test_an_empty_database_has_zeros_and_no_ages(database: Database, serve: Any) -> None:
    found = scrape(serve(database, Vitals(SourceStatus(connected=False))))
    assert found["tsbot_letter_oldest_unreleased_seconds"] == found["tsbot_letter_oldest_unacknowledged_seconds"] == 0
    assert found["tsbot_events_received_total"] == found["tsbot_stream_connected"] == 0
    assert not {"tsbot_stream_lag_seconds", "tsbot_stream_last_byte_age_seconds"} & set(found)


def test_it_says_what_runs(database: Database, serve: Any) -> None:
    (build,) = (name for name in scrape(serve(database)) if name.startswith("tsbot_build_info"))
    assert build == f"tsbot_build_info{{detector=word-1,schema={schema.newest()},version={__version__}}}"


def test_numbers_are_read_anew_each_time(database: Database, serve: Any) -> None:
    server = serve(database)
    assert scrape(server)["tsbot_events_received_total"] == 0
    with database.write() as connection:
        ledger.count(connection, {"received": 2, "cleared": 2})
    assert scrape(server)["tsbot_events_received_total"] == 2


def test_books_that_do_not_balance_are_told(database: Database, serve: Any) -> None:
    with database.write() as connection:
        ledger.count(connection, {"received": 2})
    assert scrape(serve(database))["tsbot_books_balanced"] == 0


def test_a_database_that_does_not_answer_leaves_what_the_process_knows(busy: Database, serve: Any) -> None:
    server = serve(busy)
    with busy.write() as connection:
        connection.execute(text("ALTER TABLE counter RENAME TO other"))
    found = ours(scrape(server))
    assert found == {name: EXPECTED[name] for name in EXPECTED if name in found} | {"tsbot_store_up": 0}
    assert {"tsbot_stream_lag_seconds", "tsbot_delivery_thread_alive"} <= set(found)
    assert not {"tsbot_cases_in_state{state=new}", "tsbot_events_received_total"} & set(found)


def test_a_clock_that_was_set_back_makes_no_negative_ages(busy: Database, serve: Any) -> None:
    found = scrape(serve(busy, clock=lambda: NOW - 100_000))
    assert [name for name, value in ours(found).items() if value < 0] == []


def test_no_label_names_a_wiki_a_recipient_or_a_text(busy: Database, serve: Any) -> None:
    labels = {label for name in scrape(serve(busy)) for label in re.findall(r"(\w+)=", name)}
    assert labels == {"channel", "coverage", "data", "detector", "field", "purpose", "reason", "role", "rule", "schema", "state", "version"}


def test_prometheus_may_ask_for_open_metrics(database: Database, serve: Any) -> None:
    request = Request(f"{serve(database).url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    with urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert answer.read().endswith(b"# EOF\n")


def test_all_metrics_are_documented_and_no_others() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(tsbot_\w+)(?:\{([\w,]+)\})?` \|", page, re.MULTILINE)
    named: dict[str, set[str]] = {"tsbot_build_info": {"version", "schema", "detector"}}
    for name in EXPECTED:
        named[name.partition("{")[0]] = set(re.findall(r"(\w+)=", name))
    assert {name: set(labels.split(",")) - {""} for name, labels in documented} == named


# -- alerts -----------------------------------------------------------------------------------------------------------

ALERTS = yaml.safe_load((ROOT / "docs" / "prometheus-alerts.yml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_names_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = {name.partition("{")[0] for name in EXPECTED} | {"up"}
    used = set(re.findall(r"\b(?:tsbot_\w+|up)\b(?!=)", re.sub(r'"[^"]*"', '""', rule["expr"])))
    assert used
    assert used <= known
    for metric, selector in re.findall(r"(tsbot_\w+)\{([^}]*)\}", rule["expr"]):
        labels = {label for name in EXPECTED if name.startswith(f"{metric}{{") for label in re.findall(r"(\w+)=", name)}
        assert set(re.findall(r"(\w+)\s*[=!]~?\"", selector)) <= labels | {"job"}
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description"} == set(rule["annotations"])


def test_a_scrape_only_reads(busy: Database, serve: Any) -> None:
    statements: list[str] = []
    event.listen(busy.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    scrape(serve(busy))
    assert statements.count("BEGIN") == 1
    assert [statement for statement in statements if statement != "BEGIN" and not statement.startswith("SELECT")] == []
