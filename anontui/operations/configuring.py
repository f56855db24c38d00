"""The settings file as a document: its schema, its page in the docs, a first one, its faults."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from anontui import atomic
from anontui.errors import SettingsError, UsageError
from anontui.settings import FIELDS, Settings, examine, load, read_file
from anontui.settings_fields import Field, choices

SCHEMA_ID = "anontui-settings.schema.json"

HEADER = """\
# The settings of anontui. A line that starts with '#' is not read: take the sign away to set
# what it says. Setting things in the app or by a command writes the file anew, without these
# notes. 'anontui config validate' finds mistakes.
"""


def schema() -> dict[str, Any]:
    """Describe the settings file as JSON Schema (2020-12), for editors that check while one types.

    Keys that are not described are allowed: AnonAPI's programs may have some of their own.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Settings of anontui",
        "type": ["object", "null"],
        "properties": {
            field.name: {"description": field.about, **field.kind.schema} for field in FIELDS
        },
        "additionalProperties": True,
    }


def template() -> str:
    """Return a settings file in which everything is explained and nothing is set."""
    import yaml

    parts = [HEADER]
    for field in FIELDS:
        example = "" if field.example is None else field.example
        shown = yaml.safe_dump({field.name: example}, sort_keys=False, allow_unicode=True)
        lines = [f"# {line}" for line in (field.about, *_words(field))]
        lines += [f"#{line}" for line in shown.splitlines()]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def page() -> str:
    """Return the page of the docs about the settings file."""
    import yaml

    lines = [
        "# Settings",
        "",
        "One YAML file, for you alone (mode 0600): `$ANONTUI_SETTINGS`, else"
        " `.anontui/settings.yml` of the project's folder if nobody else can write it, else"
        " `~/.config/anontui/settings.yml` (`%APPDATA%` on Windows). Where there is none, that of"
        " AnonAPI is read; both programs read each other's.",
        "",
        "    anontui config init        # writes one, with every setting explained",
        "    anontui config show        # what holds here, and where it comes from",
        "    anontui config validate    # every mistake at once",
        "    anontui config schema      # for editors that check while one types",
        "",
        f"The schema is in [{SCHEMA_ID}]({SCHEMA_ID}). With the YAML language server, the file's"
        f" first line is `# yaml-language-server: $schema=PATH/{SCHEMA_ID}`.",
        "",
    ]
    for field in FIELDS:
        lines += [f"## {field.name}", "", field.about, *_words(field), ""]
        if field.example is not None:
            example = yaml.safe_dump({field.name: field.example}, sort_keys=False)
            lines += [*(f"    {line}" for line in example.splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _words(field: Field) -> list[str]:
    words = choices(field)
    return [f"One of: {', '.join(words)}."] if words else []


def write_first(path: Path) -> None:
    """Write :func:`template` to ``path``, readable by the user alone.

    Raises
    ------
    UsageError
        If there is a file already.
    SettingsError
        If it cannot be written.
    """
    if path.exists():
        raise UsageError(
            f"There is a settings file already: {path}",
            advice="Change it with: anontui settings edit",
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write_bytes(path, template().encode(), mode=0o600)
    except OSError as error:
        raise SettingsError(
            f"The settings cannot be written to {path}",
            cause=error.strerror or type(error).__name__,
            advice="Make its folder writable, or set ANONTUI_SETTINGS to another file.",
        ) from error


def origins(settings: Settings) -> dict[str, tuple[object, bool]]:
    """Tell what each setting holds, and whether the file says so (else it is the default).

    The token itself is never told, only whether there is one.
    """
    plain = Settings(settings.path)
    found: dict[str, tuple[object, bool]] = {}
    for field in FIELDS:
        value = getattr(settings, field.ours)
        is_set = value != getattr(plain, field.ours)
        shown: object = field.kind.write(value)
        if field.name == "user_token":
            shown = "set" if value else ""
        found[field.name] = (shown, is_set)
    return found


def faults(path: Path, check_keys: Callable[[Mapping[str, str]], list[str]]) -> list[str]:
    """Find everything that is wrong with the settings file at ``path``; sentences, none if well.

    Parameters
    ----------
    path
        The file.
    check_keys
        Tells what is wrong with keys of the app by action id.

    Raises
    ------
    SettingsError
        If the file cannot be read at all.
    """
    try:
        data = read_file(path, path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read",
            cause=error.strerror or type(error).__name__,
            advice="Name a file that is there, or make one with: anontui config init",
        ) from error
    values, problems, warnings = examine(data)
    found = [f"{problem.reason}. {problem.advice}".strip() for problem in problems]
    found += warnings
    found += [_unknown(name) for name in data]
    found += check_keys(values.get("keys", {}))
    if not problems:
        found += [warning for warning in load(path).warnings if warning not in warnings]
    return found


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, [field.name for field in FIELDS], n=1)
    meant = f" Did you mean {near[0]}?" if near else " It is kept, and does nothing."
    return f"{name!r} is no setting of anontui.{meant}"
