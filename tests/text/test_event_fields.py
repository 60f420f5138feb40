"""Which of an event's own texts are judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.stream.events import Event, EventKind
from tsbot.text.event_fields import event_passages
from tsbot.text.passage import Field


def event(kind: EventKind = EventKind.EDIT, **fields) -> Event:
    values = {"title": "User talk:Miller/Notes", "namespace": 3, "user": "Visitor", "comment": "a comment", "parent_id": 7}
    return Event(id="e1", stream="mediawiki.recentchange", kind=kind, wiki="testwiki", time=0.0, **(values | fields))


def judged(**fields) -> dict[str, str]:
    return {str(passage.field): passage.text for passage in event_passages(event(**fields))}


LOG = EventKind.LOG


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"parent_id": 7}, {"summary", "user", "title"}),
        ({"parent_id": 0}, {"summary", "user", "title"}),
        ({"parent_id": None}, {"summary", "user", "title"}),
        ({"kind": LOG, "log_type": "newusers"}, {"comment", "user", "title"}),
        ({"kind": LOG, "log_type": "renameuser"}, {"comment", "user", "title"}),
        ({"kind": LOG, "log_type": "move"}, {"comment", "title"}),
        ({"kind": LOG, "log_type": "upload"}, {"comment", "title"}),
        ({"kind": LOG, "log_type": "create"}, {"comment", "title"}),
        ({"kind": LOG, "log_type": "block"}, {"comment"}),
        ({"kind": LOG, "log_type": "a log of the future"}, {"comment"}),
        ({"kind": EventKind.VISIBILITY}, set()),
        ({"kind": EventKind.DELETION}, set()),
        ({"kind": EventKind.CATEGORIZE}, set()),
        ({"kind": EventKind.EXTERNAL}, set()),
        ({"kind": EventKind.CANARY}, set()),
        ({"kind": EventKind.OTHER}, set()),
    ],
)
def test_the_table_of_fields(fields, names):
    assert set(judged(**fields)) == names


def test_the_namespace_is_no_part_of_a_title():
    (title,) = (p for p in event_passages(event(parent_id=0)) if p.field is Field.TITLE)

    assert title.text == "Miller/Notes"
    assert title.source_span(0, 6) == (10, 16)


def test_a_colon_in_an_article_title_is_part_of_it():
    assert judged(parent_id=0, namespace=0, title="2001: A Space Odyssey")["title"] == "2001: A Space Odyssey"


def test_the_page_of_a_new_account_says_what_its_name_says():
    assert "title" not in judged(kind=LOG, log_type="newusers", title="User:Visitor", namespace=2)


def test_an_account_made_by_another_is_judged_by_its_title():
    assert judged(kind=LOG, log_type="newusers", title="User:I will come", namespace=2)["title"] == "I will come"


@pytest.mark.parametrize("user", ["192.0.2.7", "2001:DB8::1", "2001:db8:0:0:0:0:0:7", "~2025-12345-67", None, ""])
def test_names_given_by_the_software_are_not_judged(user):
    assert "user" not in judged(user=user)


@pytest.mark.parametrize("user", ["192.0.2.7 is next", "~2025 comes", "Cafe", "~"])
def test_names_that_only_look_like_it_are(user):
    assert judged(user=user)["user"] == user


def test_temporary_accounts_are_known_by_the_flag_too():
    assert "user" not in judged(user="*Unregistered 7", user_is_temp=True)


@pytest.mark.parametrize(
    ("comment", "summary"),
    [
        ("/* Sources */ I will come", "Sources\nI will come"),
        ("/* Sources */", "Sources"),
        ("/* */ I will come", "I will come"),
        ("/**/", None),
        ("", None),
        ("  ", None),
        ("I will /* come */ soon", "I will /* come */ soon"),
        ("/* never closed", "/* never closed"),
        ("Undid revision 1 by [[Special:Contributions/A|A]] ([[User talk:A|talk]])", "Undid revision 1 by A (talk)"),
    ],
)
def test_a_summary_is_judged_with_the_name_of_its_section(comment, summary):
    assert judged(comment=comment).get("summary") == summary


@pytest.mark.parametrize("comment", ["/*" + " " * 1_000_000, "/* a" + "\t" * 1_000_000 + "b"])
def test_white_space_without_end_costs_no_time(comment):
    assert judged(comment=comment)["summary"].startswith("/*")


def test_offsets_of_a_summary_point_into_the_comment():
    comment = "/* Sources */ I [[will|shall]] come"
    (summary,) = (p for p in event_passages(event(comment=comment)) if p.field is Field.SUMMARY)
    start = summary.text.index("shall")

    first, last = summary.source_span(start, len(summary.text))

    assert comment[first:last] == "shall]] come"


anything = st.text(st.characters(exclude_categories=()), max_size=60)


@given(
    st.sampled_from(EventKind),
    anything,
    anything,
    anything | st.none(),
    st.integers(-2, 15) | st.none(),
    st.sampled_from(["", "newusers", "move", "block"]),
)
def test_no_event_is_refused(kind, comment, title, user, namespace, log_type):
    got = event(kind, comment=comment, title=title, user=user, namespace=namespace, log_type=log_type, parent_id=None)
    source = {Field.SUMMARY: comment, Field.COMMENT: comment, Field.TITLE: title, Field.USER: user}

    for passage in event_passages(got):
        assert passage.text.strip()
        for index, character in enumerate(passage.text):
            start, _ = passage.source_span(index, index + 1)
            assert character.isspace() or source[passage.field][start] in (character, "&")
