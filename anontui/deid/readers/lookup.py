"""Lookup tables of CTP: ``KeyType/value = replacement``, as Java properties or as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from anontui.deid.readers.texts import lines_of, read_text, refused

_MOST_STEPS = 10
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_KEY = re.compile(r"((?:\\.|[^\\=:\s])*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_CHARS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def read_lookup(path: Path, key_types: frozenset[str]) -> dict[str, dict[str, str]]:
    """Key type to table: values to what replaces them; an ``@Type/value`` is followed.

    Parameters
    ----------
    path
        A properties file, or a CSV file of two columns if its name ends in ``.csv``.
    key_types
        Those the script uses. A CSV file's keys without a type belong to the only one.

    Raises
    ------
    DeidError
        If the file cannot be read; with the line, never with what it holds.
    """
    only = next(iter(key_types)) if len(key_types) == 1 else ""
    is_csv = path.suffix.lower() == ".csv"
    found: dict[str, tuple[str, str]] = {}
    for number, key, value in _csv(path) if is_csv else _properties(path):
        where = f"{path.name} line {number}"
        if "/" not in key:
            if not (is_csv and only):
                raise refused(where, "the key has no type", "Write KeyType/value=replacement.")
            key = f"{only}/{key}"
        found[key] = (value, where)
    tables: dict[str, dict[str, str]] = {}
    for key, (value, where) in found.items():
        key_type, _, old = key.partition("/")
        for _ in range(_MOST_STEPS):
            if not (value.startswith("@") and "/" in value):
                break
            if (target := value[1:].strip()) not in found:
                raise refused(where, "the entry that it points to is missing", "Add it.")
            value = found[target][0]
        else:
            raise refused(where, "the entries point to each other", "Give a replacement.")
        tables.setdefault(key_type, {})[old.strip()] = value
    return tables


def _csv(path: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines_of(read_text(path)), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 2 or not cells[0] or '"' in line:
            raise refused(
                f"{path.name} line {number}", "two cells are expected", "Write value,replacement."
            )
        yield number, cells[0], cells[1]


def _properties(path: Path) -> Iterator[tuple[int, str, str]]:
    lines = iter(enumerate(lines_of(read_text(path)), 1))
    for number, line in lines:
        line = line.lstrip()
        if not line or line[0] in "#!":
            continue
        while re.search(r"(?<!\\)(?:\\\\)*\\\Z", line):  # continued on the next line
            line = line[:-1] + next(lines, (0, ""))[1].lstrip()
        found = _KEY.fullmatch(line)
        key, value = (_plain(part).strip() for part in found.groups()) if found else ("", "")
        if not key:
            raise refused(f"{path.name} line {number}", "the key is missing", "Write key=value.")
        yield number, key, value


def _plain(text: str) -> str:
    return _ESCAPE.sub(
        lambda found: (
            chr(int(found[1][1:], 16)) if len(found[1]) == 5 else _CHARS.get(found[1], found[1])
        ),
        text,
    )
