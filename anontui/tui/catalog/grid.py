"""Actions on the rows and columns of whatever table has the focus."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import has_table, late, on_table

GRID: tuple[Action, ...] = (
    Action(
        "app.sort",
        "S",
        "Sort by this column; again: the other way; again: not",
        late("grid", "sort"),
        needs=(
            has_table,
            lambda app: app.here.table.not_sorted if app.here.table else "",
        ),
    ),
    Action(
        "app.columns",
        "vertical_line",
        "Choose columns, their widths and the order",
        late("grid", "columns"),
        needs=(has_table,),
    ),
    Action(
        "app.narrower",
        "less_than_sign",
        "Make this column narrower",
        on_table("resize_column", -1),
        needs=(has_table,),
    ),
    Action(
        "app.wider",
        "greater_than_sign",
        "Make this column wider",
        on_table("resize_column", 1),
        needs=(has_table,),
    ),
    Action(
        "app.mark-range",
        "m",
        "Mark the rows from the last mark to here",
        on_table("grid.mark_range"),
        needs=(has_table,),
    ),
    Action(
        "app.mark-all",
        "asterisk",
        "Mark all rows that show",
        on_table("grid.mark_all"),
        needs=(has_table,),
    ),
)
