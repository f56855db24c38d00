"""What screens made of panes share: which pane has the keys, and the layout."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widgets import Static

from anontui.tui.actions import Action
from anontui.tui.catalog.places import PANES
from anontui.tui.fullscreen import FullScreen
from anontui.tui.widgets.bars import HeaderBar, TabBar

if TYPE_CHECKING:
    from anontui.tui.panes.pane import Pane

WIDE, HIGH = 104, 28
"""From this many columns and lines on, all panes fit."""
LEAST = (44, 12)
"""With fewer columns or lines nothing can be read."""


class PaneScreen(FullScreen):
    """Panes between a header and a key bar; ``current`` is the one that takes the keys.

    A subclass composes what it puts into ``panes``, in the order of their numbers.
    """

    AUTO_FOCUS = ""  # the screen itself says which pane has the focus
    place = ""
    """What the header says after the project folder."""

    def __init__(self, panes: tuple[Pane, ...], current: Pane, name: str) -> None:
        super().__init__(name)
        self.header: HeaderBar = HeaderBar()
        self.tabs: TabBar = TabBar()
        self.too_small: Static = Static(id="too-small")
        self.panes = panes
        self.current: Pane = current
        self.current.add_class("current")
        self._zoomed = False

    def on_mount(self) -> None:
        """Give the first pane the focus."""
        self.current.take_focus()

    @property
    def keys(self) -> str:
        """The group of the current pane."""
        return self.current.keys

    @property
    def scopes(self) -> frozenset[str]:
        """The groups of all its panes."""
        return super().scopes | {pane.id or "" for pane in self.panes}

    @property
    def table(self) -> Pane:
        """The current pane."""
        return self.current

    def groups(self) -> list[tuple[str, str]]:
        """The current pane's, those of everywhere, then the other panes'."""
        current = self.current
        others = [pane for pane in self.panes if pane is not current]
        return [
            (current.keys, f"{current.number} {current.label}"),
            ("", "Everywhere"),
            *((pane.id or "", f"{pane.number} {pane.label}") for pane in others),
        ]

    def not_here(self, action: Action) -> str:
        """Need: no action of a screen beside the panes, since that is not open."""
        return "" if action.pane in PANES else super().not_here(action)

    # -- layout --------------------------------------------------------------------------

    @property
    def zoomed(self) -> bool:
        """True if the current pane takes the whole screen by the user's wish."""
        return self._zoomed

    @zoomed.setter
    def zoomed(self, value: bool) -> None:
        self._zoomed = value
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        """Choose between all panes and one."""
        self._lay_out()

    def _lay_out(self) -> None:
        compact = self.size.width < WIDE or self.size.height < HIGH
        self.set_class(compact, "compact")
        self.set_class(compact or self._zoomed, "one-pane")
        self.set_class(self._zoomed, "zoomed")
        small = self.size.width < LEAST[0] or self.size.height < LEAST[1]
        was_small = self.has_class("too-small")
        self.set_class(small, "too-small")
        if was_small and not small:
            self.call_after_refresh(self.current.take_focus)  # what is hidden loses the focus
        if small:
            columns, lines = LEAST
            quits = self.anontui.registry.with_keys("{app.quit} quits.")
            self.too_small.update(
                Content(
                    f"{self.size.width} x {self.size.height} is too small: {columns} x {lines}"
                    f" at least. Make the window larger or the letters smaller. {quits}"
                )
            )

    def show_pane(self, pane: Pane | None) -> None:
        """Bring a pane to the front and give it the focus."""
        if pane is None:
            return
        self.current = pane
        for other in self.panes:
            other.set_class(other is pane, "current")
            if other.parent is not None:
                other.parent.set_class(pane in other.parent.children, "current")
        pane.take_focus()
        self.refresh_lines()

    def step_pane(self, step: int) -> None:
        """Go to the next pane, or the one before."""
        at = self.panes.index(self.current)
        self.show_pane(self.panes[(at + step) % len(self.panes)])

    def back(self) -> None:
        """Drop one thing: the range, else the marks, else the filter, else the zoom."""
        if self.current.drop_one():
            return
        if self.zoomed:
            self.zoomed = False
        else:
            self.leave()

    def leave(self) -> None:
        """There is nothing left to drop."""

    def on_descendant_focus(self) -> None:
        """Follow the focus where the mouse put it."""
        around = self.focused.ancestors_with_self if self.focused else ()
        pane = next((pane for pane in self.panes if pane in around), None)
        if pane is not None and pane is not self.current:
            self.show_pane(pane)

    def refresh_lines(self) -> None:
        """Draw the lines around the panes again."""
        super().refresh_lines()
        for line in (self.header, self.tabs):
            line.redraw()

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """The server told something new of these jobs; those in ``flash`` were known before."""

    # -- keys ----------------------------------------------------------------------------

    async def take_key(self, event: events.Key) -> bool:
        """Do what a key means: an edit comes first, then the registry, then the grid's moves."""
        grid = self.current.grid
        if self.has_class("too-small"):
            action = self.anontui.registry.for_key(event.key, "")
            if action is not None and action.id == "app.quit":
                self.anontui.run_action_named(action)
            return event.key != "ctrl+q"
        if self.focused is not grid or event.key == "ctrl+q":
            return False
        return grid.press(event.key, event.character) or await self.do_key(event.key, grid)
