"""Pages from templates: autoescaped, strict about what is missing, in the reader's language."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from tsbot.report.wording import moment, shown

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")


class Pages:
    """Renders templates of ``templates/``."""

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
        environment.globals["static"] = self.static
        return environment

    @cached_property
    def _digests(self) -> dict[str, str]:
        """Of static files: their addresses change with their content, so that they can be kept for ever."""
        files = (path for path in STATIC.rglob("*") if path.is_file())
        return {str(path.relative_to(STATIC)): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files}

    def static(self, name: str) -> str:
        """Address of a static file."""
        return f"/static/{name}?v={self._digests[name]}"

    def render(self, template: str, request: Request, **values: Any) -> str:
        """A page as HTML. ``visit`` (None for nobody) tells the base template who is signed in."""
        values.setdefault("visit", None)
        return self._environment.get_template(template).render(path=request.url.path, **values)

    def page(self, template: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as an answer."""
        return HTMLResponse(self.render(template, request, **values), status)

    def problem(self, request: Request, words: str, status: int) -> str:
        """The page for what could not be done."""
        return self.render("problem.html.j2", request, words=words, status=status)
