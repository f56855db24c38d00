"""The dry run: what would be sent, what is there already, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.operations.creating import Plan, PlannedJob

LOOK_SECONDS = 1.0


def order(job: PlannedJob) -> tuple[int, int]:
    """Problems first, then what will be sent, then what was sent before."""
    if job.created_as is not None:
        return 3, job.row
    return (2 if not job.problems else 1 if job.is_ready else 0), job.row


class PlanRows:
    """Every row of the mapping with what creating would do to it.

    To be made in the background: it sorts and counts.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._jobs = sorted(plan.jobs, key=order)
        self.ready, self.created = len(plan.ready), len(plan.already_created)
        self.blocked = len(plan.jobs) - self.ready - self.created

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


CREATE, AGAIN = "create", "again"


class PlanScreen(Dialog[str]):
    """Shows the plan; ``c`` creates what is ready, unless it is to be looked at only.

    As soon as what it was made of has changed, it says so and only ``r`` goes on.

    Parameters
    ----------
    rows
        The plan.
    look
        Looks whether the plan still holds, and tells if it does not by calling what it is given.
    can_create
        Whether jobs may be created from it.
    """

    def __init__(
        self,
        rows: PlanRows,
        look: Callable[[Callable[[], None]], None],
        *,
        can_create: bool = True,
    ) -> None:
        self._ready = ready = rows.ready if can_create else 0
        create = f"c create {ready:,} job{'s'[: ready != 1]} · " if ready else ""
        super().__init__("Dry run: nothing has been sent yet", f"{create}esc back")
        self._rows, self._look_whether = rows, look
        self._is_outdated = False
        first = rows.verdict(0) if len(rows) else ""
        self._summary = Static(self._counts(), classes="question", markup=False)
        self._detail = Static(first, classes="detail", markup=False)
        self.add_class("wide")

    def _counts(self) -> str:
        rows = self._rows
        return (
            f"{rows.ready:,} to create on {rows.plan.server.name} · "
            f"{rows.created:,} already created · {rows.blocked:,} with problems"
        )

    def parts(self) -> list[Widget]:
        """Summary, problems of the whole, rows."""
        general = "\n".join(
            f"{'✖' if p.severity == 'error' else '⚠'} {p.message}. {p.advice}"
            for p in self._rows.plan.general
        )
        columns = (
            Column("row", "row", 5, right=True),
            Column("source", "source", None, min_width=16),
            Column("pseudonym", "pseudonym", 12),
            Column("verdict", "what happens", None, min_width=16),
        )
        parts: list[Widget] = [self._summary]
        if general:
            parts.append(Static(general, classes="problem", markup=False))
        return [*parts, Grid(columns, self._rows), self._detail]

    def on_mount(self) -> None:
        """Look now and then whether it still holds."""
        self.set_interval(LOOK_SECONDS, self.project_loaded)

    def project_loaded(self) -> None:
        """Look whether it still holds: the project's files may have been written."""
        if not self._is_outdated:
            self._look_whether(self._outdated)

    def _outdated(self) -> None:
        self._is_outdated = True
        self._summary.update("✖ Out of date: the mapping or the batch was changed. r looks again.")
        self._summary.set_classes("problem")
        self.box.border_subtitle = Content("r dry run again · esc back").markup

    def on_grid_cursor_moved(self, event: Grid.CursorMoved) -> None:
        """Tell in full what the row's cell may have cut."""
        self._detail.update(self._rows.verdict(event.row))

    def on_key(self, event: events.Key) -> None:
        """``c`` creates the jobs, ``r`` makes another plan."""
        self.project_loaded()
        if event.key == "r":
            event.stop()
            self.dismiss(AGAIN)
        elif event.key == "c" and self._ready and not self._is_outdated:
            event.stop()
            self.dismiss(CREATE)
