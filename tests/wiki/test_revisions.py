"""Old and new text of edits, against a wiki that answers as documented, and against one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.budget import Budget
from tsbot.wiki.revisions import PywikibotRevisions
from tsbot.wiki.types import RevisionRef, RevisionState


def ref(rev_id: int, parent: int = 0) -> RevisionRef:
    return RevisionRef("aawiki", rev_id, parent)


def test_edits_of_a_wiki_come_in_one_request_in_the_order_asked(stub: Any, api: Any) -> None:
    for number in range(1, 51):
        stub.add(number, f"text {number}", page=number % 7)
    refs = [ref(number, number - 25) for number in range(50, 25, -1)]

    fetched = PywikibotRevisions(api).fetch("aawiki", refs)

    assert [revision.ref for revision in fetched] == refs
    assert [(r.text, r.parent_text) for r in fetched[:2]] == [("text 50", "text 25"), ("text 49", "text 24")]
    assert {r.state for r in fetched} == {RevisionState.PRESENT}
    assert len(stub.requests) == 1  # no siteinfo, no userinfo, no paraminfo before it
    assert stub.requests[0]["_path"] == "/aa/w/api.php"
    assert stub.requests[0]["maxlag"] == "5"
    assert "assertuser" not in stub.requests[0]


def test_page_and_content_model_come_along(stub: Any, api: Any) -> None:
    stub.add(5, "body { color: red }", page=9, model="css")
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(5)])
    assert (revision.title, revision.page_id, revision.namespace) == ("User talk:P9", 9, 3)
    assert (revision.content_model, revision.text) == ("css", "body { color: red }")


def test_the_first_revision_of_a_page_has_no_parent(stub: Any, api: Any) -> None:
    stub.add(5)
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(5, 0)])
    assert revision.parent_text is None
    assert stub.requests[0]["revids"] == "5"


def test_a_hidden_text_is_an_outcome_of_its_own(stub: Any, api: Any) -> None:
    stub.add(5, "old")
    stub.add(6, None)
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(6, 5)])
    assert (revision.state, revision.text, revision.parent_text) == (RevisionState.HIDDEN, None, None)


@pytest.mark.parametrize("parent_text", [None, "missing"], ids=["hidden", "deleted"])
def test_an_unreadable_parent_leaves_the_new_text(stub: Any, api: Any, parent_text: str | None) -> None:
    if parent_text is None:
        stub.add(5, None)
    stub.add(6, "new")
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(6, 5)])
    assert (revision.state, revision.text, revision.parent_text) == (RevisionState.PRESENT, "new", None)


def test_a_deleted_page_is_an_outcome_of_its_own(stub: Any, api: Any) -> None:
    stub.add(1, "here")
    here, gone = PywikibotRevisions(api).fetch("aawiki", [ref(1), ref(2, 1)])
    assert (here.state, gone.state, gone.text) == (RevisionState.PRESENT, RevisionState.DELETED, None)


def test_to_an_account_that_may_see_deleted_pages_the_wiki_only_names_the_missing_page(stub: Any, api: Any, fault: Any) -> None:
    """As MediaWiki 1.39 answers an administrator: the revision is neither listed nor bad."""
    stub.faults.append(fault(body=b'{"batchcomplete": true, "query": {"pages": [{"ns": 1, "title": "Talk:Foo", "missing": true}]}}'))
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(3, 2)])
    assert revision.state is RevisionState.DELETED


def test_data_that_nobody_wrote_by_hand_is_no_text(stub: Any, api: Any) -> None:
    stub.add(5, '{"labels": {}}', model="wikibase-item")
    (revision,) = PywikibotRevisions(api).fetch("aawiki", [ref(5)])
    assert (revision.state, revision.text, revision.content_model) == (RevisionState.PRESENT, None, "wikibase-item")


def test_long_texts_are_cut_between_characters(stub: Any, api: Any) -> None:
    stub.add(5, "a" * 9 + "é")
    stub.add(6, "b" * 10)
    cut, whole = PywikibotRevisions(api, max_text_bytes=10).fetch("aawiki", [ref(5), ref(6)])
    assert (cut.text, cut.truncated) == ("a" * 9, True)
    assert (whole.text, whole.truncated) == ("b" * 10, False)


def test_an_answer_cut_off_at_the_size_limit_is_followed_to_its_end_and_paid_for(stub: Any, make_api: Any) -> None:
    stub.result_limit = 25
    for number in range(1, 7):
        stub.add(number, "0123456789")
    budget = Budget(600, clock=lambda: 0.0)
    before = budget.remaining

    fetched = PywikibotRevisions(make_api(budget)).fetch("aawiki", [ref(n, n - 1) for n in range(2, 7)])

    assert [(r.text, r.parent_text) for r in fetched] == [("0123456789",) * 2] * 5
    assert len(stub.requests) == 3
    assert budget.remaining == before - 2  # the caller pays for the first


def test_a_revision_that_never_fits_is_refused_and_does_not_loop(stub: Any, api: Any) -> None:
    stub.result_limit = 5
    stub.add(1, "0123456789")
    with pytest.raises(WikiRefusedError) as caught:
        PywikibotRevisions(api).fetch("aawiki", [ref(1)])
    assert caught.value.code == "result-too-long"


def test_an_answer_that_leaves_a_revision_out_is_no_answer(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.append(fault(body=b'{"batchcomplete": true, "query": {"pages": []}}'))
    with pytest.raises(WikiUnavailableError, match="leaves out 1 of 1"):
        PywikibotRevisions(api).fetch("aawiki", [ref(1)])


@pytest.mark.parametrize(
    "body", [b'{"query": {"pages": [7]}}', b'{"query": {"pages": [{"revisions": [{}]}]}}', b'{"query": {"badrevids": [1]}}']
)
def test_an_answer_of_unknown_shape_is_no_answer(stub: Any, api: Any, fault: Any, body: bytes) -> None:
    stub.faults.append(fault(body=body))
    with pytest.raises(WikiUnavailableError, match="shape"):
        PywikibotRevisions(api).fetch("aawiki", [ref(1)])


def test_with_the_right_to_high_limits_a_request_carries_ten_times_as_much(stub: Any, make_api: Any) -> None:
    stub.rights = ("read", "apihighlimits")
    stub.add(1)
    source = PywikibotRevisions(make_api(account="TsBot"))
    assert source.batch_size("aawiki") == 25  # not known before the wiki said so
    source.fetch("aawiki", [ref(1)])
    assert source.batch_size("aawiki") == 250

    for number in range(1, 501):
        stub.add(number)
    fetched = source.fetch("aawiki", [ref(number, number - 250) for number in range(251, 501)])
    assert len(fetched) == 250
    assert stub.methods[-1] == "POST"  # too long for an address
    assert "userinfo" not in stub.requests[-1].get("meta", "")  # asked once
