"""The cells of a table that are copied or exported, read in any thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from anontui.tui.widgets.columns import Cell, Column, Rows, TextRows

if TYPE_CHECKING:
    from anontui.tui.table import Table

_SIGN = re.compile(r"^[\s⊘\u2500-\u27bf]+")  # what shows a state, or how much of a bar is full


def texts(cells: Sequence[str | Cell]) -> list[str]:
    """The texts of cells."""
    return [cell if isinstance(cell, str) else cell.text for cell in cells]


def reader(rows: Rows) -> Callable[[int, Sequence[int]], list[str]]:
    """Return what gives the plain texts of some columns of a row, without signs."""
    if isinstance(rows, TextRows):
        plain = rows.text
        return lambda at, columns: [plain(at, column) for column in columns]

    def read(at: int, columns: Sequence[int]) -> list[str]:
        cells = texts(rows.cells(at))
        return [_SIGN.sub("", cells[column]) for column in columns]

    return read


class Picked(NamedTuple):
    """Some rows (as the provider counts them) and columns of a table.

    ``what`` says it to a person.
    """

    rows: Rows
    at: Sequence[int]
    columns: Sequence[Column]
    places: Sequence[int]
    what: str

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.id for column in self.columns]

    def lines(self) -> Iterator[list[str]]:
        """The texts, row by row."""
        read = reader(self.rows)
        return (read(at, self.places) for at in self.at)


def shown(table: Table) -> Picked:
    """All rows and columns that show."""
    at = range(table.grid.row_count)
    return _picked(table, table.provided(at), range(len(table.grid.columns)))


def chosen(table: Table) -> Picked:
    """The marked rows, else the range, else the cell or row under the cursor."""
    grid = table.grid
    columns = range(len(grid.columns))
    if grid.marks:
        rows, marks = table.rows(), grid.marks
        return _picked(table, [i for i in range(len(rows)) if rows.key(i) in marks], columns)
    if not grid.row_count:
        return _picked(table, (), columns)
    chosen_rows, chosen_columns = grid.range
    if not grid.cell_cursor:
        return _picked(table, table.provided(chosen_rows), columns)
    what = f"{len(chosen_rows)} x {len(chosen_columns)} cells" if grid.has_range else "the cell"
    return _picked(table, table.provided(chosen_rows), chosen_columns, what)


def _picked(table: Table, at: Sequence[int], columns: range, what: str = "") -> Picked:
    every = [column.id for column in table.grid.arrangement.columns]
    picked = table.grid.columns[columns.start : columns.stop]
    places = [every.index(column.id) for column in picked]
    what = what or f"{len(at):,} row{'s'[: len(at) != 1]}"
    return Picked(table.still(), at, picked, places, what)
