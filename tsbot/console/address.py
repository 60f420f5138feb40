"""Where people reach the console."""

from __future__ import annotations

from tsbot.settings import ConsoleSettings


def public_url(settings: ConsoleSettings) -> str:
    """Scheme, host and port, without a path."""
    if settings.url:
        return settings.url
    return f"{'https' if settings.certificate else 'http'}://{settings.listen}"
