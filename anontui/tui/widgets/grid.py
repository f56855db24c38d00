"""The one table of the app: any number of rows, of which only the visible ones cost anything.

What a person does with the rows that :class:`~anontui.tui.widgets.surface.Surface` shows:
marks them, chooses a range of cells, edits in place, pastes, clicks.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from anontui.tui.widgets.columns import Cell, Column, Layout, Rows
from anontui.tui.widgets.lineedit import LineEdit
from anontui.tui.widgets.paint import GUTTER, Frame, Look
from anontui.tui.widgets.surface import Surface
from anontui.tui.widgets.view import View

__all__ = ["Cell", "Column", "Editing", "Grid", "Layout", "Rows"]

WHEEL = 3
"""Rows that one notch of the mouse wheel scrolls."""


class Editing(NamedTuple):
    """An edit in place that is not finished."""

    key: Hashable
    column_id: str
    text: str


class Grid(Surface, can_focus=True):
    """A table over a row provider, with a cursor, marks, and editing in place.

    Parameters
    ----------
    columns
        What it shows.
    rows
        Where the rows come from; see :class:`Rows`.
    empty
        Shown in the middle where there are no rows; may have several lines.
    cell_cursor
        Show which cell of the cursor's row is meant.
    header
        Show the columns' labels above the rows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "extend(-1, 0)", "Range up", show=False, id="grid.extend_up"),
        Binding("shift+down", "extend(1, 0)", "Range down", show=False, id="grid.extend_down"),
        Binding("shift+left", "extend(0, -1)", "Range left", show=False, id="grid.extend_left"),
        Binding("shift+right", "extend(0, 1)", "Range right", show=False, id="grid.extend_right"),
        Binding("enter", "activate", "Open", show=False, id="grid.activate"),
    ]

    @dataclass
    class _Sent(Message):
        grid: Grid

        @property
        def control(self) -> Grid:
            """The sender."""
            return self.grid

    @dataclass
    class CursorMoved(_Sent):
        """The cursor is on another row, or on none (``key`` is None)."""

        key: Hashable | None
        row: int

    @dataclass
    class Activated(_Sent):
        """Enter, or a double click, on a row."""

        key: Hashable
        column_id: str

    @dataclass
    class Edited(_Sent):
        """An edit in place is finished; the cursor has moved ``move`` ("down", "right", "")."""

        key: Hashable
        column_id: str
        value: str
        move: str

    @dataclass
    class MarksChanged(_Sent):
        """Other rows are marked than before; ``count`` are now, hidden ones included."""

        count: int

    @dataclass
    class Drafted(_Sent):
        """The text of the edit in place is another one, or (None) the edit was given up."""

        key: Hashable
        column_id: str
        text: str | None

    @dataclass
    class Pasted(_Sent):
        """Text was pasted where no cell is edited."""

        text: str

    @dataclass
    class HeaderClicked(_Sent):
        """A column's label was clicked."""

        column_id: str

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Rows | None = None,
        *,
        empty: str = "",
        cell_cursor: bool = False,
        header: bool = True,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        super().__init__(
            columns,
            rows,
            empty=empty,
            cell_cursor=cell_cursor,
            header=header,
            id=id,
            classes=classes,
        )
        self._marks: set[Hashable] = set()
        self._anchor: Hashable | None = None
        self._corner: tuple[int, int] | None = None
        self._edit: tuple[Hashable, str, LineEdit] | None = None
        self._problem = ""

    def rows_changed(self) -> None:
        """Look again: rows came, went or moved. An ``order`` that cannot fit is dropped.

        To be called before anything else happens, since a row that is in view may be gone.
        """
        self._corner = None
        if self._marks:
            self._set_marks(self._marks.intersection(View(self._view.rows).keys()))
        super().rows_changed()

    def action_activate(self) -> None:
        """Tell that the cursor's row is meant."""
        if self._view and self._columns:
            self.post_message(self.Activated(self, self._key, self._columns[self._column].id))

    # -- marks ---------------------------------------------------------------------------

    @property
    def marks(self) -> frozenset[Hashable]:
        """Keys of the marked rows, hidden ones too."""
        return frozenset(self._marks)

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or unmark it; a range starts here."""
        if self._view:
            self._anchor = self._key
            self._set_marks(self._marks ^ {self._key})

    def mark_range(self) -> None:
        """Mark all shown rows from the one last marked to the cursor's."""
        if self._view:
            start, end = sorted((self._find(self._anchor), self._row))
            self._anchor = self._key
            self._set_marks(self._marks.union(map(self._view.key, range(start, end + 1))))

    def mark_all(self) -> None:
        """Mark all rows that are shown."""
        self._set_marks(self._marks.union(self._view.keys()))

    def clear_marks(self) -> None:
        """Unmark all rows, hidden ones too."""
        self._anchor = None
        self._set_marks(set())

    def mark(self, keys: Collection[Hashable]) -> None:
        """Mark these rows, as far as they are there."""
        self._set_marks(self._marks.union(set(keys).intersection(View(self._view.rows).keys())))

    def _set_marks(self, marks: set[Hashable]) -> None:
        if marks != self._marks:
            self._marks = marks
            self._update()
            self._tell(self.MarksChanged(self, len(marks)))

    # -- a range of cells ----------------------------------------------------------------

    @property
    def range(self) -> tuple[range, range]:
        """Rows (as shown) and columns that are chosen; the cursor's cell where no range is."""
        row, column = self._corner or (self._row, self._column)
        rows, columns = sorted((row, self._row)), sorted((column, self._column))
        return range(rows[0], rows[1] + 1), range(columns[0], columns[1] + 1)

    @property
    def has_range(self) -> bool:
        """Whether more than the cursor's cell is chosen."""
        return self._corner is not None

    def keys_at(self, rows: Sequence[int]) -> list[Hashable]:
        """Keys of rows that are shown."""
        return [self._view.key(row) for row in rows]

    def action_extend(self, rows: int, columns: int) -> None:
        """Choose the cells from where this began to where it leads; without cells, mark rows."""
        if not self._view:
            return
        if not self.cell_cursor:
            if self._key not in self._marks:
                self.toggle_mark()
            self._move(self._row + rows, self._column)
            self.mark_range()
            return
        corner = self._corner or (self._row, self._column)
        self._move(self._row + rows, self._column + columns)
        self._corner = corner
        self._update()

    def drop_range(self) -> None:
        """Choose the cursor's cell alone."""
        self._corner = None
        self._update()

    def _move(self, row: int, column: int) -> None:
        self._corner = None
        super()._move(row, column)

    def _stay(self) -> None:
        corner = self._corner
        super()._stay()
        self._corner = corner
        self._update()

    def _on_move(self) -> None:
        self._tell(self.CursorMoved(self, self._key, self._row))

    def _tell(self, message: Message) -> None:
        if self.is_running:
            self.post_message(message)

    # -- editing in place ----------------------------------------------------------------

    @property
    def editing(self) -> Editing | None:
        """The edit that is going on, with its draft."""
        return self._edit and Editing(self._edit[0], self._edit[1], self._edit[2].text)

    def begin_edit(self, initial: str | None = None) -> bool:
        """Edit the cursor's cell in place.

        Parameters
        ----------
        initial
            Text to start from; by default what the cell holds.

        Returns
        -------
        bool
            False if there is no such cell, or its column cannot be edited.
        """
        self._commit("")
        if not self._view or not self._columns or not self._columns[self._column].editable:
            return False
        if initial is None:
            cell = self._view.cells(self._row)[self._column]
            initial = cell if isinstance(cell, str) else cell.text
        self._problem = ""
        self._edit = (self._key, self._columns[self._column].id, LineEdit(initial))
        self._move(self._row, self._column)
        return True

    def cancel_edit(self) -> None:
        """Stop editing and drop the draft."""
        if self._edit:
            key, column_id, _ = self._edit
            self._edit = None
            self._update()
            self._tell(self.Drafted(self, key, column_id, None))

    @property
    def edit_problem(self) -> str:
        """Why the text that is being edited cannot stay as it is; empty if it can."""
        return self._problem

    @edit_problem.setter
    def edit_problem(self, problem: str) -> None:
        self._problem = problem
        self._update()

    def _commit(self, move: str) -> None:
        if self._edit:
            key, column_id, line = self._edit
            self._edit = None
            self._tell(self.Edited(self, key, column_id, line.text, move))
            self._move(self._row + (move == "down"), self._column + (move == "right"))

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While editing, what types text is no binding of anybody else."""
        return self._edit is not None and character is not None and character.isprintable()

    def press(self, key: str, character: str | None = None) -> bool:
        """Give a key to the edit; return False if there is none, so the key is for others.

        Textual hands keys on from queue to queue, so keys typed in a burst can overtake an
        action that starts or ends an edit. An app that takes keys in one place keeps their
        order by asking here first.
        """
        if self._edit is None:
            return False
        match key:
            case "enter":
                self._commit("down")
            case "tab":
                self._commit("right")
            case "escape":
                self.cancel_edit()
            case _:
                if self._edit[2].press(key, character):
                    self._drafted()
                self._update()
        return True

    def paste(self, text: str) -> bool:
        """Insert text into the edit; return False if there is none."""
        if self._edit is None:
            return False
        self._edit[2].insert(text)
        self._drafted()
        self._update()
        return True

    def _drafted(self) -> None:
        if self._edit:
            key, column_id, line = self._edit
            self._tell(self.Drafted(self, key, column_id, line.text))

    def on_key(self, event: events.Key) -> None:
        """Edit; without an edit, leave the key to the bindings."""
        if self.press(event.key, event.character):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Insert what is pasted into the edit; without one, tell of it."""
        event.stop()
        event.prevent_default()
        if not self.paste(event.text):
            self._tell(self.Pasted(self, event.text))

    def _lay_out(self) -> None:
        if self._edit and all(c.id != self._edit[1] for c in self._layout.shown()[0]):
            self.cancel_edit()
        super()._lay_out()

    def _reseat(self, row: int | None = None) -> None:
        if self._edit and self._view.find(self._edit[0], self._row) is None:
            self._edit = None
        super()._reseat(row)

    def _look(self, frame: Frame, row: int, key: Hashable, thumb: bool) -> Look:
        look = super()._look(frame, row, key, thumb)
        if key in self._marks:
            look = look._replace(marked=True)
        if self._corner is not None and row in (chosen := self.range)[0]:
            look = look._replace(chosen=chosen[1])
        if self._edit is None or key != self._edit[0]:
            return look
        _, column_id, line = self._edit
        at = next(i for i, column in enumerate(self._columns) if column.id == column_id)
        edit = line.view(frame.places[at].width)
        return look._replace(at=at, edit=edit, wrong=bool(self._problem))

    # -- mouse ---------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; on a second click at once, activate the row."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x = offset.x - GUTTER + self._left
        ends = (place.end for place in self._frame().places)
        column = next((i for i, end in enumerate(ends) if x < end), self._column)
        if offset.y < self._header:
            if self._columns:
                self._tell(self.HeaderClicked(self, self._columns[column].id))
            return
        y, hidden = offset.y - self._header, self.row_count - self._height
        if offset.x == self.size.width - 1 and hidden > 0:
            self._scroll(y * hidden // max(self._height - 1, 1))
        elif self._top + y < self.row_count:
            self._commit("")
            self._move(self._top + y, column)
            if event.chain == 2:
                self.action_activate()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll, and leave the cursor where it is."""
        event.stop()
        self._scroll(self._top + WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll, and leave the cursor where it is."""
        event.stop()
        self._scroll(self._top - WHEEL)
