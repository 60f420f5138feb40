"""What README and docs promise: links, commands, make targets, rules and settings exist, and what can be run runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tsbot.cli.app import app
from tsbot.intake import INTAKE_RULES
from tsbot.settings import load
from tsbot.stream.admission import RULES

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
SHOWN = ("README.md", "docs/operating.md", "docs/console-setup.md", "docs/translating.md")
"""Pages with settings to copy."""
NETWORK = re.compile(r"\b(make|git|pip|sudo|apt|curl|wget|pwb)\b|tsbot (train|demo|flag\b|patrol(?!.*--stream)|doctor(?!.*--offline))")


def fences(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of the fenced blocks."""
    for _, language, content in FENCE.findall(page.read_text(encoding="utf-8")):
        yield language, textwrap.dedent(content)


def code(page: Path) -> Iterator[str]:
    """Command lines: those of fenced blocks, and what stands in inline code."""
    for language, content in fences(page):
        if language in ("", "bash", "sh", "console"):
            yield from (line.strip().removeprefix("$ ") for line in content.replace("\\\n", " ").splitlines())
    yield from INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def calls(page: Path, program: str) -> list[str]:
    """Command lines that call a program, from its name on."""
    found = re.compile(rf"(?:^|[|;&] *|^[A-Z_0-9]+=\S+ )(?:\.venv/bin/)?({re.escape(program)}(?: .*)?)$")
    return [match[1] for line in code(page) if (match := found.search(line)) and match[1] != program]


def headings(page: Path) -> set[str]:
    """Anchors, as forges make them of headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for first, second in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = (first or second).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in headings(file)):
            broken.append(first or second)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_command_lines_are_right(page: Path, reach: Any) -> None:
    for line in calls(page, "tsbot"):
        try:
            assert line in ("tsbot --version", "tsbot --help") or reach(re.split(r"\.\.\.|…", line)[0].strip())
        except Exception as error:
            raise AssertionError(f"{page.name}: {line}: {error}") from error


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in calls(page, "make"):
        asked = [word for word in shlex.split(line)[1:] if "=" not in word and not word.startswith("-")]
        assert set(asked) <= targets, f"{page.name}: {line}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "user-config.example.py"], ids=[*NAMES, "user-config.example.py"])
def test_pywikibot_commands_exist(page: Path) -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    installed = {Path(target).stem for target in wheel["force-include"].values()}
    assert set(re.findall(r"\btsbot_(?!data\b)[a-z]+\b", page.read_text(encoding="utf-8"))) <= installed
    checkout = {path.stem for folder in ("bots", "scripts") for path in (ROOT / folder).glob("*.py")}
    for line in calls(page, "pwb"):
        named = [word for word in shlex.split(line)[1:] if not word.startswith("-")]
        assert set(named[:1]) <= installed | checkout, f"{page.name}: {line}"


def test_every_command_is_named() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    commands: Any = typer.main.get_command(app)
    assert [name for name in commands.commands if f"tsbot {name}" not in text] == []


def test_the_readme_examples_run(tmp_path: Path) -> None:
    blocks = [content for language, content in fences(ROOT / "README.md") if language == "bash" and not NETWORK.search(content)]
    assert blocks, "README has no example that runs without a network"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TSBOT_")} | {"PATH": path}
    for block in blocks:
        shell = ("bash", "-euo", "pipefail", "-c", block)
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_every_rule_is_explained_in_the_words_of_the_program() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for name, meaning in {**RULES, **INTAKE_RULES}.items():
        assert f"| `{name}` | {meaning} |" in page


@pytest.mark.parametrize("page", [ROOT / name for name in SHOWN], ids=SHOWN)
def test_settings_that_are_shown_can_be_used(page: Path, tmp_path: Path) -> None:
    blocks = [content for language, content in fences(page) if language == "toml"]
    assert blocks
    for content in blocks:
        file = tmp_path / "tsbot.toml"
        file.write_text(content, encoding="utf-8")
        load(file, {})


def test_remedies_name_commands_and_options_that_exist() -> None:
    named = []
    for path in sorted((ROOT / "tsbot").rglob("*.py")):
        for line in re.findall(r"`tsbot ([a-z][^`\n{]*)`", path.read_text(encoding="utf-8")):
            words, options = line.split(), {"--help"}
            command: Any = typer.main.get_command(app)
            while words and words[0] in getattr(command, "commands", ()):
                command = command.commands[words.pop(0)]
                options |= {option for parameter in command.params for option in parameter.opts}
            named.append(line)
            assert words[:1] != line.split()[:1], f"{path.name}: {line}"
            assert {word for word in words if word.startswith("--")} <= options, f"{path.name}: {line}"
            assert not hasattr(command, "commands") or words[:1] in ([], ["..."]), f"{path.name}: {line}"
    assert len(named) > 10
