"""Where a table's filter is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.widgets import Input

if TYPE_CHECKING:
    from anontui.tui.table import Table


class FilterLine(Input):
    """Filters a table while it is typed: Enter keeps the filter, Esc drops it."""

    def __init__(self, table: Table) -> None:
        super().__init__(
            table.filter_text, placeholder=table.filter_words, classes="filter", compact=True
        )
        self._table = table

    def on_key(self, event: events.Key) -> None:
        """Leave by Enter or Esc; keep all other keys from the screen's registry."""
        if event.key == "escape":
            self._table.filter_by("")
        if event.key in ("escape", "enter", "down"):
            event.prevent_default()
            self._table.grid.focus()
            self.remove()
        event.stop()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter by what stands there now."""
        event.stop()
        self._table.filter_by(event.value)
