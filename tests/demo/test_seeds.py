"""The demo's play is complete, mild, and refers only to what exists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tsbot.demo.seeds import Action, read_seeds
from tsbot.detect.finding import Kind
from tsbot.errors import DemoError

GOOD = """
[[seed]]
id = "one"
wiki = "enwiki"
who = "Maple Reader"
page = "Page"
text = "Text."
expect = "none"
why = "plain"
"""


def test_the_file_holds_ordinary_acts_and_made_up_threats_on_all_wikis():
    seeds = read_seeds()
    ordinary = [seed for seed in seeds if not seed.expected]
    assert len(ordinary) >= 40
    assert 8 <= len(seeds) - len(ordinary) <= 12
    assert {seed.wiki for seed in seeds} == {"enwiki", "dewiki", "metawiki"}
    assert {seed.action for seed in seeds} == set(Action)
    expected = Counter(kind for seed in seeds for kind in seed.expected)
    assert {Kind.VIOLENCE, Kind.SELF_HARM, Kind.DOXING, Kind.ATTACK_NAME} <= set(expected)


def test_numbers_belong_to_nobody():
    """555-0100 to 555-0199 are kept for fiction; nothing else in the file looks like a telephone number."""
    import re

    for seed in read_seeds():
        text = f"{seed.text or ''} {seed.append or ''} {seed.summary}"
        for number in re.findall(r"(?<!\d)(?:\(?\d{3}\)?[ -])?\d{3}[ -]\d{4}(?!\d)", text):
            assert re.search(r"555[ -]01\d\d$", number), seed.id


def test_a_seed_may_expect_one_of_several_kinds():
    by_id = {seed.id: seed for seed in read_seeds()}
    assert by_id["threat-school"].expected == (Kind.VIOLENCE, Kind.MASS_VIOLENCE)
    assert by_id["self-harm"].expected == (Kind.SELF_HARM,)
    assert by_id["school-article"].expected == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + GOOD, "'one': its id is taken"),
        (GOOD.replace("enwiki", "frwiki"), "no wiki 'frwiki'"),
        (GOOD.replace("Maple Reader", "Nobody"), "no account 'Nobody'"),
        (GOOD.replace('text = "Text."', ""), "needs text or append"),
        (GOOD + 'append = "More."', "not both"),
        (GOOD.replace('text = "Text."', 'action = "move"'), "a move needs to"),
        (GOOD.replace('text = "Text."', 'action = "undo"\nof = "two"'), "no earlier seed 'two'"),
        (GOOD.replace('"none"', '"rudeness"'), "rudeness"),
        (GOOD.replace('"plain"', '" "'), "why is empty"),
        (GOOD.replace('"none"', '"violence"\nmay_flag = ["doxing"]'), "may_flag"),
        (GOOD + "colour = 1", "colour"),
        ("[[seed", "seeds.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, message: str):
    path = tmp_path / "seeds.toml"
    path.write_text(text)
    with pytest.raises(DemoError, match=message):
        read_seeds(path)


def test_an_address_may_stand_for_somebody_without_an_account(tmp_path: Path):
    path = tmp_path / "seeds.toml"
    path.write_text(GOOD.replace("Maple Reader", "2001:db8::7"))
    [seed] = read_seeds(path)
    assert seed.who == "2001:db8::7"
