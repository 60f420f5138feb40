"""The story for traces: the same each time, mild, and an export that any MediaWiki reads."""

from __future__ import annotations

from xml.etree import ElementTree

from tsbot.demo import tracing


def test_the_story_is_the_same_each_time_and_has_its_people() -> None:
    edits = tracing.story()
    assert edits == tracing.story()
    people = {edit.account for edit in edits}
    assert {*tracing.PUPPETS, tracing.LOOK_ALIKE, tracing.VICTIM, tracing.FRAMER} <= people
    assert len(people) == tracing.ORDINARY + 7
    for puppet in tracing.PUPPETS:
        assert len({edit.wiki for edit in edits if edit.account == puppet}) >= 2
    assert all(0 <= edit.day <= tracing.DAYS for edit in edits)


def test_the_export_is_xml_with_each_edit_in_the_order_of_time() -> None:
    edits = [edit for edit in tracing.story() if edit.wiki == "enwiki"]
    root = ElementTree.fromstring("".join(tracing.export(edits, 1.78e9)))
    space = "{http://www.mediawiki.org/xml/export-0.10/}"
    revisions = root.findall(f"{space}page/{space}revision")
    assert len(revisions) == len(edits)
    for page in root.findall(f"{space}page"):
        times = [one.findtext(f"{space}timestamp") or "" for one in page.findall(f"{space}revision")]
        assert times == sorted(times)
        texts = [one.findtext(f"{space}text") for one in page.findall(f"{space}revision")]
        assert len(set(texts)) == len(texts)
