"""What a key of the settings file may hold: how it is read, written, and described to others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from anontui.errors import UsageError
from anontui.unc import ShareMap


class Wrong(ValueError):
    """A value that cannot be used, and what to do about it."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class Kind(NamedTuple):
    """A kind of value.

    ``read`` turns the file's value (key, value) into ours or raises :class:`Wrong`, ``write``
    turns ours into the file's, ``schema`` describes the file's as JSON Schema does.
    """

    read: Callable[[str, Any], Any]
    write: Callable[[Any], Any]
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A key of the settings file.

    Attributes
    ----------
    name
        As it is written in the file.
    about
        What it says, in a sentence.
    kind
        What it may hold.
    attribute
        Its name in :class:`~anontui.settings.Settings`, if another.
    old_name
        The key that held it in AnonAPI before 1.4.
    theirs
        True if AnonAPI knows it: it is then always written.
    example
        A value for the file that ``anontui config init`` writes.
    """

    name: str
    about: str
    kind: Kind
    attribute: str = ""
    old_name: str = ""
    theirs: bool = False
    example: Any = None

    @property
    def ours(self) -> str:
        """Its name in the settings."""
        return self.attribute or self.name

    def take(self, data: dict[str, Any]) -> Any:
        """Take its value out of the file's content; None where there is none."""
        old = data.pop(self.old_name, None) if self.old_name else None
        value = data.pop(self.name, None)
        return old if value is None else value


def text(key: str, value: object) -> str:
    """Read a text, or raise :class:`Wrong`."""
    if isinstance(value, str):
        return value
    raise Wrong(f"{key} is not text", "Write text there, numbers in quotes.")


def named(key: str, value: object) -> dict[str, Any]:
    """Read a mapping whose keys are text; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong(f"{key} is not a list of names with values")
    for name in value:
        text(f"a name in {key}", name)
    return value


def _texts(key: str, value: object) -> dict[str, str]:
    return {name: text(f"{key}: {name}", one) for name, one in named(key, value).items()}


def _same(value: Any) -> Any:
    return value


def _flag(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(f"{key} is neither true nor false")


def _whole_path(key: str, value: object) -> Path | None:
    path = text(key, value)
    if not path:
        return None
    if not expanded(path).is_absolute():
        raise Wrong(f"{key} is not a whole path")
    return expanded(path)


def expanded(path: str) -> Path:
    """Return a path with ``~`` replaced; unlike ``Path.expanduser`` it never raises."""
    return Path(os.path.expanduser(path))


def _shares(key: str, value: object) -> ShareMap:
    pairs = (
        (unc, expanded(text(f"{key}: {unc}", local)))
        for unc, found in named(key, value).items()
        for local in (found if isinstance(found, list) else [found])
    )
    try:
        return ShareMap(tuple(pairs))
    except UsageError as error:
        raise Wrong(f"{key}: {error.message}", error.advice) from error


def _shares_to_yaml(shares: ShareMap) -> dict[str, str | list[str]]:
    """Write the local folder of each share; a list where it is mounted more than once."""
    folders: dict[str, list[str]] = {}
    for unc, local in shares.pairs:
        folders.setdefault(unc, []).append(str(local))
    return {unc: found[0] if len(found) == 1 else found for unc, found in folders.items()}


_OLD_NAMES = {"project_name": "project"}


def _defaults(key: str, value: object) -> dict[str, str]:
    """Read ``key,value`` lines, or the mapping that AnonAPI wrote before 1.4."""
    if isinstance(value, list):
        pairs = []
        for line in value:
            name, comma, rest = text(key, line).partition(",")
            if not comma:
                name, comma, rest = name.partition(";")
            if not comma:
                raise Wrong(f"{key} holds a line that is not 'name,value'")
            pairs.append((name, rest))
        value = dict(pairs)
    return {_OLD_NAMES.get(name, name): one for name, one in _texts(key, value).items()}


def _defaults_to_yaml(defaults: Mapping[str, str]) -> list[str]:
    return [f"{name},{value}" for name, value in defaults.items()]


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_STRING = {"type": "string"}
_STRINGS = {"type": "object", "additionalProperties": _STRING}
_LOCAL = {"anyOf": [_STRING, {"type": "array", "items": _STRING}]}

TEXT = Kind(text, _same, _or_null(_STRING))
FLAG = Kind(_flag, _same, _or_null({"type": "boolean"}))
FOLDER = Kind(_whole_path, lambda path: str(path) if path else None, _or_null(_STRING))
TEXTS = Kind(_texts, _same, _or_null(_STRINGS))
SHARES = Kind(
    _shares, _shares_to_yaml, _or_null({"type": "object", "additionalProperties": _LOCAL})
)
DEFAULTS = Kind(
    _defaults,
    _defaults_to_yaml,
    _or_null(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string", "pattern": "[,;]"}},
                _STRINGS,
            ]
        }
    ),
)


def choice(*words: str) -> Kind:
    """One of some words; another one is told when the settings are read, and passed over."""
    return Kind(text, _same, _or_null({"enum": list(words)}))


def choices(field: Field) -> list[str]:
    """Return the words that a field of :func:`choice` may hold; none for other kinds."""
    found: list[str] = field.kind.schema["anyOf"][0].get("enum", [])
    return found
