"""Reading a file selection that anybody may have written."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from anontui.errors import ProjectError

BIGGEST = 64 << 20  # bytes
MOST_PATHS = 1_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml where it is there


def selected_paths(path: Path) -> list[Path]:
    """Read the ``selected_paths`` of a file selection, as absolute paths below its folder.

    The YAML is read as a stream of events: no objects are built from it, references are
    refused, and memory stays bounded by the file's size.

    Raises
    ------
    ProjectError
        If it cannot be read, is not a file selection, is too large, or a path is absolute
        or leads outside the selection's folder. The message names no path.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BIGGEST + 1)
        if len(data) > BIGGEST:
            raise ProjectError("The file selection is too large")
        names = dict.fromkeys(_names(data.decode("utf-8-sig")))
    except OSError as error:
        raise ProjectError(f"The file selection cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError("The file selection is not YAML") from error
    return [path.parent.joinpath(*_parts(name)) for name in names]


def _names(text: str) -> list[str]:
    names: list[str] | None = None
    depth = 0
    key: str | None = None  # the top-level key whose value comes next
    for event in yaml.parse(text, Loader=_Loader):
        inside = depth == 2 and key == "selected_paths"
        if isinstance(event, yaml.AliasEvent):
            raise ProjectError("The file selection holds references, which are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            if inside or (depth == 0 and not isinstance(event, yaml.MappingStartEvent)):
                raise _not_a_selection()
            depth += 1
            if depth == 2 and key == "selected_paths":
                if names is not None or not isinstance(event, yaml.SequenceStartEvent):
                    raise _not_a_selection()
                names = []
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            if depth == 1:
                key = None
        elif isinstance(event, yaml.ScalarEvent):
            if inside and names is not None:
                names.append(event.value)
                if len(names) > MOST_PATHS:
                    raise ProjectError("The file selection selects too many files")
            elif depth == 1:
                key = event.value if key is None else None
    if names is None:
        raise _not_a_selection()
    return names


def _parts(name: str) -> list[str]:
    parts = re.split(r"[/\\]", name)
    leads_up = any(part.startswith("..") and not part.strip(" .") for part in parts)
    if parts[0] == "" or re.match("[A-Za-z]:", name) or leads_up or _CONTROL.search(name):
        raise ProjectError("The file selection holds a path that is not below its own folder")
    return parts


def _not_a_selection() -> ProjectError:
    return ProjectError("The file is not a file selection")
