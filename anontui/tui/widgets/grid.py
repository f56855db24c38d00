"""The one table of the app: any number of rows, of which only the visible ones cost anything.

Every change takes the same way: the state changes, the lines in view are looked at again,
and those that look different now are painted, as far to the right as they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, NamedTuple

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from anontui.tui.widgets.columns import Cell, Column, Rows, arrange
from anontui.tui.widgets.lineedit import LineEdit
from anontui.tui.widgets.paint import GUTTER, Frame, Look, Painter, changes

__all__ = ["Cell", "Column", "Editing", "Grid", "Rows"]

FLASH_SECONDS = 1.0
WHEEL = 3
"""Rows that one notch of the mouse wheel scrolls."""


class _NoRows:
    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> Hashable:
        raise IndexError(index)

    def cells(self, index: int) -> Sequence[str | Cell]:
        raise IndexError(index)


class Editing(NamedTuple):
    """An edit in place that is not finished."""

    key: Hashable
    column_id: str
    text: str


class Grid(Widget, can_focus=True):
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

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header",
        "grid--row",
        "grid--cursor",
        "grid--bar",
        "grid--cell",
        "grid--mark",
        "grid--flash",
        "grid--edit",
        "grid--edit-cursor",
        "grid--thumb",
        "grid--empty",
        *(f"grid--{tone}" for tone in TONES),
    }
    DEFAULT_CSS = """
    Grid {
        height: 1fr;
        width: 1fr;
        & > .grid--header { color: $text-muted; text-style: bold; }
        & > .grid--empty { color: $text-muted; }
        & > .grid--cursor { background: $foreground 5%; }
        & > .grid--bar { color: $text-muted; }
        & > .grid--cell { text-style: underline; }
        & > .grid--mark { color: $accent; text-style: bold; }
        & > .grid--flash { color: $foreground; text-style: bold; }
        & > .grid--edit { color: $foreground; background: $primary 35%; }
        & > .grid--edit-cursor { text-style: reverse; }
        & > .grid--thumb { color: $foreground 30%; }
        & > .grid--good { color: $success; }
        & > .grid--busy { color: $primary; }
        & > .grid--bad { color: $error; }
        & > .grid--warn { color: $warning; }
        & > .grid--dim { color: $text-muted; }
        & > .grid--accent { color: $accent; }
        &:focus {
            & > .grid--header { color: $foreground; }
            & > .grid--cursor { background: $primary 20%; }
            & > .grid--bar { color: $accent; }
            & > .grid--cell { text-style: reverse; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="grid.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="grid.down"),
        Binding("left", "move_column(-1)", "Left", show=False, id="grid.left"),
        Binding("right", "move_column(1)", "Right", show=False, id="grid.right"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="grid.page_down"),
        Binding("home", "line_end(False)", "Start", show=False, id="grid.home"),
        Binding("end", "line_end(True)", "End", show=False, id="grid.end"),
        Binding("ctrl+home,g", "table_end(False)", "First row", show=False, id="grid.first"),
        Binding("ctrl+end,G", "table_end(True)", "Last row", show=False, id="grid.last"),
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
        super().__init__(id=id, classes=classes)
        self.cell_cursor = cell_cursor
        self.flashing = True
        self._columns = tuple(columns)
        self._rows: Rows = rows if rows is not None else _NoRows()
        self._order: Sequence[int] | None = None
        self._empty = empty
        self._header = int(header)
        self._row = self._column = self._top = self._left = 0
        self._key: Hashable | None = self._key_at(0) if len(self._rows) else None
        self._marks: set[Hashable] = set()
        self._anchor: Hashable | None = None
        self._edit: tuple[Hashable, str, LineEdit] | None = None
        self._flashes: dict[Hashable, tuple[frozenset[int], float]] = {}
        self._flash_timer: Timer | None = None
        self._places: list[Place] = []
        self._drawn: dict[int, tuple[Hashable, tuple[str | Cell, ...]]] = {}
        self._strips: LRUCache[_Look, Strip] = LRUCache(256)
        self._styles_of: dict[tuple[str, ...], Style] = {}

    # -- what it shows -------------------------------------------------------------------

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, from left to right."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._column = min(self._column, max(len(self._columns) - 1, 0))
        self._flashes.clear()
        self._arrange()

    @property
    def empty(self) -> str:
        """What shows where there are no rows."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        self._empty = text
        if not self.row_count:
            self._repaint()

    @property
    def order(self) -> Sequence[int] | None:
        """Which rows show, in which order, as indices of the provider; None: all, as they are."""
        return self._order

    @order.setter
    def order(self, order: Sequence[int] | None) -> None:
        if order != self._order:
            self._order = order
            self._reseat()

    @property
    def row_count(self) -> int:
        """How many rows there are to scroll through."""
        return len(self._rows if self._order is None else self._order)

    def set_rows(self, rows: Rows) -> None:
        """Show other rows; ``order`` is dropped, cursor and marks follow their keys."""
        self._rows = rows
        self._order = None
        self.rows_changed()

    def rows_changed(self) -> None:
        """Look again: rows came, went or moved. ``order`` must fit the rows by now."""
        if self._marks:
            alive = self._marks.intersection(map(self._rows.key, range(len(self._rows))))
            self._set_marks(alive)
        self._reseat()

    def refresh_rows(self, keys: Collection[Hashable]) -> None:
        """Repaint those of these rows that are in view, as far as their texts changed."""
        self._refresh_rows(keys, flash=False)

    def flash(self, keys: Collection[Hashable]) -> None:
        """Repaint these rows and let what changed in them stand out for a second."""
        self._refresh_rows(keys, flash=self.flashing)

    # -- cursor --------------------------------------------------------------------------

    @property
    def cursor_row(self) -> int:
        """The cursor's row, counted as shown; 0 if there are no rows."""
        return self._row

    @property
    def cursor_column(self) -> int:
        """The cursor's column."""
        return self._column

    @property
    def cursor_key(self) -> Hashable | None:
        """Key of the cursor's row; None if there are no rows."""
        return self._key

    def move_cursor(
        self,
        row: int | None = None,
        column: int | None = None,
        key: Hashable | None = None,
    ) -> None:
        """Move the cursor as near as possible to a row (or the row with ``key``) and column."""
        if key is not None:
            row = self._find(key, self._row)
        self._move(self._row if row is None else row, self._column if column is None else column)

    def action_move(self, step: int) -> None:
        """Move by rows."""
        self._move(self._row + step, self._column)

    def action_move_column(self, step: int) -> None:
        """Move by columns, where a column means something; else leave the key to others."""
        if not self.cell_cursor and self._width <= self._room:
            raise SkipAction
        self._move(self._row, self._column + step)

    def action_page(self, step: int) -> None:
        """Move by what fits in the window."""
        self._move(self._row + step * max(self._height - 1, 1), self._column)

    def action_line_end(self, end: bool) -> None:
        """Go to the row's first or last cell; without a cell cursor to the first or last row."""
        if self.cell_cursor:
            self._move(self._row, len(self._columns) if end else 0)
        else:
            self.action_table_end(end)

    def action_table_end(self, end: bool) -> None:
        """Go to the first or last row."""
        self._move(self.row_count if end else 0, self._column)

    def action_activate(self) -> None:
        """Tell that the cursor's row is meant."""
        if self.row_count and self._columns:
            self.post_message(self.Activated(self, self._key, self._columns[self._column].id))

    # -- marks ---------------------------------------------------------------------------

    @property
    def marks(self) -> frozenset[Hashable]:
        """Keys of the marked rows, hidden ones too."""
        return frozenset(self._marks)

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or unmark it; a range starts here."""
        if self.row_count:
            self._anchor = self._key
            self._set_marks(self._marks ^ {self._key})

    def mark_range(self) -> None:
        """Mark all shown rows from the one last marked to the cursor's."""
        if self.row_count:
            anchor = None if self._anchor is None else self._find(self._anchor, self._row)
            start, end = sorted((self._row if anchor is None else anchor, self._row))
            self._anchor = self._key
            self._set_marks(self._marks.union(map(self._key_at, range(start, end + 1))))

    def mark_all(self) -> None:
        """Mark all rows that are shown."""
        shown = range(len(self._rows)) if self._order is None else self._order
        self._set_marks(self._marks.union(map(self._rows.key, shown)))

    def clear_marks(self) -> None:
        """Unmark all rows, hidden ones too."""
        self._anchor = None
        self._set_marks(set())

    def _set_marks(self, marks: set[Hashable]) -> None:
        if marks != self._marks:
            changed = marks ^ self._marks
            self._marks = marks
            for y, key in self._visible():
                if key in changed:
                    self._repaint_row(y, GUTTER)
            self._tell(self.MarksChanged(self, len(marks)))

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
        if not self.row_count or not self._columns or not self._columns[self._column].editable:
            return False
        if initial is None:
            cell = self._rows.cells(self._index(self._row))[self._column]
            initial = cell if isinstance(cell, str) else cell.text
        self._edit = (self._key, self._columns[self._column].id, LineEdit(initial))
        self._move(self._row, self._column)
        self._repaint_edit()
        return True

    def cancel_edit(self) -> None:
        """Stop editing and drop the draft."""
        if self._edit:
            self._repaint_edit()
            self._edit = None

    def _commit(self, move: str) -> None:
        if self._edit:
            key, column_id, line = self._edit
            self.cancel_edit()
            self.post_message(self.Edited(self, key, column_id, line.text, move))
            self._move(self._row + (move == "down"), self._column + (move == "right"))

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While editing, every key is meant for the text."""
        return self._edit is not None

    def on_key(self, event: events.Key) -> None:
        """Edit; without an edit, leave the key to the bindings."""
        if self._edit is None:
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self._commit("down")
            case "tab":
                self._commit("right")
            case "escape":
                self.cancel_edit()
            case key:
                if self._edit[2].press(key, event.character):
                    self._repaint_edit()

    def on_paste(self, event: events.Paste) -> None:
        """Insert what is pasted into the text that is edited."""
        if self._edit is not None:
            event.stop()
            event.prevent_default()
            self._edit[2].insert(event.text)
            self._repaint_edit()

    # -- mouse ---------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; on a second click at once, activate the row."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self._header or not self.row_count:
            return
        y = offset.y - self._header
        if offset.x == self.size.width - 1 and self.row_count > self._height:
            self._scroll(y * (self.row_count - self._height) // max(self._height - 1, 1))
        elif self._top + y < self.row_count:
            self._commit("")
            x = offset.x - GUTTER + self._left
            column = next((i for i, p in enumerate(self._places) if x < p.end), self._column)
            self._move(self._top + y, column)
            if event.chain == 2:
                self.action_activate()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll, and leave the cursor where it is."""
        self._scroll(self._top + WHEEL)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll, and leave the cursor where it is."""
        self._scroll(self._top - WHEEL)
        event.stop()

    # -- rows and cursor, inside ---------------------------------------------------------

    def _index(self, row: int) -> int:
        return row if self._order is None else self._order[row]

    def _key_at(self, row: int) -> Hashable:
        return self._rows.key(self._index(row))

    def _find(self, key: Hashable, near: int) -> int | None:
        """Find a row by its key, looking from ``near`` outwards."""
        count = self.row_count
        near = max(min(near, count - 1), 0)
        for step in range(max(near + 1, count - near)):
            for row in (near - step, near + step):
                if 0 <= row < count and self._key_at(row) == key:
                    return row
        return None

    def _reseat(self) -> None:
        """Keep the cursor on its row and its line of the screen after the rows changed."""
        row = None if self._key is None else self._find(self._key, self._row)
        if row is not None:
            self._top += row - self._row
            self._row = row
        self._drawn.clear()
        self._place_cursor(self._row, self._column)
        if self._edit and self._find(self._edit[0], self._row) is None:
            self._edit = None
        self._repaint(layout=self.styles.auto_dimensions)

    def _move(self, row: int, column: int) -> None:
        before = (self._row, self._column, self._top, self._left)
        self._place_cursor(row, column)
        if (self._top, self._left) != before[2:]:
            self._repaint()
        elif (self._row, self._column) != before[:2]:
            for y in (before[0] - self._top, self._row - self._top):
                self._repaint_row(y)

    def _place_cursor(self, row: int, column: int) -> None:
        """Set the cursor within bounds and in view, and tell if it is on another row."""
        count = self.row_count
        before = (self._key, self._row)
        self._row = max(min(row, count - 1), 0)
        self._column = max(min(column, len(self._columns) - 1), 0)
        self._key = self._key_at(self._row) if count else None
        self._top = max(min(self._top, self._row), self._row - max(self._height, 1) + 1)
        self._top = max(min(self._top, count - self._height), 0)
        if self._places:
            place = self._places[self._column]
            self._left = min(max(self._left, place.end - self._room), place.start)
            self._left = max(min(self._left, self._width - self._room), 0)
        if (self._key, self._row) != before:
            self._tell(self.CursorMoved(self, self._key, self._row))

    def _scroll(self, top: int) -> None:
        top = max(min(top, self.row_count - self._height), 0)
        if top != self._top:
            self._top = top
            self._repaint()

    def _tell(self, message: Message) -> None:
        if self.is_running:
            self.post_message(message)

    # -- layout and repainting -----------------------------------------------------------

    @property
    def _height(self) -> int:
        """Lines that rows can take."""
        return max(self.size.height - self._header, 0)

    @property
    def _room(self) -> int:
        """Cells that the table can take: all but the gutter and the scroll thumb's column."""
        return max(self.size.width - GUTTER - 1, 0)

    @property
    def _width(self) -> int:
        """Cells that the table would take."""
        return self._places[-1].end if self._places else 0

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Take all there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines needed to show all rows, for ``height: auto``."""
        return self._header + (self.row_count or self._empty.count("\n") + 1)

    def on_resize(self) -> None:
        """Divide the new room."""
        self._arrange()

    def notify_style_update(self) -> None:
        """Forget everything drawn in the old colours."""
        super().notify_style_update()
        self._styles_of.clear()
        self._strips.clear()

    def _arrange(self) -> None:
        self._places = arrange(self._columns, self._room)
        self._strips.clear()
        self._drawn.clear()
        self._place_cursor(self._row, self._column)
        self._repaint()

    def _visible(self) -> Iterator[tuple[int, Hashable]]:
        """Lines below the header that show a row, with the row's key."""
        for y in range(min(self._height, self.row_count - self._top)):
            yield y, self._key_at(self._top + y)

    def _repaint(self, *, layout: bool = False) -> None:
        if self.size or layout:
            self.refresh(self.size.region, layout=layout)

    def _repaint_row(self, y: int, end: int | None = None) -> None:
        """Repaint line ``y`` below the header, up to cell ``end``."""
        if 0 <= y < self._height:
            self.refresh(Region(0, self._header + y, end or self.size.width, 1))

    def _repaint_edit(self) -> None:
        if self._edit:
            for y, key in self._visible():
                if key == self._edit[0]:
                    self._repaint_row(y)

    def _end(self, columns: Collection[int]) -> int | None:
        """Cell of the screen behind the last of these columns."""
        if self._left:
            return None
        return min(GUTTER + max((self._places[i].end for i in columns), default=0), self.size.width)

    def _refresh_rows(self, keys: Collection[Hashable], flash: bool) -> None:
        keys = frozenset(keys)
        until = monotonic() + FLASH_SECONDS
        for y, key in self._visible():
            if key not in keys:
                continue
            cells = tuple(self._rows.cells(self._index(self._top + y)))
            drawn = self._drawn.get(y)
            if drawn is None or drawn[0] != key:
                changed = frozenset(range(len(cells)))
            else:
                changed = frozenset(
                    i for i, (a, b) in enumerate(zip(drawn[1], cells, strict=False)) if a != b
                )
            if flash:
                self._flashes[key] = (changed, until)
            if flash or changed:
                self._repaint_row(y, self._end(changed))
        if self._flashes and self._flash_timer is None:
            self._flash_timer = self.set_timer(FLASH_SECONDS, self._end_flashes)

    def _end_flashes(self) -> None:
        self._flash_timer = None
        now = monotonic()
        over = {key: cols for key, (cols, until) in self._flashes.items() if until <= now}
        for key in over:
            del self._flashes[key]
        for y, key in self._visible():
            if key in over:
                self._repaint_row(y, self._end(over[key]))
        if self._flashes:
            self._flash_timer = self.set_timer(FLASH_SECONDS, self._end_flashes)

    # -- drawing -------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        if y < self._header:
            return self._draw_header()
        y -= self._header
        row = self._top + y
        if row < self.row_count:
            look = self._look(y, row)
            strip = self._strips.get(look)
            if strip is None:
                strip = self._strips[look] = self._draw(look)
            return strip
        text = "" if self.row_count else self._empty_line(y)
        return Strip([Segment(fit(text, self.size.width), self._style("grid--empty"))])

    def _look(self, y: int, row: int) -> _Look:
        index = self._index(row)
        key = self._rows.key(index)
        cells = tuple(self._rows.cells(index))
        self._drawn[y] = (key, cells)
        cursor = row == self._row
        column = self._column if cursor and self.cell_cursor else -1
        edit = None
        if self._edit and self._edit[0] == key:
            column = next(i for i, c in enumerate(self._columns) if c.id == self._edit[1])
            edit = self._edit[2].view(self._places[column].width)
        flash = self._flashes.get(key)
        return _Look(
            cells,
            (1 + self.has_focus) * cursor,
            column,
            key in self._marks,
            flash and flash[0],
            y in self._thumb(),
            edit,
        )

    def _thumb(self) -> range:
        """Lines that tell which part of the rows is in view."""
        height, hidden = self._height, self.row_count - self._height
        if hidden <= 0:
            return range(0)
        size = max(height * height // self.row_count, 1)
        start = round(self._top * (height - size) / hidden)
        return range(start, start + size)

    def _empty_line(self, y: int) -> str:
        lines = self._empty.splitlines()
        y -= max(self._height - len(lines), 0) // 2
        return lines[y].strip().center(self.size.width) if 0 <= y < len(lines) else ""
