"""Settings in YAML, read with the line of each, so that a mistake is told with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from anontui.errors import PacsError

MOST_BYTES = 1 << 20
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class Form:
    """What a text must look like: what it is called, and a regular expression."""

    name: str
    pattern: str


def load(content: bytes, file: str) -> dict[str, tuple[str, yaml.Node]]:
    """Read a file that is a mapping: its names, each with where it stands and its value.

    Raises
    ------
    PacsError
        With the line if there is one, if it is no YAML, or something else.
    """
    if len(content) > MOST_BYTES:
        raise wrong(file, "it is too large")
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise wrong(f"{file} line {line}", "this is not YAML") from None
    except (yaml.YAMLError, UnicodeError, RecursionError):
        raise wrong(file, "it has characters that are no text, or is no YAML") from None
    return mapping(root, file) if root and _text_of(root) != "" else {}


class Settings:
    """The settings of a mapping; each is taken once, and none may be left at the end."""

    def __init__(self, values: dict[str, tuple[str, yaml.Node]], file: str, where: str) -> None:
        self._values = values
        self._file = file
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str | None = None, form: Form | None = None) -> str:
        """Take a text; without a default it is needed."""
        value = self._take(key)
        text = _text_of(value) if value else ""
        if text is None or not text.isprintable():
            raise self.wrong(f"{key} is one line of text")
        if not text and default is None:
            raise self.wrong(f"{key} is needed")
        if form and text and not re.fullmatch(form.pattern, text):
            raise self.wrong(f"{key} is not {form.name}")
        return text or default or ""

    def texts(self, key: str) -> list[str]:
        """Take a list of texts; one text is a list of one."""
        value = self._take(key)
        if value is None:
            return []
        values = value.value if isinstance(value, yaml.SequenceNode) else [value]
        texts = [_text_of(one) for one in values]
        if not all(texts):
            raise self.wrong(f"{key} is not a list of texts")
        return [text for text in texts if text]

    def port(self, key: str, default: int | None = None) -> int:
        """Take a port; 0 only if that is the default."""
        text = self.text(key, None if default is None else str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
            raise self.wrong(f"{key} is not a port, which is a number up to 65535")
        if text == "0" and default != 0:
            raise self.wrong(f"{key} is not a port that can be reached")
        return int(text)

    def seconds(self, key: str, default: float) -> float:
        """Take a number of seconds, not 0."""
        text = self.text(key, str(default))
        if not _SECONDS.fullmatch(text) or not float(text):
            raise self.wrong(f"{key} is not a number of seconds")
        return float(text)

    def path(self, key: str) -> Path | None:
        """Take a path; None if it is not given."""
        text = self.text(key, "")
        return Path(text) if text else None

    def is_switch(self, key: str, words: frozenset[str]) -> bool:
        """Whether a setting is one of these words; then it is taken."""
        text = _text_of(self._values[key][1])
        is_one = text is not None and text.lower() in words
        if is_one:
            self._take(key)
        return is_one

    def inner(self, key: str) -> Settings:
        """Take a mapping."""
        self._where, value = self._values.pop(key)
        return Settings(mapping(value, self._file), self._file, self._where)

    def end(self, belong: Mapping[str, str] | None = None) -> None:
        """Raise if a setting is left; ``belong`` tells which other one it needs."""
        for key, (where, _value) in self._values.items():
            self._where = where
            if belong and key in belong:
                raise self.wrong(f"{key} says nothing without {belong[key]}")
            raise self.wrong("a setting is not known, perhaps misspelt")

    def wrong(self, problem: str) -> PacsError:
        """Return the error of what was taken last."""
        return wrong(self._where, problem)

    def _take(self, key: str) -> yaml.Node | None:
        where, value = self._values.pop(key, (self._where, None))
        self._where = where
        return value


def mapping(node: yaml.Node, file: str) -> dict[str, tuple[str, yaml.Node]]:
    """Read a mapping: its names, each with where it stands and its value."""
    where = _place(node, file)
    if not isinstance(node, yaml.MappingNode):
        raise wrong(where, "'name: value' is expected")
    found: dict[str, tuple[str, yaml.Node]] = {}
    for key, value in node.value:
        where, name = _place(key, file), _text_of(key)
        if not name:
            raise wrong(where, "a name is expected")
        if name in found:
            raise wrong(where, "a name is given twice")
        found[name] = (where, value)
    return found


def _text_of(node: yaml.Node) -> str | None:
    """Return a scalar as it is written, empty for a plain null; None for something else."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)


def _place(node: yaml.Node, file: str) -> str:
    return f"{file} line {node.start_mark.line + 1}"


def wrong(where: str, problem: str) -> PacsError:
    """Return the error of a mistake in a file."""
    return PacsError(
        f"{where}: {problem}", advice="Correct it with a text editor.", transient=False
    )
