"""Pages from templates: autoescaped, strict about what is missing, in the reader's language."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from tsbot.console.preferences import Preferences
from tsbot.console.words import choose, shipped_words
from tsbot.errors import SettingsError
from tsbot.i18n.catalogue import Catalogue
from tsbot.i18n.voice import Said, Value, Voice
from tsbot.report.wording import moment, shown
from tsbot.trace.words import Told, in_language

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
BUILT = ("vendor/codex.css", "vendor/htmx.min.js")
"""Files that do not stand in the repository."""
NOBODY = Preferences()


class Pages:
    """Renders templates of ``templates/``."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue

    @property
    def catalogue(self) -> Catalogue:
        """The messages."""
        return self._catalogue or shipped_words()

    def check(self) -> None:
        """Refuse to start without the files that are built. Raises ``SettingsError`` that says what to run."""
        for name in BUILT:
            if not (STATIC / name).exists():
                raise SettingsError(f"The console's styles are missing ({name}). Run `make console` (it needs npm); a wheel has them.")

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            undefined=jinja2.StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["moment"] = moment
        environment.filters["shown"] = shown
        environment.filters["clock"] = clock
        environment.filters["day"] = day
        environment.globals["static"] = self.static
        return environment

    @cached_property
    def _digests(self) -> dict[str, str]:
        """Of static files: their addresses change with their content, so that they can be kept for ever."""
        files = (path for path in STATIC.rglob("*") if path.is_file())
        return {str(path.relative_to(STATIC)): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files}

    def static(self, name: str) -> str:
        """Address of a static file."""
        if name not in self._digests:
            self.check()
        return f"/static/{name}?v={self._digests[name]}"

    def voice(self, request: Request, prefs: Preferences = NOBODY) -> Voice:
        """The language in which a page answers a request."""
        accepted = request.headers.get("accept-language", "")
        # A part of a page speaks as the page does.
        around = dict(parse_qsl(urlsplit(request.headers.get("hx-current-url", "")).query))
        asked = request.query_params.get("uselang") or around.get("uselang", "")
        return Voice(self.catalogue, choose(self.catalogue, asked, prefs.language, accepted))

    def render(self, template: str, request: Request, **values: Any) -> str:
        """A page as HTML. ``visit`` (None for nobody) tells the base template who is signed in."""
        values = {"visit": None, "prefs": NOBODY, "flash": None} | values
        voice = self.voice(request, values["prefs"])

        def say(key: str, *parts: Value) -> Said:
            return voice.say(f"console-{key}", *parts)

        def told(said: Told) -> Said:
            return in_language(said, voice, shown)

        return self._environment.get_template(template).render(
            path=request.url.path, part=is_part(request), voice=voice, _=say, tell=voice.tell, told=told, **values
        )

    def page(self, template: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as an answer."""
        return HTMLResponse(self.render(template, request, **values), status)

    def problem(self, request: Request, words: str, status: int) -> str:
        """The page for what could not be done."""
        return self.render("problem.html.j2", request, words=words, status=status)


def is_part(request: Request) -> bool:
    """Whether htmx asks, and wants only what it puts into the page."""
    return request.headers.get("hx-request") == "true"


def clock(seconds: float) -> str:
    """A time of today: ``12:34 UTC``."""
    return moment(seconds)[11:16] + " UTC"


def day(seconds: float) -> str:
    """A time in a table: ``2026-01-31 12:34``."""
    return moment(seconds)[:16]
