"""What all panes share: a frame with a title, a grid, a filter line."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region

from anontui.tui.table import Table


class Pane(Table, Vertical):
    """A part of a screen, with a number that brings the keys to it."""

    number: ClassVar[int]
    empty: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.id = self.label.lower()
        self.add_class("pane")
        self._titled = ""
        self._is_titling = False

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
        content = Content.assemble((f"{self.number} ", "bold $accent"), (self.label, "bold"))
        for part in [*self.title(), *self.counted()]:
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

    def lines_changed(self) -> None:
        """Write the title and the keys again."""
        self.show_title()
        self.anontui.front.keybar.redraw()

    def ask_filter(self) -> None:
        """Let the user type a filter."""
        from anontui.tui.widgets.filterline import FilterLine

        line = FilterLine(self)
        self.mount(line)
        line.focus()

    # -- for the subclasses --------------------------------------------------------------

    def project_loaded(self) -> None:
        """The project's files were read, or read again."""

    def hint(self) -> str:
        """What stands where there are no rows: ``empty``, with the keys as they are now."""
        return self.anontui.registry.with_keys(self.empty)

    def remember(self) -> dict[str, Any]:
        """What to keep for the next start."""
        return {
            "filter": self.filter_text,
            "row": self.grid.cursor_row,
            "columns": self.grid.arrangement.plain(),
        }

    def recall(self, state: dict[str, Any]) -> None:
        """Bring back what :meth:`remember` gave."""
        self.set_layout(self.grid.arrangement.recalled(state.get("columns")))
        if isinstance(state.get("filter"), str) and state["filter"]:
            self.filter_by(state["filter"])
        if isinstance(state.get("row"), int):
            self.grid.move_cursor(row=state["row"])
