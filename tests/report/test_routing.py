"""Who is told of what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import SettingsError
from tsbot.report.routing import (
    SHIPPED,
    Routing,
    check_routing,
    destinations,
    letter_name,
    load_routing,
    pagers,
    role_of,
    second_address,
    shipped,
)
from tsbot.settings import MailSettings, PageSettings, Recipient, ReportSettings, Settings

EMERGENCY = "emergency@wikimedia.org"


def addresses(settings: ReportSettings, kind: Kind, wiki: str = "examplewiki") -> list[str]:
    return [item.recipient for item in destinations(settings, kind, wiki)]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NONE])
def test_the_emergency_address_gets_threats_to_life_or_limb_and_nothing_else(kind: Kind) -> None:
    assert (EMERGENCY in addresses(ReportSettings(), kind)) == (kind in PHYSICAL)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (Kind.MINORS, "legal-reports@wikimedia.org"),
        (Kind.LEGAL, "legal@wikimedia.org"),
        (Kind.HARASSMENT, "ca@wikimedia.org"),
        (Kind.DOXING, "stewards-oversight@wikimedia.org"),
        (Kind.ATTACK_NAME, "stewards-oversight@wikimedia.org"),
    ],
)
def test_other_kinds_have_addresses_of_their_own(kind: Kind, address: str) -> None:
    assert addresses(ReportSettings(), kind) == [address]


def test_nothing_found_is_reported_to_nobody() -> None:
    assert addresses(ReportSettings(), Kind.NONE) == []


def test_letters_go_to_the_spool_until_something_else_is_configured() -> None:
    assert {item.channel for kind in Kind for item in destinations(ReportSettings(), kind, "examplewiki")} == {"spool"}


def test_mail_addresses_of_the_package_are_not_taken_for_user_names() -> None:
    assert destinations(ReportSettings(channel="emailuser"), Kind.LEGAL, "examplewiki")[0].channel == "spool"


def test_the_settings_replace_the_recipients_of_a_kind() -> None:
    mine = (Recipient(to="desk@example.org", excerpt=True), Recipient(to="Example", channel="emailuser", wiki="examplewiki"))
    settings = ReportSettings(channel="smtp", recipients={"violence": mine, "default": (Recipient(to="rest@example.org"),)})
    first, second = destinations(settings, Kind.VIOLENCE, "dewiki")
    assert (first.recipient, first.channel, first.excerpt) == ("desk@example.org", "smtp", True)
    assert (second.recipient, second.channel, second.excerpt) == ("examplewiki:Example", "emailuser", False)
    assert addresses(settings, Kind.LEGAL) == ["rest@example.org"]


def test_an_empty_list_of_recipients_means_nobody() -> None:
    assert addresses(ReportSettings(recipients={"legal": ()}), Kind.LEGAL) == []


def test_a_recipient_named_twice_is_told_once() -> None:
    twice = (Recipient(to="desk@example.org"), Recipient(to="desk@example.org"))
    assert addresses(ReportSettings(recipients={"default": twice}), Kind.LEGAL) == ["desk@example.org"]


def test_a_wiki_with_its_own_oversighters(tmp_path: Path) -> None:
    table = tmp_path / "routing.toml"
    own = '\n[wikis.examplewiki]\noversighters = "oversight@example.org"\n'
    table.write_text(SHIPPED.read_text(encoding="utf-8") + own, encoding="utf-8")
    routing = load_routing(table)
    assert destinations(ReportSettings(), Kind.DOXING, "examplewiki", routing)[0].recipient == "oversight@example.org"
    assert destinations(ReportSettings(), Kind.DOXING, "otherwiki", routing)[0].recipient == "stewards-oversight@wikimedia.org"
    assert destinations(ReportSettings(), Kind.LEGAL, "examplewiki", routing)[0].recipient == "legal@wikimedia.org"


def languages(settings: ReportSettings, kind: Kind, wiki: str = "examplewiki", routing: Routing | None = None) -> list[str]:
    return [item.language for item in destinations(settings, kind, wiki, routing)]


def test_letters_are_in_english_until_something_else_is_said() -> None:
    assert {language for kind in Kind for language in languages(ReportSettings(), kind)} == {"en"}


def test_a_role_reads_its_letters_in_its_language_the_nearest_word_counting() -> None:
    settings = ReportSettings(languages={"default": "fr", "oversighters": "es", "dewiki:oversighters": "de"})
    assert languages(settings, Kind.DOXING) == ["es"]
    assert languages(settings, Kind.DOXING, "dewiki") == ["de"]
    assert languages(settings, Kind.LEGAL, "dewiki") == ["fr"]


def test_the_table_names_languages_too_and_the_settings_come_first(tmp_path: Path) -> None:
    table = tmp_path / "routing.toml"
    shipped_text = SHIPPED.read_text(encoding="utf-8")
    own = '\n[languages]\nlegal = "pt"\n"jawiki:legal" = "ja"\n'
    table.write_text(shipped_text.replace("\n[languages]\n", own), encoding="utf-8")
    routing = load_routing(table)
    assert languages(ReportSettings(), Kind.LEGAL, "jawiki", routing) == ["ja"]
    assert languages(ReportSettings(), Kind.LEGAL, "ptwiki", routing) == ["pt"]
    assert languages(ReportSettings(languages={"jawiki:legal": "en"}), Kind.LEGAL, "jawiki", routing) == ["en"]


def test_a_recipient_of_the_settings_has_a_language_of_its_own() -> None:
    mine = (Recipient(to="desk@example.org", language="ru"), Recipient(to="rest@example.org"))
    settings = ReportSettings(recipients={"violence": mine}, languages={"default": "ar"})
    assert languages(settings, Kind.VIOLENCE) == ["ru", "ar"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('legal = { roles = ["legal"]', 'legal = { roles = ["emergency"]', "kinds.legal must not go to the emergency address"),
        ('legal = { roles = ["legal"], letter = "legal" }', "", "kinds.legal is missing"),
        ('roles = ["community_safety"]', 'roles = ["nobody"]', "the role nobody"),
        ('"ca@wikimedia.org"', '"ca at wikimedia"', "roles.community_safety is no mail address"),
        ("[wikis]", '[wikis.examplewiki]\nadmins = "a@example.org"', "wikis.examplewiki.admins"),
        ("[wikis]", "[wikis", "routing.toml"),
        ("\n[languages]", '\n[languages]\n"examplewiki:admins" = "de"', "languages.examplewiki:admins"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    table = tmp_path / "routing.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=complaint.replace("[", r"\[")):
        load_routing(table)


def test_every_kind_has_a_letter() -> None:
    templates = SHIPPED.parent / "templates"
    assert all((templates / f"{letter_name(kind)}.txt.j2").is_file() for kind in shipped().kinds)


def to(address: str, kind: str = "default", **more: str) -> ReportSettings:
    return ReportSettings(recipients={kind: (Recipient(to=address, **more),)}, reporter_contact="reporter@example.org")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (Settings(report=to(EMERGENCY, "legal")), "life or limb"),
        (Settings(report=to(EMERGENCY.upper(), "default")), "life or limb"),
        (Settings(report=to("Example")), "no mail address"),
        (Settings(report=to("a@example.org\nBcc: b@example.org")), "control characters"),
        (Settings(report=to("a@example.org", channel="smtp")), "mail.host is empty"),
        (Settings(report=ReportSettings(channel="smtp"), mail=MailSettings(host="mail.example.org")), "reporter_contact is empty"),
        (Settings(report=ReportSettings(reporter_contact="me")), "reporter_contact is no mail address"),
        (Settings(page=PageSettings(mail=("duty",))), "page.mail"),
        (Settings(page=PageSettings(webhooks=("ftp://example.org/x",))), "page.webhooks"),
    ],
)
def test_settings_that_would_send_reports_astray_are_refused(settings: Settings, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check_routing(settings)


def test_usable_settings_are_not_refused() -> None:
    check_routing(Settings())
    check_routing(Settings(report=to(EMERGENCY, "violence", channel="smtp"), mail=MailSettings(host="mail.example.org")))
    check_routing(Settings(report=to("Example", channel="emailuser")))


def test_the_secret_in_a_webhook_address_stays_out_of_the_outbox() -> None:
    pagers_ = pagers(Settings(page=PageSettings(webhooks=("https://hooks.example.org/secret-1", "https://hooks.example.org/secret-2"))))
    assert len({item.recipient for item in pagers_}) == 2
    assert all(item.recipient.startswith("hooks.example.org#") and "secret" not in item.recipient for item in pagers_)


def test_pages_by_mail_use_the_mail_server_if_there_is_one() -> None:
    page = PageSettings(mail=("duty@example.org",))
    assert pagers(Settings(page=page))[0].channel == "spool"
    assert pagers(Settings(page=page, mail=MailSettings(host="mail.example.org")))[0].channel == "smtp"


# -- second addresses -----------------------------------------------------------------------------------------------------


def test_second_addresses_are_roles_too() -> None:
    second = second_address(ReportSettings(channel="smtp"), Kind.VIOLENCE, "examplewiki", EMERGENCY)
    assert second is not None
    assert (second.recipient, second.channel, second.excerpt) == ("ca@wikimedia.org", "smtp", False)
    assert second_address(ReportSettings(), Kind.DOXING, "examplewiki", "stewards-oversight@wikimedia.org") is None


def test_the_settings_name_second_addresses_of_their_own_recipients() -> None:
    mine = (Recipient(to="desk@example.org", second="second@example.org"), Recipient(to="other@example.org"))
    settings = ReportSettings(recipients={"default": mine})
    second = second_address(settings, Kind.VIOLENCE, "examplewiki", "desk@example.org")
    assert second is not None
    assert second.recipient == "second@example.org"
    assert second_address(settings, Kind.VIOLENCE, "examplewiki", "other@example.org") is None
    assert second_address(settings, Kind.VIOLENCE, "examplewiki", EMERGENCY) is None


def test_roles_are_named_by_their_address() -> None:
    assert role_of(Kind.VIOLENCE, "examplewiki", EMERGENCY) == "emergency"
    assert role_of(Kind.VIOLENCE, "examplewiki", "CA@wikimedia.org") == "community_safety"
    assert role_of(Kind.VIOLENCE, "examplewiki", "desk@example.org") == "recipient"


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        ('[second]\nemergency = "police"\n', "second.emergency names the role police"),
        ('[second]\nhelpers = "legal"\n', "second.helpers names the role helpers"),
        ('[second]\nlegal = "legal"\n', "second.legal is the same role again"),
        ('[second]\nlegal = "emergency"\n', "second.legal must not be the emergency address"),
    ],
)
def test_a_mistake_in_the_second_addresses_is_named(tmp_path: Path, new: str, complaint: str) -> None:
    table = tmp_path / "routing.toml"
    before, _, after = SHIPPED.read_text(encoding="utf-8").partition("[second]\n")
    table.write_text(before + new + after.partition("\n\n")[2], encoding="utf-8")
    with pytest.raises(SettingsError, match=complaint):
        load_routing(table)


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        ({"ack_address": "reports"}, "report.ack_address is no mail address"),
        ({"ack_address": f"{'a' * 31}@example.org"}, "there must be room for a code"),
        ({"drill_address": "drill"}, "report.drill_address is no mail address"),
        ({"recipients": {"default": (Recipient(to="desk@example.org", second="second"),)}}, "a second address is no mail address"),
        ({"recipients": {"legal": (Recipient(to="desk@example.org", second=EMERGENCY),)}}, "life or limb"),
    ],
)
def test_addresses_of_the_settings_are_looked_at(report: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check_routing(Settings(report=ReportSettings(**report)))
