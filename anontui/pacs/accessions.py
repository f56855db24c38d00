"""Files of accession numbers, as people keep them: texts, CSV and spreadsheets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from anontui.atomic import write_bytes
from anontui.errors import PacsError

MOST_BYTES = 16 << 20
_MOST_UNPACKED = 256 << 20
_MOST_ROWS = 1_000_000
_MOST_CHARACTERS = 64  # SH has 16, which not all keep to
_HEADER = re.compile(r"acc(ession)?s?(no|nr|num|numbers?)?")
_NOT_IN_NAMES = re.compile(r"[^a-z]+")
_SEPARATORS = "\t;,"

Row = tuple[int, Sequence[str]]


@dataclass(frozen=True, repr=False)
class PassedOver:
    """A row without a number to ask for: where, and why (without what it holds)."""

    line: int
    reason: str


@dataclass(frozen=True, repr=False)
class Accessions:
    """The numbers of a file in their order, each once, and the rows that gave none."""

    numbers: tuple[str, ...]
    passed_over: tuple[PassedOver, ...] = ()


def read_accessions(path: Path) -> Accessions:
    """Read a .txt, .csv or .xlsx file of accession numbers.

    They are in the column whose name in the first row begins with *accession*, else in the
    only column. Empty rows count for nothing.

    Raises
    ------
    PacsError
        If it cannot be read, has no numbers, or it is not known which column holds them.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unfit(path, "it is too large for a list of numbers")
        rows = _sheet(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _texts(path)
        found = _numbers(path, [row for row in rows if any(row[1])])
    except OSError as error:
        raise _unfit(path, error.strerror or "it cannot be read") from None
    if not found.numbers:
        raise _unfit(path, "there are no accession numbers in it")
    return found


def write_not_found(beside: Path, numbers: Iterable[str]) -> Path:
    """Write the numbers that were not found beside the file they came from; returns where.

    Raises
    ------
    PacsError
        If it cannot be written.
    """
    path = beside.with_name(f"{beside.stem}-not-found.txt")
    try:
        write_bytes(path, "".join(f"{number}\n" for number in numbers).encode(), mode=0o600)
    except OSError as error:
        raise PacsError(
            "The list of what was not found cannot be written",
            cause=error.strerror or "",
            advice="Check whether you may write beside the file of accession numbers.",
            transient=False,
        ) from None
    return path


def _numbers(path: Path, rows: list[Row]) -> Accessions:
    column = 0
    passed_over: list[PassedOver] = []
    if rows:
        line, first = rows[0]
        named = [i for i, name in enumerate(first) if _is_header(name)]
        if named:
            column = named[0]
        elif max(sum(map(bool, cells)) for _, cells in rows) > 1:
            raise _unfit(path, "it has several columns, and none is named accession_number")
        else:
            rows = [(number, list(filter(None, cells))) for number, cells in rows]
        if named or not any(map(str.isdigit, "".join(first))):
            passed_over.append(PassedOver(line, "the header"))
            rows = rows[1:]
    numbers: dict[str, int] = {}
    for line, cells in rows:
        number = cells[column] if column < len(cells) else ""
        if not number:
            passed_over.append(PassedOver(line, "there is no number"))
        elif (
            not number.isprintable()
            or set(number) & set("*?\\")
            or (len(number) > _MOST_CHARACTERS)
        ):
            passed_over.append(PassedOver(line, "this is not an accession number"))
        elif number in numbers:
            passed_over.append(PassedOver(line, f"it is the same as in line {numbers[number]}"))
        else:
            numbers[number] = line
    return Accessions(tuple(numbers), tuple(passed_over))


def _is_header(cell: str) -> bool:
    return _HEADER.fullmatch(_NOT_IN_NAMES.sub("", cell.lower())) is not None


def _texts(path: Path) -> Iterator[Row]:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    if "\0" in text:
        raise _unfit(path, "it is no text")
    lines = text.splitlines()
    separator = max(_SEPARATORS, key=lambda one: sum(one in line for line in lines))
    try:
        for cells in (reader := csv.reader(lines, delimiter=separator)):
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error:
        raise _unfit(path, f"line {reader.line_num} cannot be read") from None


def _sheet(path: Path) -> Iterator[Row]:
    """The rows of a workbook's first sheet."""
    from openpyxl import load_workbook

    try:
        with ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > _MOST_UNPACKED:
                raise _unfit(path, "it is too large for a list of numbers")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(max_row=_MOST_ROWS)
            for line, cells in enumerate(rows, 1):
                yield line, [_cell(cell.value, cell.number_format) for cell in cells]
        finally:
            book.close()
    except (BadZipFile, KeyError, ValueError, TypeError, IndexError, SyntaxError):
        raise _unfit(path, "it is no workbook that can be read") from None


def _cell(value: object, number_format: str) -> str:
    """Return a cell as it is seen; a format of zeros keeps those before a number."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text.zfill(len(number_format)) if set(number_format) == {"0"} else text


def _unfit(path: Path, problem: str) -> PacsError:
    return PacsError(
        f"The file of accession numbers cannot be used: {problem}",
        advice="Give a text with one number a line, or a table with a column accession_number.",
        transient=False,
    )
