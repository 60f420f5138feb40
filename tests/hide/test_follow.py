"""What becomes of a plan, read from events as the stream has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.finding import Kind
from tsbot.hide.follow import Following, State, begin, follow, follow_all, looked
from tsbot.hide.matter import Matter
from tsbot.hide.plan import Plan
from tsbot.hide.suggest import Question, suggest
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field

NOW = 2_000_000_000.0
PAGE = "Talk:Mill"


def event(kind: EventKind, after: float, **fields: Any) -> Event:
    """An event on the wiki, some seconds after the plan was made."""
    number = f"{kind}-{after}-{sorted(fields.items())}"
    return Event(**{"id": number, "stream": "s", "kind": kind, "wiki": "enwiki", "time": NOW + after, "title": PAGE} | fields)


def hidden(rev_id: int, after: float, *, by: str | None = "Example Sysop", **visible: bool) -> Event:
    """A change of visibility; ``by`` None is a suppression."""
    shown = {f"{name}_visible": value for name, value in ({"text": False, "comment": True, "user": True} | visible).items()}
    return event(EventKind.VISIBILITY, after, rev_id=rev_id, user=by, page_id=1, **shown)


def edit(rev_id: int, after: float, **more: Any) -> Event:
    """A new revision."""
    return event(EventKind.EDIT, after, **{"rev_id": rev_id, "page_id": 1, "user": "Maple Reader"} | more)


@pytest.fixture
def plan_of(wiki: Any, text: str, author: str) -> Callable[..., Plan]:
    """``plan_of(kind)``: two revisions to hide, 1002 and 1003; 1004 is current and clean."""

    def make(kind: Kind = Kind.VIOLENCE, *, current: bool = False) -> Plan:
        wiki.edit(PAGE, "Calm.")
        added = wiki.edit(PAGE, text, author)
        wiki.edit(PAGE, f"{text} No.")
        if not current:
            wiki.edit(PAGE, "Calm.")
        return suggest(Question("enwiki", added, Matter.of_text(text), (kind,)), wiki)

    return make


@pytest.fixture
def following(plan_of: Callable[..., Plan]) -> Following:
    return begin(plan_of(), NOW)


def test_one_after_the_other(following: Following) -> None:
    assert (following.state, following.seconds_to_hide) == (State.OPEN, None)
    first = follow(following, hidden(1002, 30))
    assert (first.state, first.left) == (State.PARTLY, {(1003, Field.TEXT)})
    done = follow(first, hidden(1003, 90))
    assert (done.state, done.seconds_to_hide) == (State.DONE, 90)
    exposed = NOW + 90 - (following.plan.exposed_since or 0)
    assert done.seconds_exposed == exposed


def test_the_wrong_field_is_not_enough(following: Following) -> None:
    wrong = follow(following, hidden(1002, 30, text=True, comment=False))
    assert wrong.state is State.OPEN
    assert (1002, Field.TEXT) in wrong.left


def test_suppression_is_told_by_the_missing_performer(plan_of: Any) -> None:
    following = begin(plan_of(Kind.DOXING), NOW)
    deleted = follow_all(following, [hidden(1002, 10), hidden(1003, 20)])
    assert (deleted.state, len(deleted.to_suppress)) == (State.PARTLY, 2)
    assert deleted.seconds_to_hide == 20  # readers are kept out already
    done = follow_all(deleted, [hidden(1002, 300, by=None), hidden(1003, 310, by=None)])
    assert (done.state, done.seconds_to_hide, done.done_at) == (State.DONE, 20, NOW + 310)


def test_shown_again(following: Following) -> None:
    done = follow_all(following, [hidden(1002, 30), hidden(1003, 90)])
    again = follow(done, hidden(1003, 400, text=True))
    assert (again.state, again.left, again.seconds_to_hide) == (State.REOPENED, {(1003, Field.TEXT)}, None)
    assert follow(again, hidden(1003, 500)).state is State.DONE


@pytest.mark.parametrize(
    "deletion",
    [
        event(EventKind.DELETION, 60, page_id=1),
        event(EventKind.LOG, 60, log_type="delete", log_action="delete"),
    ],
    ids=["page-delete", "log"],
)
def test_a_deleted_page_is_away_from_readers(plan_of: Any, deletion: Event) -> None:
    done = follow(begin(plan_of(), NOW), deletion)
    assert (done.state, done.seconds_to_hide) == (State.DONE, 60)
    back = follow(done, event(EventKind.LOG, 99, log_type="delete", log_action="restore"))
    assert (back.state, len(back.left)) == (State.REOPENED, 2)


def test_deletion_is_no_suppression(plan_of: Any) -> None:
    gone = follow(begin(plan_of(Kind.DOXING), NOW), event(EventKind.DELETION, 60, page_id=1))
    assert (gone.state, len(gone.to_suppress)) == (State.PARTLY, 2)


def test_the_current_revision_is_reverted_and_then_hidden(plan_of: Any) -> None:
    following = begin(plan_of(current=True), NOW)
    assert following.revert_first == {1}
    reverted = follow(following, edit(1004, 20, reverted_oldest=1002, reverted_newest=1003))
    assert (reverted.revert_first, reverted.to_look) == (frozenset(), {1004})
    calm = looked(reverted, 1004, 1, [], NOW + 21)
    assert follow_all(calm, [hidden(1002, 30), hidden(1003, 40)]).seconds_to_hide == 40


def test_a_new_edit_waits_to_be_looked_at(following: Following) -> None:
    done = follow_all(following, [hidden(1002, 30), hidden(1003, 40)])
    waiting = follow(done, edit(1005, 50))
    assert (waiting.state, waiting.to_look, waiting.to_look_page) == (State.PARTLY, {1005}, {1005: 1})
    harmless = looked(waiting, 1005, 1, [], NOW + 51)
    assert (harmless.state, harmless.seconds_to_hide) == (State.DONE, 40)
    assert follow(harmless, edit(1005, 50)) == harmless  # told again by another stream


def test_put_back(following: Following) -> None:
    waiting = follow_all(following, [hidden(1002, 30), hidden(1003, 40), edit(1005, 50)])
    again = looked(waiting, 1005, 1, [Field.TEXT], NOW + 51)
    assert (again.state, again.left, again.revert_first) == (State.REOPENED, {(1005, Field.TEXT)}, {1})
    assert again.seconds_to_hide is None
    done = follow_all(again, [edit(1006, 60), hidden(1005, 70)])
    assert looked(done, 1006, 1, [], NOW + 71).seconds_to_hide == 70


def test_hidden_before_anybody_looked(following: Following) -> None:
    waiting = follow_all(following, [hidden(1002, 30), hidden(1003, 40), edit(1005, 50)])
    gone = follow(waiting, hidden(1005, 55, by=None, comment=False, user=False))
    assert (gone.state, gone.to_look) == (State.DONE, frozenset())


def test_an_author_elsewhere_is_looked_at(following: Following, author: str) -> None:
    elsewhere = follow_all(
        following,
        [
            edit(1007, 50, page_id=9, title="Talk:River", user=author),
            edit(1008, 51, page_id=9, title="Talk:River"),
            edit(900, 52, user=author),  # an old event that came late
        ],
    )
    assert elsewhere.to_look == {1007}
    copied = looked(elsewhere, 1007, 9, [Field.TEXT, Field.SUMMARY], NOW + 60)
    assert {spot for spot in copied.left if spot[0] == 1007} == {(1007, Field.TEXT), (1007, Field.SUMMARY)}


def test_a_moved_page_is_still_the_page(following: Following) -> None:
    moved = follow(following, event(EventKind.LOG, 10, log_type="move", log_action="move", new_name="Talk:Old mill"))
    gone = follow(moved, event(EventKind.LOG, 60, log_type="delete", log_action="delete", title="Talk:Old mill"))
    assert gone.state is State.DONE


def test_other_wikis_and_pages_change_nothing(following: Following) -> None:
    for other in (
        event(EventKind.DELETION, 5, wiki="dewiki"),
        event(EventKind.DELETION, 5, title="Talk:River"),
        hidden(777, 5),
        edit(1009, 5, page_id=9, title="Talk:River"),
        event(EventKind.LOG, 5, log_type="delete", log_action="revision", rev_ids=(1002,)),  # does not say what of it
    ):
        after = follow(following, other)
        assert (after.state, after.left, after.to_look) == (State.OPEN, following.left, frozenset())


def test_a_plan_with_nothing_to_hide_is_done(wiki: Any) -> None:
    rev_id = wiki.edit(PAGE, "Calm.")
    assert begin(suggest(Question("enwiki", rev_id, Matter.of_text("Something else")), wiki), NOW).state is State.DONE


acts = st.lists(st.tuples(st.sampled_from([1002, 1003]), st.booleans(), st.booleans()), max_size=12)


@settings(max_examples=100, deadline=None)
@given(acts)
def test_done_if_and_only_if_the_last_word_on_each_was_hidden(make_wiki: Any, text: str, acts: list[tuple[int, bool, bool]]) -> None:
    wiki = make_wiki()
    for content in ("Calm.", text, f"{text} No.", "Calm."):
        wiki.edit(PAGE, content)
    following = begin(suggest(Question("enwiki", 1002, Matter.of_text(text), (Kind.VIOLENCE,)), wiki), NOW)
    last: dict[int, bool] = {}
    done_before = None
    for number, (rev_id, visible, twice) in enumerate(acts):
        told = hidden(rev_id, float(number), text=visible)
        following = follow(following, told)
        if twice:
            assert follow(following, told) == following
        last[rev_id] = not visible
        done = last.get(1002, False) and last.get(1003, False)
        assert (following.state is State.DONE) == done
        if done:
            done_before = number if done_before is None else done_before
            assert following.seconds_to_hide == done_before
        else:
            done_before = None
