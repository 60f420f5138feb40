"""Settings: one typed tree; wrong ones are refused by name; all are documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.errors import SettingsError
from tsbot.settings import Settings, load
from tsbot.settings_reference import describe, markdown

ROOT = Path(__file__).parent.parent


def write(folder: Path, text: str) -> Path:
    file = folder / "tsbot.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()


def test_a_file_sets_and_the_environment_overrides(tmp_path: Path) -> None:
    file = write(tmp_path, '[mail]\nhost = "a.example.org"\nport = 25\n[page]\nmail = ["x@example.org"]\n')
    environ = {"TSBOT_MAIL__HOST": "b.example.org", "TSBOT_STREAM__READ_DEADLINE": "5", "TSBOT_ADMISSION__SKIP_BOTS": "false", "HOME": "/x"}
    settings = load(file, environ)
    assert (settings.mail.host, settings.mail.port, settings.page.mail) == ("b.example.org", 25, ("x@example.org",))
    assert settings.stream.read_deadline == 5
    assert settings.admission.skip_bots is False


@pytest.mark.parametrize("password", ["0123", "1e5", "true", "[x]", '"quoted"', "2026-01-01", ""])
def test_a_password_in_the_environment_is_taken_as_it_is(tmp_path: Path, password: str) -> None:
    assert load(write(tmp_path, ""), {"TSBOT_MAIL__PASSWORD": password}).mail.password == password


def test_the_data_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, 'data_dir = "store"\n'), {})
    assert settings.data_path == tmp_path / "store"
    assert settings.database_url == f"sqlite:///{tmp_path}/store/tsbot.sqlite"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 1", "colour"),
        ("[mail]\nhots = 'x'", "hots"),
        ("[mail]\nport = 'x'", "mail.port"),
        ("[mail]\nport = 0", "mail.port"),
        ("[mail]\nhost = 'example.org'\nsecurity = 'none'", "mail.security"),
        ("[wiki]\nclient = 'admin'", "wiki.client"),
        ("[report.release.anger]\nspecificity = 1", "report.release.anger"),
        ("[report.release.violence]\nspecificity = 4", "specificity"),
        ("[detect.thresholds]\nrage = 0.5", "detect.thresholds.rage"),
        ("[[report.recipients.violence]]\nchannel = 'smtp'", "to"),
        ("[scores]\nservice = 'ores'", "scores.url"),
        ("[scores]\nurl = 'ores.example.org'", "scores.url"),
        ("[metrics]\nlisten = '0.0.0.0:9100'", "metrics.public"),
        ("[metrics]\nlisten = 'metrics.example.org:9100'", "metrics.public"),
        ("[metrics]\nlisten = '[::]:9100'", "metrics.public"),
        ("[metrics]\nlisten = '9100'", "metrics.listen"),
        ("[metrics]\nlisten = '127.0.0.1'", "metrics.listen"),
        ("[metrics]\nlisten = '127.0.0.1:http'", "metrics.listen"),
        ("[metrics]\nlisten = '127.0.0.1:65536'", "metrics.listen"),
        ("[metrics]\nlisten = '::1'", "metrics.public"),
        ("broken = ", "not valid TOML"),
    ],
)
def test_wrong_settings_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(write(tmp_path, text), {})


def test_wrong_variables_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hots"):
        load(write(tmp_path, ""), {"TSBOT_MAIL__HOTS": "x"})
    with pytest.raises(SettingsError, match="not a table"):
        load(write(tmp_path, "data_dir = 'x'"), {"TSBOT_DATA_DIR__X": "1"})


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match="does not exist"):
        load(environ={"TSBOT_CONFIG": str(tmp_path / "none.toml")})


def test_every_setting_is_described() -> None:
    rows = describe()
    assert len(rows) > 50
    assert [key for key, _, _, text in rows if len(text) < 5] == []


def test_the_settings_page_is_what_the_program_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == markdown(), "run: tsbot settings > docs/settings.md"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("listen = '127.0.0.1:9100'", ("127.0.0.1", 9100)),
        ("listen = '[::1]:9100'", ("::1", 9100)),
        ("listen = 'localhost:0'", ("localhost", 0)),
        ("listen = '0.0.0.0:9100'\npublic = true", ("0.0.0.0", 9100)),
    ],
)
def test_metrics_are_for_this_machine_unless_they_are_made_public(tmp_path: Path, text: str, address: object) -> None:
    assert load(write(tmp_path, f"[metrics]\n{text}"), {}).metrics.address == address
