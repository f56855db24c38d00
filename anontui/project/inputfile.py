"""Tables that people bring: folders, accession numbers and pseudonyms in a sheet or text.

The table may stand anywhere: the first row with a known column name starts it. Columns
with other names are ignored.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
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
_DOUBTFUL = "name"  # may be the patients' real names
_TEXT_LIMIT = 64 * 1024 * 1024


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


def read_input_file(path: Path) -> InputTable:
    """Read an ``.xlsx``, ``.csv`` or ``.txt`` file.

    Text may be UTF-8, UTF-16 with a mark, or Windows' own, with commas, semicolons, tabs,
    or columns aligned by spaces. Of a workbook the first sheet counts.

    Raises
    ------
    ProjectError
        If it is unreadable or of another type, has no known column, or a row lacks one of
        them; the row is named.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return _read_table(read_sheet(path))
    if suffix in (".csv", ".txt"):
        return _read_table(_read_text(files.read_bytes(path, "input file", limit=_TEXT_LIMIT)))
    raise ProjectError(
        f"Input files of the type {suffix or '(none)'} cannot be read",
        advice="Save it as .xlsx, .csv or .txt.",
    )


def _kind(header: str) -> str | None:
    return _HEADERS.get(_folded(header))


def _folded(header: str) -> str:
    return re.sub(r"[\s_.-]", "", header).lower()


def _read_table(rows: Iterable[SheetRow]) -> InputTable:
    """Find the header row and read what is below it."""
    rows = iter(rows)
    header = next((row for row in rows if any(map(_kind, row.cells))), None)
    if header is None:
        raise ProjectError(
            "The input file has no known column",
            advice="Name a column 'folder', 'accession number' or 'pseudonym'.",
        )
    places = _places(header.cells)
    found: list[tuple[str, ...]] = []
    numbers: list[int] = []
    doubtful: list[int] = []
    for row in rows:
        values = [row.cells[at].strip() if at < len(row.cells) else "" for at in places.values()]
        if not any(values):
            continue
        if not all(values):
            empty = [kind for kind, value in zip(places, values, strict=True) if not value]
            raise ProjectError(
                f"Row {row.number} of the input file has no {' and no '.join(empty)}",
                advice="Fill it in, or empty the whole row.",
            )
        found.append(tuple(values))
        numbers.append(row.number)
        if not row.doubtful.isdisjoint(places.values()):
            doubtful.append(row.number)
    name = header.cells[places[PSEUDO_NAME]] if PSEUDO_NAME in places else ""
    return InputTable(
        columns=tuple(places),
        rows=tuple(found),
        row_numbers=tuple(numbers),
        to_confirm=(name.strip(),) if _folded(name) == _DOUBTFUL else (),
        warnings=_warnings(doubtful),
    )


def _places(header: list[str]) -> dict[str, int]:
    """Return where each kind of column is.

    A column "name" counts only where no other holds pseudonyms: beside them it is the
    patients' names.
    """
    places: dict[str, int] = {}
    for at, text in sorted(enumerate(header), key=lambda item: _folded(item[1]) == _DOUBTFUL):
        kind = _kind(text)
        if kind is None or (kind in places and _folded(text) == _DOUBTFUL):
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


def _read_text(data: bytes) -> Iterator[SheetRow]:
    """Yield the rows from the header row on."""
    text, _ = decode(data, "input file")
    lines = lines_of(text)
    for start, line in enumerate(lines):
        known = {mark: sum(map(bool, map(_kind, _fields(line, mark)))) for mark in _MARKS}
        best = max(_MARKS, key=lambda mark: known[mark])
        if known[best]:
            rows = _aligned if best == _ALIGNED else _separated
            yield from rows(lines[start:], start + 1, best)
            return


_MARKS = (*DELIMITERS, _ALIGNED)


def _fields(line: str, mark: str) -> list[str]:
    return _WORDS.findall(line.expandtabs()) if mark == _ALIGNED else read_fields(line, mark)


def _separated(lines: list[str], number: int, delimiter: str) -> Iterator[SheetRow]:
    width = 0
    for record in split_records(lines, delimiter, "input file"):
        cells = read_fields(record, delimiter)
        width = width or len(cells)
        if any(cell.strip() for cell in cells[width:]):
            raise ProjectError(
                f"Row {number} of the input file has more cells than the header row",
                advice="Put quotes around a cell that holds the separator.",
            )
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
            raise ProjectError(
                f"Row {number} of the input file is not aligned with the header row",
                advice="Align it, or separate the columns by commas.",
            )
        yield SheetRow(number, cells)
