"""Actions on the rows and columns of whatever pane has the focus."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late

GRID: tuple[Action, ...] = (
    Action(
        "app.sort",
        "S",
        "Sort by this column; again: the other way; again: not",
        late("grid", "sort"),
        needs=(lambda app: app.front.current.not_sortable(),),
    ),
    Action(
        "app.columns",
        "vertical_line",
        "Choose columns, their widths and the order",
        late("grid", "columns"),
    ),
    Action(
        "app.narrower",
        "less_than_sign",
        "Make this column narrower",
        lambda app: app.front.current.resize_column(-1),
    ),
    Action(
        "app.wider",
        "greater_than_sign",
        "Make this column wider",
        lambda app: app.front.current.resize_column(1),
    ),
    Action(
        "app.mark-range",
        "m",
        "Mark the rows from the last mark to here",
        lambda app: app.front.current.grid.mark_range(),
    ),
    Action(
        "app.mark-all",
        "asterisk",
        "Mark all rows that show",
        lambda app: app.front.current.grid.mark_all(),
    ),
)
