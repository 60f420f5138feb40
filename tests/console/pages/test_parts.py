"""The parts of the console that are pure: limits of reading, languages, marked texts, filters, preferences, messages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.cases.flag import Span
from tsbot.console import preferences
from tsbot.console.listing import Filter
from tsbot.console.preferences import KEYS, Preferences
from tsbot.console.reading import DAY, Limits, Reading, weigh
from tsbot.console.render import TEMPLATES, Pages
from tsbot.console.shown import difference, legible, pieces
from tsbot.console.words import I18N, choose, shipped_words
from tsbot.errors import SettingsError
from tsbot.report.wording import misleading

LIMITS = Limits(a_day=5, in_a_row=3, rest=600)


@pytest.mark.parametrize(
    ("times", "stands"),
    [
        ([], Reading(0, 5)),
        ([9000, 9500], Reading(2, 3)),
        ([9000, 9400, 9800], Reading(3, 2, 10_400, resting=True)),
        ([8000, 9400, 9800], Reading(3, 2)),
        ([9000, 9100, 9200], Reading(3, 2)),
        ([1000, 3000, 5000, 7000, 9000], Reading(5, 0, 1000 + DAY)),
        ([1000, 1000, 3000, 5000, 7000, 9000], Reading(6, 0, 1000 + DAY)),
        ([10_000 - DAY, 9800], Reading(1, 4)),
        ([20_000], Reading(0, 5)),
    ],
    ids=["nothing", "some", "a row", "a rest between", "a rest since", "the day", "more than the day", "yesterday", "a wrong clock"],
)
def test_how_much_was_read(times: list[float], stands: Reading) -> None:
    assert weigh(times, 10_000, LIMITS) == stands


@pytest.mark.parametrize(
    ("asked", "preferred", "accepted", "chosen"),
    [
        ("", "", "", "en"), ("", "", "de", "de"), ("", "", "de-CH, en;q=0.5", "de"), ("", "", "en, de", "en"),
        ("", "", "de;q=0.1, en;q=0.9", "en"),
        ("", "de", "en", "de"), ("qqx", "de", "en", "qqx"), ("ar", "", "", "ar"), ("", "ar", "", "en"), ("", "", "xx, ar, de;q=0", "en"),
        ("<script>", "", "", "en"), ("", "", ";;q=9,,*", "en"), ("DE", "", "", "de"),
    ],
)  # fmt: skip
def test_the_language_of_a_page(asked: str, preferred: str, accepted: str, chosen: str) -> None:
    assert choose(shipped_words(), asked, preferred, accepted) == chosen


spans = st.lists(st.builds(Span, st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(("violence", "when"))), max_size=6)


@given(st.text(max_size=50), spans)
def test_pieces_are_the_whole_text_and_only_the_spans_are_marked(text: str, marked: list[Span]) -> None:
    text = text.replace("\r", "")
    found = pieces(text, marked)
    assert "".join(piece.text for piece in found) == legible(text)
    covered = {at for span in marked for at in range(max(0, span.start), min(len(text), span.end))}
    assert sum(len(piece.text) for piece in found if piece.labels) == len("".join(legible(text[at]) for at in sorted(covered)))


@given(st.text(max_size=200))
def test_nothing_that_misleads_is_left(text: str) -> None:
    assert not any(misleading(char) for char in legible(text) if char != "\n")


@given(st.text("ab \n<", max_size=80), st.text("ab \n<", max_size=80))
def test_a_difference_is_made_of_the_texts(old: str, new: str) -> None:
    found = difference(old, new)
    assert all(change.text in legible(new) for change in found.added)
    assert all(change.text in legible(old) for change in found.removed)
    assert not (old == new and (found.added or found.removed))


@given(st.dictionaries(st.sampled_from(("wiki", "kind", "state", "lane", "mine", "start", "family", "x")), st.text(max_size=30)))
def test_any_address_is_a_filter_that_stays_the_same(query: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    found = Filter.parse(query)
    again = Filter.parse(dict(parse_qsl(found.query(start=found.start))))
    assert again == found


@pytest.mark.parametrize("value", ["", "{", '"x"', "null", "[1]", "-1", '{"reveal": "zz"}'])
def test_preferences_that_cannot_be_read_are_not_set(house: Any, value: str) -> None:
    person = house.sign_in().session.person.id
    with house.database.write() as connection:
        for name in ("keys", "a_day", "blur", "saved", "nonsense"):
            connection.exec_driver_sql("insert into preference values (?, ?, ?)", (person, name, value))
        assert preferences.read(connection, person).keymap == {key: act for act, key in KEYS.items()}


def test_keys_are_all_different() -> None:
    assert len(Preferences().keymap) == len(KEYS)
    assert Preferences(keys_on=False).keymap == {}


def test_two_acts_never_have_one_key(house: Any) -> None:
    reader = house.sign_in()
    assert reader.send("/preferences", keys_on="1", key_reveal="j").status_code == 400
    assert reader.send("/preferences", keys_on="1", key_reveal="j", key_next="r").status_code == 303
    assert reader.send("/preferences", a_day="0").status_code == 400


def messages(code: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((I18N / f"{code}.json").read_text(encoding="utf-8"))
    return found


def test_every_message_is_explained_and_german_is_complete() -> None:
    assert set(messages("en")) == set(messages("qqq")) == set(messages("de"))


def test_pages_use_the_messages_that_there_are() -> None:
    used = set()
    for path in Path(TEMPLATES).glob("*.j2"):
        used |= {f"console-{key}" for key in re.findall(r"_\('([a-z_-]+)'[,)]", path.read_text(encoding="utf-8"))}
    templates = "".join(path.read_text(encoding="utf-8") for path in Path(TEMPLATES).glob("*.j2"))
    # What is put together in a template, and what Python chooses.
    prefixes = tuple(f"console-{name}-" for name in (*re.findall(r"_\('([a-z_-]+)-' ~", templates), "earlier", "signin", "heard"))
    known = set(messages("en")) - {"@metadata"}
    scores = {"console-specificity", "console-plausibility", "console-imminence"}
    assert used <= known
    assert {key for key in known - used - scores if not key.startswith(prefixes)} == set()


def test_all_that_a_case_can_be_has_words() -> None:
    from tsbot.cases import approvals
    from tsbot.cases.case import CaseState
    from tsbot.cases.closing import shipped_closing
    from tsbot.cases.handling import shipped_handling
    from tsbot.console.pages.flash import DID
    from tsbot.store.outbox import Purpose, ReportState
    from tsbot.text.passage import Field

    handling = shipped_handling()
    wanted = {
        "kind": handling.kinds, "lane": {one.lane for one in handling.kinds.values()}, "state": CaseState, "did": DID, "act": KEYS,
        "field": Field, "outcome": shipped_closing().outcomes, "approval": approvals.load_acts(), "letter": ReportState, "purpose": Purpose,
    }  # fmt: skip
    missing = {f"console-{sort}-{name}" for sort, names in wanted.items() for name in names} - set(messages("en"))
    assert missing == set()


def test_without_its_built_files_the_console_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsbot.console.render.BUILT", ("vendor/not-there.css",))
    with pytest.raises(SettingsError, match="make console"):
        Pages().check()
