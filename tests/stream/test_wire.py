"""Messages of every stream become events of one shape; what cannot be understood says why, without quoting it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tsbot.errors import MalformedEventError
from tsbot.stream.events import Event, EventKind
from tsbot.stream.wire import decode, fallback_id, message_id

NOON = 1_767_225_600.0
META = {
    "uri": "https://de.wikipedia.org/wiki/Diskussion:Garten",
    "id": "10000000-0000-4000-8000-000000000001",
    "dt": "2026-01-01T00:00:00.250Z",
    "domain": "de.wikipedia.org",
}
PERFORMER = {
    "user_text": "~2026-12-34",
    "groups": ["*", "temp"],
    "is_bot": False,
    "is_temp": True,
    "edit_count": 3,
    "registration_dt": "2025-12-31T00:00:00Z",
    "user_central_id": 77,
}


def read(message: Any, **kwargs: Any) -> Event:
    return decode(json.dumps(message).encode(), **kwargs)


def page_change(kind: str, **changes: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "$schema": "/mediawiki/page/change/1.2.0",
        "meta": {**META, "stream": "mediawiki.page_change.v1"},
        "page_change_kind": kind,
        "dt": "2026-01-01T00:00:00Z",
        "wiki_id": "dewiki",
        "page": {"page_id": 9, "page_title": "Diskussion:Garten_(Haus)", "namespace_id": 1},
        "performer": PERFORMER,
        "comment": "Antwort",
        "revision": {"rev_id": 42, "rev_parent_id": 41, "rev_size": 900, "is_content_visible": True},
        "prior_state": {"revision": {"rev_size": 880}},
    }
    return {key: value for key, value in (message | changes).items() if value is not ...}


def page_event(schema: str, stream: str, **changes: Any) -> dict[str, Any]:
    message = {
        "$schema": schema,
        "meta": {**META, "stream": stream},
        "database": "dewiki",
        "page_id": 9,
        "page_title": "Diskussion:Garten_(Haus)",
        "page_namespace": 1,
        "performer": {"user_text": "Gärtner", "user_groups": ["*", "user"], "user_is_bot": False, "user_edit_count": 12},
        "comment": "Antwort",
        "rev_id": 42,
    }
    return message | changes


def test_an_edit_in_recentchange(kit: Any) -> None:
    event = read(kit.recentchange(1))
    assert event == Event(
        id="00000000-0000-4000-8000-000000000001",
        stream="mediawiki.recentchange",
        kind=EventKind.EDIT,
        wiki="enwiki",
        domain="en.wikipedia.org",
        server_url="https://en.wikipedia.org",
        time=NOON,
        title="Talk:Garden path",
        namespace=1,
        user="Gardener",
        comment="reply",
        rev_id=601,
        parent_id=501,
        size_old=100,
        size_new=120,
    )
    assert event.subject == "enwiki:rev:601"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("edit", EventKind.EDIT),
        ("new", EventKind.EDIT),
        ("log", EventKind.LOG),
        ("categorize", EventKind.CATEGORIZE),
        ("external", EventKind.EXTERNAL),
        ("142", EventKind.OTHER),
        (None, EventKind.OTHER),
    ],
)
def test_types_of_recentchange(kit: Any, kind: str | None, expected: EventKind) -> None:
    assert read(kit.recentchange(1, type=kind)).kind is expected


def test_the_form_of_before_2020(kit: Any) -> None:
    meta = {"schema_uri": "mediawiki/recentchange/2", "id": "x-1", "domain": "en.wikipedia.org", "dt": "2019-03-04T13:30:32+00:00"}
    event = read(kit.recentchange(1, **{"$schema": ..., "meta": meta, "timestamp": ...}))
    assert (event.kind, event.time, event.stream) == (EventKind.EDIT, 1_551_706_232.0, "mediawiki.recentchange")


def test_a_redacted_edit_and_a_new_page(kit: Any) -> None:
    event = read(kit.recentchange(1, user=..., length=..., type="new", revision={"old": None, "new": 3}, comment=None))
    assert (event.user, event.size_old, event.size_new, event.parent_id, event.comment) == (None, None, None, None, "")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "revision", "ids": [3, "4"]}, (3, 4)),
        ({"type": "archive", "ids": ["5"]}, (5,)),
        ({"type": "logging", "ids": [6]}, ()),
        ({"ids": ["7", "x", "-1", "", "9" * 40, 0, 2**70]}, (7,)),
        ({}, ()),
        ([], ()),
        ("revision,8", ()),
        (None, ()),
        (..., ()),
    ],
)
def test_a_revision_deletion_names_revisions(kit: Any, params: Any, expected: tuple[int, ...]) -> None:
    log = {"type": "log", "log_id": 5, "log_type": "delete", "log_action": "revision", "log_params": params}
    event = read(kit.recentchange(1, **log))
    assert (event.kind, event.rev_ids, event.subject) == (EventKind.LOG, expected, "enwiki:log:5")


def test_a_wiki_on_a_port_keeps_it(kit: Any) -> None:
    event = read(kit.recentchange(1, server_url="http://127.0.0.1:8081", server_name="127.0.0.1"))
    assert (event.domain, event.server_url) == ("127.0.0.1:8081", "http://127.0.0.1:8081")


@pytest.mark.parametrize("kind", ["edit", "create", "move"])
def test_an_edit_in_page_change(kind: str) -> None:
    assert read(page_change(kind)) == Event(
        id=META["id"],
        stream="mediawiki.page_change.v1",
        kind=EventKind.EDIT,
        wiki="dewiki",
        domain="de.wikipedia.org",
        server_url="https://de.wikipedia.org",
        time=NOON,
        title="Diskussion:Garten (Haus)",
        namespace=1,
        page_id=9,
        user="~2026-12-34",
        user_groups=("*", "temp"),
        user_is_temp=True,
        user_edit_count=3,
        user_registered=NOON - 86_400,
        user_central_id=77,
        comment="Antwort",
        rev_id=42,
        parent_id=41,
        size_old=880,
        size_new=900,
    )


def test_the_comment_may_stand_in_the_revision() -> None:
    assert read(page_change("edit", comment=..., revision={"rev_id": 42, "comment": "dort"})).comment == "dort"


def test_a_revert_names_its_range() -> None:
    revert = {"rev_method": "undo", "rev_reverted_oldest_id": 39, "rev_reverted_newest_id": 41}
    event = read(page_change("edit", revision={"rev_id": 42, "revert": revert}))
    assert (event.reverted_oldest, event.reverted_newest) == (39, 41)


def test_visibility_of_the_current_revision() -> None:
    shown = {"rev_id": 42, "is_content_visible": False, "is_editor_visible": True, "is_comment_visible": False}
    event = read(page_change("visibility_change", revision=shown))
    assert event.kind is EventKind.VISIBILITY
    assert (event.text_visible, event.user_visible, event.comment_visible) == (False, True, False)


@pytest.mark.parametrize(("kind", "expected"), [("delete", EventKind.DELETION), ("undelete", EventKind.OTHER), ("tea", EventKind.OTHER)])
def test_other_kinds_of_page_change(kind: str, expected: EventKind) -> None:
    event = read(page_change(kind, performer=None))  # a suppressed deletion names nobody
    assert (event.kind, event.user, event.text_visible) == (expected, None, None)


def test_an_unreadable_registration_is_unknown() -> None:
    assert read(page_change("edit", performer={**PERFORMER, "registration_dt": "long ago"})).user_registered is None


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_the_visibility_stream(version: str) -> None:
    message = page_event(
        f"/mediawiki/revision/visibility-change/{version}",
        "mediawiki.revision-visibility-change",
        visibility={"text": False, "user": True, "comment": True},
        performer=None,
    )
    event = read(message)
    assert (event.kind, event.subject, event.title) == (EventKind.VISIBILITY, "dewiki:rev:42", "Diskussion:Garten (Haus)")
    assert (event.text_visible, event.user_visible, event.comment_visible) == (False, True, True)
    assert event.time == NOON + 0.25


def test_the_deletion_stream() -> None:
    event = read(page_event("/mediawiki/page/delete/1.0.0", "mediawiki.page-delete"))
    assert (event.kind, event.page_id, event.user_groups) == (EventKind.DELETION, 9, ("*", "user"))


@pytest.mark.parametrize("version", ["1.1.0", "2.0.0"])
@pytest.mark.parametrize("stream", ["mediawiki.revision-create", "mediawiki.page-create"])
def test_the_revision_stream(version: str, stream: str) -> None:
    details = {"rev_reverted_revs": [38, 39, 41]}
    message = page_event(f"/mediawiki/revision/create/{version}", stream, rev_parent_id=41, rev_len=7, rev_revert_details=details)
    event = read(message)
    assert (event.kind, event.rev_id, event.parent_id, event.size_new) == (EventKind.EDIT, 42, 41, 7)
    assert (event.reverted_oldest, event.reverted_newest) == (38, 41)


def test_a_canary_is_one_whatever_its_schema() -> None:
    event = read({"$schema": "/mediawiki/tea/9.0.0", "meta": {**META, "domain": "canary", "stream": "mediawiki.tea"}})
    assert (event.kind, event.wiki, event.stream) == (EventKind.CANARY, "canary", "mediawiki.tea")


def test_public_streams_without_use_are_counted() -> None:
    event = read(page_event("/mediawiki/page/move/7.0.0", "mediawiki.page-move"))
    assert (event.kind, event.wiki) == (EventKind.OTHER, "dewiki")


def test_without_a_schema_the_stream_decides() -> None:
    assert read(page_change("edit", **{"$schema": ...})).kind is EventKind.EDIT


def test_unpaired_surrogates_do_not_cost_the_event(kit: Any) -> None:
    message = json.dumps(kit.recentchange(1, comment="a\ud800b", parsedcomment="\udfff")).encode()
    assert decode(message).comment == "a\ufffdb"
    assert decode(message).id == "00000000-0000-4000-8000-000000000001"


def test_invalid_utf8_has_a_reason_of_its_own(kit: Any) -> None:
    message = json.dumps(kit.recentchange(1)).encode().replace(b"reply", b"re\xffply")
    with pytest.raises(MalformedEventError, match="not_utf8"):
        decode(message)


def test_too_long_messages_are_not_looked_at() -> None:
    with pytest.raises(MalformedEventError) as caught:
        decode(b"x" * 11, max_bytes=10)
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize("nested", [b"[" * 100_000, b'{"a":' * 100_000, b'{"meta":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_001])
def test_deep_nesting_is_no_json(nested: bytes) -> None:
    with pytest.raises(MalformedEventError, match="not_json"):
        decode(nested)


MALFORMED = [
    [part.strip() for part in line.split("|", 2)]
    for line in (Path(__file__).parent / "malformed.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("reason", "field", "message"), MALFORMED)
def test_malformed_messages_are_refused_with_their_reason(reason: str, field: str, message: str) -> None:
    with pytest.raises(MalformedEventError) as caught:
        decode(message.encode())
    assert caught.value.reason == reason
    assert caught.value.detail.split("[")[0] == field


def test_errors_never_quote_the_message(kit: Any) -> None:
    with pytest.raises(MalformedEventError) as caught:
        read(kit.recentchange(1, namespace="I will come to your office"))
    assert "office" not in repr(caught.value)


def test_a_message_without_id_gets_a_stable_one(kit: Any) -> None:
    message = json.dumps(kit.recentchange(1, meta={"dt": "2026-01-01T00:00:00Z"})).encode()
    name = uuid.UUID(fallback_id(message))
    assert name.version == 5
    assert decode(message).id == str(name) == message_id(message)
    assert fallback_id(b"abc") == str(uuid.uuid5(uuid.NAMESPACE_URL, "abc"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b'{"meta": {"id": "a"}, "wiki": 7}', "a"),
        (b'{"meta": {"id": 7}}', None),
        (b'{"meta": {"id": ""}}', None),
        (b'{"meta": {"id": "' + b"x" * 500 + b'"}}', None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_malformed_messages_have_an_id_too(message: bytes, expected: str | None) -> None:
    assert message_id(message) == (expected or fallback_id(message))


@st.composite
def _mutations(draw: st.DrawFn) -> bytes:
    """Real shapes with a value replaced, a byte changed or a piece cut out."""
    shapes = [page_change("edit"), page_event("/mediawiki/page/delete/1.0.0", "")]
    message = json.loads(json.dumps(draw(st.sampled_from(shapes))))
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    key = draw(st.sampled_from(sorted(message)))
    if isinstance(message[key], dict) and draw(st.booleans()):
        message[key][draw(st.sampled_from(sorted(message[key])))] = draw(values)
    else:
        message[key] = draw(values)
    data = bytearray(json.dumps(message).encode("utf-8", "surrogatepass"))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 9))] = draw(st.binary(max_size=4))
    return bytes(data)


@given(st.binary() | _mutations())
@example(b'{"$schema":"\xff"}')
@example(b'{"$schema":"\\ud800"}')
@example(b'{"meta":{"dt":"9999-12-31T23:59:59-23:59","domain":"canary"}}')
def test_any_bytes_give_an_event_or_a_malformed_event_error(message: bytes) -> None:
    assert message_id(message)
    try:
        event = decode(message)
    except MalformedEventError as error:
        assert error.reason in {"not_json", "not_utf8", "not_an_object", "unknown_schema", "no_wiki", "bad_field"}
    else:
        event.title.encode()
        event.comment.encode()


def test_the_new_title_of_a_move_and_the_new_name_of_a_renamed_account_are_read():
    def named(log_type, params):
        message = {"$schema": "/mediawiki/recentchange/1.0.0", "meta": {"id": "x", "stream": "mediawiki.recentchange"}, "wiki": "enwiki"}
        more = {"type": "log", "log_type": log_type, "log_action": log_type, "log_params": params, "timestamp": 1}
        return decode(json.dumps(message | more).encode()).new_name

    assert named("move", {"target": "A new title", "noredir": "0"}) == "A new title"
    assert named("renameuser", {"olduser": "Old", "newuser": "New", "edits": 3}) == "New"
    assert named("move", []) == named("move", "") == named("block", {"duration": "infinity"}) == ""
