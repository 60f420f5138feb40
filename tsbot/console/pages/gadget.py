"""The gadget for the wikis: how to install it, and the script itself."""

from __future__ import annotations

import base64
import hashlib
import json

from fastapi import FastAPI, Request
from fastapi.responses import Response

from tsbot.console import preferences
from tsbot.console.access import Act
from tsbot.console.address import public_url
from tsbot.console.console import Console
from tsbot.console.gadget import build

PAGE, SCRIPT = "/gadget", "/gadget/tsbot.js"
FRESH = "private, max-age=300"
LOADER = """\
if ( mw.config.get( 'wgUserGroups' ).some( function ( group ) {{ return {groups}.indexOf( group ) !== -1; }} ) ) {{
	var tsbot = document.createElement( 'script' );
	tsbot.crossOrigin = 'anonymous';
	tsbot.referrerPolicy = 'no-referrer';
	tsbot.integrity = '{integrity}';
	tsbot.src = '{address}';
	document.head.appendChild( tsbot );
}}
"""
"""For a user's common.js. The checksum has the browser refuse any other script than the one that its user has looked at."""


def register(app: FastAPI, console: Console) -> None:
    """Add page and script."""
    address, matrix = public_url(console.settings.console), console.rights.matrix
    text = build.script(address, matrix)
    body = text.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    groups = build.groups_of(matrix)
    loader = loading(text, address + SCRIPT, groups)

    @app.get(PAGE)
    def explain(request: Request) -> Response:
        visit = console.visit(request, Act.MANAGE_TOKENS)
        with console.database.read() as connection:
            prefs = preferences.read(connection, visit.person.id)
        return console.pages.page(
            "gadget.html.j2",
            request,
            visit=visit,
            prefs=prefs,
            console=address,
            definition=build.DEFINITION,
            loader=loader,
            origins=console.settings.console.wiki_origins,
            groups=groups,
        )

    @app.get(SCRIPT)
    def script(request: Request) -> Response:
        # For everybody, as it holds nothing but our address; from other sites for pages of the configured wikis only, and only by CORS:
        # the Cross-Origin-Resource-Policy of the console has browsers refuse it elsewhere.
        headers = {"cache-control": FRESH, "vary": "Origin", "etag": tag}
        origin = request.headers.get("origin", "")
        if origin in console.settings.console.wiki_origins:
            headers["access-control-allow-origin"] = origin
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/javascript", headers=headers)


def loading(script: str, address: str, groups: list[str]) -> str:
    """Lines that load a script from an address, and no other script than this, for members of some groups."""
    checksum = base64.b64encode(hashlib.sha384(script.encode()).digest()).decode()
    named = json.dumps(groups).replace('"', "'")  # as in the rest of the lines; the names are those of our own table
    return LOADER.format(groups=named, integrity=f"sha384-{checksum}", address=address)
