"""The dry run: what would be sent, what is there already, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.operations.creating import Plan, PlannedJob


def order(job: PlannedJob) -> tuple[int, int]:
    """Problems first, then what will be sent, then what was sent before."""
    if job.created_as is not None:
        return 3, job.row
    return (2 if not job.problems else 1 if job.is_ready else 0), job.row


class PlanRows:
    """Every row of the mapping with what creating would do to it."""

    def __init__(self, plan: Plan) -> None:
        self._jobs = sorted(plan.jobs, key=order)

    def __len__(self) -> int:
        return len(self._jobs)

    def key(self, index: int) -> int:
        """The mapping's row."""
        return self._jobs[index].row

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Row number, source, pseudonym, verdict."""
        job = self._jobs[index]
        return [Cell(str(job.row + 1), "dim"), job.source, job.pseudonym, self._verdict(job)]

    def verdict(self, index: int) -> str:
        """What would happen to a row, in full."""
        return self._verdict(self._jobs[index]).text

    def _verdict(self, job: PlannedJob) -> Cell:
        if job.created_as is not None:
            return Cell(f"already created as job {job.created_as}", "dim")
        words = "; ".join(
            f"{p.message}. {p.advice}" if p.advice else p.message for p in job.problems
        )
        if not job.is_ready:
            return Cell(f"✖ {words}", "bad")
        return Cell(f"⚠ {words}", "warn") if words else Cell("✔ ready", "good")


class PlanScreen(Dialog[bool]):
    """Shows the plan; ``c`` creates what is ready, unless it is to be looked at only."""

    def __init__(self, plan: Plan, *, can_create: bool = True) -> None:
        self._ready = ready = len(plan.ready) if can_create else 0
        create = f"c create {ready} job{'s'[: ready != 1]} · " if ready else ""
        super().__init__("Dry run: nothing has been sent yet", f"{create}esc back")
        self._plan = plan
        self._rows = PlanRows(plan)
        first = self._rows.verdict(0) if plan.jobs else ""
        self._detail = Static(first, classes="detail", markup=False)
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """Summary, problems of the whole, rows."""
        plan = self._plan
        blocked = len(plan.jobs) - len(plan.ready) - len(plan.already_created)
        summary = (
            f"{len(plan.ready)} to create on {plan.server.name} · "
            f"{len(plan.already_created)} already created · {blocked} with problems"
        )
        general = "\n".join(
            f"{'✖' if p.severity == 'error' else '⚠'} {p.message}. {p.advice}" for p in plan.general
        )
        columns = (
            Column("row", "row", 5, right=True),
            Column("source", "source", None, min_width=16),
            Column("pseudonym", "pseudonym", 12),
            Column("verdict", "what happens", None, min_width=16),
        )
        parts: list[Widget] = [Static(summary, classes="question", markup=False)]
        if general:
            parts.append(Static(general, classes="problem", markup=False))
        return [*parts, Grid(columns, self._rows), self._detail]

    def on_grid_cursor_moved(self, event: Grid.CursorMoved) -> None:
        """Tell in full what the row's cell may have cut."""
        self._detail.update(self._rows.verdict(event.row))

    def on_key(self, event: events.Key) -> None:
        """``c`` creates the jobs."""
        if event.key == "c" and self._ready:
            event.stop()
            self.dismiss(True)
