"""What the demo's wikis are made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.demo import provision
from tsbot.demo.accounts import load_accounts, read_accounts, save_accounts, with_passwords
from tsbot.demo.ports import free_ports
from tsbot.errors import DemoError


def test_a_missing_mediawiki_is_named_with_the_remedy(tmp_path: Path):
    with pytest.raises(DemoError, match=r"is not installed.*sudo sh .*install\.sh.*make debian"):
        provision.check_prerequisites(tmp_path)
    assert provision.DEBIAN_INSTALL.is_file()


def test_a_missing_php_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DemoError, match="PHP is not installed"):
        provision.check_prerequisites()


def test_the_template_is_another_one_when_mediawiki_is(tmp_path: Path):
    defines = tmp_path / "includes" / "Defines.php"
    defines.parent.mkdir()
    keys = set()
    for version in ("1.39.1", "1.43.0"):
        defines.write_text(f"define( 'MW_VERSION', '{version}' );")
        keys |= {provision.template_key(tmp_path), provision.template_key(tmp_path)}
    assert len(keys) == 2


def test_accounts_get_passwords_that_only_the_owner_reads(tmp_path: Path):
    accounts = with_passwords(read_accounts())
    assert len({account.password for account in accounts.values()}) == len(accounts)
    assert [name for name, account in accounts.items() if account.bot_password] == ["TsBot"]
    assert len(accounts["TsBot"].bot_password) == 32
    path = tmp_path / "accounts.json"
    save_accounts(accounts, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_accounts(path) == accounts


def test_every_account_has_an_address_of_its_own_reserved_for_documentation():
    addresses = [account.ip for account in read_accounts().values()]
    assert len(set(addresses)) == len(addresses)
    assert {address for address in addresses if not address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))} == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[account]]\nname = "A"\nip = "192.0.2.1"\nrank = 1', "rank"),
        ('[[account]]\nname = "A"', "ip"),
        ('[[account]]\nname = "A"\nip = "192.0.2.1"\n[[account]]\nname = "A"\nip = "192.0.2.2"', "twice"),
        ("[[account", "accounts.toml"),
    ],
)
def test_a_wrong_accounts_file_is_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "accounts.toml"
    path.write_text(text)
    with pytest.raises(DemoError, match=message):
        read_accounts(path)


def test_free_ports_are_different_and_a_taken_one_is_named():
    assert len(set(free_ports(3))) == 3
    from tsbot.demo.twin import Twin

    with Twin() as twin, pytest.raises(DemoError, match=str(twin.http_port)):
        free_ports(1, twin.http_port)
