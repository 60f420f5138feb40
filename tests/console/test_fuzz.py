"""The API, fuzzed along its own description: no 5xx, answers as described, and nothing for those who may not."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

API = "/api/v1"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
FUZZED = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)


def operations(house: Any) -> list[Any]:
    """What the description has, as somebody who is signed in gets it."""
    house.console.hide_plan = lambda wiki, revision: {"wiki": wiki}
    house.trace_nothing()
    headers = {"authorization": house.program().headers["authorization"]}
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", house.app, headers=headers)
    return [result.ok() for result in schema.get_all_operations()]


def strategy(operation: Any) -> Any:
    modes = schemathesis.GenerationMode
    return operation.as_strategy(generation_mode=modes.POSITIVE) | operation.as_strategy(generation_mode=modes.NEGATIVE)


def test_everything_is_described(house: Any) -> None:
    told = {f"{one.method.upper()} {one.path}" for one in operations(house)}
    assert told >= {"GET /cases", "GET /marks", "POST /hidden", "GET /statistics", "POST /trace", "GET /trace/{trace_id}"}


@pytest.mark.parametrize("role", ["oversighter", "steward"])
def test_no_input_breaks_it(house: Any, role: str) -> None:
    program, case = house.program(role), house.case()
    statuses = set()
    for operation in operations(house):

        @FUZZED
        @given(strategy(operation))
        def send(made: Any) -> None:
            if "case_id" in (made.path_parameters or {}):
                made.path_parameters["case_id"] = case
            answer = made.call(headers={"authorization": program.headers["authorization"]})
            statuses.add(answer.status_code)
            made.validate_response(answer, checks=CHECKS)

        send()
    assert {200, 422} <= statuses


@pytest.mark.parametrize("who", ["nobody", "forged", "elsewhere"])
def test_no_input_opens_it_for_those_who_may_not(house: Any, who: str) -> None:
    case = house.case()
    headers = {"nobody": {}, "forged": {"authorization": "Bearer tsbot_" + "A" * 43}}.get(who)
    if headers is None:
        headers = {"authorization": house.program(who).headers["authorization"]}
    for operation in operations(house):

        @FUZZED
        @given(strategy(operation))
        def send(made: Any) -> None:
            if "case_id" in (made.path_parameters or {}):
                made.path_parameters["case_id"] = case
            if made.headers is not None:
                made.headers.pop("Authorization", None)
            answer = made.call(headers=headers)
            assert answer.status_code < 500
            assert case not in answer.text.replace(made.formatted_path, "")
            if who != "elsewhere":
                assert answer.status_code in (400, 401, 403, 405, 422)

        send()
    assert {actor for actor, _ in house.acts(case)} == {"tsbot"}
