"""Small YAML files of known shape, read event by event so that a hostile one is harmless.

Every scalar is read as the text it is written as: a file named ``1`` or ``no`` stays so.
Import this where a file is read or written: it pulls in ``yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

import yaml

from anontui.errors import ProjectError
from anontui.project.dialect import decode

Value: TypeAlias = str | list[str] | dict[str, str]
T = TypeVar("T")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))


def load_yaml(data: bytes, what: str) -> dict[str, Value]:
    """Read a YAML mapping of texts, lists of texts and mappings of texts.

    An empty value is ""; in a list it is left out.

    Raises
    ------
    ProjectError
        For anything else: other shapes, tags, aliases, a name given twice, several
        documents, broken YAML. Says the line.
    """
    text, _ = decode(data, what)
    try:
        return _read_document(yaml.parse(text, Loader=_LOADER))
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


def dump_yaml(content: dict[str, Value]) -> bytes:
    """Write as AnonAPI does: names sorted, block style, ASCII only."""
    text: str = yaml.dump(content, Dumper=_DUMPER, default_flow_style=False)
    return text.encode("ascii")


class _Wrong(Exception):
    """What is wrong, and where."""

    def __init__(self, message: str, event: yaml.Event) -> None:
        super().__init__(message + _line(event.start_mark))


def _line(mark: object) -> str:
    line = getattr(mark, "line", None)  # libyaml's marks are another class than yaml's own
    return "" if line is None else f" (line {line + 1})"


def _read_document(events: Iterator[yaml.Event]) -> dict[str, Value]:
    next(events)  # the stream starts
    event = next(events)
    if isinstance(event, yaml.StreamEndEvent):
        raise _Wrong("it is empty", event)
    event = next(events)
    if not isinstance(event, yaml.MappingStartEvent) or event.tag:
        raise _Wrong("it is no list of 'name: value'", event)
    content = _read_names(events, _read_value)
    next(events)  # the document ends
    event = next(events)
    if not isinstance(event, yaml.StreamEndEvent):
        raise _Wrong("it holds more than one document", event)
    return content


def _read_names(
    events: Iterator[yaml.Event], read: Callable[[yaml.Event, Iterator[yaml.Event]], T]
) -> dict[str, T]:
    content: dict[str, T] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        name = _read_text(event)
        if name in content:
            raise _Wrong("a name is given twice", event)
        content[name] = read(next(events), events)
    return content


def _read_value(event: yaml.Event, events: Iterator[yaml.Event]) -> Value:
    if isinstance(event, yaml.SequenceStartEvent) and not event.tag:
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            if text := _read_text(event):
                items.append(text)
        return items
    if isinstance(event, yaml.MappingStartEvent) and not event.tag:
        return _read_names(events, lambda event, _: _read_text(event))
    return _read_text(event)


def _read_text(event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        alias = isinstance(event, yaml.AliasEvent)
        raise _Wrong("an alias (*) is not allowed" if alias else "one text is expected", event)
    if event.tag not in _TEXT_TAGS:
        raise _Wrong("a tag (!) is not allowed", event)
    plain_null = event.value in _NULLS and event.implicit[0] and event.tag is None
    return "" if plain_null else event.value
