"""What `tsbot init` asks, and the settings file that the answers make."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tsbot.errors import InputError, SettingsError
from tsbot.settings import Settings, load

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``only_if`` names another one that must be answered for this one to be asked."""

    name: str
    words: str
    why: str
    default: str = ""
    only_if: str = ""
    check: Callable[[str], str] = lambda _answer: ""
    """What is wrong with an answer; empty if nothing is."""


def _address(answer: str) -> str:
    return "" if not answer or ADDRESS.fullmatch(answer) else "This is no mail address."


def _address_or_page(answer: str) -> str:
    return "" if answer.startswith("https://") else _address(answer)


def _one_of(*known: str) -> Callable[[str], str]:
    return lambda answer: "" if answer in known else f"One of {', '.join(known)}."


def _number(answer: str) -> str:
    return "" if answer.isascii() and answer.isdigit() and 0 < int(answer) < 65536 else "A port is a number below 65536."


QUESTIONS = (
    Question(
        "data_dir",
        "Folder for database, key and spool",
        "It holds threats and names: a disk of yours, not a shared service.",
        "tsbot-data",
    ),
    Question(
        "contact",
        "Mail address or page by which wikis reach you",
        "Wikimedia's policy asks for it in the User-Agent; without it wikis may allow ten requests a minute.",
        check=_address_or_page,
    ),
    Question("wikis", "Wikis to patrol, by database name, parted by spaces (empty: all of Wikimedia)", "Others are skipped and counted."),
    Question(
        "account", "Bot account (empty: read anonymously)", "Its bot password stands in pywikibot's files; see user-config.example.py."
    ),
    Question(
        "client",
        "Class of client that the account is",
        "It sets the request budget: 200, 200, 2,000 a minute, or none.",
        "authed-user",
        "account",
        _one_of("unauthed-bot", "authed-user", "established-user", "approved-bot"),
    ),
    Question("reporter_name", "Who reports", "Stands in every letter: a person or role that the recipient can ask.", "tsbot operator"),
    Question("reporter_contact", "Mail address of the reporter", "From and Reply-To of every letter; it must be read.", check=_address),
    Question(
        "recipient",
        "Mail address that all reports go to (empty: they stay in the spool until you agree with recipients)",
        "Before you write to the published addresses of Wikimedia, agree with them and with your community.",
        check=_address,
    ),
    Question("mail_host", "Mail server", "Letters leave through it, with TLS and a verified certificate.", "", "recipient"),
    Question("mail_port", "Its port", "587 is for STARTTLS.", "587", "mail_host", _number),
    Question("mail_user", "User name there (empty: none)", "The password is read from TSBOT_MAIL__PASSWORD.", "", "mail_host"),
    Question("page", "Mail address to wake somebody at night (empty: nobody)", "Pages carry ids only.", "", "mail_host", _address),
    Question(
        "metrics", "Address for /metrics and /readyz (empty: none)", "For Prometheus, and for whatever restarts it.", "127.0.0.1:9100"
    ),
)

Answers = Mapping[str, str]


def check_answer(question: Question, answer: str) -> None:
    """Raises ``InputError`` for an answer that cannot be used."""
    if any(not char.isprintable() for char in answer):
        raise InputError(f"--{question.name.replace('_', '-')}: this cannot be printed.")
    if wrong := question.check(answer):
        raise InputError(f"--{question.name.replace('_', '-')}: {wrong}")


def is_asked(question: Question, answers: Answers) -> bool:
    """Whether a question makes sense after the answers so far."""
    return not question.only_if or bool(answers.get(question.only_if))


def settings_file(answers: Answers) -> str:
    """The settings file, with what each key is for."""
    lines = ["# Made by `tsbot init`. docs/settings.md lists every key; `tsbot doctor` checks this file."]
    lines.append(f"data_dir = {_text(answers['data_dir'])}")
    wiki = ['# contact = "you@example.org"  # set it before running live']
    if answers.get("contact"):
        wiki = [f"contact = {_text(answers['contact'])}"]
    if answers.get("account"):
        wiki += [f"account = {_text(answers['account'])}", f"client = {_text(answers['client'])}"]
    lines += ["", "[wiki]", *wiki]
    if wikis := answers.get("wikis", "").replace(",", " ").split():
        lines += ["", "[admission]", f"only_wikis = {json.dumps(wikis, ensure_ascii=False)}"]
    lines += ["", "[report]", f"reporter_name = {_text(answers['reporter_name'])}"]
    if answers.get("reporter_contact"):
        lines.append(f"reporter_contact = {_text(answers['reporter_contact'])}")
    if answers.get("mail_host"):
        lines.append('channel = "smtp"')
    lines.append("# A person releases each letter, unless a rule of [report.release.KIND] does.")
    if answers.get("recipient"):
        lines += ["", "[[report.recipients.default]]", f"to = {_text(answers['recipient'])}"]
    if answers.get("mail_host"):
        lines += ["", "[mail]", f"host = {_text(answers['mail_host'])}", f"port = {int(answers['mail_port'])}"]
        lines += [f"user = {_text(answers['mail_user'])}"] if answers.get("mail_user") else []
        lines.append("# The password: TSBOT_MAIL__PASSWORD in the environment.")
    if answers.get("page"):
        lines += ["", "[page]", f"mail = [{_text(answers['page'])}]"]
    if answers.get("metrics"):
        lines += ["", "[metrics]", f"listen = {_text(answers['metrics'])}"]
    return "\n".join(lines) + "\n"


def write_settings(path: Path, text: str) -> Settings:
    """Write the file, mode 600, whole or not at all, and read it as every command will.

    Raises ``InputError`` if there is one already, ``SettingsError`` if the answers do not fit together; then nothing is written.
    """
    if path.exists():
        raise InputError(f"{path} is there already; nothing was changed. Edit it, or name another file with --config.")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        load(partial, {})
        os.link(partial, path)  # never over a file that somebody else has made meanwhile
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    except SettingsError as error:
        raise SettingsError(str(error).replace(str(partial), str(path))) from error
    finally:
        partial.unlink(missing_ok=True)
    return load(path)


def _text(value: str) -> str:
    """A TOML string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
