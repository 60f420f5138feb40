"""What the doctor says of keys, webhooks and case managements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tsbot.demo.gpg import Gpg
from tsbot.demo.suitecrm import SuiteCrm
from tsbot.demo.zammad import Zammad
from tsbot.detect.finding import Kind
from tsbot.doctor import State
from tsbot.report.checkup import check_case_managements, check_keys, check_unencrypted, check_webhooks
from tsbot.report.pgp import Sequoia
from tsbot.settings import Recipient, ReleaseRule, ReportSettings, Settings, SuiteCrmSettings, WebhookSettings, ZammadSettings

Desk = Any
DAY = 86400.0


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with Gpg() as real:
        yield real


@pytest.fixture
def guarded_by(desk: Desk, gpg: Gpg) -> Callable[..., Settings]:
    """Settings with one recipient whose key is gpg's."""

    def make(fingerprint: str, policy: Any = "require") -> Settings:
        (desk.folder / "desk.asc").write_bytes(gpg.export(fingerprint))
        one = Recipient(to="desk@example.org", policy=policy, key="desk.asc", fingerprint=fingerprint)
        release = {kind.value: ReleaseRule() for kind in Kind}
        return desk.settings(report=ReportSettings(recipients={"default": (one,)}, release=release))  # type: ignore[no-any-return]

    return make


@pytest.mark.parametrize(
    ("days_left", "state", "words"),
    [(400, State.OK, "for 400 days"), (31, State.OK, "31 days"), (29, State.WARNING, "29 days"), (6, State.PROBLEM, "6 days")],
)
def test_the_end_of_a_key_is_told_in_time(desk: Desk, gpg: Gpg, guarded_by: Any, days_left: int, state: State, words: str) -> None:
    fingerprint = gpg.desk(f"ends{days_left}@example.org", subkey_expires="2027-06-01")
    settings = guarded_by(fingerprint)
    end = Sequoia().examine(desk.folder / "desk.asc", fingerprint, desk.clock.now).expires
    assert end is not None
    (found,) = check_keys(settings, Sequoia(), end - days_left * DAY)
    assert (found.check, found.state, words in found.words) == ("pgp.desk@example.org", state, True)
    assert bool(found.remedy) == (state is not State.OK)


@pytest.mark.parametrize(("policy", "state"), [("require", State.PROBLEM), ("prefer", State.WARNING)])
def test_a_key_that_cannot_be_used(desk: Desk, gpg: Gpg, guarded_by: Any, policy: str, state: State) -> None:
    settings = guarded_by(gpg.make(f"none{policy}@example.org"), policy)
    (found,) = check_keys(settings, Sequoia(), desk.clock.now)
    assert (found.state, found.words.startswith("no live subkey for encryption; letters leave")) == (state, True)


def test_nobody_to_encrypt_to() -> None:
    assert list(check_keys(Settings(), Sequoia(), 0.0)) == []


def test_letters_that_left_with_less_are_told_for_a_week(desk: Desk, gpg: Gpg, guarded_by: Any) -> None:
    settings = guarded_by(gpg.make("useless@example.org"))
    desk.file(desk.flag(), settings)
    (before,) = check_unencrypted(desk.database, desk.clock.now)
    desk.deliverer(settings).run_once()
    (after,) = check_unencrypted(desk.database, desk.clock.now)
    (later,) = check_unencrypted(desk.database, desk.clock.now + 8 * DAY)
    assert [found.state for found in (before, after, later)] == [State.OK, State.PROBLEM, State.OK]
    assert after.words.startswith("1 letters")


def test_webhooks_without_a_secret() -> None:
    hooks = {"signed": WebhookSettings(url="https://a.example.org", secret="x" * 16), "bare": WebhookSettings(url="https://b.example.org")}
    found = {one.check: one.state for one in check_webhooks(Settings(webhooks=hooks))}
    assert found == {"webhooks.signed": State.OK, "webhooks.bare": State.WARNING}


def test_case_managements_are_asked_to_let_us_in() -> None:
    with SuiteCrm() as crm, Zammad() as zammad:
        right = Settings(
            suitecrm=SuiteCrmSettings(url=crm.url, client_id=crm.client_id, client_secret=crm.client_secret),
            zammad=ZammadSettings(url=zammad.url, token=zammad.token),
        )
        assert [(one.check, one.state) for one in check_case_managements(right)] == [("suitecrm", State.OK), ("zammad", State.OK)]
        wrong = Settings(
            suitecrm=SuiteCrmSettings(url=crm.url, client_id=crm.client_id, client_secret="wrong"),
            zammad=ZammadSettings(url=zammad.url, token="wrong"),
        )
        found = list(check_case_managements(wrong))
        assert [(one.state, one.words) for one in found] == [
            (State.PROBLEM, "suitecrm: 401 at token"),
            (State.PROBLEM, "zammad: 401 at read"),
        ]
        assert crm.records == {}
        assert zammad.tickets == {}
    assert list(check_case_managements(Settings())) == []
