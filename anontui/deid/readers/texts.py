"""Text files that people write: read with a limit, and JSON objects entry by entry with lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple, NoReturn

from anontui.errors import DeidError

_MOST_BYTES = 16 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")


class Entry(NamedTuple):
    """A name and a value of a JSON object, and the line where the name stands."""

    line: int
    name: str
    value: object


def refused(where: str, problem: str, advice: str = "") -> DeidError:
    """The error for a place in a file (``rules.json line 3``) or of the command line (``-t``)."""
    return DeidError(f"{where}: {problem}", advice=advice)


def shown(text: str) -> str:
    """What somebody wrote, short and printable enough for a message."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return "".join(char if char.isprintable() else "?" for char in short)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, a byte order mark forgiven.

    Raises
    ------
    DeidError
        If it cannot be read, is larger than 16 MiB, or is no such text.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refused(
            f"{path.name} line {line}", "this is not text in UTF-8", "Save the file as UTF-8."
        ) from None


def read_bytes(path: Path) -> bytes:
    """What a file holds.

    Raises
    ------
    DeidError
        If it cannot be read, or is larger than 16 MiB.
    """
    try:
        is_file = path.is_file()  # a device or a pipe could go on for ever
        data = b""
        if is_file:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise DeidError(
            f"The file {shown(path.name)} cannot be read",
            cause=type(error).__name__,
            advice="Check its permissions.",
        ) from error
    if not is_file:
        raise DeidError(f"There is no file {shown(path.name)}", advice="Check its name and folder.")
    if len(data) > _MOST_BYTES:
        raise DeidError(
            f"The file {shown(path.name)} is larger than 16 MiB", advice="Is it the right file?"
        )
    return data


def lines_of(text: str) -> list[str]:
    """The lines of a text as editors count them."""
    return _LINE_END.split(text)


def json_entries(text: str, name: str) -> list[Entry]:
    """The entries of the JSON object that a file consists of, those given twice too.

    Raises
    ------
    DeidError
        With the line, if it is not one JSON object.
    """
    return _JsonObject(text, name).entries()


class _JsonObject:
    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._at = 0
        self._line, self._counted = 1, 0
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        self._expect("{", "a JSON object, { … }, is expected")
        while not self._takes("}"):
            if found:
                self._expect(",", "a comma or } is expected")
            self._skip()
            line = self._current_line()
            name = self._value()
            if not isinstance(name, str):
                self._refuse(line, "a name in quotes is expected")
            self._expect(":", "a colon is expected")
            found.append(Entry(line, name, self._value()))
        self._skip()
        if self._at < len(self._text):
            self._refuse(self._current_line(), "nothing may follow the last }")
        return found

    def _value(self) -> object:
        self._skip()
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._refuse(error.lineno, "this is not JSON")
        except (ValueError, RecursionError):  # NaN, a number without end, a thousand brackets
            self._refuse(self._current_line(), "this value cannot be read")
        found: object = value
        return found

    def _takes(self, char: str) -> bool:
        self._skip()
        if not self._text.startswith(char, self._at):
            return False
        self._at += 1
        return True

    def _expect(self, char: str, problem: str) -> None:
        if not self._takes(char):
            self._refuse(self._current_line(), problem)

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at

    def _current_line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _refuse(self, line: int, problem: str) -> NoReturn:
        raise refused(f"{self._name} line {line}", problem, "Correct the JSON.") from None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)
