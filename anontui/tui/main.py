"""The main screen: four panes and three lines."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from anontui.tui.front import PaneScreen
from anontui.tui.panes.batch import BatchPane
from anontui.tui.panes.files import FilesPane
from anontui.tui.panes.mapping import MappingPane
from anontui.tui.panes.servers import ServersPane

READING = "Reading the project…"


class MainScreen(PaneScreen):
    """Four panes side by side, or one at a time where there is no room or one is zoomed."""

    def __init__(self) -> None:
        self.servers: ServersPane = ServersPane()
        self.files: FilesPane = FilesPane()
        self.mapping: MappingPane = MappingPane()
        self.jobs: BatchPane = BatchPane()
        panes = (self.servers, self.files, self.mapping, self.jobs)
        for pane in panes:
            pane.grid.empty = READING
        super().__init__(panes, self.mapping, "main")

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

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """The batch shows them."""
        self.jobs.jobs_changed(ids, flash)
