"""Jobs of a server, whether they are in the batch or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget

from anontui.tui.panes.batch import BatchPane, cells_of
from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Grid

if TYPE_CHECKING:
    from anontui.idis.model import Job
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI


class _Rows:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def key(self, index: int) -> int:
        """The job id."""
        return self._jobs[index].job_id

    def cells(self, index: int) -> Sequence[str | Cell]:
        """As in the batch."""
        return cells_of(self._jobs[index])


class JobsScreen(Dialog[None]):
    """Shows jobs; with the same keys as in the batch they are looked at and changed."""

    HINTS = "space mark · i info · a add · r reset · c cancel · o opt-out · esc"

    def __init__(self, app: AnonTUI, server: Server, jobs: Sequence[Job], title: str) -> None:
        super().__init__(title, self.HINTS)
        self._anontui, self._server = app, server
        self._jobs = {job.job_id: job for job in jobs}
        self._grid = Grid(BatchPane.columns, _Rows(jobs), empty="There are no such jobs.")
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The jobs."""
        return [self._grid]

    def _chosen(self) -> list[int]:
        marks = self._grid.marks
        if marks:
            return [job_id for job_id in self._jobs if job_id in marks]
        key = self._grid.cursor_key
        return [key] if isinstance(key, int) else []

    def on_grid_activated(self) -> None:
        """Enter, or a double click, opens the job."""
        self._info()

    def on_key(self, event: events.Key) -> None:
        """Do what a key means here."""
        acts: dict[str, Callable[[], None]] = {
            "space": self._mark,
            "i": self._info,
            "a": self._add,
            "r": lambda: self._change("reset"),
            "c": lambda: self._change("cancel"),
            "o": lambda: self._change("ignore_opt_out"),
        }
        if event.key in acts:
            event.stop()
            if self._chosen():
                acts[event.key]()

    def _mark(self) -> None:
        self._grid.toggle_mark()
        self._grid.move_cursor(row=self._grid.cursor_row + 1)

    def _info(self) -> None:
        from anontui.tui.screens.job import JobScreen

        key = self._grid.cursor_key
        if isinstance(key, int):
            self.app.push_screen(JobScreen(self._jobs[key], can_act=False))

    def _add(self) -> None:
        from anontui.tui.acts.batch import add_ids

        if self._may_change():
            add_ids(self._anontui, self._chosen(), self._server)

    def _change(self, operation: str) -> None:
        from anontui.tui.acts import jobs

        if self._may_change():
            getattr(jobs, operation)(self._anontui, self._server, self._chosen(), self._done)

    def _may_change(self) -> bool:
        if self._anontui.readonly:
            self._anontui.say("Not now, the app was started read-only", "$warning")
        return not self._anontui.readonly

    def _done(self) -> None:
        """What is shown here is old now."""
        if self.is_current:
            self.dismiss(None)
