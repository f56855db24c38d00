"""What can be done with the rows and columns of any table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.table import Table


def _table(app: AnonTUI) -> Table:
    table = app.here.table
    assert table is not None  # noqa: S101 - the actions need it
    return table


def columns(app: AnonTUI) -> None:
    """Choose columns, their widths and the order of the rows."""
    from anontui.tui.screens.columns import ColumnsScreen

    table = _table(app)
    grid = table.grid
    sortable = not table.not_sorted
    app.push_screen(
        ColumnsScreen(grid.arrangement, grid.places, table.set_layout, sortable=sortable)
    )


def sort(app: AnonTUI) -> None:
    """Sort by the cursor's column; once more the other way, then as the rows are."""
    table = _table(app)
    if not table.grid.cell_cursor:
        columns(app)
        return
    table.sort_by(table.grid.columns[table.grid.cursor_column].id)
    layout = table.grid.arrangement
    way = "falling" if layout.falling else "rising"
    app.say(f"sorted by {layout.sort}, {way}" if layout.sort else "as the rows are in the file")
