"""Which revisions are to be hidden, read as a manual: each test is a history and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.hide.exposure import Why
from tsbot.hide.matter import Matter
from tsbot.hide.plan import Note, Plan, Reached, attention
from tsbot.hide.policy import Level
from tsbot.hide.suggest import Limits, Question, suggest
from tsbot.text.passage import Field

CALM = "The mill stands by the river."


@pytest.fixture
def ask(wiki: Any, text: str) -> Callable[..., Plan]:
    """``ask(rev_id)``: the plan for a revision."""

    def plan(rev_id: int, matter: Matter | None = None, *, limits: Limits | None = None, **more: Any) -> Plan:
        question = Question("enwiki", rev_id, matter or Matter.of_text(text), **{"kinds": (Kind.VIOLENCE,)} | more)
        return suggest(question, wiki, limits=limits)

    return plan


def texts(plan: Plan, page: int = 0) -> list[int]:
    """Revisions of a page whose text is to be hidden."""
    return [revision.rev_id for revision in plan.pages[page].revisions if Field.TEXT in revision.fields]


def test_from_insertion_until_before_removal(wiki: Any, ask: Any, text: str, author: str) -> None:
    before = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", f"{CALM}\n\n{text}", author)
    kept = wiki.edit("Talk:Mill", f"{CALM} It has two floors.\n\n: {text}")
    wiki.edit("Talk:Mill", CALM + " It has two floors.")
    plan = ask(added)
    assert texts(plan) == [added, kept]
    assert [revision.why for revision in plan.pages[0].revisions] == [Why.INSERTED, Why.KEPT]
    assert [revision.by_author for revision in plan.pages[0].revisions] == [True, False]
    assert not plan.pages[0].revert_first
    assert (plan.count, plan.by_others, before in texts(plan)) == (2, 1, False)


def test_the_current_revision_cannot_be_hidden_before_it_is_replaced(wiki: Any, ask: Any, text: str, author: str) -> None:
    clean = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", f"{CALM} {text}", author)
    (page,) = ask(added).pages
    assert page.revert_first
    assert page.clean == clean
    assert [revision.rev_id for revision in page.open] == [added]  # once it is replaced it must be hidden like the others


def test_taken_out_and_put_back(wiki: Any, ask: Any, text: str, author: str) -> None:
    first = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", f"{CALM}\n\n{text}", author)
    wiki.undo("Talk:Mill", first)
    again = wiki.undo("Talk:Mill", added, "Wet Cardboard")
    wiki.undo("Talk:Mill", first)
    changed = wiki.edit("Talk:Mill", f"Floors.\n\n'''{text.upper()}'''", "Wet Cardboard")
    wiki.undo("Talk:Mill", first)
    plan = ask(added)
    assert texts(plan) == [added, again, changed]
    assert [revision.why for revision in plan.pages[0].revisions] == [Why.INSERTED, Why.REINSERTED, Why.REINSERTED]
    assert set(plan.authors) == {author, "Wet Cardboard"}


def test_equal_texts_are_read_once(wiki: Any, ask: Any, text: str, author: str) -> None:
    first = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", text, author)
    for _ in range(20):
        wiki.undo("Talk:Mill", first)
        wiki.undo("Talk:Mill", added, author)
    plan = ask(added)
    assert plan.count == 21
    assert sorted(wiki.read) == [first, added]


def test_an_earlier_insertion_is_found_too(wiki: Any, ask: Any, text: str, author: str) -> None:
    earlier = wiki.edit("Talk:Mill", text, author)
    calm = wiki.edit("Talk:Mill", CALM)
    again = wiki.edit("Talk:Mill", f"{CALM}\n{text}", author)
    assert texts(ask(again)) == [earlier, again]
    forward = ask(again, limits=Limits(forward=True))
    assert texts(forward) == [again]
    assert Note.ONLY_FORWARD in forward.notes
    assert calm not in texts(forward)


def test_a_move_takes_the_history_along(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    wiki.move("Talk:Mill", "Talk:Old mill")
    wiki.edit("Talk:Old mill", CALM)
    plan = ask(added)
    assert texts(plan) == [added, added + 1]  # the move makes a revision of its own
    assert plan.pages[0].page.title == "Talk:Old mill"
    assert len(plan.pages) == 1  # the redirect shows nothing


def test_a_title_with_the_text_in_it(wiki: Any, ask: Any, author: str) -> None:
    wiki.edit("Mill", CALM)
    wiki.move("Mill", "The miller is a thief and a liar", author)
    moved = wiki.of(1)[-1].rev_id
    plan = ask(moved, Matter.of_text("the miller is a thief and a liar"))
    page, redirect = sorted(plan.pages, key=lambda page: page.page.page_id)
    assert (page.title_shows, redirect.title_shows) == (True, False)
    assert [revision.fields for revision in page.revisions] == [(Field.SUMMARY,)]
    assert [revision.fields for revision in redirect.revisions] == [(Field.TEXT, Field.SUMMARY)]  # #REDIRECT [[...]]
    assert redirect.reached is Reached.MOVE
    ((entry),) = plan.log_entries
    assert (entry.log_type, entry.fields) == ("move", (Field.TITLE,))


def test_copies_of_the_same_author(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("User talk:A", text, author)
    copy = wiki.edit("User talk:B", f"{text} And more.", author)
    answered = wiki.edit("User talk:B", f"{text} And more. No.", "Harbour Lights")
    wiki.edit("User talk:C", "Hello.", author)
    plan = ask(added)
    assert [(page.page.title, page.reached) for page in plan.pages] == [("User talk:A", Reached.FLAGGED), ("User talk:B", Reached.COPY)]
    assert texts(plan, 1) == [copy, answered]


def test_copies_by_somebody_who_put_it_back(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("User talk:A", text, author)
    wiki.edit("User talk:A", CALM)
    wiki.undo("User talk:A", added, "Wet Cardboard")
    wiki.edit("User talk:D", text, "Wet Cardboard")
    assert [page.page.title for page in ask(added).pages] == ["User talk:A", "User talk:D"]


def test_copies_long_before_are_not_looked_for(wiki: Any, ask: Any, text: str, author: str) -> None:
    wiki.edit("User talk:B", text, author)
    wiki.now += 25 * 3600
    added = wiki.edit("User talk:A", text, author)
    assert [page.page.title for page in ask(added).pages] == ["User talk:A"]
    assert len(ask(added, limits=Limits(hours=48)).pages) == 2


def test_merged_and_split_histories(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    kept = wiki.edit("Talk:Mill", f"{text} Stop this.")
    wiki.edit("Talk:Mill", CALM)
    wiki.edit("Talk:Mill/Archive", "An archive.")
    wiki.merge([added], "Talk:Mill/Archive")
    plan = ask(kept)
    assert {page.page.title: texts(plan, number) for number, page in enumerate(plan.pages)} == {
        "Talk:Mill": [kept],
        "Talk:Mill/Archive": [added],
    }
    assert plan.pages[1].reached is Reached.MERGE


def test_summaries_that_quote(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("Talk:Mill", text, author, f'Created page with "{text[:40]}..."')
    emptied = wiki.edit("Talk:Mill", CALM, comment=f"Undone: {text}")
    (page,) = ask(added).pages
    assert {revision.rev_id: revision.fields for revision in page.revisions} == {
        added: (Field.TEXT, Field.SUMMARY),
        emptied: (Field.SUMMARY,),
    }
    assert page.revisions[-1].why is Why.BESIDE
    assert page.revisions[-1].current
    assert not page.revert_first  # a summary of the current revision can be hidden


def test_a_deletion_log_that_quotes(wiki: Any, ask: Any, text: str, author: str) -> None:
    gone = wiki.edit("Mill thoughts", text, author)
    wiki.delete("Mill thoughts", f"content was: '{text}'")
    with pytest.raises(InputError, match="it is deleted"):
        ask(gone)
    copy = wiki.edit("User talk:B", text, author)
    plan = ask(gone, user=author, title="Mill thoughts", time=wiki.now)
    assert [entry.fields for entry in plan.log_entries] == [(Field.COMMENT,)]
    assert texts(plan) == [copy]
    assert Note.FLAGGED_DELETED in plan.notes


def test_an_attack_name(wiki: Any, ask: Any) -> None:
    name = "The Miller Is A Thief"
    first = wiki.edit("Mill", CALM, name)
    second = wiki.edit("River", "A river.", name, "tidied")
    reverted = wiki.edit("Mill", "Nothing.", comment=f"Reverted edits by [[Special:Contributions/{name}|{name}]]")
    created = wiki.note("newusers", "create", f"User:{name}", name)
    plan = ask(first, Matter.of_name(name), kinds=(Kind.ATTACK_NAME,))
    fields = {revision.rev_id: revision.fields for page in plan.pages for revision in page.revisions}
    assert fields == {first: (Field.USER,), reverted: (Field.SUMMARY,), second: (Field.USER,)}
    assert plan.names == plan.authors == (name,)  # whoever reverted is no author of it
    assert plan.level is Level.SUPPRESSION
    assert [entry.log_id for entry in plan.log_entries] == [created]


def test_a_name_that_was_flagged_in_the_log_of_new_accounts(wiki: Any, ask: Any) -> None:
    name = "The Miller Is A Thief"
    created = wiki.note("newusers", "create", f"User:{name}", name)
    told = {"user": name, "title": f"User:{name}", "time": wiki.now, "log_id": created, "kinds": (Kind.ATTACK_NAME,)}
    plan = ask(0, Matter.of_name(name), **told)
    assert plan.subject == f"enwiki:log:{created}"
    assert (plan.names, [entry.log_id for entry in plan.log_entries]) == ((name,), [created])
    assert Note.FLAGGED_DELETED not in plan.notes


def test_a_renamed_account(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("User talk:A", text, author)
    wiki.edit("User talk:B", text, author)
    wiki.rename(author, "Renamed user 12")
    plan = ask(added, user=author)
    assert len(plan.pages) == 2
    assert plan.authors == ("Renamed user 12",)


@pytest.mark.parametrize(("suppress", "kinds", "left"), [(False, (Kind.VIOLENCE,), 0), (True, (Kind.DOXING,), 0)])
def test_what_is_hidden_already_is_not_asked_for_again(
    wiki: Any, ask: Any, text: str, author: str, suppress: bool, kinds: tuple[Kind, ...], left: int
) -> None:
    added = wiki.edit("Talk:Mill", text, author)
    wiki.edit("Talk:Mill", CALM)
    wiki.hide(added, suppress=suppress)
    plan = ask(added, kinds=kinds)
    assert (plan.count, plan.nothing_left) == (left, True)
    assert plan.pages[0].unreadable == (added,)
    assert {Note.FLAGGED_HIDDEN, Note.UNREADABLE, Note.NOT_FOUND} <= set(plan.notes)


def test_hidden_while_we_look(wiki: Any, ask: Any, text: str, author: str) -> None:
    first = wiki.edit("Talk:Mill", CALM)
    added = wiki.edit("Talk:Mill", text, author)
    wiki.undo("Talk:Mill", first)
    again = wiki.undo("Talk:Mill", added)
    wiki.undo("Talk:Mill", first)
    wiki.vanishing.add(again)
    # Of the two equal texts one cannot be read any more; the other tells for both.
    assert texts(ask(first)) == [added, again]


def test_a_hidden_author(wiki: Any, ask: Any, text: str, author: str) -> None:
    added = wiki.edit("User talk:A", text, author)
    wiki.edit("User talk:B", text, author)
    wiki.hide(added, what=["user"])
    assert Note.AUTHOR_HIDDEN in ask(added).notes
    assert len(ask(added, user=author).pages) == 2


def test_the_wrong_text(wiki: Any, ask: Any, author: str) -> None:
    added = wiki.edit("Talk:Mill", CALM, author)
    plan = ask(added, Matter.of_text("Something else entirely"))
    assert {Note.NOT_THERE, Note.NOT_FOUND} <= set(plan.notes)
    with pytest.raises(InputError, match="no letters"):
        ask(added, Matter.of_text(" -- \n"))


def test_limits_are_told(wiki: Any, ask: Any, text: str, author: str) -> None:
    rev_id = 0
    for number in range(6):
        rev_id = wiki.edit(f"User talk:{number}", text, author)
    wiki.edit("User talk:0", CALM)
    assert Note.INCOMPLETE not in ask(rev_id).notes
    for limits in (Limits(pages=3), Limits(contributions=3), Limits(revisions=1)):
        start = wiki.of(1)[0].rev_id
        assert Note.INCOMPLETE in ask(start, limits=limits).notes


@pytest.mark.parametrize(
    ("title", "content"),
    [
        ("Ж" * 127, "{}"),
        ("語" * 85, "{}"),
        ("نخلة " * 20, "{}"),
        ("Talk:Big", "word " * 400_000 + "{}"),
        ("Talk:Odd", "\x00\u202e{}\u202c\ud800"),
    ],
    ids=["255 bytes of Cyrillic", "255 bytes of Han", "Arabic", "2 MB", "control characters"],
)
def test_odd_pages(wiki: Any, ask: Any, text: str, author: str, title: str, content: str) -> None:
    added = wiki.edit(title.strip(), content.format(text), author)
    wiki.edit(title.strip(), CALM)
    assert texts(ask(added)) == [added]


@pytest.mark.parametrize(("count", "words"), [(0, "Nothing is left"), (1, "1 line of"), (6, "will notice"), (60, "conspicuous")])
def test_how_it_looks(wiki: Any, ask: Any, text: str, author: str, count: int, words: str) -> None:
    first = wiki.edit("Talk:Mill", CALM, author)
    for number in range(count):
        wiki.edit("Talk:Mill", f"{text} {number}", author)
    wiki.edit("Talk:Mill", CALM)
    assert words in attention(ask(first))


# --- the property ---

SHOWN = "I will come to your office tomorrow and hurt you."
POOL = ("Calm.", "Calm. {}", "{}", "Other words.", "<b>{}</b> and more", "Calm.\n* {}\n", "", "x" * len(SHOWN), f"Calm. {'x' * len(SHOWN)}")
acts = st.lists(
    st.tuples(
        st.sampled_from(["edit", "undo", "move", "hide", "copy", "vanish", "merge"]),
        st.integers(0, 30),
        st.integers(0, len(POOL) - 1),
        st.sampled_from(["Grey Pebble", "Maple Reader", "Wet Cardboard"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(acts)
def test_exactly_what_reading_everything_would_find(make_wiki: Any, text: str, acts: list[tuple[str, int, int, str]]) -> None:
    assert text == SHOWN
    wiki = make_wiki()
    title = "Talk:Mill"
    start = wiki.edit(title, "Calm.")
    added = wiki.edit(title, f"Calm.\n\n{text}", "Grey Pebble")
    wiki.edit("Elsewhere", "A page.")
    for act, number, which, user in acts:
        own = [revision.rev_id for revision in wiki.of(wiki.page_id(title))]
        chosen = own[number % len(own)]
        match act:
            case "edit":
                wiki.edit(title, POOL[which].format(text), user)
            case "undo":
                wiki.undo(title, chosen, user)
            case "move":
                to = f"Talk:Mill {number} {which}"
                if wiki.page_id(to) is None:
                    wiki.move(title, to, user)
                    title = to
            case "hide" if chosen not in (start, added, own[-1]):
                wiki.hide(chosen)
            case "copy":
                wiki.edit(f"Copy {number % 4}", POOL[which].format(text), user)
            case "vanish" if chosen != own[-1] and chosen != added:
                wiki.vanishing.add(chosen)
            case "merge" if chosen not in (start, added, own[-1]) and own.index(chosen) + 1 < len(own):
                wiki.merge([chosen], "Elsewhere")
    plan = suggest(Question("enwiki", added, Matter.of_text(text)), wiki)
    open_to_us = [it for it in wiki.all.values() if it.rev_id not in wiki.vanishing and not it.text_hidden]
    for page in plan.pages:
        shown = [it for it in wiki.of(page.page.page_id) if not it.text_hidden and text in wiki.content[it.rev_id]]
        # What vanished while we looked is known by an equal text that did not: on the same page for certain, on another perhaps.
        near = {wiki.content[it.rev_id] for it in open_to_us if it.page_id == page.page.page_id}
        far = {wiki.content[it.rev_id] for it in open_to_us}
        found = [revision.rev_id for revision in page.revisions if Field.TEXT in (*revision.fields, *revision.hidden)]
        least = [it.rev_id for it in shown if wiki.content[it.rev_id] in near]
        most = [it.rev_id for it in shown if wiki.content[it.rev_id] in far]
        assert set(least) <= set(found) <= set(most)
        assert found == least or wiki.vanishing
        assert set(page.unreadable) == {revision.rev_id for revision in wiki.of(page.page.page_id) if revision.text_hidden}
    # No page of an author of the text is left out, and none on which it stands in a part of the history.
    planned = {page.page.page_id for page in plan.pages}
    for revision in wiki.all.values():
        shown = text in wiki.content[revision.rev_id] and not revision.text_hidden and revision.rev_id not in wiki.vanishing
        if shown and revision.user in plan.authors:
            assert revision.page_id in planned
    # Each distinct text was read once, but for what vanished, and for copies, whose hash the wiki does not tell beforehand.
    reads = [rev_id for rev_id in wiki.read if wiki.all[rev_id].page_id == 1 and rev_id not in wiki.vanishing]
    contents = [wiki.content[rev_id] for rev_id in reads if not wiki.all[rev_id].text_hidden]
    assert len(contents) == len(set(contents))
