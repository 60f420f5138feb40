"""Which events are looked at: the rules, one by one, and what no rule may do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.settings import AdmissionSettings
from tsbot.stream.admission import RULES, Admission
from tsbot.stream.events import Event, EventKind

EDIT = Event(id="1", stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki="enwiki", time=1.0, namespace=1, rev_id=5)
LOG = Event(id="2", stream="mediawiki.recentchange", kind=EventKind.LOG, wiki="enwiki", time=1.0, log_id=5, log_type="block")


def rule(event: Event, settings: AdmissionSettings | None = None, **changes: Any) -> str | None:
    return Admission(settings or AdmissionSettings()).rule(msgspec.structs.replace(event, **changes))


@pytest.mark.parametrize(
    ("event", "changes", "expected"),
    [
        (EDIT, {}, None),
        (LOG, {}, None),
        (EDIT, {"user": None}, None),
        (EDIT, {"kind": EventKind.CANARY}, "canary"),
        (EDIT, {"kind": EventKind.OTHER}, "other"),
        (EDIT, {"kind": EventKind.CATEGORIZE}, "categorize"),
        (EDIT, {"kind": EventKind.EXTERNAL}, "external"),
        (EDIT, {"wiki": "wikidatawiki"}, "wiki"),
        (LOG, {"wiki": "wikidatawiki"}, "wiki"),
        (EDIT, {"bot": True}, "bot"),
        (LOG, {"bot": True}, None),  # an administrator's bot that blocks may be the outcome of a flag
        (EDIT, {"user_groups": ("*", "user")}, None),
        (EDIT, {"user_groups": ("*", "steward")}, "trusted_group"),
        (LOG, {"log_type": "tag"}, None),  # whoever may edit may comment on the tags of an edit
        (LOG, {"log_type": "patrol"}, "log_type"),
        (LOG, {"log_type": ""}, "log_type"),
    ],
)
def test_default_rules(event: Event, changes: dict[str, Any], expected: str | None) -> None:
    assert rule(event, **changes) == expected


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        (AdmissionSettings(skip_bots=False), {"bot": True}, None),
        (AdmissionSettings(only_wikis=("dewiki",)), {}, "other_wiki"),
        (AdmissionSettings(only_wikis=("enwiki",)), {}, None),
        (AdmissionSettings(skip_wikis=("enwiki",), only_wikis=("dewiki",)), {}, "wiki"),
        (AdmissionSettings(skip_wikis=()), {"wiki": "wikidatawiki"}, None),
        (AdmissionSettings(skip_namespaces=(1,)), {}, "namespace"),
        (AdmissionSettings(skip_namespaces=(0,)), {}, None),
        (AdmissionSettings(trusted_groups=()), {"user_groups": ("steward",)}, None),
    ],
)
def test_settings_change_the_rules(settings: AdmissionSettings, changes: dict[str, Any], expected: str | None) -> None:
    assert rule(EDIT, settings, **changes) == expected


def test_the_first_rule_in_the_table_is_counted() -> None:
    assert rule(EDIT, kind=EventKind.CANARY, wiki="wikidatawiki", bot=True) == "canary"
    assert list(RULES) == [
        "canary", "other", "wiki", "other_wiki", "categorize", "external", "bot", "namespace", "trusted_group", "log_type",
    ]  # fmt: skip
    assert all(text.endswith(".") for text in RULES.values())


@given(
    kind=st.sampled_from([EventKind.VISIBILITY, EventKind.DELETION]),
    wiki=st.sampled_from(["enwiki", "wikidatawiki"]),
    bot=st.booleans(),
    groups=st.none() | st.just(("steward", "bot")),
)
def test_what_may_be_an_outcome_is_never_skipped(kind: EventKind, wiki: str, bot: bool, groups: tuple[str, ...] | None) -> None:
    strict = AdmissionSettings(only_wikis=("dewiki",), skip_namespaces=(1,), judge_log_types=())
    assert rule(EDIT, strict, kind=kind, wiki=wiki, bot=bot, user_groups=groups) is None


@given(title=st.text(), comment=st.text(), user=st.none() | st.text())
def test_text_and_so_language_decides_nothing(title: str, comment: str, user: str | None) -> None:
    assert rule(EDIT, title=title, comment=comment, user=user) is None
