"""How the rows of a provider come to the screen: a window over them, with a cursor.

Every change takes the same way: the state changes, the lines in view are looked at again,
and those that look different now are painted, as far to the right as they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from anontui.tui.widgets.columns import Column, Layout, Place, Rows, arrange
from anontui.tui.widgets.flashes import Flashes
from anontui.tui.widgets.paint import (
    CLASSES,
    CSS,
    GUTTER,
    MARGIN,
    Frame,
    Look,
    Painter,
    broken,
    changes,
    middle,
    thumb,
)
from anontui.tui.widgets.view import View


class Surface(Widget):
    """Rows that are shown and moved about in. See :class:`~anontui.tui.widgets.grid.Grid`."""

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
    ]

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
        self._layout = Layout(tuple(columns))
        self._columns = self._layout.columns
        self._view = View(rows)
        self._empty = empty
        self._header = int(header)
        self._row = self._column = self._top = self._left = 0
        self._key = self._view.key(0) if self._view else None
        self._flashes = Flashes()
        self._flash_timer: Timer | None = None
        self._painter = Painter(self._style)
        self._lines: list[Look | str] = []
        self.set_class(cell_cursor, "-cells")

    # -- what it shows -------------------------------------------------------------------

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that show, from left to right; set, they are all there are."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._layout = replace(self._layout, columns=tuple(columns))
        self._lay_out()

    @property
    def arrangement(self) -> Layout:
        """All columns, and how the user wants them."""
        return self._layout

    @arrangement.setter
    def arrangement(self, layout: Layout) -> None:
        self._layout = layout
        self._lay_out()

    def _lay_out(self) -> None:
        here = self._columns[self._column].id if self._columns else ""
        self._columns, self._view.shown = self._layout.shown()
        self._flashes.clear()
        at = next((i for i, c in enumerate(self._columns) if c.id == here), self._column)
        self._move(self._row, at)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the columns stand."""
        return self._frame().places

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
            at = self._view.at(self._row)
            self._view.order = order
            self._reseat(self._view.shown_at(at))

    @property
    def row_count(self) -> int:
        """How many rows there are to scroll through."""
        return len(self._view)

    @property
    def provided(self) -> int:
        """How many rows the provider has, shown or not."""
        return len(self._view.rows)

    def set_rows(self, rows: Rows) -> None:
        """Show other rows; ``order`` is dropped, cursor and marks follow their keys."""
        self._view = View(rows, shown=self._view.shown)
        self.rows_changed()

    def rows_changed(self) -> None:
        """Look again: rows came, went or moved. An ``order`` that cannot fit is dropped.

        To be called before anything else happens, since a row that is in view may be gone.
        """
        self._view.drop_stale_order()
        self._reseat()

    def refresh_rows(self, keys: Collection[Hashable]) -> None:
        """Repaint those of these rows that are in view, as far as their texts changed."""
        self._flashes.recent = self._changes(keys)
        self._update()

    def flash(self, keys: Collection[Hashable]) -> None:
        """Repaint these rows, and let what changed in them stand out for a second."""
        if self.flashing:
            self._flashes.add(self._changes(keys))
            self._end_flashes()
        else:
            self._update()

    def flash_rows(self, keys: Collection[Hashable]) -> None:
        """Let those of these rows that are in view stand out for a second, whole."""
        if self.flashing:
            everything = frozenset(range(len(self._columns)))
            shown = frozenset(map(self._view.key, self._in_view()))
            self._flashes.add(dict.fromkeys(shown.intersection(keys), everything))
            self._end_flashes()

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

    # -- inside: rows and cursor ---------------------------------------------------------

    def _find(self, key: Hashable | None) -> int:
        """Return the row with this key, or the cursor's if there is none."""
        row = None if key is None else self._view.find(key, self._row)
        return self._row if row is None else row

    def _reseat(self, row: int | None = None) -> None:
        """Keep the cursor on its row and its line of the screen after the rows changed.

        ``row`` is where it is shown now, if that is known.
        """
        row = self._find(self._key) if row is None else row
        self._top += row - self._row
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
            self._on_move()

    def _scroll(self, top: int) -> None:
        self._top = max(min(top, self.row_count - self._height), 0)
        self._update()

    def _on_move(self) -> None:
        """The cursor is on another row, or that row has another key."""

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
        return self._header + (self.row_count or len(broken(self._empty, width).splitlines()))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._stay()

    def _stay(self) -> None:
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
        if y < 0:
            return self._painter.header()
        # Textual may ask for lines of a new layout before the widget has its new size.
        return self._painter.line(self._lines[y] if y < len(self._lines) else "")

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
        text = "" if self._view else broken(self._empty, frame.width)
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
        scrolled = thumb(self._top, self._height, len(self._view))
        for y, row in enumerate(self._in_view()):
            yield self._look(frame, row, self._view.key(row), y in scrolled)

    def _look(self, frame: Frame, row: int, key: Hashable, thumb: bool) -> Look:
        """Return how a row looks; a subclass adds marks and what is edited."""
        at_cursor = row == self._row
        return Look(
            cells=self._view.cells(row),
            bar=(1 + self.has_focus) * at_cursor,
            at=self._column if at_cursor and self.cell_cursor else -1,
            flash=self._flashes.columns(key),
            thumb=thumb,
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
        rest = self._flashes.end()
        self._update()
        if self._flash_timer is not None:
            self._flash_timer.stop()
            self._flash_timer = None
        if rest is not None:
            self._flash_timer = self.set_timer(rest, self._end_flashes)
