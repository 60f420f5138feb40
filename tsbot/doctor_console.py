"""Is the console well: can people sign in, does its table of rights load, how long does its certificate last."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509

from tsbot.console.access import load_matrix, shipped_matrix
from tsbot.doctor import Diagnosis, State
from tsbot.errors import SettingsError
from tsbot.settings import Settings

PACKAGES = ("fastapi", "uvicorn", "authlib", "httpx", "python_multipart")
"""What the console needs beyond the patrol."""
SOON_DAYS = 14.0


def check_console(settings: Settings, now: float) -> Iterator[Diagnosis]:
    """What stands in the way of `tsbot serve`. ``now`` in seconds since the epoch."""
    ours = settings.console
    if not ours.client_id and not ours.wiki_login:
        yield Diagnosis("console", State.OK, "no way to sign in is configured, so there is no console")
        return
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        yield Diagnosis("console", State.PROBLEM, f"the console needs {', '.join(missing)}", "Run: pip install 'tsbot[console]'")
        return
    try:
        matrix = load_matrix(settings.data_path / ours.matrix) if ours.matrix else shipped_matrix()
    except (SettingsError, OSError) as error:
        words = str(error) if isinstance(error, SettingsError) else f"console.matrix cannot be read ({type(error).__name__})"
        yield Diagnosis("console", State.PROBLEM, words, "Mend the file, or empty console.matrix.")
        return
    yield Diagnosis("console", State.OK, f"{len(matrix.acts)} acts, {len(matrix.roles)} roles; at {ours.url or ours.listen}")
    if ours.wiki_login:
        words = f"passwords of {ours.wiki_login} pass through the console"
        yield Diagnosis("console.sign_in", State.WARNING, words, "Use OAuth (console.client_id) where the wiki has it.")
    if ours.client_id and not ours.client_secret:
        words = "the OAuth client has no secret"
        yield Diagnosis("console.secret", State.WARNING, words, "Set TSBOT_CONSOLE__CLIENT_SECRET, unless it is registered as public.")
    if ours.certificate:
        yield from _check_certificate(settings, now)
    if plain := [origin for origin in ours.wiki_origins if origin.startswith("http://")]:
        words = f"{len(plain)} of the wikis that may call the API are not reached over TLS"
        yield Diagnosis("console.wiki_origins", State.WARNING, words, "Name them with https:// unless they are on this machine.")


def _check_certificate(settings: Settings, now: float) -> Iterator[Diagnosis]:
    ours = settings.console
    try:
        certificate = x509.load_pem_x509_certificate((settings.data_path / ours.certificate).read_bytes())
        mode = (settings.data_path / ours.private_key).stat().st_mode
    except (OSError, ValueError) as error:
        words = f"the certificate or its key cannot be read ({type(error).__name__})"
        yield Diagnosis("console.certificate", State.PROBLEM, words, "Check console.certificate and console.private_key.")
        return
    days = (certificate.not_valid_after_utc - datetime.fromtimestamp(now, UTC)).total_seconds() / 86400
    state = State.PROBLEM if days <= 0 else State.WARNING if days < SOON_DAYS else State.OK
    words = f"the certificate lasts {days:,.0f} days more" if days > 0 else "the certificate has ended"
    yield Diagnosis("console.certificate", state, words, "Renew it and start the console again." if state is not State.OK else "")
    if mode & 0o077:
        words = f"{ours.private_key} can be read by other users"
        yield Diagnosis("console.private_key", State.WARNING, words, f"Run: chmod 600 {settings.data_path / ours.private_key}")
