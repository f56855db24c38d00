"""What can be done with the rows and columns of any pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def columns(app: AnonTUI) -> None:
    """Choose columns, their widths and the order of the rows."""
    from anontui.tui.screens.columns import ColumnsScreen

    pane = app.front.current
    grid = pane.grid
    app.push_screen(
        ColumnsScreen(grid.arrangement, grid.places, pane.lay_out, sortable=pane.sortable)
    )


def sort(app: AnonTUI) -> None:
    """Sort by the cursor's column; once more the other way, then as the rows are."""
    pane = app.front.current
    if not pane.grid.cell_cursor:
        columns(app)
        return
    pane.sort_by(pane.grid.columns[pane.grid.cursor_column].id)
    layout = pane.grid.arrangement
    way = "falling" if layout.falling else "rising"
    app.say(f"sorted by {layout.sort}, {way}" if layout.sort else "as the rows are in the file")
