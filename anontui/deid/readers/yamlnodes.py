"""YAML files of known shape, read event by event with the line of everything.

Every scalar is the text it is written as: a tag ``00100020`` stays one. Import this where a
file is read: it pulls in ``yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from anontui.deid.readers.texts import refused
from anontui.errors import DeidError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
_DEEPEST = 6
_ADVICE = "Correct it with a text editor."


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands: that of a mapping at the line of its name."""

    where: str
    value: Value

    def text(self) -> str:
        """The text that it must be.

        Raises
        ------
        DeidError
            If it is a list or a mapping.
        """
        if not isinstance(self.value, str):
            raise refused(self.where, "one text is expected", _ADVICE)
        return self.value

    def items(self) -> list[Node]:
        """The list that it must be; one text is a list of one, and no value an empty one.

        Raises
        ------
        DeidError
            If it is a mapping.
        """
        if isinstance(self.value, dict):
            raise refused(self.where, "a list is expected", _ADVICE)
        if isinstance(self.value, str):
            return [self] if self.value else []
        return self.value

    def names(self) -> dict[str, Node]:
        """The mapping that it must be; no value is an empty one.

        Raises
        ------
        DeidError
            If it is a text or a list.
        """
        if self.value == "":
            return {}
        if not isinstance(self.value, dict):
            raise refused(self.where, "'name: value' is expected", _ADVICE)
        return self.value

    def plain(self) -> object:
        """Texts, lists and dicts without lines."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return {name: node.plain() for name, node in self.value.items()}


Value: TypeAlias = str | list[Node] | dict[str, Node]


def load_nodes(text: str, name: str) -> Node:
    """Read the one document of a YAML file.

    Raises
    ------
    DeidError
        With the line, for broken YAML, tags, aliases, a name given twice, several documents,
        and what is nested deeper than policies are.
    """
    try:
        return _Reading(yaml.parse(text, Loader=_LOADER), name).document()
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", None)
        where = name if line is None else f"{name} line {line + 1}"
        raise refused(where, "this is not YAML", _ADVICE) from None
    except (yaml.YAMLError, UnicodeError):  # a character that YAML does not allow
        raise refused(name, "it has characters that are no text", _ADVICE) from None


class _Reading:
    def __init__(self, events: Iterator[yaml.Event], name: str) -> None:
        self._events = events
        self._name = name

    def document(self) -> Node:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Node(f"{self._name} line 1", {})
        node = self._node(next(self._events), "", 0)
        next(self._events)  # the document ends
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._wrong(event, "it holds more than one document")
        return node

    def _node(self, event: yaml.Event, where: str, depth: int) -> Node:
        where = where or self._where(event)
        if depth > _DEEPEST:
            raise self._wrong(event, "it is nested too deep")
        if isinstance(event, yaml.SequenceStartEvent) and not event.tag:
            items = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(event, "", depth + 1))
            return Node(where, items)
        if isinstance(event, yaml.MappingStartEvent) and not event.tag:
            names: dict[str, Node] = {}
            while not isinstance(event := next(self._events), yaml.MappingEndEvent):
                name = self._text(event)
                if name in names:
                    raise self._wrong(event, "a name is given twice")
                names[name] = self._node(next(self._events), self._where(event), depth + 1)
            return Node(where, names)
        return Node(where, self._text(event))

    def _text(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.AliasEvent):
            raise self._wrong(event, "an alias (*) is not allowed")
        if not isinstance(event, yaml.ScalarEvent):
            tagged = getattr(event, "tag", None)
            raise self._wrong(event, "a tag (!) is not allowed" if tagged else "a text is expected")
        if event.tag not in _TEXT_TAGS:
            raise self._wrong(event, "a tag (!) is not allowed")
        plain_null = event.value in _NULLS and event.implicit[0] and event.tag is None
        return "" if plain_null else str(event.value)

    def _where(self, event: yaml.Event) -> str:
        line = getattr(event.start_mark, "line", 0)  # libyaml's marks are a class of their own
        return f"{self._name} line {line + 1}"

    def _wrong(self, event: yaml.Event, problem: str) -> DeidError:
        return refused(self._where(event), problem, _ADVICE)
