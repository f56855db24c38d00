"""Reading a file selection that anybody may have written."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        if not path.is_file():  # a pipe would have us wait forever
            raise ProjectError("The file selection is not there")
        with path.open("rb") as file:
            data = file.read(BIGGEST + 1)
        if len(data) > BIGGEST:
            raise ProjectError("The file selection is too large")
        names = dict.fromkeys(_names(_events(data.decode("utf-8-sig"))))
    except OSError as error:
        raise ProjectError(f"The file selection cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ProjectError("The file selection is not YAML") from error
    return [path.parent.joinpath(*_parts(name)) for name in names]


def _events(text: str) -> Iterator[yaml.Event]:
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ProjectError("The file selection holds references, which are not read")
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _names(events: Iterator[yaml.Event]) -> list[str]:
    names: list[str] = []
    found = False
    if not isinstance(next(events, None), yaml.MappingStartEvent):
        raise _not_a_selection()
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        is_ours = isinstance(key, yaml.ScalarEvent) and key.value == "selected_paths"
        _skip(key, events)
        value = next(events)
        if not is_ours:
            _skip(value, events)
            continue
        if found or not isinstance(value, yaml.SequenceStartEvent):
            raise _not_a_selection()
        found = True
        while isinstance(event := next(events), yaml.ScalarEvent):
            names.append(event.value)
            if len(names) > MOST_PATHS:
                raise ProjectError("The file selection selects too many files")
        if not isinstance(event, yaml.SequenceEndEvent):
            raise _not_a_selection()
    if not found:
        raise _not_a_selection()
    return names


def _skip(event: yaml.Event, events: Iterator[yaml.Event]) -> None:
    """Pass over what ``event`` starts."""
    depth = 0
    while True:
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth == 0:
            return
        event = next(events)


def _parts(name: str) -> list[str]:
    parts = re.split(r"[/\\]", name)
    leads_up = any(part.startswith("..") and not part.strip(" .") for part in parts)
    if parts[0] == "" or re.match("[A-Za-z]:", name) or leads_up or _CONTROL.search(name):
        raise ProjectError("The file selection holds a path that is not below its own folder")
    return parts


def _not_a_selection() -> ProjectError:
    return ProjectError("The file is not a file selection")
