"""Pane 4: the jobs of the batch, live."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from anontui.idis.advice import OPT_OUT, RESET
from anontui.idis.model import Job, JobStatus
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.bars import bar
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.settings import Server

SIGNS: dict[JobStatus, tuple[str, str]] = {
    JobStatus.ACTIVE: ("◌", "dim"),
    JobStatus.UPLOADED: ("◐", "busy"),
    JobStatus.DONE: ("✔", "good"),
    JobStatus.ERROR: ("✖", "bad"),
    JobStatus.INACTIVE: ("⊘", "dim"),
}


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


def cells_of(job: Job) -> Sequence[str | Cell]:
    """Id, status, counts, pseudonym, date, what."""
    sign, tone = SIGNS[job.status]
    return [
        str(job.job_id),
        Cell(f"{sign} {job.status}", tone),
        "" if job.files_downloaded is None else str(job.files_downloaded),
        "" if job.files_processed is None else str(job.files_processed),
        job.source_anonymizedpatientid or job.source_anonymizedpatientname or "",
        Cell((job.date or "")[5:16].replace("T", " "), "dim"),
        what(job),
    ]


class JobRows:
    """The batch's jobs as rows; a job the server has not told of yet shows its id alone."""

    def __init__(self, ids: Sequence[int], jobs: Mapping[int, Job]) -> None:
        self._ids, self._jobs = ids, jobs

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, index: int) -> int:
        """The job id."""
        return self._ids[index]

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Id, status, counts, pseudonym, date, what."""
        job_id = self.key(index)
        job = self._jobs.get(job_id)
        if job is None:
            return [str(job_id), Cell("…", "dim"), "", "", "", "", ""]
        return cells_of(job)


class BatchPane(Pane):
    """The jobs of this project, their state and what can be done about it."""

    label = "Batch"
    number = 4
    columns = (
        Column("id", "id", 6, right=True),
        Column("status", "status", 10, min_width=10),
        Column("down", "down", 5, right=True),
        Column("proc", "proc", 5, right=True),
        Column("pseudonym", "pseudonym", 12),
        Column("date", "date", 11, min_width=5),
        Column("what", "what", None, min_width=16),
    )
    empty = (
        "No jobs yet.\n\nCreate them from the mapping: {app.pane-3}, then {create.from-mapping}."
    )

    def project_loaded(self) -> None:
        """Show the batch's ids; their state comes with the first look at the server."""
        error = self.anontui.model.batch_error
        self.grid.empty = f"✖ {error.sentence()}" if error else self.hint()
        self.set_rows()

    def rows(self) -> JobRows:
        """All jobs of the batch."""
        return JobRows(self.anontui.model.job_ids(), self.anontui.model.jobs)

    def still(self) -> JobRows:
        """All jobs as they are now."""
        return JobRows(self.anontui.model.job_ids(), dict(self.anontui.model.jobs))

    def title(self) -> list[str | tuple[str, str]]:
        """How many jobs, how far, how many errors.

        Beside marks or a filter there is room for the first alone; the header has the rest.
        """
        model = self.anontui.model
        total = len(model.job_ids())
        if not total:
            return []
        parts: list[str | tuple[str, str]] = [f"{total} job{'s'[: total != 1]}"]
        if self.grid.marks or self.filter_text:
            return parts
        counts = model.counts()
        done, errors = counts[JobStatus.DONE], counts[JobStatus.ERROR]
        parts.append((f"{bar(done, total, 12)} {100 * done // total} %", "$success"))
        if errors:
            parts.append((f"✖ {errors} error{'s'[: errors != 1]}", "$error"))
        return parts

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """The server told something new of these jobs; those in ``flash`` were known before."""
        if self.filter_text or self.grid.arrangement.sort:
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
        if job is None:
            return

        def answered(action: str | None) -> None:
            if action:
                acts[action]([job.job_id])

        acts = {RESET: self.reset, OPT_OUT: self.ignore_opt_out}
        self.app.push_screen(JobScreen(job, can_act=not self.anontui.readonly), answered)

    def activated(self) -> None:
        """A double click opens the job."""
        self.open_job()

    def with_status(self, *statuses: JobStatus) -> list[int]:
        """Ids of the batch's jobs that are in one of these states."""
        model = self.anontui.model
        return [i for i in model.job_ids() if i in model.jobs and model.jobs[i].status in statuses]

    def server(self) -> Server:
        """The server of the batch's jobs; raises SettingsError if it is none of the user's."""
        from anontui.operations.batches import server_of

        workspace, batch = self.anontui.model.workspace, self.anontui.model.batch
        assert workspace is not None  # noqa: S101 - jobs come from one
        assert batch is not None  # noqa: S101 - jobs come from one
        return server_of(workspace, batch)

    def reset(self, ids: Sequence[int]) -> None:
        """Have the server process these jobs again."""
        self._change("reset", ids)

    def cancel(self, ids: Sequence[int]) -> None:
        """Have the server stop these jobs."""
        self._change("cancel", ids)

    def ignore_opt_out(self, ids: Sequence[int]) -> None:
        """Have the server use the data of patients who opted out, for a reason."""
        self._change("ignore_opt_out", ids)

    def _change(self, operation: str, ids: Sequence[int]) -> None:
        from anontui.tui.acts import common, jobs

        change = getattr(jobs, operation)
        common.told(
            self.anontui,
            lambda: change(self.anontui, self.server(), ids, self.grid.clear_marks),
        )
