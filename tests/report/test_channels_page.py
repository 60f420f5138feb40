"""``docs/channels.md``: every example on it can be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from tsbot.report.channels import open_channels
from tsbot.report.policy import Policy
from tsbot.report.routing import check_routing
from tsbot.settings import Recipient, load

PAGE = (Path(__file__).parent.parent.parent / "docs" / "channels.md").read_text(encoding="utf-8")
SECRETS = {
    "TSBOT_MAIL__PASSWORD": "secret",
    "TSBOT_SUITECRM__CLIENT_SECRET": "a-secret-of-suitecrm",
    "TSBOT_ZAMMAD__TOKEN": "a-token-of-zammad",
    "TSBOT_WEBHOOKS__DESK__SECRET": "a-long-secret-of-the-desk",
    "TSBOT_WEBHOOKS__DUTY__SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks("toml"), ids=lambda text: text.split("\n")[0])
def test_each_configuration_is_taken_as_it_stands(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tsbot.toml"
    file.write_text(text, encoding="utf-8")
    named = {name: value for name, value in SECRETS.items() if name in text}
    settings = load(file, named)
    check_routing(settings)
    channels = open_channels(settings, lambda *_: None)
    wanted = {one.channel or settings.report.channel for many in settings.report.recipients.values() for one in many}
    assert wanted <= set(channels)


def test_every_channel_and_policy_is_on_the_page() -> None:
    channels: Any = get_args(get_type_hints(Recipient)["channel"])
    for channel in set(channels) - {""}:
        assert f"| `{channel}` |" in PAGE
    for policy in Policy:
        assert f"| `{policy}` |" in PAGE


def test_each_variable_on_the_page_is_one() -> None:
    assert set(re.findall(r"TSBOT_[A-Z_]+", PAGE)) == set(SECRETS)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_receiver_s_code_runs(code: str) -> None:
    exec(compile(code, "docs/channels.md", "exec"), {})


def test_the_letter_on_the_page_is_json() -> None:
    (letter,) = blocks("json")
    assert json.loads(letter)["type"] == "letter"
