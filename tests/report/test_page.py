"""docs/reports.md says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from tsbot.detect.finding import PHYSICAL
from tsbot.report.acknowledge import Result
from tsbot.report.deadlines import deadlines_of, shipped
from tsbot.report.escalation import Reason
from tsbot.report.oncall import check_on_call
from tsbot.report.routing import check_routing
from tsbot.report.routing import shipped as shipped_routing
from tsbot.settings import load

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")


def test_the_settings_that_it_shows_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    file = tmp_path / "tsbot.toml"
    file.write_text("\n".join(blocks), encoding="utf-8")
    settings = load(file, {})
    check_routing(settings)
    check_on_call(settings)
    assert [person.name for person in settings.oncall.people] == ["first", "second"]
    assert deadlines_of(settings.report.deadlines) != shipped()


def test_the_times_that_it_names_are_those_of_the_table() -> None:
    times = {shipped()[kind] for kind in PHYSICAL}
    (emergency,) = times
    for words, seconds in (
        ("is not released by a person | 15 min", emergency.release),
        ("does not leave | 10 min", emergency.deliver),
        ("again every 30 min", emergency.again),
        ("is sent and not acknowledged | 1 h", emergency.acknowledge),
        ("is still not acknowledged | 3 h", emergency.on_call),
    ):
        assert words in PAGE
        number, unit = re.findall(r"(\d+) (min|h)", words)[-1]
        assert int(number) * {"min": 60, "h": 3600}[unit] == seconds


def test_it_names_every_result_and_every_reason() -> None:
    assert [result.value for result in Result if f"`{result}`" not in PAGE and f"--result {result}" not in PAGE] == []
    assert [reason.value for reason in Reason if f"`{reason}`" not in PAGE] == []


def test_the_second_address_that_it_names_is_that_of_the_table() -> None:
    routing = shipped_routing()
    assert f"`{routing.address(routing.second['emergency'], '')}`" in PAGE
