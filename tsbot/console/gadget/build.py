"""Makes the gadget out of its files: one script, and the line by which a wiki knows it.

``python -m tsbot.console.gadget.build https://tsbot.example.org FOLDER`` writes both (`make gadget`). The console serves the same script at
``/gadget/tsbot.js``, with its own address in it.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

from tsbot import __version__
from tsbot.console.access import Act, Matrix, shipped_matrix
from tsbot.errors import InputError
from tsbot.settings import is_origin

HERE = Path(__file__).parent
PARTS = ("words", "people", "client", "batches", "marks", "form", "options", "main")
"""The files of ``src/`` in the order in which they run."""
NAME = "tsbot"
DEFINITION = f"* {NAME}[ResourceLoader|rights=suppressrevision|dependencies=mediawiki.api,mediawiki.storage,mediawiki.util]|{NAME}.js"
"""Line of MediaWiki:Gadgets-definition (Extension:Gadgets). Not ``default``: people choose it, and without the right it is not offered."""
HEAD = """\
/**
 * tsbot gadget {version}: for people who hide revisions and work with the console at {console}
 *
 * Made by `make gadget`; change its sources, not this page. Licence: GPL-3.0-or-later.
 */
"""


def script(console: str, matrix: Matrix | None = None) -> str:
    """The gadget for a console at an address (scheme, host and port). Raises ``InputError`` for what is no such address.

    ECMAScript 5, which is what MediaWiki 1.39 lets a page of a wiki be.
    """
    if not is_origin(console):
        raise InputError("The console's address has no path, such as https://tsbot.example.org.")
    settings = {"console": console, "groups": groups_of(matrix or shipped_matrix())}
    given = {"settings": settings, "messages": messages(), "styles": _source("styles.css")}
    lines = [
        HEAD.format(version=__version__, console=console) + "// <nowiki>",
        "( function () {",
        "'use strict';",
        f"var gadget = {json.dumps(given, sort_keys=True)};",
        *(_source(f"{part}.js") for part in PARTS),
        "}() );",
        "// </nowiki>",
    ]
    return "\n".join(line.strip("\n") for line in lines) + "\n"


def groups_of(matrix: Matrix) -> list[str]:
    """The wiki groups for whose members the gadget does something."""
    return sorted({group for role in matrix.acts.get(Act.SEE_QUEUE, ()) for group in matrix.roles[role].groups})


@cache
def messages() -> dict[str, dict[str, str]]:
    """The gadget's messages by language, without the notes for translators."""
    found = {}
    for path in sorted((HERE / "i18n").glob("*.json")):
        if path.stem != "qqq":
            entries = json.loads(path.read_text("utf-8"))
            found[path.stem] = {key: text for key, text in entries.items() if not key.startswith("@")}
    return found


@cache
def _source(name: str) -> str:
    return (HERE / "src" / name).read_text("utf-8")


def main(arguments: list[str]) -> int:
    """Write script and definition; the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m tsbot.console.gadget.build ADDRESS FOLDER\nExample: make gadget CONSOLE=https://tsbot.example.org\n")
        return 2
    address, folder = arguments[0], Path(arguments[1])
    try:
        text = script(address)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"Gadget-{NAME}.js").write_text(text, "utf-8")
    (folder / "Gadgets-definition").write_text(DEFINITION + "\n", "utf-8")
    sys.stdout.write(f"{folder}/Gadget-{NAME}.js and {folder}/Gadgets-definition are written; docs/gadget.md says where they go.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
