"""A table that is pasted into the rows of a mapping: which text goes where."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from anontui.project.columns import KNOWN, canonical
from anontui.project.dialect import DELIMITERS


@dataclass(slots=True)
class Paste:
    """What pasting would do.

    Attributes
    ----------
    cells
        Row, column and text of the cells that are there.
    rows
        The rows that have to be added, texts by column.
    lost
        How many cells stand to the right of the last column.
    by_name
        Whether the first line of what was pasted names its columns.
    """

    cells: list[tuple[int, str, str]] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    lost: int = 0
    by_name: bool = False

    @property
    def overflows(self) -> bool:
        """Whether it does more than to fill cells that are there."""
        return bool(self.rows or self.lost or self.by_name)


def read_pasted(text: str) -> list[list[str]]:
    """Return the cells of a pasted text: with tabs between, as sheets copy; else CSV; else lines.

    Commas and semicolons part cells only where every line has as many of them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    lines = text.split("\n")
    marks = ["\t"] if "\t" in text else [mark for mark in DELIMITERS if mark in lines[0]]
    for mark in marks:
        rows = _csv(text, mark)
        if mark == "\t" or (len(rows) > 1 and len({len(row) for row in rows}) == 1):
            return rows
    return [[line.strip()] for line in lines]


def _csv(text: str, mark: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        return [[" ".join(cell.split()) for cell in row] for row in reader]
    except csv.Error:
        return [line.split(mark) for line in text.split("\n")]


def place(table: Sequence[Sequence[str]], rows: Sequence[int], columns: Sequence[str]) -> Paste:
    """Say where a pasted table goes.

    Parameters
    ----------
    table
        Its cells.
    rows
        The rows from the cursor's on, in the order that they are shown in.
    columns
        The columns from the cursor's on. If the table's first line has names of columns only,
        these say where its cells go; if the sources are among them, into rows of their own.
    """
    paste = Paste()
    named = [canonical(cell) for cell in table[0]] if table else []
    if len(table) > 1 and named and KNOWN.issuperset(named) and len(set(named)) == len(named):
        paste.by_name, table, columns = True, table[1:], named
        if "source" in named:  # what is known of another source stays with that
            rows = ()
    for at, cells in enumerate(table):
        paste.lost += sum(bool(cell.strip()) for cell in cells[len(columns) :])
        pairs = list(zip(columns, cells, strict=False))
        if at < len(rows):
            paste.cells += [(rows[at], name, cell) for name, cell in pairs]
        elif any(cell.strip() for _, cell in pairs):
            paste.rows.append(dict(pairs))
    return paste
