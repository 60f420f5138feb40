"""Letters through a wiki."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.wiki.email import send

LETTER = ("aawiki", "Recipient", "Subject", "Text")


def test_a_letter_is_sent_once_as_the_account(stub: Any, make_api: Any) -> None:
    send(make_api(account="TsBot"), *LETTER)
    (mail,) = stub.mails
    assert (mail["target"], mail["subject"], mail["text"], mail["assertuser"]) == ("Recipient", "Subject", "Text", "TsBot")
    assert stub.methods[-1] == "POST"


def test_simulation_sends_nothing(stub: Any, make_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywikibot.config.simulate", True)
    send(make_api(account="TsBot"), *LETTER)
    assert stub.requests == []


def test_without_an_account_there_is_no_mail(stub: Any, api: Any) -> None:
    with pytest.raises(DeliveryRefusedError, match="notloggedin"):
        send(api, *LETTER)
    assert stub.requests == []


def test_a_recipient_without_address(stub: Any, make_api: Any) -> None:
    with pytest.raises(DeliveryRefusedError, match="noemail"):
        send(make_api(account="TsBot"), "aawiki", "Nomail", "Subject", "Text")


def test_an_unknown_wiki(make_api: Any) -> None:
    with pytest.raises(DeliveryRefusedError, match="unknown"):
        send(make_api(account="TsBot"), "nowiki", "Recipient", "Subject", "Text")


@pytest.fixture
def signed_in(stub: Any, make_api: Any) -> Any:
    api = make_api(account="TsBot")
    api.get("aawiki", {"action": "query", "meta": "siteinfo"})
    return api


def at_the_letter(stub: Any, trouble: Any) -> None:
    """Let the trouble happen when the letter itself is sent, after the token was fetched."""
    stub.hook = lambda query: stub.faults.append(trouble) if query.get("meta") == "tokens" else None


def test_trouble_before_the_letter_leaves_is_tried_again(stub: Any, signed_in: Any, fault: Any) -> None:
    stub.faults.append(fault(drop=True))
    with pytest.raises(DeliveryDeferredError):
        send(signed_in, *LETTER)


@pytest.mark.parametrize("code", ["maxlag", "readonly", "ratelimited", "actionthrottledtext"])
def test_a_wiki_that_is_busy_gets_it_later(stub: Any, signed_in: Any, api_error: Any, code: str) -> None:
    at_the_letter(stub, api_error(code))
    with pytest.raises(DeliveryDeferredError):
        send(signed_in, *LETTER)


def test_a_letter_of_which_nobody_knows_is_not_sent_twice(stub: Any, signed_in: Any, fault: Any) -> None:
    for trouble in (fault(drop=True), fault(500), fault(body=b"<html>"), fault(body=b'{"emailuser": {}}')):
        at_the_letter(stub, trouble)
        with pytest.raises(DeliveryRefusedError, match="Ask the recipient"):
            send(signed_in, *LETTER)
