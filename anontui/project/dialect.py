"""How a text file was written: its encoding, line ends, and CSV fields as they stand.

Cells are read as Python's ``csv`` module reads them (spaces before a quote count as
padding). On top of that the exact text of every field is known, so that one cell can change
and all others stay as they were.
"""

from __future__ import annotations

import codecs
import io
import locale
import re
from dataclasses import dataclass
from functools import cache

from anontui.errors import ProjectError

DELIMITERS = ",;\t"
_LINE = re.compile(r"[^\r\n]*")
_BOMS = (
    (codecs.BOM_UTF8, ("utf-8", "cp1252", "latin-1")),
    (codecs.BOM_UTF16_LE, ("utf-16-le",)),
    (codecs.BOM_UTF16_BE, ("utf-16-be",)),
    (b"", ("ascii", "utf-8", "cp1252", "latin-1")),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec and the byte order mark in front of the text."""

    name: str = "ascii"
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Encode as the file was; if that cannot hold the text, as UTF-8 with a mark.

        The mark is what Excel needs to read UTF-8; :func:`decode` knows it as well.
        """
        try:
            return self.bom + text.encode(self.name)
        except UnicodeEncodeError:
            return codecs.BOM_UTF8 + text.encode("utf-8")


def decode(data: bytes, what: str) -> tuple[str, Encoding]:
    """Decode a text file: UTF-8 or UTF-16 with a mark, UTF-8, or what Windows writes.

    Encoding the text again gives the same bytes.

    Raises
    ------
    ProjectError
        If the file is damaged UTF-16.
    """
    bom, names = next((bom, names) for bom, names in _BOMS if data.startswith(bom))
    for name in names:
        try:
            return data[len(bom) :].decode(name), Encoding(name, bom)
        except UnicodeDecodeError:
            continue
    raise ProjectError(
        f"The {what} is damaged: it is not the UTF-16 text that it says it is",
        advice="Save it again as CSV UTF-8.",
    )


def lines_of(text: str) -> list[str]:
    """Split at LF, CR and CR LF (and nothing else), keeping them."""
    return io.StringIO(text, newline="").readlines()


def line_end_of(text: str) -> str:
    """Return the first line's end; CR LF, as CSV has it, where there is none."""
    match = re.search(r"\r\n|\r|\n", text)
    return match.group() if match else "\r\n"


def local_delimiter() -> str:
    """Return the separator that Excel uses here: ";" where the decimal point is a comma."""
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        return ";" if locale.localeconv()["decimal_point"] == "," else ","
    except (locale.Error, ValueError):
        return ","  # the environment names a locale that this system does not have
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


def split_fields(record: str, delimiter: str) -> tuple[list[str], str]:
    """Split a record into its fields as written (quotes and all) and what follows it."""
    fields, position, pattern = [], 0, _field_pattern(delimiter)
    while match := pattern.match(record, position):
        fields.append(match.group())
        position = match.end()
        if record[position : position + 1] != delimiter:
            break
        position += 1
    return fields, record[position:]


def read_fields(record: str, delimiter: str) -> list[str]:
    """Return the cells of the record that ``record`` starts with."""
    if '"' not in record:
        match = _LINE.match(record)
        return match.group().split(delimiter) if match else []
    return [unquote(field) for field in split_fields(record, delimiter)[0]]


def unquote(field: str) -> str:
    """Return the cell that a field as written stands for."""
    match = _QUOTED.match(field)
    return match[1].replace('""', '"') + field[match.end() :] if match else field


def quote(cell: str, delimiter: str, *, always: bool = False) -> str:
    """Return the field that stands for a cell, quoted only where it must be.

    A cell that ends with a separator is quoted too: many programs drop separators at the
    end of a line.
    """
    if (
        always
        or cell.rstrip().endswith((",", ";"))
        or any(mark in cell for mark in (delimiter, *'"\r\n'))
    ):
        return '"' + cell.replace('"', '""') + '"'
    return cell


_QUOTED = re.compile(r' *"((?:[^"]|"")*+)"?')


@cache
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'(?: *"(?:[^"]|"")*+"?)?[^{re.escape(delimiter)}\r\n]*+')
