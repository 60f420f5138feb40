"""What letters are written on: templates, messages and places of help, those of the package and those put in their place.

The folder of the setting ``report.templates`` may hold ``NAME.txt.j2`` (replaces a template), ``i18n/CODE.json`` (replaces messages, or
adds a language) and ``help.toml``. What is in it is checked when it is opened: a letter that cannot be filled must show at start, not
when it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tsbot.datafiles import data_file
from tsbot.errors import LetterError, MessageError, SettingsError
from tsbot.i18n.catalogue import SHIPPED as WORDS
from tsbot.i18n.catalogue import Catalogue, load
from tsbot.i18n.catalogue import shipped as shipped_catalogue
from tsbot.i18n.voice import Value, Voice
from tsbot.report.help import SHIPPED as HELP
from tsbot.report.help import HelpTable, load_help

TEMPLATES = Path(__file__).with_name("templates")
ENDING = ".txt.j2"


@dataclass(frozen=True)
class Stationery:
    """Templates, messages and places of help."""

    catalogue: Catalogue
    environment: jinja2.Environment
    help: HelpTable

    def voice(self, language: str) -> Voice:
        """Says messages in a language."""
        return Voice(self.catalogue, language)

    def fill(self, template: str, language: str, **values: Any) -> str:
        """A template with its values. Raises ``LetterError`` if one is missing or empty, or the template cannot be used."""
        voice = self.voice(language)

        def say(key: str, *given: Value) -> str:
            if any(value in ("", ()) for value in given):
                raise LetterError(f"The template {template} cannot be filled: a value of {key} is empty.")
            return voice.say(key, *given)

        try:
            page = self.environment.get_template(template + ENDING)
            text = page.render(say=say, tell=voice.tell, sentences=voice.sentences, alone=voice.alone, **values)
        except LetterError:
            raise
        except MessageError as error:
            raise LetterError(f"The template {template} cannot be filled: {error}") from error
        except Exception as error:  # a template is a program of somebody else's
            raise LetterError(f"The template {template} cannot be filled: {type(error).__name__}.") from error
        if not text.strip():
            raise LetterError(f"The template {template} cannot be filled: it says nothing.")
        return text.strip() + "\n"

    def templates(self) -> tuple[str, ...]:
        """The names of all letters, without what they include."""
        names = self.environment.list_templates(filter_func=lambda name: name.endswith(ENDING) and not name.startswith("_"))
        return tuple(name.removesuffix(ENDING) for name in names)


def open_stationery(folder: Path | None = None) -> Stationery:
    """The package's, with what ``folder`` puts in its place. Raises ``SettingsError`` that names the file that is wrong."""
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"report.templates: {folder} is no folder.")
    own = [folder] if folder else []
    places = [place for one in own if (place := one / "i18n").is_dir()]
    helps = [path for one in own if (path := one / "help.toml").is_file()]
    stationery = Stationery(
        load(*places) if places else shipped_catalogue(),
        _environment([*own, TEMPLATES]),
        load_help(*helps),
    )
    if folder is not None:
        check(stationery)
    return stationery


def check(stationery: Stationery) -> None:
    """Refuse templates that cannot be read, and messages that there are none of. Raises ``SettingsError`` that names file and line."""
    for name in stationery.environment.list_templates():
        _check(stationery, name)
    for entry in stationery.help.entries():
        if entry.message and entry.message not in stationery.catalogue.keys:
            raise SettingsError(f"help.toml: there is no message {entry.message}.")


@data_file("letters", where=lambda folder: (TEMPLATES, WORDS, HELP, *([folder] if folder else [])))
def stationery_of(folder: Path | None) -> Stationery:
    """What is in use: the package's, with what ``folder`` puts in its place. Raises ``SettingsError`` if that was wrong at the start."""
    return open_stationery(folder)


def shipped_stationery() -> Stationery:
    """What the package has."""
    return stationery_of(None)


def _environment(folders: list[Path]) -> jinja2.Environment:
    # Sandboxed: templates may come from people who are trusted with words, not with the machine.
    # As they are now: a template that is changed later is not used before it has been checked.
    sources = {path.name: path.read_text(encoding="utf-8") for folder in reversed(folders) for path in sorted(folder.glob(f"*{ENDING}"))}
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(sources),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text, not HTML; all values have gone through tsbot.report.wording
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_something,
    )
    environment.filters.pop("pprint", None)
    return environment


def _something(value: Any) -> Any:
    """What a template puts out; nothing is no value."""
    if value is None:
        raise LetterError("A template puts out a value that is not there.")
    return value


def _check(stationery: Stationery, name: str) -> None:
    """A template can be read, and says messages that there are."""
    environment = stationery.environment
    loader = environment.loader
    try:
        if loader is None or not name.endswith(ENDING):
            return
        tree = environment.parse(loader.get_source(environment, name)[0], name)
        environment.get_template(name)
        included = [node.template.value for node in tree.find_all(nodes.Include) if isinstance(node.template, nodes.Const)]
        for other in included:
            environment.get_template(other)
    except jinja2.TemplateNotFound as error:
        raise SettingsError(f"{name}: includes {error.name}, which is not there.") from error
    except jinja2.TemplateSyntaxError as error:
        raise SettingsError(f"{name}: line {error.lineno}: {error.message}.") from error
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot be read: {type(error).__name__}.") from error
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say" and call.args and isinstance(call.args[0], nodes.Const):
            key = call.args[0].value
            if key not in stationery.catalogue.keys:
                raise SettingsError(f"{name}: line {call.lineno}: there is no message {key}.")
