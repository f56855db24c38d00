"""Pane 4: the jobs of the batch, live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from anontui.idis.model import Job, JobStatus
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.bars import bar
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.operations.jobs import ActionResult
    from anontui.tui.model import Model

SIGNS: dict[JobStatus, tuple[str, str]] = {
    JobStatus.ACTIVE: ("◌", "dim"),
    JobStatus.UPLOADED: ("◐", "busy"),
    JobStatus.DONE: ("✔", "good"),
    JobStatus.ERROR: ("✖", "bad"),
    JobStatus.INACTIVE: ("⊘", "dim"),
}
MANY = 10
"""From this many jobs on, an action asks for a typed word."""


def what(job: Job) -> Cell:
    """What a user should know of a job at a glance."""
    down, done = job.files_downloaded or 0, job.files_processed or 0
    if job.status is JobStatus.ERROR:
        return Cell(job.error_text, "bad")
    if job.status is JobStatus.INACTIVE:
        return Cell("cancelled", "dim")
    if job.status is JobStatus.ACTIVE:
        return Cell("collecting" if down else "waiting", "dim")
    if job.status is JobStatus.UPLOADED:
        return Cell(f"{bar(done, down, 10)} {100 * done // down if down else 0:3} %", "busy")
    if job.error_text:
        return Cell(job.error_text, "warn")
    return Cell(job.description or "", "dim")


class JobRows:
    """The batch's jobs as rows; a job the server has not told of yet shows its id alone."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __len__(self) -> int:
        return len(self._model.job_ids())

    def key(self, index: int) -> int:
        """The job id."""
        return self._model.job_ids()[index]

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Id, status, counts, pseudonym, date, what."""
        job_id = self.key(index)
        job = self._model.jobs.get(job_id)
        if job is None:
            return [str(job_id), Cell("…", "dim"), "", "", "", "", ""]
        sign, tone = SIGNS[job.status]
        return [
            str(job_id),
            Cell(f"{sign} {job.status}", tone),
            "" if job.files_downloaded is None else str(job.files_downloaded),
            "" if job.files_processed is None else str(job.files_processed),
            job.source_anonymizedpatientid or job.source_anonymizedpatientname or "",
            Cell((job.date or "")[5:16].replace("T", " "), "dim"),
            what(job),
        ]


class BatchPane(Pane):
    """The jobs of this project, their state and what can be done about it."""

    label = "Batch"
    number = 4
    columns = (
        Column("id", "id", 6, right=True),
        Column("status", "status", 10),
        Column("down", "down", 5, right=True),
        Column("proc", "proc", 5, right=True),
        Column("pseudonym", "pseudonym", 12),
        Column("date", "date", 11),
        Column("what", "what", None, min_width=16),
    )
    empty = "No jobs yet.\n\nCreate them from the mapping: 3, then c."

    def project_loaded(self) -> None:
        """Show the batch's ids; their state comes with the first look at the server."""
        error = self.anontui.model.batch_error
        self.grid.empty = error.sentence() if error else self.empty
        self.grid.set_rows(self.rows())
        self.apply_filter()
        self.show_title()

    def rows(self) -> JobRows:
        """All jobs of the batch."""
        return JobRows(self.anontui.model)

    def title(self) -> list[str | tuple[str, str]]:
        """How many jobs, how far, how many errors."""
        model = self.anontui.model
        total = len(model.job_ids())
        if not total:
            return []
        counts = model.counts()
        done, errors = counts[JobStatus.DONE], counts[JobStatus.ERROR]
        parts: list[str | tuple[str, str]] = [
            f"{total} job{'s'[: total != 1]}",
            (f"{bar(done, total, 12)} {100 * done // total} %", "$success"),
        ]
        if errors:
            parts.append((f"✖ {errors} error{'s'[: errors != 1]}", "$error"))
        return parts

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """The server told something new of these jobs; those in ``flash`` were known before."""
        if self.filter_text:
            self.apply_filter()
        self.grid.flash(flash)
        self.grid.refresh_rows(ids)
        self.show_title()

    # -- actions -------------------------------------------------------------------------

    def none_chosen(self) -> str:
        """Need: a job under the cursor or marked."""
        return "" if self.chosen() else "the batch has no jobs yet"

    def open_job(self) -> None:
        """Show everything known of the job under the cursor."""
        from anontui.tui.screens.job import JobScreen

        job = self.anontui.model.jobs.get(self.key)
        if job is not None:
            self.app.push_screen(JobScreen(job))

    def activated(self) -> None:
        """A double click opens the job."""
        self.open_job()

    def with_status(self, *statuses: JobStatus) -> list[int]:
        """Ids of the batch's jobs that are in one of these states."""
        model = self.anontui.model
        return [i for i in model.job_ids() if i in model.jobs and model.jobs[i].status in statuses]

    def reset(self, ids: Sequence[int]) -> None:
        """Have the server process these jobs again."""
        self._act("reset", "Reset", ids, "Their output is made again.")

    def cancel(self, ids: Sequence[int]) -> None:
        """Have the server stop these jobs."""
        self._act("cancel", "Cancel", ids, "They stop where they are; reset starts them anew.")

    def _act(self, operation: str, verb: str, ids: Sequence[int], meaning: str) -> None:
        from anontui.tui.screens.confirm import ConfirmScreen

        app = self.anontui
        jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"

        def work() -> Any:
            from anontui.operations import batches
            from anontui.operations import jobs as operations
            from anontui.operations.servers import connect

            workspace, batch = app.model.workspace, app.model.batch
            assert workspace is not None  # noqa: S101 - jobs come from one
            assert batch is not None  # noqa: S101 - jobs come from one
            with connect(workspace.settings, batches.server_of(workspace, batch)) as client:
                yield from getattr(operations, operation)(client, ids)

        def done(result: ActionResult) -> None:
            self.grid.clear_marks()
            failed = "; ".join(f"job {i}: {why}" for i, why in result.failed.items())
            if failed:
                app.notify(failed, title=f"{verb} failed", severity="error", markup=False)
            app.say(f"{verb}: {len(result.done)} done, {len(result.failed)} failed")
            app.polling.restart()

        def answered(yes: bool | None) -> None:
            if yes:
                app.start("jobs", work, done, label=f"{verb} {jobs}")

        app.push_screen(
            ConfirmScreen(
                f"{verb} {jobs} on {app.model.batch_server()}?",
                meaning,
                verb,
                word=operation if len(ids) >= MANY else "",
            ),
            answered,
        )
