"""The console in a real browser: by keyboard alone, on a telephone, from right to left, without JavaScript, in the dark."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cases.case import CaseState
from tsbot.detect.finding import Kind

pytestmark = pytest.mark.live
House = Any


def five(house: House) -> list[str]:
    """Five cases, the gravest first."""
    house.two_person = ()
    kinds = (Kind.VIOLENCE, Kind.SELF_HARM, Kind.DOXING, Kind.HARASSMENT, Kind.LEGAL)
    return [house.case(kind, scores=(3 - n // 2,) * 3, wiki=("enwiki", "dewiki")[n % 2]) for n, kind in enumerate(kinds)]


def test_five_cases_by_keyboard_alone(house: House, screen: Any) -> None:
    cases = five(house)
    window = screen()
    page = window.go()
    window.shot("queue")
    window.keys("o")
    for _ in cases:
        assert "/cases/" in page.url
        window.keys("c")
        page.keyboard.press("r")
        page.wait_for_selector("#revealed .revealed mark")
        window.keys("1")
        page.wait_for_selector("text=The detector was told.")
        page.keyboard.press("e")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.value") == "handled"
        page.keyboard.press("Tab")
        window.keys("Enter")
        page.wait_for_selector("text=The case was closed.")
    assert page.url.startswith(window.address + "/?")
    assert {house[case].state for case in cases} == {CaseState.CLOSED}
    assert house.rows("select verdict, count(*) from label group by verdict") == [("right", 5)]
    assert house.rows("select count(*) from exposure") == [(5,)]
    window.keys("u")
    page.wait_for_selector("text=That was undone.")
    assert [house[case].state for case in cases].count(CaseState.OPEN) == 1


def test_keys_do_nothing_while_something_is_typed_or_when_they_are_off(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL)
    window = screen()
    page = window.go(f"/cases/{case}")
    page.keyboard.press("n")
    page.keyboard.type("secure 1 4 u")
    assert page.input_value("#note") == "secure 1 4 u"
    assert house.rows("select * from label") == []
    house.sign_in().send("/preferences", language="", key_reveal="z")
    page.reload()
    page.keyboard.press("4")
    page.keyboard.press("q")
    assert (page.url, house.rows("select * from label")) == (f"{window.address}/cases/{case}", [])


def test_the_map_of_keys_and_own_keys(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL)
    house.sign_in().send("/preferences", language="", keys_on="1", key_reveal="z")
    window = screen()
    page = window.go(f"/cases/{case}")
    window.keys("?")
    assert page.url == f"{window.address}/keys"
    assert page.locator("kbd", has_text="z").count() == 1
    window.shot("keys")
    window.go(f"/cases/{case}")
    page.keyboard.press("z")
    page.wait_for_selector("#revealed .revealed")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible_by_the_rules(house: House, screen: Any, dark: bool) -> None:
    case = five(house)[0]
    house.letters(house.flag(Kind.VIOLENCE, by="Editor 1", scores=(3, 3, 3)))
    reader = house.sign_in()
    reader.act(case, "claim")
    reader.act(case, "note", text="looked at it")
    reader.send("/filters", query="kind=legal", name="Legal")
    window = screen(dark=dark)
    pages = {"queue": "/?lane=general", "case": f"/cases/{case}", "closed": "/?state=closed"}
    pages |= {name: f"/{name}" for name in ("preferences", "keys")}
    for name, path in pages.items():
        page = window.go(path)
        assert window.axe() == [], name
        if name == "case":
            page.click('[data-act="reveal"]')
            page.wait_for_selector("#revealed .revealed")
            for fold in page.locator("summary").all():
                fold.click()
            assert window.axe() == []
        window.shot(f"{name}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_on_a_telephone(house: House, screen: Any, language: str) -> None:
    case = five(house)[0]
    window = screen(width=360)
    for name, path in (("queue", "/"), ("case", f"/cases/{case}"), ("preferences", "/preferences"), ("keys", "/keys")):
        page = window.go(f"{path}?uselang={language}")
        if name == "case":
            page.click('[data-act="reveal"]')
            page.wait_for_selector("#revealed .revealed")
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
        assert window.sideways() == 0, name
        window.shot(f"{name}-360-{language}")


def test_from_right_to_left(house: House, screen: Any) -> None:
    case = five(house)[0]
    window = screen()
    page = window.go(f"/cases/{case}?uselang=ar")
    desk, matter = (page.locator(one).bounding_box() for one in (".desk", ".matter"))
    assert desk["x"] < matter["x"]
    window.shot("case-rtl")


def test_reading_and_deciding_without_javascript(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL, text="plain words of a made-up threat", evidence=(0, 5))
    window = screen(scripts=False)
    page = window.go()
    page.click("text=Next case")
    assert page.url.endswith(f"/cases/{case}?")
    page.click("text=Reveal the text")
    assert page.inner_text("mark") == "plain"
    page.fill("#note", "no matter")
    page.click("text=Add the note")
    page.select_option("#outcome", "dismissed")
    page.click("text=Decide, next case")
    assert "The case was closed." in page.inner_text("main")
    assert house[case].outcome == "dismissed"
    page.click("text=Undo")
    assert house[case].state is CaseState.OPEN


def test_the_queue_stays_still_under_the_pointer(house: House, screen: Any) -> None:
    house.case(Kind.LEGAL)
    window = screen()
    page = window.go()
    page.hover("tbody tr")
    house.case(Kind.VIOLENCE, scores=(3, 3, 3))
    page.wait_for_selector("text=The queue has changed.")
    assert page.locator("tbody tr").count() == 1
    page.mouse.move(0, 0)
    house.case(Kind.DOXING)
    page.wait_for_selector("tbody tr:nth-child(3)")


def test_a_colleague_acts_on_the_open_case(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL)
    page = screen().go(f"/cases/{case}")
    house.sign_in("Colleague").act(case, "claim")
    page.wait_for_selector("text=Somebody has acted on this case.")


def test_blur_and_grey(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL)
    house.sign_in().send("/preferences", language="", keys_on="1", blur="1", grey="1")
    window = screen()
    page = window.go(f"/cases/{case}")
    page.click('[data-act="reveal"]')
    page.wait_for_selector("#revealed .revealed")
    page.focus("#note")
    page.mouse.move(0, 0)
    window.wait_for("getComputedStyle(document.querySelector('pre.text')).filter.includes('blur(6')")
    assert "grayscale" in page.evaluate("getComputedStyle(document.querySelector('#revealed')).filter")
    window.shot("blur")
    page.hover("pre.text")
    window.wait_for("getComputedStyle(document.querySelector('pre.text')).filter === 'none'")


def test_a_session_that_ended_loses_nothing_that_was_typed(house: House, screen: Any) -> None:
    case = house.case(Kind.LEGAL)
    window = screen()
    page = window.go(f"/cases/{case}")
    page.fill("#note", "half a sen")
    house.now += 3600
    page.wait_for_selector("#live >> text=Your session has ended.")
    assert page.input_value("#note") == "half a sen"
