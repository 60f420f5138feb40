"""The detector as the rest of tsbot uses it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.detector import PIECE, Cascade, load_detector
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.text.passage import Field

THREAT = "I will come to your office tomorrow and hurt you"
HARMLESS = "Thanks, I moved the reference to the second section of the article."
anything = st.text(alphabet=st.characters(), max_size=200)
"""Any text, lone surrogates included."""
PARTS = [THREAT, HARMLESS, "Ich bringe dich um", "k1ll yourself", "\u202e", "e\u0301", "🔪", "\n", ". ", "死ね", "\ud800"]
mixed = st.lists(st.sampled_from(PARTS), max_size=8).map(" ".join)


def spans(finding: Finding, text: str) -> dict[str, str]:
    return {span.label: text[span.start : span.end] for span in finding.evidence}


def test_a_threat_has_a_probability_grades_and_evidence(detector: Cascade) -> None:
    text = "Good morning. I know where you live. " + THREAT + " with a knife."
    (finding,) = detector.judge([text])
    assert finding.kind is Kind.VIOLENCE
    assert finding.threat > 0.7
    assert (finding.specificity, finding.imminence) == (3, 3)
    assert finding.plausibility >= 2
    assert finding.facets.when
    assert finding.facets.how
    assert finding.facets.ability
    found = spans(finding, text)
    assert found["violence"] == THREAT
    assert found["when"] == "tomorrow"
    assert found["how"] == "knife"


def test_specificity_follows_the_guideline(detector: Cascade) -> None:
    vague, exact = detector.judge(["I will kill you", "I will come to your house tomorrow with a knife and kill you"])
    assert vague.specificity == 0
    assert exact.specificity == 2


def test_conditional_threats_say_so(detector: Cascade) -> None:
    (finding,) = detector.judge(["I will hurt you if you revert me again"])
    assert finding.facets.conditional
    assert finding.imminence == 1


ODD = ["", " ", "\n\n", "...", "\u0301" * 1000, "🔪🔪🔪", "\ud800\udfff", "\x00\x01", "\u202e\u202e", "۱۲۳۴", "a" * 1_000_000]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_judged_harmless(detector: Cascade, text: str) -> None:
    (finding,) = detector.judge([text])
    assert finding.flagged == ()
    assert finding.threat == pytest.approx(0, abs=0.02)


def test_invisible_characters_do_not_hide_a_threat(detector: Cascade) -> None:
    text = "\u202eI wi\u200bll hu\u00adrt you\u202c"
    (finding,) = detector.judge([text])
    assert finding.kind is Kind.VIOLENCE
    assert spans(finding, text)["violence"].startswith("I wi")


def test_a_threat_in_the_middle_of_a_long_text_is_found(detector: Cascade) -> None:
    before = HARMLESS * (3 * PIECE // len(HARMLESS))
    text = before + " " + THREAT + ". " + HARMLESS * 1000
    (finding,) = detector.judge([text])
    assert finding.kind is Kind.VIOLENCE
    assert spans(finding, text)["violence"] == THREAT


def test_languages_without_pack_are_unscored_and_said_to_be(detector: Cascade) -> None:
    texts = ["Šis straipsnis yra apie miestą, kuris yra prie jūros ir yra žinomas dėl savo uosto", "სტატია საპორტო ქალაქის შესახებ"]
    lithuanian, georgian = detector.judge(texts)
    assert (lithuanian.language, lithuanian.coverage) == ("lt", Coverage.UNSCORED)
    assert (georgian.language, georgian.coverage) == ("ka", Coverage.UNSCORED)


def test_a_language_that_is_known_is_believed(detector: Cascade) -> None:
    (finding,) = detector.judge([HARMLESS], ["nds"])
    assert (finding.language, finding.coverage) == ("nds", Coverage.UNSCORED)


@pytest.mark.parametrize(
    ("name", "attack"),
    [
        ("KillJohnSmith", True),
        ("I_will_kill_Bob", True),
        ("Bob must die", True),
        ("JohnSmithIsAPedophile", True),
        ("KillerWhale99", False),
        ("DieHardFan", False),
        ("Maple Reader", False),
        ("Hangman", False),
        ("~2026-12345-67", False),
    ],
)
def test_user_names(detector: Cascade, name: str, attack: bool) -> None:
    (finding,) = detector.judge([name], fields=[Field.USER])
    assert finding.flagged == ((Kind.ATTACK_NAME,) if attack else ())
    assert all(0 <= span.start < span.end <= len(name) for span in finding.evidence)


def test_contact_pages_are_no_doxing(detector: Cascade) -> None:
    infobox = "| phone = 020 7946 0018\n| address = 12 Example Street\n| website = example.org\nCall the museum on 020 7946 0018."
    (finding,) = detector.judge([infobox])
    assert Kind.DOXING not in finding.flagged


def test_thresholds_can_be_set_per_kind() -> None:
    strict = load_detector({"violence": 1.0})
    (finding,) = strict.judge([THREAT])
    assert finding.flagged == ()
    assert finding.threat > 0.7


def test_a_low_threshold_flags_what_the_model_hardly_doubts() -> None:
    (finding,) = load_detector({"violence": 1e-9}).judge([HARMLESS])
    assert finding.flagged == (Kind.VIOLENCE,)


def test_the_version_names_the_model(detector: Cascade) -> None:
    assert detector.version.startswith("cascade-3-")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(anything, mixed), max_size=6))
def test_a_finding_does_not_depend_on_its_batch(detector: Cascade, texts: list[str]) -> None:
    together = detector.judge(texts)
    assert together == [detector.judge([text])[0] for text in texts]
    assert detector.judge(texts[::-1]) == together[::-1]


@settings(max_examples=50, deadline=None)
@given(st.one_of(anything, mixed), st.sampled_from(list(Field)))
def test_findings_are_well_formed(detector: Cascade, text: str, field: Field) -> None:
    (finding,) = detector.judge([text], fields=[field])
    assert all(0 <= probability <= 1 for probability in finding.kinds.values())
    assert all(grade in range(4) for grade in (finding.specificity, finding.plausibility, finding.imminence))
    assert all(0 <= span.start < span.end <= len(text) for span in finding.evidence)
    assert all(finding.probability(kind) >= detector.thresholds[kind] for kind in finding.flagged)
    if finding.specificity:
        assert finding.specificity == finding.facets.specificity
    assert {str(kind) for kind in finding.flagged} <= {span.label for span in finding.evidence}




def test_facets_in_the_next_sentence_are_shown_too(detector: Cascade) -> None:
    text = "I know where you live. Tomorrow at 9 I will come with a knife."
    (finding,) = detector.judge([text])
    shown = {(evidence.label, text[evidence.start : evidence.end]) for evidence in finding.evidence}
    assert {("when", "Tomorrow"), ("how", "knife"), ("ability", "I know where you live")} <= shown
