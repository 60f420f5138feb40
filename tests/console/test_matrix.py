"""Who gets where: every route of the console with every role, as ``matrix.txt`` says. A route that is not in the table fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route

from tsbot.console import sessions, tokens

TABLE = Path(__file__).with_name("matrix.txt")
API = "/api/v1"
BODIES: dict[str, dict[str, Any]] = {
    f"POST {API}/cases/{{case_id}}/claim": {},
    f"POST {API}/cases/{{case_id}}/notes": {"text": "x"},
    f"POST {API}/cases/{{case_id}}/close": {"outcome": "handled", "seen": 1},  # the version of a case that was just opened
    f"POST {API}/hidden": {"wiki": "enwiki", "revids": [1]},
    f"POST {API}/trace": {"account": "Example", "why": "case 12"},
}
"""What is sent to routes of the API that take something."""
QUERIES = {
    f"GET {API}/marks": {"wiki": "enwiki", "revids": "1"},
    f"GET {API}/statistics": {"wiki": "enwiki"},
}
FORMS: dict[str, dict[str, str]] = {
    "POST /tokens": {"label": "x", "scope": "hide_plan", "days": "1"},
    "POST /trace": {"account": "Example", "why": "case 12"},
}
"""Fields of forms besides their token."""
ROLES = {"over": "oversighter", "other": "elsewhere", "check": "checkuser"}
"""Columns whose name is not the role's."""


def table() -> tuple[list[str], dict[str, list[str]]]:
    """Columns, and the cells of each route."""
    lines = [line.split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    rows = {head.strip(): cells.split() for head, cells in lines}
    return rows.pop("route"), rows


COLUMNS, ROWS = table()


def routes(app: Any, prefix: str = "") -> Iterator[str]:
    """Method and path of every route."""
    for route in app.routes:
        if isinstance(route, Mount):
            if route.name != "static":  # files that hold nothing of anybody
                yield from routes(route.app, prefix + route.path)
        elif isinstance(route, Route):
            yield from (f"{method} {prefix}{route.path}" for method in sorted(route.methods or ()) if method not in ("HEAD", "OPTIONS"))
        else:
            yield from routes(route, prefix)  # whatever else holds routes


def test_every_route_has_a_row(house: Any) -> None:
    assert sorted(set(routes(house.app))) == sorted(ROWS), "write the row of the new route into matrix.txt, and think about each cell"
    assert [route for route, cells in ROWS.items() if len(cells) != len(COLUMNS)] == []


def visitor(house: Any, column: str, case: str, *, program: bool) -> Any:
    """A browser, or a program with a token for everything, of a column's sort of people."""
    if column == "out":
        return house.stranger()
    role = ROLES.get(column, column)
    name = "Party of Example" if column == "party" else ""
    late = column in ("expired", "lost", "silent")
    client = (house.program if program else house.client)("oversighter" if late or column == "party" or program else role, name)
    subject = client.person.subject
    if column == "expired":
        house.now += tokens.LONGEST_DAYS * 86400 if program else sessions.IDLE_SECONDS + 1
        house.become(subject, "oversighter")
    elif column == "lost":
        house.become(subject, "sysop")
    elif column == "silent":
        del house.groups[subject]
    elif column != "party":
        house.become(subject, role)  # a token that was made while its owner might do more
    house.rights.forget(client.person.id)
    return client


@pytest.mark.parametrize("route", ROWS)
def test_everybody_gets_where_they_may_and_nowhere_else(house: Any, route: str) -> None:
    house.console.hide_plan = lambda wiki, revision: {}
    house.trace_nothing()
    method, path = route.split(" ")
    found = {}
    for column in COLUMNS:
        case = house.case(user="Party of Example" if column == "party" else "")
        program = path.startswith(API)
        client = visitor(house, column, case, program=program)
        trace = house.asked_trace(client.person.id if column != "out" else "nobody")
        address = path.replace("{case_id}", case).replace("{token_id}", "nothing").replace("{watch_id}", "nothing")
        address = address.replace("{trace_id}", trace).replace("{form}", "svg")
        assert not re.search(r"[{}]", address), "a new sort of parameter: say here what stands for it"
        if method == "GET":
            answer = client.get(address, params=QUERIES.get(route))
        elif program:
            answer = client.post(address, json=BODIES.get(route))
        else:
            answer = client.post(address, data={"csrf": getattr(client, "csrf", "x"), **FORMS.get(route, {})})
        found[column] = str(answer.status_code)
        if answer.status_code != 200:
            assert "made-up" not in answer.text
    assert found == dict(zip(COLUMNS, ROWS[route], strict=True))
