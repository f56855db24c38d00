"""Archives: look for studies, add them to the mapping, import them, and see them come."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from anontui.tui.front import PaneScreen
from anontui.tui.panes.archives import ArchivesPane
from anontui.tui.panes.imports import ImportsPane
from anontui.tui.panes.studies import StudiesPane

if TYPE_CHECKING:
    from anontui.errors import AnonTUIError
    from anontui.idis.archives import Found
    from anontui.operations.archives import Search
    from anontui.tui.worker import Task

RECEIVER_SECONDS = 5.0
"""How often to look what the receiver has got, while the screen is in front."""


class PacsScreen(PaneScreen):
    """Archives and imports above, the search and what it found below; in small one at a time."""

    place = "PACS"

    def __init__(self) -> None:
        self.archives: ArchivesPane = ArchivesPane()
        self.studies: StudiesPane = StudiesPane()
        self.imports: ImportsPane = ImportsPane()
        super().__init__((self.archives, self.studies, self.imports), self.studies, "pacs")
        self._counted: frozenset[int] = frozenset()
        """The jobs that had come to their end when the archive was asked."""

    def compose(self) -> ComposeResult:
        """Header, tabs, panes, strip, keys."""
        yield self.too_small
        yield self.header
        yield self.tabs
        with Vertical(id="panes"):
            with Horizontal(id="top"):
                yield self.archives
                yield self.imports
            with Vertical(id="bottom", classes="current"):
                yield self.studies
        yield self.strip
        yield self.keybar

    def on_mount(self) -> None:
        """Look at the receiver now and then."""
        self.set_interval(RECEIVER_SECONDS, self._look)

    def on_screen_resume(self) -> None:
        """Ask the server, which may be another one now, and show how the jobs are."""
        super().on_screen_resume()
        if self.archives.server_changed():
            self.studies.forget()
        self.archives.ask()
        self.imports.show_rows()
        self.studies.refresh_rows()
        self._count_imported()

    def _look(self) -> None:
        if self.app.screen is self:
            self.archives.ask_receiver()

    # -- searching -----------------------------------------------------------------------

    def ask(
        self,
        wanted: Search,
        node: str,
        done: Callable[[Found], None],
        failed: Callable[[AnonTUIError], None],
        dropped: Callable[[], None],
        label: str | None = None,
    ) -> Task:
        """Look for something in an archive, in the background; it can be abandoned at once."""
        workspace, server = self.anontui.model.workspace, self.archives.server
        assert workspace is not None  # noqa: S101 - its server told of the archive
        settings = workspace.settings

        def work() -> Any:
            from anontui.operations.archives import LONG, search
            from anontui.operations.calls import abandonable
            from anontui.operations.servers import connect

            with connect(settings, server, timeout=LONG) as client:
                yield from abandonable(search(client, node, wanted))

        label = f"Searching {node}" if label is None else label
        return self.anontui.start(f"search {node}", work, done, failed, label, dropped)

    def ask_series(self, study: str, node: str, done: Callable[[Found], None]) -> None:
        """Ask for the series of a study."""
        from anontui.operations.archives import Search

        wanted = Search(level="SERIES", study=study)
        self.ask(wanted, node, done, self.anontui.fail, lambda: None)

    def searched(self) -> None:
        """A search has come to its end: let the user choose from what it found."""
        if self.studies.studies and self.studies.form.in_use:
            self.studies.leave_form()
        self.imports.show_rows()
        self._counted = self.imports.final()

    def search_here(self) -> None:
        """Go from the archives to the form."""
        self.show_pane(self.studies)
        self.studies.form.take_focus()

    async def take_key(self, event: events.Key) -> bool:
        """The form takes its keys at once, too."""
        form = self.studies.form
        if not form.in_use or event.key == "ctrl+q":
            return await super().take_key(event)
        return await form.press(event)

    # -- the rest ------------------------------------------------------------------------

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """Show it; when the last job has come to its end, ask what is imported now."""
        self.imports.jobs_changed(ids, flash)
        self.studies.refresh_rows()
        self._count_imported()

    def _count_imported(self) -> None:
        """Once nothing is at work any more, ask anew how much of the studies is imported."""
        final = self.imports.final()
        if final != self._counted and len(final) == len(self.imports.jobs()):
            self._counted = final
            self.studies.ask_imported()

    def back(self) -> None:
        """Cancel the search, leave the form, drop marks, filter and zoom, or leave."""
        if self.studies.cancel():
            return
        if self.studies.form.in_use:
            self.studies.leave_form()
        else:
            super().back()

    def leave(self) -> None:
        """Back to the panes; what was found stays until the app ends."""
        self.app.pop_screen()
