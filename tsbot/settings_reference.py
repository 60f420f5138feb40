"""The reference of all settings, made from their declarations; ``docs/settings.md`` is its output."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from tsbot.settings import Section, Settings


def describe() -> list[tuple[str, str, str, str]]:
    """Every setting as ``(key, type, default, description)``, in order; what ``docs/settings.md`` is made from."""
    rows: list[tuple[str, str, str, str]] = []
    _describe(Settings, "", rows)
    return rows


def _describe(section: type[Section], prefix: str, rows: list[tuple[str, str, str, str]]) -> None:
    hints = get_type_hints(section, include_extras=True)
    for info in msgspec.structs.fields(section):
        hint = hints[info.name]
        if isinstance(hint, type) and issubclass(hint, Section):
            _describe(hint, f"{prefix}{info.name}.", rows)
            continue
        bare, *metas = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        text = next((meta.description for meta in metas if getattr(meta, "description", None)), "")
        if info.default is not msgspec.NODEFAULT:
            default = msgspec.json.encode(info.default).decode()
        elif info.default_factory is not msgspec.NODEFAULT:
            default = msgspec.json.encode(info.default_factory()).decode()
        else:
            default = "(required)"
        rows.append((prefix + info.name, _type_name(bare), default, text or ""))
        for arg in (bare, *get_args(bare), *(inner for outer in get_args(bare) for inner in get_args(outer))):
            if isinstance(arg, type) and issubclass(arg, Section):
                label = "ADDRESS" if info.name == "keys" else "KIND" if prefix.startswith("report") else "NAME"
                _describe(arg, f"{prefix}{info.name}.{label}.", rows)


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _type_name(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return " \\| ".join(repr(value) for value in get_args(hint))
    if get_origin(hint) in (tuple, list):
        return f"list of {_type_name(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return f"table of {_type_name(get_args(hint)[1])}"
    name: str = hint.__name__
    return {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}.get(name, name)


def markdown() -> str:
    """The page ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "Made by `tsbot settings`. Write them into `tsbot.toml` (tables by the part before the dot) or set them in the",
        "environment: `mail.host` is `TSBOT_MAIL__HOST`. Unknown keys are refused.",
        "",
        "| setting | type | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{key}` | {kind} | `{default}` | {text} |" for key, kind, default, text in describe()]
    return "\n".join(lines) + "\n"
