"""Tables as other programs read them: text with tabs, CSV, JSON, a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from anontui import atomic
from anontui.errors import ProjectError, UsageError

Line = Sequence[str | int | None]
_WIDEST = 60


def as_tsv(lines: Iterable[Sequence[str]]) -> str:
    """Return lines with a tab between cells, as sheets copy them; no cell has a tab or break."""
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines)


def as_csv(names: Sequence[str], lines: Iterable[Line]) -> str:
    """Return CSV (RFC 4180: commas, CR LF) with a first line of column names."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows(lines)
    return out.getvalue()


def as_json(names: Sequence[str], lines: Iterable[Line]) -> str:
    """Return a JSON list with an object a line."""
    return json.dumps([dict(zip(names, line, strict=True)) for line in lines], indent=1)


def workbook(names: Sequence[str], lines: Iterable[Line], title: str) -> bytes:
    """Return an ``.xlsx`` file with one sheet; no text in it is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    lines = list(lines)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for at, name in enumerate(names):
        widths = (len(str(line[at] or "")) for line in lines[:1000])
        width = min(max(len(name), *widths, 6), _WIDEST)
        sheet.column_dimensions[get_column_letter(at + 1)].width = width + 2
    heads = [WriteOnlyCell(sheet, name) for name in names]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for line in lines:
        cells = [WriteOnlyCell(sheet, value) for value in line]
        for cell, value in zip(cells, line, strict=True):
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with = must not become a formula
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


_FORMATS: dict[str, Callable[[Sequence[str], Iterable[Line], str], bytes]] = {
    ".csv": lambda names, lines, _: as_csv(names, lines).encode("utf-8-sig"),  # for Excel
    ".xlsx": workbook,
    ".json": lambda names, lines, _: as_json(names, lines).encode(),
}
FORMATS = tuple(_FORMATS)


def check_name(path: Path) -> None:
    """Refuse the name of a table that says no format.

    Raises
    ------
    UsageError
        If it does not end in one of :data:`FORMATS`.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(
            f"{path.name} does not say what it is to be",
            advice=f"Let it end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
        )


def write(path: Path, names: Sequence[str], lines: Iterable[Line], title: str) -> int:
    """Write a table in the format that its file's name says, atomically.

    Parameters
    ----------
    path
        Where to; what is there is replaced.
    names, lines
        The columns' names, and a text, number or None for each of them.
    title
        What a spreadsheet calls it.

    Returns
    -------
    int
        How many lines.

    Raises
    ------
    UsageError
        See :func:`check_name`.
    ProjectError
        If it cannot be written.
    """
    check_name(path)
    lines = list(lines)
    content = _FORMATS[path.suffix.lower()](names, lines, title)
    try:
        atomic.write_bytes(path, content)
    except OSError as error:
        raise ProjectError(
            f"{path.name} cannot be written",
            cause=error.strerror or type(error).__name__,
            advice="Close it in other programs, and check that you may write in its folder.",
        ) from error
    return len(lines)
