"""Criteria and reasons: what is shipped is right, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.finding import Kind
from tsbot.errors import CriteriaError
from tsbot.hide import policy
from tsbot.hide.policy import Level, level_of, load_policies, load_reasons, reason, shipped_policies, shipped_reasons

KINDS = [kind for kind in Kind if kind is not Kind.NONE]


@pytest.mark.parametrize(
    ("wiki", "kind", "criterion", "level"),
    [
        ("enwiki", Kind.VIOLENCE, "RD3", Level.REVISION_DELETION),
        ("enwiki", Kind.HARASSMENT, "RD2", Level.REVISION_DELETION),
        ("enwiki", Kind.DOXING, "OS1", Level.SUPPRESSION),
        ("enwiki", Kind.ATTACK_NAME, "OS4", Level.SUPPRESSION),
        ("dewiki", Kind.VIOLENCE, "disruptive", Level.REVISION_DELETION),
        ("dewiki", Kind.DOXING, "private-information", Level.SUPPRESSION),
    ],
)
def test_criteria(wiki: str, kind: Kind, criterion: str, level: Level) -> None:
    (ground,) = shipped_policies().grounds(wiki, [kind])
    assert (ground.criterion, ground.level) == (criterion, level)


def test_an_unknown_wiki_has_the_global_policy() -> None:
    (ground,) = shipped_policies().grounds("xywiki", [Kind.DOXING])
    assert ground.policy == "global policy"


def test_of_several_kinds_the_strictest_decides() -> None:
    grounds = shipped_policies().grounds("enwiki", [Kind.VIOLENCE, Kind.DOXING, Kind.MASS_VIOLENCE])
    assert [ground.criterion for ground in grounds] == ["OS1", "RD3"]
    assert level_of(grounds) is Level.SUPPRESSION
    assert shipped_policies().grounds("enwiki", [Kind.LEGAL]) == ()
    assert level_of(()) is None


def test_what_nobody_compared_with_the_wiki_is_marked() -> None:
    assert shipped_policies().name_ground("enwiki").confirmed is False


def test_a_wiki_may_leave_out_kinds(tmp_path: Path) -> None:
    folder(tmp_path, xywiki=XYWIKI)
    policies = load_policies(tmp_path)
    assert policies.grounds("xywiki", [Kind.VIOLENCE])[0].criterion == "A"
    assert policies.grounds("xywiki", [Kind.DOXING])[0].policy == "global policy"


XYWIKI = """
name = "XY"
user_name = "A"
[criteria.A]
words = "threats"
level = "revision_deletion"
[criteria.B]
words = "private"
level = "suppression"
interim = "A"
[kinds]
violence = "A"
"""


def folder(path: Path, **files: str) -> None:
    """A folder of criteria with the shipped default."""
    (path / "default.toml").write_bytes((policy.CRITERIA / "default.toml").read_bytes())
    for name, content in files.items():
        (path / f"{name}.toml").write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('violence = "A"', 'violence = "C"'), "kinds.violence names the criterion C"),
        (('violence = "A"', 'none = "A"'), "kinds.none"),
        (('violence = "A"', 'rage = "A"'), "rage"),
        (('user_name = "A"', 'user_name = "C"'), "user_name names the criterion C"),
        (('user_name = "A"', ""), "user_name"),
        (('interim = "A"', 'interim = "B"'), "criteria.B.interim"),
        (('level = "suppression"', 'level = "revision_deletion"'), "criteria.B.interim"),
        (('level = "suppression"', 'level = "erase"'), "erase"),
        (('words = "threats"', 'words = " "'), "criteria.A.words"),
        (('name = "XY"', 'name = "XY"\nwhose = "ours"'), "whose"),
        (('name = "XY"', "name ="), "line 2"),
    ],
)
def test_a_wrong_file_is_named_with_its_entry(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    folder(tmp_path, xywiki=XYWIKI.replace(*change))
    with pytest.raises(CriteriaError) as wrong:
        load_policies(tmp_path)
    assert "xywiki.toml" in str(wrong.value)
    assert named in str(wrong.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_covers_every_kind(tmp_path: Path, kind: Kind) -> None:
    lines = (policy.CRITERIA / "default.toml").read_text(encoding="utf-8").splitlines()
    (tmp_path / "default.toml").write_text("\n".join(line for line in lines if not line.startswith(f"{kind} =")), encoding="utf-8")
    with pytest.raises(CriteriaError, match=f"kinds.{kind} is missing"):
        load_policies(tmp_path)


def test_without_a_default_nothing_works(tmp_path: Path) -> None:
    with pytest.raises(CriteriaError, match=r"default\.toml is missing"):
        load_policies(tmp_path)


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "gemäß"), ("de-formal", "gemäß"), ("pt-br", "de acordo"), ("zh-hans", "根据"), ("en", "policy"), ("tlh", "policy")],
)
def test_the_reason_is_in_the_wikis_language(language: str, words: str) -> None:
    assert words in reason(language)


def test_no_reason_says_what_was_hidden_or_why() -> None:
    for text in shipped_reasons().values():
        assert not any(part in text.lower() for part in ("oversight", "suppress", "privat", "threat", "revdel", "hide", "hidden"))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('en = "RD4"', "reasons.en"),
        ('de = "x"', "reasons.en is missing"),
        ('en = "x"\nfr = "[[WP:OS]]"', "reasons.fr"),
        ("en = 1", "reasons.toml"),
    ],
)
def test_a_telltale_reason_is_refused(tmp_path: Path, content: str, named: str) -> None:
    file = tmp_path / "reasons.toml"
    file.write_text(f"[reasons]\n{content}\n", encoding="utf-8")
    with pytest.raises(CriteriaError, match=named):
        load_reasons(file)
