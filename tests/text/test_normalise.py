"""The normal form: what is folded, what is dropped, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.text.normalise import normalise, unmask


def normal_form(text: str) -> str:
    return " ".join(normalise([text]).text.split())


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("Hello,  World", "hello world"),
        ("Straße", "strasse"),
        ("Ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
        ("𝖇𝖔𝖑𝖉", "bold"),
        ("ﬁn", "fin"),
        ("naïve e\u0301te\u0301", "naive ete"),
        ("z\u200be\u200dr\u00ado", "zero"),
        ("\u202eright\u202c to left", "right to left"),
        ("z\u0336\u0321a\u0315l\u0322g\u0310o", "zalgo"),
        ("killlll youuuu", "kill youu"),
        ("don't", "don t"),
        ("Ёлка й", "елка и"),
        ("أَهْلًا", "اهلا"),
        ("हिन्दी", "हिन्दी"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("١٢٣", "123"),
        ("İstanbul ılık", "istanbul ilik"),
        ("a\ud800b", "a b"),
        ("e\u0301" * 3, "ee"),
        ("a\u034fn\u3164y\uffa0w\u17b4h\u180be\u115fr\U000e0041e\U000e0100", "anywhere"),
        ("b\u20ddo\u0488x\u20de", "box"),
        ("ꜱᴍᴀʟʟ 🅲🅰🅿🆂 🅑🅛🅐🅒🅚", "small caps black"),
    ],
)
def test_normal_form(raw: str, form: str) -> None:
    assert normal_form(raw) == form


def test_sentences_and_their_texts() -> None:
    batch = normalise(["One. Two!", "", "3.5 km\nnext", "  ", "終わり。次"])
    sentences = [(int(owner), batch.sentence(index)) for index, owner in enumerate(batch.owners)]
    assert sentences == [(0, " one "), (0, " two "), (2, " 3 5 km "), (2, " next "), (4, " 終わり "), (4, " 次 ")]


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("I will k1ll you", " i will kill you "),
        ("k.i.l.l you", " kill you "),
        ("diiiie", " die "),
        ("kіll уou", " kill you "),
        ("kiӏӏ you", " kill you "),
        ("h@te", " hate "),
    ],
)
def test_disguises(raw: str, form: str) -> None:
    chosen, batch = unmask(["an ordinary text", raw])
    assert chosen == [1]
    assert batch.owners.tolist() == [0]
    assert batch.sentence(0) == form


@pytest.mark.parametrize("plain", ["Обычный текст на русском", "Ein Satz, 2nd ed., e.g. 3.5 km, U.S. 1999", "ordinary text!", "αβγ и abc"])
def test_ordinary_texts_have_no_second_form(plain: str) -> None:
    assert unmask([plain])[0] == []


def test_the_way_back() -> None:
    raw = "«Straße»  e\u0301te\u0301!"
    batch = normalise([raw])
    text = batch.text
    start = text.index("strasse")
    assert raw[slice(*batch.raw_span(start, start + 7))] == "Straße"
    start = text.index("ete")
    assert raw[slice(*batch.raw_span(start - 1, start + 4))] == "e\u0301te"


@given(st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=5))
def test_whatever_the_texts_hold(texts: list[str]) -> None:
    batch = normalise(texts)
    assert len(batch.codes) == len(batch.origins)
    assert len(batch.sentences) == len(batch.owners) + 1
    for index, owner in enumerate(batch.owners.tolist()):
        form = batch.sentence(index)
        assert form.startswith(" ")
        assert form.endswith(" ")
        assert "  " not in form
        assert form.strip()
        start, end = batch.raw_span(int(batch.sentences[index]), int(batch.sentences[index + 1]))
        assert 0 <= start < end <= len(texts[owner])


@given(st.text(max_size=80))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    form = normal_form(text)
    assert normal_form(form) == form


@given(st.lists(st.text(alphabet="abk1l.i 0!кі\n", max_size=30), max_size=5))
def test_a_batch_is_its_texts(texts: list[str]) -> None:
    together = normalise(texts)
    parts = [normalise([text]) for text in texts]
    apart = [(owner, part.sentence(index)) for owner, part in enumerate(parts) for index in range(len(part.owners))]
    assert [(int(owner), together.sentence(index)) for index, owner in enumerate(together.owners)] == apart
    assert unmask(texts)[0] == [index for index, text in enumerate(texts) if unmask([text])[0]]
