"""Tables that people bring: folders, accession numbers and pseudonyms in a sheet or text.

The table may stand anywhere: the first row with a known column name starts it. Columns
with other names are ignored, and so are comments: rows that start with ``#`` and do not
fill the columns.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import ProjectError
from anontui.project import files
from anontui.project.dialect import DELIMITERS, decode, lines_of, read_fields
from anontui.project.spreadsheet import SheetRow, read_sheet
from anontui.project.table import split_records

ACCESSION_NUMBER, PATH, PSEUDO_NAME = "accession_number", "path", "pseudo_name"
_HEADERS = {
    "accessionnumber": ACCESSION_NUMBER,
    "accnr": ACCESSION_NUMBER,
    "folder": PATH,
    "map": PATH,
    "path": PATH,
    "pseudoid": PSEUDO_NAME,
    "pseudonym": PSEUDO_NAME,
    "name": PSEUDO_NAME,
}
_NAMES = {"folder": PATH, "accession number": ACCESSION_NUMBER, "pseudonym": PSEUDO_NAME}
_DOUBTFUL = "name"  # may be the patients' real names
_TEXT_LIMIT = 64 * 1024 * 1024


KINDS = (ACCESSION_NUMBER, PATH, PSEUDO_NAME)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it stands in a file.

    Attributes
    ----------
    number
        Where the row with the columns' names is in the file, from 1.
    header
        The names, as written.
    rows
        The rows below.
    """

    number: int
    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True)
class InputTable:
    """What was found in an input file.

    Attributes
    ----------
    columns
        Of ``accession_number``, ``path``, ``pseudo_name``, as the file orders them.
    rows
        A text for each column; never empty.
    row_numbers
        Where each row is in the file, from 1.
    to_confirm
        Headers, as written, whose column is taken as pseudonyms but may hold the patients'
        real names: ask before anything is made of it.
    warnings
        What may be wrong with the values, a sentence each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_numbers: tuple[int, ...]
    to_confirm: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_input_file(path: Path, source: str = "") -> InputTable:
    """Read an ``.xlsx``, ``.csv`` or ``.txt`` file.

    Text may be UTF-8, UTF-16 with a mark, or Windows' own, with commas, semicolons, tabs,
    or columns aligned by spaces. Of a workbook the first sheet counts.

    Parameters
    ----------
    path
        The file.
    source
        The column that there must be, ``path`` or ``accession_number``; then only it and
        the pseudonyms count. By default any known column does.

    Raises
    ------
    ProjectError
        If it is unreadable or of another type, has not the column, or a row lacks a cell;
        the row is named.
    """
    wanted = (source, PSEUDO_NAME) if source else KINDS
    sheet = look_into(path, strict=True)
    places = _places(sheet.header, wanted)
    if not places or (source and source not in places):
        raise _no_column(wanted)
    table, passed = table_of(sheet, places)
    if passed:
        number, reason = passed[0]
        raise ProjectError(
            f"Row {number} of the input file {reason}", advice="Fill it in, or empty the whole row."
        )
    return table


def look_into(path: Path, *, strict: bool = False) -> Sheet:
    """Read a file's table, whatever its columns are called (errors as :func:`read_input_file`).

    Without a known column name its first row counts as the names, unless it is ``strict``.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        rows = read_sheet(path)
        start = next((i for i, row in enumerate(rows) if any(map(_kind, row.cells))), None)
        found = iter(rows[start or 0 :] if start is not None or not strict else ())
    elif suffix in (".csv", ".txt"):
        data = files.read_bytes(path, "input file", limit=_TEXT_LIMIT)
        found = _read_text(data, strict=strict)
    else:
        raise ProjectError(
            f"Input files of the type {suffix or '(none)'} cannot be read",
            advice="Save it as .xlsx, .csv or .txt.",
        )
    header = next(found, None)
    if header is None:
        raise _no_column(KINDS)
    return Sheet(header.number, tuple(header.cells), tuple(found))


def guessed(sheet: Sheet) -> dict[str, int]:
    """Return where each kind of column seems to be, by what is written above it."""
    return _places(sheet.header, KINDS)


def is_pseudonym_header(text: str) -> bool:
    """Whether a text is what people write above pseudonyms."""
    return _kind(text) == PSEUDO_NAME


def _no_column(wanted: Collection[str]) -> ProjectError:
    names = [name for name, kind in _NAMES.items() if kind in wanted]
    return ProjectError(
        f"The input file has no column {' or '.join(map(repr, names))}",
        advice="Write that name above the column.",
    )


def _kind(header: str) -> str | None:
    return _HEADERS.get(_folded(header))


def _folded(header: str) -> str:
    return re.sub(r"[\s_.-]", "", header).lower()


def table_of(sheet: Sheet, places: Dict[str, int]) -> tuple[InputTable, list[tuple[int, str]]]:
    """Read the rows, where ``places`` tells which column is of which kind.

    Returns
    -------
    The table, and the rows that lack a cell: their numbers, and what they lack.
    """
    places = dict(sorted(places.items(), key=lambda item: item[1]))
    found: list[tuple[str, ...]] = []
    numbers: list[int] = []
    doubtful: list[int] = []
    passed: list[tuple[int, str]] = []
    for row in sheet.rows:
        values = [row.cells[at].strip() if at < len(row.cells) else "" for at in places.values()]
        if not any(values):
            continue
        if not all(values):
            if not _is_comment(row.cells):
                empty = [kind for kind, value in zip(places, values, strict=True) if not value]
                passed.append((row.number, f"has no {' and no '.join(empty)}"))
            continue
        found.append(tuple(values))
        numbers.append(row.number)
        if not row.doubtful.isdisjoint(places.values()):
            doubtful.append(row.number)
    name = sheet.header[places[PSEUDO_NAME]] if PSEUDO_NAME in places else ""
    known = _kind(name) == PSEUDO_NAME and _folded(name) != _DOUBTFUL
    table = InputTable(
        columns=tuple(places),
        rows=tuple(found),
        row_numbers=tuple(numbers),
        to_confirm=(name.strip() or "(no name)",) if PSEUDO_NAME in places and not known else (),
        warnings=_warnings(doubtful),
    )
    return table, passed


def _is_comment(cells: list[str]) -> bool:
    return next(filter(None, map(str.strip, cells)), "").startswith("#")


def _places(header: Sequence[str], wanted: Collection[str]) -> dict[str, int]:
    """Return where each wanted kind of column is.

    A column "name" counts only where no other holds pseudonyms: beside them it is the
    patients' names.
    """
    places: dict[str, int] = {}
    for at, text in sorted(enumerate(header), key=lambda item: _folded(item[1]) == _DOUBTFUL):
        kind = _kind(text)
        if kind is None or kind not in wanted or (kind in places and _folded(text) == _DOUBTFUL):
            continue
        if kind in places:
            raise ProjectError(
                f"Two columns of the input file mean {kind}", advice="Rename one of them."
            )
        places[kind] = at
    return dict(sorted(places.items(), key=lambda item: item[1]))


def _warnings(rows: list[int]) -> tuple[str, ...]:
    if not rows:
        return ()
    where = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
    return (
        f"Cells are numbers where Excel may have dropped digits (rows {where}): "
        "compare them with the original, and format the column as text",
    )


# -- text ----------------------------------------------------------------------------

_ALIGNED = " "  # stands for columns aligned by spaces
_WORDS = re.compile(r"\S+(?: \S+)*")  # a cell of an aligned row: two spaces end it


def _read_text(data: bytes, *, strict: bool) -> Iterator[SheetRow]:
    """Yield the rows from the header row on; without one from the first, unless ``strict``."""
    text, _ = decode(data, "input file")
    lines = lines_of(text)
    for start, line in enumerate(lines):
        known = {mark: sum(map(bool, map(_kind, _fields(line, mark)))) for mark in _MARKS}
        best = max(_MARKS, key=lambda mark: known[mark])
        if known[best]:
            rows = _aligned if best == _ALIGNED else _separated
            yield from rows(lines[start:], start + 1, best)
            return
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and not strict:
        mark = max(DELIMITERS, key=lines[first].count)
        yield from _separated(lines[first:], first + 1, mark)


_MARKS = (*DELIMITERS, _ALIGNED)


def _fields(line: str, mark: str) -> list[str]:
    return _WORDS.findall(line.expandtabs()) if mark == _ALIGNED else read_fields(line, mark)


def _separated(lines: list[str], number: int, delimiter: str) -> Iterator[SheetRow]:
    width = 0
    for record in split_records(lines, delimiter, "input file"):
        cells = read_fields(record, delimiter)
        width = width or len(cells)
        if any(cell.strip() for cell in cells[width:]):
            if not _is_comment(cells):
                raise ProjectError(
                    f"Row {number} of the input file has more cells than the header row",
                    advice="Put quotes around a cell that holds the separator.",
                )
            cells = []
        yield SheetRow(number, cells)
        number += len(lines_of(record))


def _aligned(lines: list[str], first: int, _: str) -> Iterator[SheetRow]:
    starts = [match.start() for match in _WORDS.finditer(lines[0].expandtabs())]
    for number, line in enumerate(lines, first):
        words = list(_WORDS.finditer(line.expandtabs()))
        cells = [""] * len(starts)
        for word in words:
            at = max(bisect_right(starts, word.start()) - 1, 0)
            inside = at == bisect_right(starts, word.end()) - 1 and starts[at] <= word.start()
            if cells[at] or not inside:
                cells = [word.group() for word in words]
                break
            cells[at] = word.group()
        if len(cells) != len(starts):
            if not _is_comment(cells):
                raise ProjectError(
                    f"Row {number} of the input file is not aligned with the header row",
                    advice="Align it, or separate the columns by commas.",
                )
            cells = []
        yield SheetRow(number, cells)
