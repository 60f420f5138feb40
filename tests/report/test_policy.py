"""What may leave to whom: the table of policies, and the settings behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tsbot.errors import SettingsError
from tsbot.report.policy import Decision, Policy, Rule, decide, guarded, rule_for
from tsbot.report.routing import check_routing
from tsbot.settings import MailSettings, Recipient, RecipientKey, ReportSettings, Settings, load

FINGERPRINT = "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567"
GUARDED = {"key": "desk.asc", "fingerprint": FINGERPRINT}


def settings(*recipients: Recipient, **keys: RecipientKey) -> Settings:
    named = {name.replace("_at_", "@") + ".org": key for name, key in keys.items()}
    return Settings(report=ReportSettings(recipients={"default": recipients} if recipients else {}, keys=named))


@pytest.mark.parametrize(
    ("policy", "trouble", "expected"),
    [
        ("plain", "", Decision(Policy.PLAIN, encrypted=False, quotes=True)),
        ("prefer", "", Decision(Policy.PREFER, encrypted=True, quotes=True)),
        ("prefer", "expired", Decision(Policy.PLAIN, encrypted=False, quotes=False, trouble="expired")),
        ("require", "", Decision(Policy.REQUIRE, encrypted=True, quotes=True)),
        ("require", "expired", Decision(Policy.LINKS_ONLY, encrypted=False, quotes=False, trouble="expired")),
        ("links_only", "", Decision(Policy.LINKS_ONLY, encrypted=False, quotes=False)),
    ],
)
def test_the_table(policy: str, trouble: str, expected: Decision) -> None:
    assert decide(Rule(Policy(policy), excerpt=True), trouble) == expected


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("trouble", ["", "expired"])
def test_nothing_is_quoted_to_those_who_were_not_meant_to_read_it(policy: Policy, trouble: str) -> None:
    assert not decide(Rule(policy, excerpt=False), trouble).quotes


def test_in_clear_nothing_is_quoted_under_a_policy_that_wants_encryption() -> None:
    for policy in (Policy.REQUIRE, Policy.PREFER):
        decision = decide(Rule(policy, excerpt=True), "revoked")
        assert not (decision.quotes or decision.encrypted)


@pytest.mark.parametrize(
    ("channel", "policy"),
    [("smtp", "plain"), ("spool", "plain"), ("emailuser", "plain"), ("suitecrm", "plain"), ("zammad", "plain"), ("webhook", "links_only")],
)
def test_without_a_rule(channel: str, policy: str) -> None:
    assert rule_for(Settings(), "somebody", channel) == Rule(Policy(policy))


def test_an_address_of_the_routing_table_has_its_rule_in_report_keys() -> None:
    known = settings(desk_at_example=RecipientKey(**GUARDED))
    assert rule_for(known, "Desk@Example.org", "smtp") == Rule(Policy.REQUIRE, "desk.asc", FINGERPRINT)
    assert rule_for(known, "other@example.org", "smtp") == Rule(Policy.PLAIN)


def test_a_recipient_s_own_rule_comes_first_and_holds_however_mail_gets_there() -> None:
    own = Recipient(to="desk@example.org", channel="smtp", policy="links_only", excerpt=True)
    known = settings(own, desk_at_example=RecipientKey(**GUARDED))
    for channel in ("smtp", "spool"):
        assert rule_for(known, "desk@example.org", channel).policy is Policy.LINKS_ONLY


def test_a_recipient_with_a_policy_of_its_own_has_the_key_of_its_address() -> None:
    known = settings(Recipient(to="desk@example.org", policy="prefer"), desk_at_example=RecipientKey(**GUARDED))
    check_routing(known)
    assert rule_for(known, "desk@example.org", "spool") == Rule(Policy.PREFER, "desk.asc", FINGERPRINT)


def test_a_key_without_a_policy_is_to_be_used() -> None:
    assert rule_for(settings(Recipient(to="desk@example.org", **GUARDED)), "desk@example.org", "spool").policy is Policy.REQUIRE


def test_users_of_a_wiki_have_rules_too() -> None:
    known = settings(Recipient(to="Safety Desk", channel="emailuser", **GUARDED))
    assert rule_for(known, "metawiki:Safety Desk", "emailuser").policy is Policy.REQUIRE


def test_who_is_to_be_encrypted_to() -> None:
    known = settings(
        Recipient(to="desk@example.org", **GUARDED),
        Recipient(to="plain@example.org", policy="plain"),
        third_at_example=RecipientKey(policy="prefer", **GUARDED),
        fourth_at_example=RecipientKey(policy="links_only"),
    )
    assert [name for name, _ in guarded(known)] == ["desk@example.org", "third@example.org"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[report.recipients.default]]\nto = "a@example.org"\npolicy = "require"', "needs key and fingerprint"),
        ('[[report.recipients.default]]\nto = "a@example.org"\nkey = "a.asc"', "needs key and fingerprint"),
        ('[report.keys."a@example.org"]\npolicy = "prefer"\nkey = "a.asc"', "needs key and fingerprint"),
        ('[report.keys."a@example.org"]\nkey = "a.asc"\nfingerprint = "89ABCDEF"', "40"),
        (f'[report.keys."a@example.org"]\nkey = "a.asc"\nfingerprint = "{"x" * 40}"', "40"),
        (f'[report.keys."A@example.org"]\nkey = "a.asc"\nfingerprint = "{FINGERPRINT}"', "small letters"),
        (
            '[[report.recipients.violence]]\nto = "a@example.org"\npolicy = "plain"\n'
            '[[report.recipients.doxing]]\nto = "a@example.org"\npolicy = "links_only"',
            "two policies",
        ),
        ('[[report.recipients.default]]\nto = "desk"\nchannel = "webhook"', "webhooks"),
        ('[[report.recipients.default]]\nto = "Desk"\nchannel = "zammad"', "zammad.url"),
        ('[[report.recipients.default]]\nto = "Desk"\nchannel = "suitecrm"', "suitecrm.url"),
        ('[zammad]\nurl = "http://tickets.example.org"', "zammad.url"),
        ('[zammad]\nurl = "https://tickets.example.org"', "zammad.token"),
        ('[zammad]\nurl = "https://tickets.example.org"\ntoken = "x"', "zammad.customer"),
        ('[zammad]\nurl = "https://tickets.example.org"\ntoken = "x\\r\\ny"\ncustomer = "a@example.org"', "zammad.token"),
        ('[suitecrm]\nurl = "http://crm.example.org"', "suitecrm.url"),
        ('[suitecrm]\nurl = "https://crm.example.org"\nclient_id = "x"', "suitecrm.client_secret"),
        ('[webhooks.desk]\nurl = "http://hooks.example.org"', "webhooks.desk.url"),
        ('[webhooks.desk]\nurl = "https://hooks.example.org"\nsecret = "short"', "webhooks.desk.secret"),
        ('[webhooks.desk]\nurl = "https://hooks.example.org"\nsecret = "whsec_%%%"', "webhooks.desk.secret"),
        ('[page]\nwebhooks = ["desk"]', "page.webhooks"),
        (
            '[zammad]\nurl = "https://tickets.example.org"\ntoken = "x"\ncustomer = "a@example.org"\n'
            '[[report.recipients.default]]\nto = "Desk"\nchannel = "zammad"\npolicy = "require"\n'
            f'key = "a.asc"\nfingerprint = "{FINGERPRINT}"',
            "zammad cannot encrypt",
        ),
    ],
)
def test_settings_that_would_let_something_out_or_nothing_arrive(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "tsbot.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        check_routing(load(file, {}))


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "tsbot.toml"
    file.write_text(
        '[suitecrm]\nurl = "https://crm.example.org"\nclient_id = "x"\n[zammad]\nurl = "https://tickets.example.org"\n'
        'customer = "a@example.org"\n[webhooks.desk]\nurl = "https://hooks.example.org"\n[page]\nwebhooks = ["desk"]\n',
        encoding="utf-8",
    )
    environ = {"TSBOT_SUITECRM__CLIENT_SECRET": "12345", "TSBOT_ZAMMAD__TOKEN": "1e5", "TSBOT_WEBHOOKS__DESK__SECRET": "1234567890123456"}
    found = load(file, environ)
    check_routing(found)
    assert (found.suitecrm.client_secret, found.zammad.token, found.webhooks["desk"].secret) == ("12345", "1e5", "1234567890123456")


def test_no_secret_is_shown_by_accident(tmp_path: Path) -> None:
    """A refused setting is named, and its value is not."""
    file = tmp_path / "tsbot.toml"
    file.write_text('[zammad]\nurl = "https://tickets.example.org"\ntoken = "s3cr\\u00e9t"\ncustomer = "a@example.org"\n', encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        check_routing(load(file, {}))
    assert "s3cr" not in str(caught.value)


def test_smtp_is_still_checked() -> None:
    recipients: Any = {"default": (Recipient(to="desk@example.org", channel="smtp", policy="links_only"),)}
    check_routing(
        Settings(mail=MailSettings(host="mail.example.org"), report=ReportSettings(recipients=recipients, reporter_contact="a@example.org"))
    )
