"""Where a pane's filter is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from textual import events
from textual.widgets import Input

if TYPE_CHECKING:
    from anontui.tui.widgets.grid import Grid


class Filtered(Protocol):
    """What has a table and shows only the rows that match."""

    grid: Grid
    filter_text: str

    def filter_by(self, text: str) -> None:
        """Show only the rows that match."""


class FilterLine(Input):
    """Filters a pane while it is typed: Enter keeps the filter, Esc drops it."""

    def __init__(self, pane: Filtered) -> None:
        super().__init__(pane.filter_text, placeholder="filter", classes="filter", compact=True)
        self._pane = pane

    def on_key(self, event: events.Key) -> None:
        """Leave by Enter or Esc; keep all other keys from the screen's registry."""
        if event.key == "escape":
            self._pane.filter_by("")
        if event.key in ("escape", "enter", "down"):
            event.prevent_default()
            self._pane.grid.focus()
            self.remove()
        event.stop()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter by what stands there now."""
        event.stop()
        self._pane.filter_by(event.value)
