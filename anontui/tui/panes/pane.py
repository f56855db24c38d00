"""What all panes share: a frame with a title, a grid, a filter line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from anontui.errors import UsageError
from anontui.events import result_of
from anontui.tui.filtering import compile_filter, ordered, sort_key
from anontui.tui.picked import reader, texts
from anontui.tui.widgets.grid import Column, Grid, Layout, Rows

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.worker import Task

AT_ONCE = 2000
"""Rows that are changed, sorted or filtered while one waits; of more it is done beside."""


class PaneGrid(Grid):
    """A grid whose pane hears of its messages at once, so that keys never overtake them."""

    def __init__(self, pane: Pane) -> None:
        super().__init__(pane.columns, cell_cursor=pane.cell_cursor)
        self._pane = pane

    def post_message(self, message: Message) -> bool:
        """Hand the grid's own messages to the pane; queue all others."""
        match message:
            case Grid.Edited():
                self._pane.edited(message)
            case Grid.Drafted():
                self._pane.drafted(message)
            case Grid.Pasted():
                self._pane.pasted(message.text)
            case Grid.HeaderClicked():
                self._pane.sort_by(message.column_id)
            case Grid.MarksChanged():
                self._pane.marks_changed()
            case Grid.CursorMoved():
                self._pane.cursor_moved()
            case Grid.Activated():
                self._pane.activated()
            case _:
                return super().post_message(message)
        return True


class Pane(Vertical):
    """A part of a screen, with a number that brings the keys to it.

    A subclass gives ``label``, ``number``, its columns, and the rows behind its grid.
    """

    label: ClassVar[str]
    number: ClassVar[int]
    columns: ClassVar[Sequence[Column]]
    empty: ClassVar[str] = ""
    cell_cursor: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(id=self.label.lower(), classes="pane")
        self.grid: Grid = PaneGrid(self)
        self.filter_text = ""
        self._ordering: Task | None = None

    @property
    def anontui(self) -> AnonTUI:
        """The app, with its type."""
        from anontui.tui.app import AnonTUI

        assert isinstance(self.app, AnonTUI)  # noqa: S101 - tells the type checker
        return self.app

    @property
    def keys(self) -> str:
        """The group of the actions that hold here now; a pane with a form has two."""
        return self.id or ""

    def take_focus(self) -> None:
        """Take the keys."""
        self.grid.focus(scroll_visible=False)

    def compose(self) -> ComposeResult:
        """The grid; the filter line is mounted while it is typed in."""
        yield self.grid

    def on_mount(self) -> None:
        """Name the pane."""
        self.show_title()

    # -- title ---------------------------------------------------------------------------

    def title(self) -> list[str | tuple[str, str]]:
        """What the frame says after the pane's name."""
        return []

    def show_title(self) -> None:
        """Write the frame's title again."""
        parts = self.title()
        marked = len(self.grid.marks)
        if marked:
            parts = [*parts, (f"{marked} marked", "bold $accent")]
        if self.filter_text:
            shown = len(self.grid.order) if self.grid.order is not None else 0
            word = "filtering…" if self._ordering else f"{shown} shown"
            parts = [*parts, (f"/{self.filter_text} · {word}", "$warning")]
        content = Content.assemble((f"{self.number} ", "bold $accent"), (self.label, "bold"))
        for part in parts:
            content = Content.assemble(content, (" · ", "$text-disabled"), part)
        self.border_title = content.markup

    def marks_changed(self) -> None:
        """Count the marks in the title; actions may have become possible."""
        self.show_title()
        self.anontui.front.keybar.refresh()

    # -- filter --------------------------------------------------------------------------

    def ask_filter(self) -> None:
        """Let the user type a filter."""
        from anontui.tui.widgets.filterline import FilterLine

        line = FilterLine(self)
        self.mount(line)
        line.focus()

    def filter_by(self, text: str) -> None:
        """Show only the rows that match; an empty text shows all."""
        self.filter_text = text.strip()
        self.apply_filter()
        self.show_title()

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
            matches = lambda at: test(texts(rows.cells(at)))  # noqa: E731
        if layout.sort:
            column = (ids.index(layout.sort),)
            read = reader(rows)
            key = lambda at: sort_key(*read(at, column))  # noqa: E731
        work = ordered(len(rows), matches, key, layout.falling)
        if count <= AT_ONCE:
            self.grid.order = result_of(work)
            return

        def done(order: list[int]) -> None:
            if self._ordering is task:
                self._ordering = None
                self.grid.order = order
                self.show_title()

        def dropped() -> None:
            if self._ordering is task:  # by the user
                self._ordering, self.filter_text = None, ""
                self.grid.arrangement = replace(self.grid.arrangement, sort="")
                self.apply_filter()
                self.show_title()

        verb = "Filtering" if self.filter_text else "Sorting"
        label = f"{verb} {self.label.lower()}"
        task = self._ordering = self.anontui.start(
            f"order {self.id}", lambda: work, done, label=label, dropped=dropped
        )

    # -- columns -------------------------------------------------------------------------

    sortable: ClassVar[bool] = True

    def not_sortable(self) -> str:
        """Need: rows that have no order of their own."""
        return "" if self.sortable else "these rows have an order of their own"

    def lay_out(self, layout: Layout) -> None:
        """Show the columns in another way, or the rows sorted otherwise."""
        is_sorted_anew = (layout.sort, layout.falling) != (
            self.grid.arrangement.sort,
            self.grid.arrangement.falling,
        )
        self.grid.arrangement = layout
        if is_sorted_anew:
            self.apply_filter()

    def sort_by(self, column_id: str) -> None:
        """Sort by a column; once more the other way, then as the rows are."""
        if not self.sortable:
            self.anontui.say(f"Sort: not here, {self.not_sortable()}", "$warning")
            return
        self.lay_out(self.grid.arrangement.sorted_by(column_id))

    def resize_column(self, step: int) -> None:
        """Make the cursor's column wider, or narrower."""
        grid = self.grid
        column, place = grid.columns[grid.cursor_column], grid.places[grid.cursor_column]
        self.lay_out(grid.arrangement.resized(column, place.width + step))

    def mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        self.grid.toggle_mark()
        self.grid.move_cursor(row=self.grid.cursor_row + 1)

    def edited(self, message: Grid.Edited) -> None:
        """A cell was edited."""

    def drafted(self, message: Grid.Drafted) -> None:
        """A cell is being typed in."""

    def pasted(self, text: str) -> None:
        """Text was pasted onto the rows."""
        self.anontui.say(f"{self.label} takes no pasted text", "$warning")

    def cursor_moved(self) -> None:
        """The cursor is on another row."""

    def activated(self) -> None:
        """The row under the cursor was double-clicked."""

    # -- for the subclasses --------------------------------------------------------------

    def rows(self) -> Rows:
        """The rows behind the grid."""
        raise NotImplementedError

    def still(self) -> Rows:
        """The rows as they are now, for another thread."""
        return self.rows()

    def set_rows(self) -> None:
        """Show other rows than before."""
        grid, rows = self.grid, self.rows()
        order = grid.order if len(rows) == grid.provided > AT_ONCE else None
        grid.set_rows(rows)
        grid.order = order  # until it is known which show, in which order
        self.apply_filter()
        self.show_title()

    def project_loaded(self) -> None:
        """The project's files were read, or read again."""

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

    def provided(self, shown: Sequence[int]) -> list[int]:
        """Where rows are in the provider that are shown in these places."""
        order = self.grid.order
        return list(shown if order is None else [order[at] for at in shown])

    def hint(self) -> str:
        """What stands where there are no rows: ``empty``, with the keys as they are now."""
        return self.with_keys(self.empty)

    def with_keys(self, text: str) -> str:
        """Put the key, or else the command, of each ``{action}`` into a text."""
        actions = self.anontui.registry.actions
        return re.sub(
            r"\{([a-z0-9.-]+)\}",
            lambda found: next(iter(actions[found[1]].signs), f":{found[1]}"),
            text,
        )

    def remember(self) -> dict[str, Any]:
        """What to keep for the next start."""
        return {
            "filter": self.filter_text,
            "row": self.grid.cursor_row,
            "columns": self.grid.arrangement.plain(),
        }

    def recall(self, state: dict[str, Any]) -> None:
        """Bring back what :meth:`remember` gave."""
        self.lay_out(self.grid.arrangement.recalled(state.get("columns")))
        if isinstance(state.get("filter"), str) and state["filter"]:
            self.filter_by(state["filter"])
        if isinstance(state.get("row"), int):
            self.grid.move_cursor(row=state["row"])
