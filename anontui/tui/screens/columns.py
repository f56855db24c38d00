"""The columns of a pane: which show, how wide, and what the rows are sorted by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual import events
from textual.widget import Widget

from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.columns import Layout, Place
from anontui.tui.widgets.grid import Cell, Column, Grid


class ColumnRows:
    """A row for each column."""

    def __init__(self, layout: Layout, widths: dict[str, int]) -> None:
        self.layout, self._drawn = layout, widths

    def __len__(self) -> int:
        return len(self.layout.columns)

    def key(self, index: int) -> str:
        """The column's id."""
        return self.layout.columns[index].id

    def width(self, index: int) -> int:
        """Cells that it takes, or took when it was last drawn."""
        column = self.layout.columns[index]
        drawn = self._drawn.get(column.id, column.width or column.min_width)
        return dict(self.layout.widths).get(column.id, drawn)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Whether it shows, its name, its width, and the way it sorts."""
        column, layout = self.layout.columns[index], self.layout
        hidden = column.id in layout.hidden
        sign = ("▼ falling" if layout.falling else "▲ rising") if column.id == layout.sort else ""
        own = column.id in dict(layout.widths)
        return [
            Cell("○" if hidden else "●", "dim" if hidden else "good"),
            Cell(column.label or column.id, "dim" if hidden else ""),
            Cell(str(self.width(index)), "accent" if own else "dim"),
            Cell(sign, "accent"),
        ]


class ColumnsScreen(Dialog[Layout]):
    """Each key shows at once behind the box.

    Parameters
    ----------
    layout, places
        The columns, and where those that show stand now.
    show
        Shows another layout.
    sortable
        Whether the rows can be sorted.
    """

    def __init__(
        self,
        layout: Layout,
        places: Sequence[Place],
        show: Callable[[Layout], None],
        *,
        sortable: bool,
    ) -> None:
        sort = "s sort · " if sortable else ""
        super().__init__("Columns", f"space show · ← → width · {sort}0 as at first · esc done")
        shown, _ = layout.shown()
        widths = {c.id: place.width for c, place in zip(shown, places, strict=True)}
        self._rows = ColumnRows(layout, widths)
        self._show_layout, self._sortable = show, sortable

    def parts(self) -> list[Widget]:
        """The columns."""
        columns = (
            Column("shown", "", 2),
            Column("name", "column", None, min_width=14),
            Column("width", "width", 5, right=True),
            Column("sort", "sorted", 10),
        )
        self._grid = Grid(columns, self._rows)
        return [self._grid]

    def on_key(self, event: events.Key) -> None:
        """Change what the cursor is on."""
        layout, at = self._rows.layout, self._grid.cursor_row
        column = layout.columns[at]
        match event.key:
            case "space":
                layout = layout.toggled(column.id)
            case "left" | "right":
                step = 1 if event.key == "right" else -1
                layout = layout.resized(column, self._rows.width(at) + step)
            case "s" if self._sortable:
                layout = layout.sorted_by(column.id)
            case "0":
                layout = replace(Layout(layout.columns), sort=layout.sort, falling=layout.falling)
            case _:
                return
        event.stop()
        event.prevent_default()
        self._rows.layout = layout
        self._grid.refresh_rows([column.id for column in layout.columns])
        self._show_layout(layout)
