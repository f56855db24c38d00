"""The first sheet of an Excel workbook as rows of text, within bounds."""

from __future__ import annotations

import io
import warnings
import zipfile
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from anontui.errors import ProjectError
from anontui.project import files

_MIB = 1024 * 1024
_FILE_LIMIT = 64 * _MIB
_UNPACKED_LIMIT = 256 * _MIB
_ROW_LIMIT = 1_048_576  # Excel's own
_CELL_LIMIT = 5_000_000
_EXACT = 10**15  # Excel keeps 15 digits of a number and makes the rest zeros


class SheetRow(NamedTuple):
    """One row: its number from 1, its texts, and which are numbers that may have lost digits."""

    number: int
    cells: list[str]
    doubtful: frozenset[int] = frozenset()


def read_sheet(path: Path) -> list[SheetRow]:
    """Return the rows of the first sheet that hold anything.

    Numbers come as their digits, never with an exponent; formulas as their last result.

    Raises
    ------
    ProjectError
        If it is no workbook, is locked by a password, or unpacks to more than is sane.
    """
    import openpyxl

    data = files.read_bytes(path, "workbook", limit=_FILE_LIMIT)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > _UNPACKED_LIMIT:
            raise _too_large(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl does not keep does not matter here
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            with closing(book):
                sheet = book.worksheets[0]
                sheet.reset_dimensions()  # many files claim all of Excel's columns
                cells, rows = 0, []
                for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                    cells += len(values)
                    if number > _ROW_LIMIT or cells > _CELL_LIMIT:
                        raise _too_large(path)
                    if any(value is not None for value in values):
                        doubtful = (i for i, value in enumerate(values) if _lossy(value))
                        rows.append(SheetRow(number, list(map(_text, values)), frozenset(doubtful)))
                return rows
    except ProjectError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl fails on damaged files in any way
        raise ProjectError(
            f"{path.name} cannot be read as an Excel workbook",
            advice="Take its password off, or save it again as .xlsx or CSV.",
            cause=type(error).__name__,
        ) from None


def _too_large(path: Path) -> ProjectError:
    return ProjectError(
        f"{path.name} is too large to be a list of studies",
        advice="Save the table alone in a new workbook.",
    )


def _lossy(value: object) -> bool:
    return (isinstance(value, float) and not value.is_integer()) or (
        isinstance(value, int | float) and abs(value) >= _EXACT
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        digits = format(Decimal(repr(value)), "f")
        return digits.removesuffix(".0")
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    return value.isoformat() if isinstance(value, date | time) else str(value)
