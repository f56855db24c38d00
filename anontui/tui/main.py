"""The main screen: four panes and three lines, and where a key goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from anontui.tui.panes.batch import BatchPane
from anontui.tui.panes.files import FilesPane
from anontui.tui.panes.mapping import MappingPane
from anontui.tui.panes.servers import ServersPane
from anontui.tui.widgets.bars import ActivityStrip, HeaderBar, KeyBar, TabBar

if TYPE_CHECKING:
    from anontui.tui.panes.pane import Pane

WIDE, HIGH = 104, 28
"""From this many columns and lines on, all four panes fit."""
LEAST = (44, 12)
"""With fewer columns or lines nothing can be read."""


class MainScreen(Screen[None]):
    """Four panes side by side, or one at a time where there is no room or one is zoomed."""

    AUTO_FOCUS = None  # the session says which pane has the focus

    def __init__(self) -> None:
        super().__init__(id="main")
        self.header: HeaderBar = HeaderBar()
        self.tabs: TabBar = TabBar()
        self.servers: ServersPane = ServersPane()
        self.files: FilesPane = FilesPane()
        self.mapping: MappingPane = MappingPane()
        self.jobs: BatchPane = BatchPane()
        self.strip: ActivityStrip = ActivityStrip()
        self.keybar: KeyBar = KeyBar()
        self.too_small: Static = Static(id="too-small")
        self.panes: tuple[Pane, ...] = (self.servers, self.files, self.mapping, self.jobs)
        self.current: Pane = self.mapping
        self.mapping.add_class("current")
        self._zoomed = False

    def compose(self) -> ComposeResult:
        """Header, tabs, panes, strip, keys."""
        yield self.too_small
        yield self.header
        yield self.tabs
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield self.servers
                yield self.files
            with Vertical(id="right", classes="current"):
                yield self.mapping
                yield self.jobs
        yield self.strip
        yield self.keybar

    def on_mount(self) -> None:
        """Give the first pane the focus."""
        self.current.grid.focus(scroll_visible=False)

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
        """Choose between four panes and one."""
        self._lay_out()

    def _lay_out(self) -> None:
        compact = self.size.width < WIDE or self.size.height < HIGH
        self.set_class(compact or self._zoomed, "one-pane")
        small = self.size.width < LEAST[0] or self.size.height < LEAST[1]
        was_small = self.has_class("too-small")
        self.set_class(small, "too-small")
        if was_small and not small:
            self.call_after_refresh(self.current.grid.focus)  # what is hidden loses the focus
        if small:
            columns, lines = LEAST
            self.too_small.update(
                Content(
                    f"{self.size.width} x {self.size.height} is too small: {columns} x {lines}"
                    " at least. Make the window larger or the letters smaller. q quits."
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
        pane.grid.focus(scroll_visible=False)
        self.refresh_lines()

    def step_pane(self, step: int) -> None:
        """Go to the next pane, or the one before."""
        at = self.panes.index(self.current)
        self.show_pane(self.panes[(at + step) % len(self.panes)])

    def back(self) -> None:
        """Drop one thing: the range, else the marks, else the filter, else the zoom."""
        pane = self.current
        if pane.grid.has_range:
            pane.grid.drop_range()
        elif pane.grid.marks:
            pane.grid.clear_marks()
        elif pane.filter_text:
            pane.filter_by("")
        else:
            self.zoomed = False

    def on_descendant_focus(self) -> None:
        """Follow the focus where the mouse put it."""
        around = self.focused.ancestors_with_self if self.focused else ()
        pane = next((pane for pane in self.panes if pane in around), None)
        if pane is not None and pane is not self.current:
            self.show_pane(pane)

    def refresh_lines(self) -> None:
        """Draw the lines around the panes again."""
        for line in (self.header, self.tabs, self.strip, self.keybar):
            line.refresh()

    # -- keys ----------------------------------------------------------------------------

    async def take_key(self, event: events.Key) -> bool:
        """Do what a key means here, before the next one is looked at.

        Textual queues keys for the widget that has the focus; of keys typed fast, or sent
        in one piece over a slow line, a later one would then overtake an edit or a change
        of focus. An edit comes first, then the registry, then the grid's own movements.

        Returns
        -------
        bool
            False if the key means nothing here.
        """
        grid = self.current.grid
        if self.has_class("too-small"):
            action = self.header.anontui.registry.for_key(event.key, "")
            if action is not None and action.id == "app.quit":
                self.header.anontui.run_action_named(action)
            return event.key != "ctrl+q"
        if self.focused is not grid or event.key == "ctrl+q":
            return False
        if grid.press(event.key, event.character):
            return True
        app = self.header.anontui
        action = app.registry.for_key(event.key, self.current.id or "")
        if action is not None:
            app.run_action_named(action)
            return True
        bindings = grid._bindings.key_to_bindings.get(event.key, ())
        return any([await app.run_action(binding.action, grid) for binding in bindings])
