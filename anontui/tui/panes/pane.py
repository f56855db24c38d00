"""What all panes share: a frame with a title, a grid, a filter line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from anontui.errors import UsageError
from anontui.tui.filtering import compile_filter, sort_key
from anontui.tui.widgets.grid import Cell, Column, Grid, Layout, Rows

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


_SIGN = re.compile(r"^\W+")  # a status's sign says nothing of its order


def texts(cells: Sequence[str | Cell]) -> list[str]:
    """The texts of cells."""
    return [cell if isinstance(cell, str) else cell.text for cell in cells]


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
        self._titled = ""
        self._is_titling = False

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
            parts = [*parts, (f"/{self.filter_text} · {shown} shown", "$warning")]
        content = Content.assemble((f"{self.number} ", "bold $accent"), (self.label, "bold"))
        for part in parts:
            content = Content.assemble(content, (" · ", "$text-disabled"), part)
        if content.markup != self._titled:
            self._titled, self._is_titling = content.markup, True
            self.border_title = content.markup
            self._is_titling = False

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Repaint; for a new title only the frame's upper edge, since all costs 8 kB a time."""
        if self._is_titling:
            edge = Region(0, 0, self.outer_size.width, 1)
            regions = (edge.translate(-self.content_offset),)  # they count from the content
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def marks_changed(self) -> None:
        """Count the marks in the title; actions may have become possible."""
        self.show_title()
        self.anontui.front.keybar.redraw()

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
        """Give the grid the rows that the filter lets through, sorted as is wished."""
        rows, layout = self.rows(), self.grid.arrangement
        order: Sequence[int] | None = None
        ids = [column.id for column in layout.columns]
        if self.filter_text:
            try:
                matches = compile_filter(self.filter_text, ids)
            except UsageError as error:
                self.anontui.say(error.sentence(), "$warning")
                return
            order = [at for at in range(len(rows)) if matches(texts(rows.cells(at)))]
        if layout.sort:
            column = ids.index(layout.sort)
            keys = {
                at: sort_key(_SIGN.sub("", texts(rows.cells(at))[column]))
                for at in (range(len(rows)) if order is None else order)
            }
            order = sorted(keys, key=keys.__getitem__, reverse=layout.falling)
        self.grid.order = order

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

    def project_loaded(self) -> None:
        """The project's files were read, or read again."""

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
        table = [
            [cell if isinstance(cell, str) else cell.text for cell in rows.cells(by_key[key])]
            for key in self.chosen()
            if key in by_key
        ]
        if self.cell_cursor and not grid.marks and table:
            return table[0][grid.cursor_column], "the cell"
        text = "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in table)
        return text, f"{len(table)} row{'s'[: len(table) != 1]}"

    def hint(self) -> str:
        """What stands where there are no rows: ``empty``, with the keys as they are now."""
        actions = self.anontui.registry.actions
        return re.sub(
            r"\{([a-z0-9.-]+)\}",
            lambda found: next(iter(actions[found[1]].signs), f":{found[1]}"),
            self.empty,
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
