"""Small YAML files of known shape, read event by event so that a hostile one is harmless.

Every scalar is read as the text it is written as: a file named ``1`` or ``no`` stays so.
Names that are not ours may hold anything; they are not read, and :func:`unknown_in` keeps
them. Import this where a file is read or written: it pulls in ``yaml``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import yaml

from anontui.errors import ProjectError
from anontui.project import files
from anontui.project.dialect import decode

Value: TypeAlias = str | list[str] | dict[str, str]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
_MAX_DEPTH = 20
_STARTS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def load_yaml(data: bytes, what: str, names: Collection[str]) -> dict[str, Value]:
    """Read a YAML mapping of texts, lists of texts and mappings of texts.

    An empty value is ""; in a list it is left out.

    Parameters
    ----------
    data, what
        The content of the file, and what the user calls it.
    names
        What is read; other names are passed over.

    Raises
    ------
    ProjectError
        For anything else: other shapes, tags, aliases, a name given twice, several
        documents, broken YAML. Says the line.
    """
    return _load(data, what, names)[0]


def unknown_in(path: Path, names: Collection[str]) -> bytes:
    """Return what a file says under other names than these, as YAML to write below ours.

    Nothing if there is no such file, or it cannot be read. Comments are lost.
    """
    try:
        return _unknown(files.read_bytes(path, "file"), names)
    except ProjectError:
        return b""


def dump_yaml(content: dict[str, Value]) -> bytes:
    """Write as AnonAPI does: names sorted, block style, ASCII only."""
    text: str = yaml.dump(content, Dumper=_DUMPER, default_flow_style=False)
    return text.encode("ascii")


def _load(
    data: bytes, what: str, names: Collection[str]
) -> tuple[dict[str, Value], list[yaml.Event]]:
    text, _ = decode(data, what)
    try:
        return _read_document(yaml.parse(text, Loader=_LOADER), names)
    except _Wrong as wrong:
        problem = str(wrong)
    except yaml.MarkedYAMLError as error:
        problem = "it is not YAML" + _line(error.problem_mark)
    except yaml.YAMLError:  # a character that YAML does not allow
        problem = "it is no text"
    raise ProjectError(
        f"The {what} cannot be read: {problem}",
        advice="Correct it with a text editor, or make a new one.",
    )


def _unknown(data: bytes, names: Collection[str]) -> bytes:
    events = _load(data, "file", names)[1]
    if not events:
        return b""
    whole = (
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        yaml.MappingStartEvent(None, None, implicit=True, flow_style=False),
        *events,
        yaml.MappingEndEvent(),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    )
    text: str = yaml.emit(whole, Dumper=_DUMPER)
    return text.encode()


class _Wrong(Exception):
    """What is wrong, and where."""

    def __init__(self, message: str, event: yaml.Event) -> None:
        super().__init__(message + _line(event.start_mark))


def _line(mark: object) -> str:
    line = getattr(mark, "line", None)  # libyaml's marks are another class than yaml's own
    return "" if line is None else f" (line {line + 1})"


def _read_document(
    events: Iterator[yaml.Event], names: Collection[str]
) -> tuple[dict[str, Value], list[yaml.Event]]:
    next(events)  # the stream starts
    event = next(events)
    if isinstance(event, yaml.StreamEndEvent):
        raise _Wrong("it is empty", event)
    event = next(events)
    if not isinstance(event, yaml.MappingStartEvent) or event.tag:
        raise _Wrong("it is no list of 'name: value'", event)
    content: dict[str, Value] = {}
    unknown: list[yaml.Event] = []
    seen: set[str] = set()
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        name = _read_name(event, seen)
        if name in names:
            content[name] = _read_value(next(events), events)
        else:
            unknown += [event, *_anything(events)]
    next(events)  # the document ends
    event = next(events)
    if not isinstance(event, yaml.StreamEndEvent):
        raise _Wrong("it holds more than one document", event)
    return content, unknown


def _read_name(event: yaml.Event, seen: set[str]) -> str:
    name = _read_text(event)
    if name in seen:
        raise _Wrong("a name is given twice", event)
    seen.add(name)
    return name


def _anything(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """Yield the events of one value of any shape."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise _Wrong("an alias (*) is not allowed", event)
        depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
        if depth > _MAX_DEPTH:
            raise _Wrong("it is nested too deeply", event)
        yield event
        if not depth:
            return


def _read_value(event: yaml.Event, events: Iterator[yaml.Event]) -> Value:
    if isinstance(event, yaml.SequenceStartEvent) and not event.tag:
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            if text := _read_text(event):
                items.append(text)
        return items
    if isinstance(event, yaml.MappingStartEvent) and not event.tag:
        texts: dict[str, str] = {}
        seen: set[str] = set()
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            name = _read_name(event, seen)
            texts[name] = _read_text(next(events))
        return texts
    return _read_text(event)


def _read_text(event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        alias = isinstance(event, yaml.AliasEvent)
        raise _Wrong("an alias (*) is not allowed" if alias else "one text is expected", event)
    if event.tag not in _TEXT_TAGS:
        raise _Wrong("a tag (!) is not allowed", event)
    plain_null = event.value in _NULLS and event.implicit[0] and event.tag is None
    return "" if plain_null else event.value
