"""What panes and the screens beside them share: one grid, filtered, sorted, marked and copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.message import Message

from anontui.errors import UsageError
from anontui.events import Progress, Result, result_of
from anontui.tui.filtering import compile_filter, ordered, sort_key
from anontui.tui.picked import reader, texts
from anontui.tui.widgets.grid import Column, Grid, Layout, Rows
from anontui.tui.widgets.ofapp import OfApp

if TYPE_CHECKING:
    from anontui.tui.worker import Task

AT_ONCE = 2000
"""Rows that are changed, sorted or filtered while one waits; of more it is done beside."""


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
        self._ordering: Task | None = None

    # -- for the subclasses --------------------------------------------------------------

    def rows(self) -> Rows:
        """The rows behind the grid."""
        raise NotImplementedError

    def still(self) -> Rows:
        """The rows as they are now, for another thread."""
        return self.rows()

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

    # -- rows ----------------------------------------------------------------------------

    def set_rows(self) -> None:
        """Show other rows than before."""
        grid, rows = self.grid, self.rows()
        order = grid.order if len(rows) == grid.provided > AT_ONCE else None
        grid.set_rows(rows)
        grid.order = order  # until it is known which show, in which order
        self.apply_filter()
        self.lines_changed()

    def provided(self, shown: Sequence[int]) -> list[int]:
        """Where rows are in the provider that are shown in these places."""
        order = self.grid.order
        return list(shown if order is None else [order[at] for at in shown])

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
        """Give the grid the rows that the filter lets through, sorted as is wished.

        Of many rows that takes a while, and the grid shows them as before until it is done.
        """
        if self._ordering is not None:
            self._ordering.replace()
            self._ordering = None
        layout, count = self.grid.arrangement, self.grid.provided
        if not self.filter_text and not layout.sort:
            self.grid.order = None
            return
        rows = self.rows() if count <= AT_ONCE else self.still()
        ids = [column.id for column in layout.columns]
        matches = key = None
        if self.filter_text:
            try:
                test = compile_filter(self.filter_text, ids)
            except UsageError as error:
                self.anontui.say(error.sentence(), "$warning")
                return
            matches = lambda at: test(texts(rows.cells(at)))  # noqa: E731 - where it is used
        if layout.sort:
            column = (ids.index(layout.sort),)
            read = reader(rows)
            key = lambda at: sort_key(*read(at, column))  # noqa: E731 - where it is used
        work = ordered(len(rows), matches, key, layout.falling)
        if count <= AT_ONCE:
            self.grid.order = result_of(work)
        else:
            self._order_beside(work)

    def _order_beside(self, work: Iterator[Progress | Result[list[int]]]) -> None:
        def done(order: list[int]) -> None:
            if self._ordering is task:
                self._ordering = None
                self.grid.order = order
                self.lines_changed()

        def dropped() -> None:
            if self._ordering is task:  # by the user
                self._ordering, self.filter_text = None, ""
                self.grid.arrangement = replace(self.grid.arrangement, sort="")
                self.apply_filter()
                self.lines_changed()

        verb = "Filtering" if self.filter_text else "Sorting"
        label, lane = f"{verb} {self.label.lower()}", f"order {self.label}"
        task = self.anontui.start(lane, lambda: work, done, label=label, dropped=dropped)
        self._ordering = task

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
            word = "filtering…" if self._ordering else f"{shown} shown"
            parts.append((f"/{self.filter_text} · {word}", "$warning"))
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
        if marks := self.grid.marks:
            rows = self.rows()
            return [key for key in map(rows.key, range(len(rows))) if key in marks]
        return [self.key] if self.key is not None else []
