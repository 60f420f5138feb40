"""What a letter can say of an account."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.wiki.accounts import account_status, is_address, is_temporary
from tsbot.wiki.types import AccountStatus

MALLORY = {
    "userid": 7,
    "editcount": 12,
    "registration": "2026-01-02T03:04:05Z",
    "groups": ["*", "user", "autoconfirmed"],
}


def test_an_ordinary_account_where_there_is_no_central_auth(stub: Any, api: Any) -> None:
    stub.users["Mallory"] = MALLORY
    assert account_status(api, "aawiki", "Mallory") == AccountStatus(
        exists=True,
        blocked=False,
        registered="2026-01-02T03:04:05Z",
        edit_count=12,
        groups=("autoconfirmed",),
        locked=None,
    )
    assert len(stub.requests) == 1


@pytest.mark.parametrize(("central", "locked"), [({"id": 1, "locked": True}, True), ({"id": 1}, False), ({"missing": True}, False)])
def test_locks_are_known_where_there_is_central_auth(stub: Any, api: Any, central: dict[str, Any], locked: bool) -> None:
    stub.users["Mallory"] = MALLORY
    stub.global_users = {"Mallory": central}
    assert account_status(api, "aawiki", "Mallory").locked is locked


@pytest.mark.parametrize(
    ("block", "expiry"),
    [
        ({"blockid": 1, "blockexpiry": "2027-01-01T00:00:00Z"}, "2027-01-01T00:00:00Z"),
        ({"blockid": 1, "blockexpiry": "infinite"}, "infinite"),
    ],
)
def test_a_blocked_account(stub: Any, api: Any, block: dict[str, Any], expiry: str) -> None:
    stub.users["Mallory"] = MALLORY | block
    status = account_status(api, "aawiki", "Mallory")
    assert (status.blocked, status.block_expiry) == (True, expiry)


def test_an_account_that_does_not_exist_or_is_hidden(stub: Any, api: Any) -> None:
    assert account_status(api, "aawiki", "Nobody") == AccountStatus(exists=False)


def test_an_address_has_blocks_and_no_account(stub: Any, api: Any) -> None:
    assert account_status(api, "aawiki", "192.0.2.7") == AccountStatus(anonymous=True, blocked=False)
    stub.blocks = [{"expiry": "2027-01-01T00:00:00Z"}, {"expiry": "infinity"}, {"expiry": "2028-01-01T00:00:00Z"}]
    assert account_status(api, "aawiki", "2001:db8::7") == AccountStatus(anonymous=True, blocked=True, block_expiry="infinity")


def test_a_temporary_account_is_known_by_its_name(stub: Any, api: Any) -> None:
    stub.users["~2026-12345-67"] = {"userid": 8, "editcount": 1}
    status = account_status(api, "aawiki", "~2026-12345-67")
    assert (status.exists, status.temporary, status.anonymous) == (True, True, False)


def test_a_wiki_that_does_not_answer_leaves_everything_open(stub: Any, api: Any, fault: Any) -> None:
    for trouble in (fault(503), fault(body=b"<html>"), fault(body=b'{"query": {}}'), fault(body=b'{"query": {"users": [3]}}')):
        stub.faults.append(trouble)
        assert account_status(api, "aawiki", "Mallory") == AccountStatus()
    assert account_status(api, "nowiki", "~2026-1") == AccountStatus(temporary=True)


@pytest.mark.parametrize(
    ("name", "address", "temporary"),
    [
        ("192.0.2.7", True, False),
        ("192.0.2.0/24", True, False),
        ("2001:DB8:0:0:0:0:0:7", True, False),
        ("~2026-12345-67", False, True),
        ("~2024-1", False, True),
        ("~2 pac", False, False),
        ("Mallory", False, False),
        ("12345", False, False),
        ("", False, False),
    ],
)
def test_kinds_of_names(name: str, address: bool, temporary: bool) -> None:
    assert (is_address(name), is_temporary(name)) == (address, temporary)
