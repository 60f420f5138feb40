"""Signatures of webhooks: what a receiver checks, and what it must refuse."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.report.signature import WINDOW, secret_keys, sign, verify

NOW = 1_790_000_000.0
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
BODY = b'{"case":"0c5e1a2b"}'


def test_the_example_of_the_specification() -> None:
    """Of the specification's own text: secret, id, time and body give this signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@settings(deadline=None)
@given(body=st.binary(), identity=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_what_was_signed_is_recognised_and_nothing_else(body: bytes, identity: str) -> None:
    headers = sign(SECRET, identity, body, NOW)
    assert verify(SECRET, headers, body, NOW)
    assert not verify(SECRET, headers, body + b" ", NOW)
    assert not verify(SECRET, headers | {"webhook-id": identity + "x"}, body, NOW)
    assert not verify(SECRET, headers | {"webhook-timestamp": str(int(NOW) + 1)}, body, NOW)
    assert not verify("another-secret-long-enough", headers, body, NOW)


@pytest.mark.parametrize(("late", "taken"), [(0, True), (WINDOW, True), (WINDOW + 1, False), (-WINDOW - 1, False), (86400, False)])
def test_an_old_message_is_not_taken_again(late: float, taken: bool) -> None:
    assert verify(SECRET, sign(SECRET, "id", BODY, NOW), BODY, NOW + late) == taken


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-id": ""},
    ],
)
def test_forged_headers(wrong: dict[str, str]) -> None:
    assert not verify(SECRET, sign(SECRET, "id", BODY, NOW) | wrong, BODY, NOW)


def test_no_headers_and_no_secret() -> None:
    assert not verify(SECRET, {}, BODY, NOW)
    unsigned = sign("", "id", BODY, NOW)
    assert "webhook-signature" not in unsigned
    assert not verify("", unsigned, BODY, NOW)
    assert not verify("", unsigned | {"webhook-signature": "v1,AAAA"}, BODY, NOW)


def test_a_secret_can_be_changed_without_a_gap() -> None:
    both = f"{SECRET} the-next-secret-is-this"
    headers = sign(both, "id", BODY, NOW)
    assert verify(SECRET, headers, BODY, NOW)
    assert verify("the-next-secret-is-this", headers, BODY, NOW)


def test_names_of_headers_are_of_no_case() -> None:
    assert verify(SECRET, {name.upper(): value for name, value in sign(SECRET, "id", BODY, NOW).items()}, BODY, NOW)


def test_a_broken_secret() -> None:
    with pytest.raises(ValueError, match=r"[Bb]ase64|padding|discontinuous"):
        secret_keys("whsec_???")
