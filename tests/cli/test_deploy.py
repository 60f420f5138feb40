"""What is in ``deploy/``: the files parse, and name only commands, metrics, settings and files that there are."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tsbot.cli.app import app
from tsbot.settings import load
from tsbot.settings_reference import describe
from tsbot.store.keyfile import CREDENTIAL

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
METRIC = re.compile(r"\btsbot_[a-z_]+")
RULES = ROOT / "docs" / "prometheus-alerts.yml"


class Ini(configparser.ConfigParser):
    """A unit's file, in which a key may come again."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment, method-assign]


def unit(path: Path) -> Ini:
    found = Ini()
    found.read_string(path.read_text(encoding="utf-8"))
    return found


def metrics() -> set[str]:
    """Those that docs/operating.md explains; another test holds it against what the patrol exposes."""
    return set(METRIC.findall((ROOT / "docs" / "operating.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_parse(path: Path) -> None:
    found = unit(path)
    assert found["Unit"]["Description"].startswith("tsbot")
    if path.suffix == ".timer":
        assert path.with_suffix(".service") in UNITS
        assert found["Install"]["WantedBy"] == "timers.target"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_services_call_what_there_is_and_keep_to_themselves(path: Path, reach: Any) -> None:
    service = unit(path)["Service"]
    command = service["ExecStart"].removeprefix("/opt/tsbot/bin/")
    assert reach(command)
    assert service["LoadCredential"].startswith(f"{CREDENTIAL}:")
    assert (service["User"], service["UMask"], service["StateDirectoryMode"]) == ("tsbot", "0077", "0700")
    assert service["NoNewPrivileges"] == "yes"
    assert service["LimitCORE"] == "0"  # a dump of memory would hold texts and keys


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        assert not Path("/run/systemd/system").exists()  # a machine that runs systemd has the program
        return
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/tsbot/bin/tsbot", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run([program, "verify", *map(str, sorted(tmp_path.glob("*.service")))], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "tsbot" in line and "man " not in line]
    assert complaints == []


def settings_named(text: str) -> Iterator[str]:
    for name in re.findall(r"\bTSBOT_([A-Z_]+)\b", text):
        yield name.lower().replace("__", ".")


@pytest.mark.parametrize("path", [DEPLOY / name for name in ("Containerfile", "compose.yml", "kubernetes.yml")], ids=lambda path: path.name)
def test_settings_in_the_environment_exist(path: Path) -> None:
    known = {key for key, *_ in describe()} | {"config", "token"}
    assert set(settings_named(path.read_text(encoding="utf-8"))) <= known


def test_the_compose_file(reach: Any) -> None:
    found = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
    assert set(found["services"]) == {"patrol", "console", "alarm"}
    for name, service in found["services"].items():
        assert service["secrets"] == [CREDENTIAL]
        assert service["read_only"] is True
        environment = {key: value for key, value in service["environment"].items() if key.startswith("TSBOT_")}
        load(environ=environment)  # what the settings refuse raises
        if "command" in service:
            assert reach(shlex.join(["tsbot", *service["command"]])), name
    published = found["services"]["console"]["ports"]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert (DEPLOY / found["x-tsbot"]["build"]["context"] / found["x-tsbot"]["build"]["dockerfile"]).is_file()


def test_kubernetes(reach: Any) -> None:
    kinds = {}
    for found in yaml.safe_load_all((DEPLOY / "kubernetes.yml").read_text(encoding="utf-8")):
        kinds[found["kind"]] = found
    patrol = kinds["StatefulSet"]["spec"]
    assert patrol["replicas"] == 1
    (container,) = patrol["template"]["spec"]["containers"]
    assert reach(shlex.join(["tsbot", *container["args"]]))
    environment = {one["name"]: one.get("value", "") for one in container["env"] if "value" in one}
    settings = load(environ=environment)
    assert settings.metrics.address == ("0.0.0.0", 9100)
    assert kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == patrol["template"]["metadata"]["labels"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in patrol["template"]["spec"]["volumes"]}


def test_the_container_file_copies_what_there_is_and_installs_extras_that_exist(reach: Any) -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    for words in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = words.split()
        assert [name for name in sources if not (ROOT / name).exists()] == []
    extras = set(re.search(r"\.\[([a-z,]+)\]", text)[1].split(","))  # type: ignore[index]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras <= set(project["optional-dependencies"])
    (command,) = re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)
    assert reach(shlex.join(["tsbot", *json.loads(command)]))
    # Hatch puts these into the wheel, so they must be there when it is built.
    forced = project and tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {Path(name).parts[0] for name in forced["force-include"]} <= set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))


def test_the_dashboard_and_the_alerts_name_metrics_that_are_exposed() -> None:
    board = json.loads((DEPLOY / "grafana" / "tsbot.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 10
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    known = metrics()
    for expression in expressions + rules:
        assert set(METRIC.findall(expression)) <= known, expression
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)


ALERTS_TRIED = Path(__file__).with_name("alerts.test.yml")


def test_every_alert_is_tried_out_with_what_it_is_for() -> None:
    rules = [rule["alert"] for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert sorted(re.findall(r'alertname="(\w+)"', ALERTS_TRIED.read_text(encoding="utf-8"))) == sorted(rules)


def test_alerts_come_when_they_should_and_not_otherwise() -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing; it comes with Debian's prometheus")
    done = subprocess.run([program, "test", "rules", str(ALERTS_TRIED)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manual_names_every_command_and_is_right_for_man(office: Any, tmp_path: Path) -> None:
    done = office.run("manual")
    assert done.code == 0
    root: Any = typer.main.get_command(app)
    for name in root.commands:
        assert f".SS tsbot {name}".replace("-", "\\-") in done.out
    for line in done.out.splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or re.match(r"\.(TH|SH|SS|PP|TP|B)\b", line), line
    man = shutil.which("man")
    if man is not None:
        path = tmp_path / "tsbot.1"
        path.write_text(done.out, encoding="utf-8")
        shown = subprocess.run([man, "--warnings", "-E", "UTF-8", "-l", str(path)], capture_output=True, text=True, check=False)
        if "No manual" not in shown.stderr and "minimized" not in shown.stdout:
            assert shown.stderr == ""
            assert "tsbot patrol" in shown.stdout


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", {"COMP_WORDS": "tsbot sc", "COMP_CWORD": "1"}), ("zsh", {"_TYPER_COMPLETE_ARGS": "tsbot sc"})]
)
def test_shells_are_given_completions(tmp_path: Path, shell: str, words: dict[str, str]) -> None:
    environment = os.environ | words | {"_TSBOT_COMPLETE": f"complete_{shell}"}
    script = "import sys; from tsbot.cli.app import main; sys.argv = ['tsbot']; main()"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "scan" in done.stdout, done.stderr
