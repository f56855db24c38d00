"""The one table of the app: any number of rows, of which only the visible ones cost anything.

Every change takes the same way: the state changes, the lines in view are looked at again,
and those that look different now are painted, as far to the right as they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, NamedTuple

from rich.style import Style
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
from anontui.tui.widgets.paint import (
    CLASSES,
    CSS,
    GUTTER,
    MARGIN,
    Frame,
    Look,
    Painter,
    changes,
    middle,
    thumb,
)
from anontui.tui.widgets.view import View

__all__ = ["Cell", "Column", "Editing", "Grid", "Rows"]

FLASH_SECONDS = 1.0
WHEEL = 3
"""Rows that one notch of the mouse wheel scrolls."""


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
    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES
    DEFAULT_CSS = CSS
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
        self._view = View(rows)
        self._empty = empty
        self._header = int(header)
        self._row = self._column = self._top = self._left = 0
        self._key = self._view.key(0) if self._view else None
        self._marks: set[Hashable] = set()
        self._anchor: Hashable | None = None
        self._edit: tuple[Hashable, str, LineEdit] | None = None
        self._recent: dict[Hashable, frozenset[int]] = {}
        self._flashes: dict[Hashable, tuple[frozenset[int], float]] = {}
        self._flash_timer: Timer | None = None
        self._painter = Painter(self._style)
        self._lines: list[Look | str] = []
        self.set_class(cell_cursor, "-cells")

    # -- what it shows -------------------------------------------------------------------

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, from left to right."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._flashes.clear()
        if self._edit and all(column.id != self._edit[1] for column in columns):
            self._edit = None
        self._move(self._row, self._column)

    @property
    def empty(self) -> str:
        """What shows where there are no rows."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        self._empty = text
        self._update()

    @property
    def order(self) -> Sequence[int] | None:
        """Which rows show, in which order, as indices of the provider; None: all, as they are."""
        return self._view.order

    @order.setter
    def order(self, order: Sequence[int] | None) -> None:
        if order != self._view.order:
            self._view.order = order
            self._reseat()

    @property
    def row_count(self) -> int:
        """How many rows there are to scroll through."""
        return len(self._view)

    def set_rows(self, rows: Rows) -> None:
        """Show other rows; ``order`` is dropped, cursor and marks follow their keys."""
        self._view = View(rows)
        self.rows_changed()

    def rows_changed(self) -> None:
        """Look again: rows came, went or moved. An ``order`` that cannot fit is dropped.

        To be called before anything else happens, since a row that is in view may be gone.
        """
        self._view.drop_stale_order()
        if self._marks:
            self._set_marks(self._marks.intersection(View(self._view.rows).keys()))
        self._reseat()

    def refresh_rows(self, keys: Collection[Hashable]) -> None:
        """Repaint those of these rows that are in view, as far as their texts changed."""
        self._recent = self._changes(keys)
        self._update()

    def flash(self, keys: Collection[Hashable]) -> None:
        """Repaint these rows, and let what changed in them stand out for a second."""
        if self.flashing:
            until = monotonic() + FLASH_SECONDS
            for key, columns in self._changes(keys).items():
                columns |= self._recent.get(key, frozenset())
                if key in self._flashes:
                    columns |= self._flashes[key][0]
                self._flashes[key] = (columns, until)
            self._end_flashes()
        else:
            self._update()

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
        self, row: int | None = None, column: int | None = None, key: Hashable | None = None
    ) -> None:
        """Move the cursor as near as possible to a row (or the row with ``key``) and column."""
        if key is not None:
            row = self._find(key)
        self._move(self._row if row is None else row, self._column if column is None else column)

    def action_move(self, step: int) -> None:
        """Move by rows."""
        self._move(self._row + step, self._column)

    def action_move_column(self, step: int) -> None:
        """Move by columns, where a column means something; else leave the key to others."""
        places = self._frame().places
        if not self.cell_cursor and (not places or places[-1].end <= self._frame().room):
            raise SkipAction
        self._move(self._row, self._column + step)

    def action_page(self, step: int) -> None:
        """Move by what fits in the window."""
        step *= max(self._height - 1, 1)
        self._top += step
        self._move(self._row + step, self._column)

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

    def _set_marks(self, marks: set[Hashable]) -> None:
        if marks != self._marks:
            self._marks = marks
            self._update()
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
        self._commit("")
        if not self._view or not self._columns or not self._columns[self._column].editable:
            return False
        if initial is None:
            cell = self._view.cells(self._row)[self._column]
            initial = cell if isinstance(cell, str) else cell.text
        self._edit = (self._key, self._columns[self._column].id, LineEdit(initial))
        self._move(self._row, self._column)
        return True

    def cancel_edit(self) -> None:
        """Stop editing and drop the draft."""
        self._edit = None
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
                self._edit[2].press(key, character)
                self._update()
        return True

    def paste(self, text: str) -> bool:
        """Insert text into the edit; return False if there is none."""
        if self._edit is None:
            return False
        self._edit[2].insert(text)
        self._update()
        return True

    def on_key(self, event: events.Key) -> None:
        """Edit; without an edit, leave the key to the bindings."""
        if self.press(event.key, event.character):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Insert what is pasted into the edit; without one, leave it to others."""
        if self.paste(event.text):
            event.stop()
            event.prevent_default()

    # -- mouse ---------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; on a second click at once, activate the row."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self._header:
            return
        y, hidden = offset.y - self._header, self.row_count - self._height
        if offset.x == self.size.width - 1 and hidden > 0:
            self._scroll(y * hidden // max(self._height - 1, 1))
        elif self._top + y < self.row_count:
            self._commit("")
            x = offset.x - GUTTER + self._left
            ends = (place.end for place in self._frame().places)
            column = next((i for i, end in enumerate(ends) if x < end), self._column)
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

    # -- inside: rows and cursor ---------------------------------------------------------

    def _find(self, key: Hashable | None) -> int:
        """Return the row with this key, or the cursor's if there is none."""
        row = None if key is None else self._view.find(key, self._row)
        return self._row if row is None else row

    def _reseat(self) -> None:
        """Keep the cursor on its row and its line of the screen after the rows changed."""
        row = self._find(self._key)
        self._top += row - self._row
        if self._edit and self._view.find(self._edit[0], row) is None:
            self._edit = None
        self._move(row, self._column)
        if self.styles.auto_dimensions:
            self.refresh(layout=True)

    def _move(self, row: int, column: int) -> None:
        """Set the cursor, within bounds; bring it into view; tell if it is on another row."""
        count, before = self.row_count, (self._key, self._row)
        self._row = max(min(row, count - 1), 0)
        self._column = max(min(column, len(self._columns) - 1), 0)
        self._key = self._view.key(self._row) if count else None
        self._top = max(min(self._top, self._row), self._row - max(self._height, 1) + 1)
        frame = self._frame()
        if frame.places:
            place, last = frame.places[self._column], frame.places[-1]
            left = min(max(self._left, place.end - frame.room), place.start)
            self._left = max(min(left, last.end - frame.room), 0)
        self._scroll(self._top)
        if (self._key, self._row) != before:
            self._tell(self.CursorMoved(self, self._key, self._row))

    def _scroll(self, top: int) -> None:
        self._top = max(min(top, self.row_count - self._height), 0)
        self._update()

    def _tell(self, message: Message) -> None:
        if self.is_running:
            self.post_message(message)

    # -- inside: lines and painting ------------------------------------------------------

    @property
    def _height(self) -> int:
        """Lines that rows can take."""
        return max(self.size.height - self._header, 0)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Take all there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines that show everything, for ``height: auto``."""
        return self._header + (self.row_count or len(self._empty.splitlines()))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._move(self._row, self._column)

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Show whether the keys go here."""
        super().watch_has_focus(_has_focus)
        self._update()

    def notify_style_update(self) -> None:
        """Forget everything drawn in the old colours."""
        super().notify_style_update()
        self._painter.forget()

    def _style(self, *names: str) -> Style:
        """Lay component classes over each other, and over the widget's own colours."""
        style = self.get_visual_style(*names).rich_style
        reverse = any(self.get_component_styles(name).text_style.reverse for name in names)
        return style + Style(reverse=True) if reverse else style  # Textual forgets this one

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines of the screen.

        Without a border or an effect of its own around them these are the very strips that
        were drawn before, which know their escape sequences already: that halves the cost
        of scrolling.
        """
        if self.styles.gutter or self.opacity < 1 or self.styles.tint.a:
            return super().render_lines(crop)
        background = self.background_colors[1]
        self._catch_up()
        strips = [self._strip(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        self._catch_up()
        return self._strip(y)

    def _strip(self, y: int) -> Strip:
        y -= self._header
        return self._painter.header() if y < 0 else self._painter.line(self._lines[y])

    def _catch_up(self) -> None:
        """Look again if Textual has laid the widget out anew and will tell only later."""
        if self._painter.frame != self._frame():
            self._look_again()

    def _update(self) -> None:
        """Paint what looks different now."""
        if regions := self._look_again():
            self.refresh(*regions)

    def _look_again(self) -> list[Region]:
        """Look at every line in view; return the regions of the screen that differ."""
        frame, old = self._frame(), self._lines
        looks = list(self._looks(frame))
        text = "" if self._view else self._empty
        self._lines = [*looks, *middle(text, self._height - len(looks))]
        if self._painter.reframe(frame):
            return [self.size.region] if self.size else []
        extents = (frame.extent(a, b) for a, b in zip(old, self._lines, strict=True))
        return [Region(0, self._header + y, end, 1) for y, end in enumerate(extents) if end]

    def _frame(self) -> Frame:
        width, height = self.size
        room = width - GUTTER - MARGIN
        return Frame(self._columns, arrange(self._columns, room), self._left, width, height)

    def _in_view(self) -> range:
        """The rows in view."""
        return range(self._top, min(self._top + self._height, self.row_count))

    def _looks(self, frame: Frame) -> Iterator[Look]:
        edit_key, edit_id, line = self._edit or (None, "", None)
        scrolled = thumb(self._top, self._height, len(self._view))
        for y, row in enumerate(self._in_view()):
            key = self._view.key(row)
            at, edit = -1, None
            if line and key == edit_key:
                at = next(i for i, column in enumerate(self._columns) if column.id == edit_id)
                edit = line.view(frame.places[at].width)
            elif row == self._row and self.cell_cursor:
                at = self._column
            flash = self._flashes.get(key)
            yield Look(
                cells=self._view.cells(row),
                bar=(1 + self.has_focus) * (row == self._row),
                at=at,
                marked=key in self._marks,
                flash=flash and flash[0],
                thumb=y in scrolled,
                edit=edit,
            )

    def _changes(self, keys: Collection[Hashable]) -> dict[Hashable, frozenset[int]]:
        """Which of these rows are in view, and which of their columns are out of date there."""
        found, wanted = {}, frozenset(keys)
        for row, line in zip(self._in_view(), self._lines, strict=False):
            if isinstance(line, Look) and (key := self._view.key(row)) in wanted:
                found[key] = changes(line.cells, self._view.cells(row))
        return found

    def _end_flashes(self) -> None:
        """End those that are over; come again for the others."""
        now = monotonic()
        self._flashes = {key: flash for key, flash in self._flashes.items() if flash[1] > now}
        self._update()
        if self._flash_timer is not None:
            self._flash_timer.stop()
            self._flash_timer = None
        if self._flashes:
            first = min(until for _, until in self._flashes.values())
            self._flash_timer = self.set_timer(first - now, self._end_flashes)
