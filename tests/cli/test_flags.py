"""``tsbot flags`` and ``tsbot flag``: what was found, and a person's hand in it."""

from __future__ import annotations

from typing import Any

import pytest

LIST_KEYS = {
    "id", "subject", "kind", "case", "wiki", "field", "probability", "specificity", "plausibility", "imminence", "language", "coverage",
    "source", "event_time", "created", "priority", "repeated", "outcomes",
}  # fmt: skip


def test_a_list_has_ids_and_scores_and_nothing_private(patrolled: Any, make: Any) -> None:
    for words in (("--json",), ()):
        result = patrolled.run("flags", "list", *words)
        assert result.code == 0
        assert "enwiki:rev:100002" in result.out
        for private in (make.threat, "hurt", "Editor 2", "Talk:Example 2"):
            assert private not in result.out
    (line,) = patrolled.run("flags", "list", "--json").lines
    assert set(line) == LIST_KEYS
    assert (line["kind"], line["wiki"], line["language"], line["outcomes"]) == ("violence", "enwiki", "en", ["partly_hidden"])


@pytest.mark.parametrize(
    ("words", "count"), [(("--wiki", "enwiki"), 1), (("--wiki", "dewiki"), 0), (("--kind", "violence"), 1), (("--kind", "doxing"), 0)]
)
def test_a_list_can_be_narrowed(patrolled: Any, words: tuple[str, ...], count: int) -> None:
    assert len(patrolled.run("flags", "list", "--json", *words).lines) == count


def test_a_list_is_limited_and_ordered(office: Any, make: Any) -> None:
    later = {"timestamp": 1_768_471_300, "meta": {"dt": "2026-01-15T10:01:40Z"}}
    office.patrol("--stream", office.record(*(make.change(n, comment=make.threat, **later) for n in range(1, 4))))
    assert len(office.run("flags", "list", "--json").lines) == 3
    assert len(office.run("flags", "list", "--json", "--limit", "2", "--newest").lines) == 2
    assert office.run("flags", "list", "--limit", "0").code == 2


def test_no_flags(office: Any) -> None:
    assert office.run("flags", "list").out == "No flags.\n"
    assert office.run("flags", "list", "--json").out == ""


def test_a_flag_by_id_by_its_beginning_or_by_its_subject(patrolled: Any, make: Any) -> None:
    (line,) = patrolled.run("flags", "list", "--json").lines
    for name in (line["id"], line["id"][:8], "enwiki:rev:100002"):
        (shown,) = patrolled.run("flags", "show", name, "--json").lines
        assert (shown["id"], shown["kind"], shown["case_id"]) == (line["id"], "violence", line["case"])
        assert shown["content"]["excerpt"] == make.threat
        assert shown["priority"] == line["priority"] == sum(reason["points"] for reason in shown["reasons"])
        assert shown["content"]["user"] == "Editor 2"
        spans = [make.threat[span["start"] : span["end"]] for span in shown["content"]["evidence"]]
        assert any("hurt you" in span for span in spans)
        assert [report["state"] for report in shown["reports"]] == ["held"]


def test_a_flag_for_the_eye(patrolled: Any, make: Any) -> None:
    result = patrolled.run("flags", "show", "enwiki:rev:100002")
    told = ("priority ", "  +28  the kind violence", "+30  a threat to life or limb with a near time", "facets: target ", "stance intent")
    assert [words for words in told if words not in result.out] == []
    for words in (make.threat, "of violence on enwiki:rev:100002", "user: Editor 2", "page: Talk:Example 2", "edited 2026-01-15 10:00:00"):
        assert words in result.out


def test_what_became_of_its_case_stands_with_a_flag(patrolled: Any) -> None:
    (shown,) = patrolled.run("flags", "show", "enwiki:rev:100002", "--json").lines
    (became,) = shown["annotations"]
    assert (became["case_id"], became["what"], became["by"]) == (shown["case_id"], "partly_hidden", "stream")
    assert "case became partly_hidden (by stream, 2026-01-15 10:05:00)" in patrolled.run("flags", "show", "enwiki:rev:100002").out


def test_what_strangers_wrote_is_text_and_steers_no_terminal(office: Any, make: Any) -> None:
    text = f"{make.threat}\x1b[2J \u202e[/red]"
    office.patrol("--stream", office.record(make.change(2, comment=text, title="Talk:[bold]\x1b[2J", user="\u202eEditor [/x]")))
    result = office.run("flags", "show", "enwiki:rev:100002")
    assert (result.code, make.threat in result.out) == (0, True)
    assert not set("\x1b\u202e") & set(result.out)
    for words in ("page: Talk:[bold]", "Editor [/x]", "[/red]"):
        assert words in result.out


def test_no_such_flag(patrolled: Any) -> None:
    result = patrolled.run("flags", "show", "ffffffff")
    assert (result.code, result.out) == (1, "")
    assert result.err == "No flag ffffffff. `tsbot flags list` shows what there is.\n"


def test_texts_stay_sealed_without_the_key(patrolled: Any) -> None:
    (patrolled.data / "master.key").unlink()
    result = patrolled.run("flags", "show", "enwiki:rev:100002")
    assert (result.code, result.out) == (2, "")
    assert "Restore it from your backup" in result.err
    assert not (patrolled.data / "master.key").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("not-a-link",), "diff"),
        (("https://en.wikipedia.org/wiki/Example",), "diff"),
        (("https://en.wikipedia.org/w/index.php?diff=1", "--kind", "rage"), "There is no kind rage"),
    ],
)
def test_a_link_or_kind_that_cannot_be_used(office: Any, words: tuple[str, ...], named: str) -> None:
    result = office.run("flag", *words)
    assert (result.code, result.out) == (2, "")
    assert named in result.err
    assert not office.data.joinpath("tsbot.sqlite").exists()
