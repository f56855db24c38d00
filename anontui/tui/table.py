"""What panes and the screens beside them share: one grid, filtered, sorted, marked and copied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.message import Message

from anontui.errors import UsageError
from anontui.tui.filtering import compile_filter, sort_key
from anontui.tui.widgets.grid import Cell, Column, Grid, Layout, Rows
from anontui.tui.widgets.ofapp import OfApp

_SIGN = re.compile(r"^\W+")  # a status's sign says nothing of its order


def texts(cells: Sequence[str | Cell]) -> list[str]:
    """The texts of cells."""
    return [cell if isinstance(cell, str) else cell.text for cell in cells]


class TableGrid(Grid):
    """A grid whose owner hears of its messages at once, so that keys never overtake them."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.columns, cell_cursor=table.cell_cursor)
        self._table = table

    def post_message(self, message: Message) -> bool:
        """Hand the grid's own messages to its owner; queue all others."""
        match message:
            case Grid.Edited():
                self._table.edited(message)
            case Grid.Drafted():
                self._table.drafted(message)
            case Grid.Pasted():
                self._table.pasted(message.text)
            case Grid.HeaderClicked():
                self._table.sort_by(message.column_id)
            case Grid.MarksChanged():
                self._table.marks_changed()
            case Grid.CursorMoved():
                self._table.cursor_moved()
            case Grid.Activated():
                self._table.activated()
            case _:
                return super().post_message(message)
        return True


class Table(OfApp):
    """Mixed into what has one grid.

    A subclass gives ``label``, its columns, and the rows behind its grid.
    """

    label: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    cell_cursor: ClassVar[bool] = False
    filter_words: ClassVar[str] = "filter"
    """What stands in the filter line before something is typed."""
    not_sorted: ClassVar[str] = ""
    """Why the rows cannot be sorted; empty where they can."""
    shows_identity: ClassVar[bool] = False
    """Whether its texts are a patient's own, so that copies of them are kept in no file."""

    def __init__(self) -> None:
        super().__init__()
        self.grid: Grid = TableGrid(self)
        self.filter_text = ""

    # -- for the subclasses --------------------------------------------------------------

    def rows(self) -> Rows:
        """The rows behind the grid."""
        raise NotImplementedError

    def lines_changed(self) -> None:
        """What is told of marks and filter may be another now."""

    def cursor_moved(self) -> None:
        """The cursor is on another row."""

    def activated(self) -> None:
        """The row under the cursor was double-clicked."""

    def edited(self, message: Grid.Edited) -> None:
        """A cell was edited."""

    def drafted(self, message: Grid.Drafted) -> None:
        """A cell is being typed in."""

    def pasted(self, text: str) -> None:
        """Text was pasted onto the rows."""
        self.anontui.say(f"{self.label} takes no pasted text", "$warning")

    # -- filter and order ----------------------------------------------------------------

    def ask_filter(self) -> None:
        """Let the user type a filter."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Show only the rows that match; an empty text shows all."""
        self.filter_text = text.strip()
        self.apply_filter()
        self.lines_changed()

    def apply_filter(self) -> None:
        """Give the grid the rows that the filter lets through, sorted as is wished."""
        rows, layout = self.rows(), self.grid.arrangement
        try:
            order = self.filtered()
        except UsageError as error:
            self.anontui.say(error.sentence(), "$warning")
            return
        if layout.sort:
            column = [one.id for one in layout.columns].index(layout.sort)
            keys = {
                at: sort_key(_SIGN.sub("", texts(rows.cells(at))[column]))
                for at in (range(len(rows)) if order is None else order)
            }
            order = sorted(keys, key=keys.__getitem__, reverse=layout.falling)
        self.grid.order = order

    def filtered(self) -> Sequence[int] | None:
        """Which rows the filter lets through; None for all.

        Raises
        ------
        UsageError
            The filter cannot be understood.
        """
        if not self.filter_text:
            return None
        rows = self.rows()
        ids = [column.id for column in self.grid.arrangement.columns]
        matches = compile_filter(self.filter_text, ids)
        return [at for at in range(len(rows)) if matches(texts(rows.cells(at)))]

    def sort_by(self, column_id: str) -> None:
        """Sort by a column; once more the other way, then as the rows are."""
        if self.not_sorted:
            self.anontui.say(f"Sort: not here, {self.not_sorted}", "$warning")
            return
        self.set_layout(self.grid.arrangement.sorted_by(column_id))

    # -- columns -------------------------------------------------------------------------

    def set_layout(self, layout: Layout) -> None:
        """Show the columns in another way, or the rows sorted otherwise."""
        before = self.grid.arrangement
        self.grid.arrangement = layout
        if (layout.sort, layout.falling) != (before.sort, before.falling):
            self.apply_filter()

    def resize_column(self, step: int) -> None:
        """Make the cursor's column wider, or narrower."""
        grid = self.grid
        column, place = grid.columns[grid.cursor_column], grid.places[grid.cursor_column]
        self.set_layout(grid.arrangement.resized(column, place.width + step))

    # -- marks ---------------------------------------------------------------------------

    def mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        self.grid.toggle_mark()
        self.grid.move_cursor(row=self.grid.cursor_row + 1)

    def marks_changed(self) -> None:
        """Count the marks; actions may have become possible."""
        self.lines_changed()

    def counted(self) -> list[str | tuple[str, str]]:
        """Marks and filter, for a title."""
        parts: list[str | tuple[str, str]] = []
        if self.grid.marks:
            parts.append((f"{len(self.grid.marks)} marked", "bold $accent"))
        if self.filter_text:
            shown = len(self.grid.order) if self.grid.order is not None else 0
            parts.append((f"/{self.filter_text} · {shown} shown", "$warning"))
        return parts

    def drop_one(self) -> bool:
        """Drop the range, else the marks, else the filter; False if there is none of them."""
        if self.grid.has_range:
            self.grid.drop_range()
        elif self.grid.marks:
            self.grid.clear_marks()
        elif self.filter_text:
            self.filter_by("")
        else:
            return False
        return True

    @property
    def key(self) -> Any:
        """Key of the row under the cursor, of the type that rows gives it; None without rows."""
        return self.grid.cursor_key

    def chosen(self) -> list[Any]:
        """Keys of the marked rows, in the order of the rows; else the cursor's."""
        if self.grid.marks:
            rows = self.rows()
            return [k for k in (rows.key(i) for i in range(len(rows))) if k in self.grid.marks]
        return [self.key] if self.key is not None else []

    def copied(self) -> tuple[str, str]:
        """What copying takes, and how that is called: a cell's text, or rows with tabs between."""
        rows, grid = self.rows(), self.grid
        by_key = {rows.key(at): at for at in range(len(rows))} if self.chosen() else {}
        table = [texts(rows.cells(by_key[key])) for key in self.chosen() if key in by_key]
        if self.cell_cursor and not grid.marks and table:
            return table[0][grid.cursor_column], "the cell"
        text = "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in table)
        return text, f"{len(table)} row{'s'[: len(table) != 1]}"
