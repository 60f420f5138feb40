"""What is looked for: of flags, and of a revision's own fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tsbot.cases.flag import Flag, FlagContent, Span
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.hide.asked import from_flags, from_revision
from tsbot.hide.matter import Matter
from tsbot.text.passage import Field

EXCERPT = "The mill is old. I will come to your office tomorrow and hurt you. It has two floors."
HURT = EXCERPT.index("hurt")


def sources(matter: Matter) -> list[str]:
    return [piece.source for piece in matter.pieces]


@pytest.fixture
def flag() -> Flag:
    content = FlagContent(
        title="Talk:Mill",
        user="Grey Pebble",
        rev_id=123,
        excerpt=EXCERPT,
        evidence=(Span(HURT, HURT + 4, "violence"), Span(0, 8, "where")),
        server_url="https://en.wikipedia.org",
    )
    return Flag(
        id="f1",
        subject="enwiki:rev:123",
        kind=Kind.VIOLENCE,
        case_id="c1",
        wiki="enwiki",
        field=Field.TEXT,
        probability=0.9,
        specificity=1,
        plausibility=2,
        imminence=2,
        language="en",
        coverage="scored",
        detector="d",
        source="patrol",
        event_time=1_768_471_200.0,
        created=1_768_471_201.0,
        content=content,
    )


def with_content(flag: Flag, **fields: Any) -> Flag:
    import msgspec

    assert flag.content is not None
    return replace(flag, content=msgspec.structs.replace(flag.content, **fields))


def test_the_sentence_with_the_evidence_of_the_kind(flag: Flag) -> None:
    question = from_flags([flag])
    assert sources(question.matter) == ["I will come to your office tomorrow and hurt you."]
    assert (question.wiki, question.rev_id, question.user, question.title) == ("enwiki", 123, "Grey Pebble", "Talk:Mill")
    assert (question.kinds, question.time, question.narrow) == ((Kind.VIOLENCE,), flag.event_time, False)


def test_without_evidence_the_whole_passage(flag: Flag) -> None:
    question = from_flags([with_content(flag, evidence=())])
    assert len(question.matter.pieces) == 3
    assert question.narrow  # what stood there before is left out later


def test_of_several_flags_everything(flag: Flag) -> None:
    doxing = replace(flag, id="f2", kind=Kind.DOXING)
    question = from_flags([flag, with_content(doxing, evidence=(Span(0, 8, "doxing"),))])
    assert sources(question.matter) == ["I will come to your office tomorrow and hurt you.", "The mill is old."]
    assert question.kinds == (Kind.VIOLENCE, Kind.DOXING)


@pytest.mark.parametrize(
    ("field", "fields", "expected"),
    [
        (Field.USER, {"user": "The Miller Is A Thief", "excerpt": "The Miller Is A Thief"}, "The Miller Is A Thief"),
        (Field.TITLE, {"title": "Talk:The miller is a thief", "excerpt": "The miller is a thief"}, "The miller is a thief"),
        (Field.COMMENT, {"rev_id": None, "log_id": 9, "excerpt": "I will hurt you", "evidence": ()}, "I will hurt you"),
    ],
)
def test_names_and_titles_count_whole(flag: Flag, field: Field, fields: dict[str, Any], expected: str) -> None:
    question = from_flags([with_content(replace(flag, field=field), **fields)])
    assert sources(question.matter) == [expected]
    assert question.log_id == (9 if field is Field.COMMENT else 0)


def test_what_is_not_kept_must_be_named(flag: Flag) -> None:
    for gone in (replace(flag, content=None), with_content(replace(flag, kind=Kind.MINORS), excerpt="", evidence=())):
        with pytest.raises(InputError, match="not kept"):
            from_flags([gone])


def test_the_fields_of_a_revision(wiki: Any, text: str, author: str) -> None:
    wiki.edit("Talk:Mill", "Calm.")
    added = wiki.edit("Talk:Mill", f"Calm.\n\n{text}", author, "a long enough summary")
    for fields, expected in (
        ([Field.TEXT], [text]),
        ([Field.SUMMARY], ["a long enough summary"]),
        ([Field.USER], [author]),
        ([Field.TITLE, Field.USER], ["Talk:Mill", author]),
    ):
        question = from_revision(wiki, "enwiki", added, fields, (Kind.DOXING,))
        assert sources(question.matter) == expected
        assert (question.user, question.kinds) == (author, (Kind.DOXING,))


def test_fields_that_are_empty_or_hidden(wiki: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    with pytest.raises(InputError, match="empty, or hidden"):
        from_revision(wiki, "enwiki", added, [Field.SUMMARY], ())
    wiki.hide(added, what=["text", "user"])
    with pytest.raises(InputError, match="empty, or hidden"):
        from_revision(wiki, "enwiki", added, [Field.TEXT, Field.USER], ())
    with pytest.raises(InputError, match="has no revision"):
        from_revision(wiki, "enwiki", 9, [Field.TEXT], ())


def test_what_a_filter_stopped_needs_no_hiding() -> None:
    import msgspec

    content = FlagContent(title="Talk:Mill", user="Grey Pebble", excerpt="I will come to your mill and hurt you.", abuse_id=7)
    fields = {"probability": 0.9, "specificity": 1, "plausibility": 1, "imminence": 1, "language": "en", "coverage": "scored"}
    more = {"detector": "d", "source": "filter", "event_time": 1.0, "created": 1.0, "content": content, "field": Field.TEXT}
    flag = Flag(id="f", subject="enwiki:abuse:7", kind=Kind.VIOLENCE, case_id="c", wiki="enwiki", **fields, **more)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a filter stopped it"):
        from_flags([flag])
    saved = replace(flag, content=msgspec.structs.replace(content, abuse_id=None, rev_id=8))
    assert from_flags([saved]).rev_id == 8
