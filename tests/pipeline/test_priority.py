"""Where flags stand in the queue, as the pipeline files them."""

from __future__ import annotations

import json
from typing import Any

from tsbot.cases.browse import list_flags
from tsbot.cases.filing import read_flag

SAID = "the walrus will come to every garden and eat all of the cabbages"
OTHER = "nobody has seen so strange a walrus on this side of the northern sea"


def reasons(world: Any, subject: str) -> dict[str, int]:
    """Points by reason, of the flag on an edit; their sum is the priority."""
    ((text, priority),) = world.rows(f"select reasons, priority from flag where subject = '{subject}'")
    found = {reason["name"]: reason["points"] for reason in json.loads(text)}
    assert sum(found.values()) == priority
    return found


def test_the_page_around_a_passage_is_heeded(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: f"A film.\n\n== Plot ==\n\nIn the end {SAID}.", 4: f"== Plot ==\n\n{SAID}"}
    pipeline.take(make.batch(make.change(namespace=0, title="A film", revision={"old": 0, "new": 2})), "test")
    pipeline.take(make.batch(make.change(namespace=1, title="Talk:Lincoln High School", revision={"old": 0, "new": 4})), "test")
    make.drain(pipeline)
    told, meant = reasons(world, "enwiki:rev:2"), reasons(world, "enwiki:rev:4")
    assert {"plot", "article_prose"} <= set(told)
    assert {"plot", "article_prose"} & set(meant) == set()
    assert meant["school"] > 0
    with world.database.read() as connection:
        assert [line.subject for line in list_flags(connection)] == ["enwiki:rev:4", "enwiki:rev:2"]
        assert [line.subject for line in list_flags(connection, newest_first=True, limit=1)] != []


def test_a_flood_of_near_equal_texts_stands_behind_its_first(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    for number in range(1, 8):
        pipeline.take(make.batch(make.change(comment=f"{SAID} {'!' * number}", revision={"old": 1, "new": 10 + number})), "test")
    pipeline.take(make.batch(make.change(comment=OTHER, revision={"old": 1, "new": 30})), "test")
    first, second, last = (reasons(world, f"enwiki:rev:{10 + number}") for number in (1, 2, 7))
    assert ("repeated" in first, second["repeated"], last["repeated"]) == (False, -4, -16)
    assert "repeated" not in reasons(world, "enwiki:rev:30")
    ((words,),) = world.rows("select reasons from flag where subject = 'enwiki:rev:17'")
    assert "near-equal texts flagged before: 6" in words
    assert world.rows("select count(*) from report where purpose = 'letter'") == [(2,)], "the copies are one case and one letter"
    assert world.totals().flagged == 8


def test_one_edit_is_one_text(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: SAID, 3: SAID}
    message = make.change(comment=SAID, revision={"old": 0, "new": 2})
    pipeline.take(make.batch(message), "test")
    make.drain(pipeline)
    assert "repeated" not in reasons(world, "enwiki:rev:2")
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 3})), "test")
    make.drain(pipeline)
    assert reasons(world, "enwiki:rev:3")["repeated"] == -4


def test_titles_are_no_copypasta(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(*(make.change(title=f"Talk:{n} {SAID}") for n in range(3))), "test")
    assert world.rows("select distinct repeated, text_family, field from flag") == [(0, None, "title")]


def test_earlier_flags_of_author_and_page_raise(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    edits = [
        ("Example", "One", SAID, 2), ("Example", "Two", OTHER, 3), ("Other", "Two", "a walrus, once more", 4),
        ("Other", "Two", "it was no walrus, I think", 5),
    ]  # fmt: skip
    for user, title, comment, number in edits:
        pipeline.take(make.batch(make.change(user=user, title=title, comment=comment, revision={"old": 1, "new": number})), "test")
    found = {number: reasons(world, f"enwiki:rev:{number}") for *_, number in edits}
    assert [found[n].get("earlier_author") for n in (2, 3, 4, 5)] == [None, 2, None, 2]
    assert [found[n].get("earlier_page") for n in (2, 3, 4, 5)] == [None, None, 2, 2]


def test_a_flag_tells_its_reasons_and_keeps_what_the_detector_said(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(make.change(comment=SAID, title="Lincoln High School", namespace=0, revision={"old": 1, "new": 2})), "test")
    with world.database.read() as connection:
        (line,) = list_flags(connection)
        flag = read_flag(connection, world.database.key, line.id)
    assert flag is not None
    assert (flag.specificity, flag.plausibility, flag.imminence, flag.probability) == (2, 2, 1, 0.9)
    assert flag.priority == line.priority == sum(reason.points for reason in flag.reasons)
    assert [reason.name for reason in flag.reasons if reason.name == "school"] == ["school"]
