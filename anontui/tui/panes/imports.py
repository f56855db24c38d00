"""The jobs that fetch studies from archives, live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from anontui.idis.model import Job, JobStatus
from anontui.tui.panes.batch import SIGNS, what
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.bars import bar
from anontui.tui.widgets.columns import Cell, Column

if TYPE_CHECKING:
    from anontui.idis.archives import FoundAnswer
    from anontui.tui.screens.pacs import PacsScreen

ACCESSION = "accession_number:"
NONE = "No study was imported yet.\n\nMark studies, then {pacs.import-studies} imports them."


class ImportRows:
    """Jobs, with what the search told of their studies."""

    def __init__(self, jobs: Sequence[Job], studies: dict[str, FoundAnswer]) -> None:
        self._jobs, self._studies = jobs, studies

    def __len__(self) -> int:
        return len(self._jobs)

    def key(self, index: int) -> int:
        """The job id."""
        return self._jobs[index].job_id

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Id, status, pseudonym, series, instances fetched and done, what goes on."""
        job = self._jobs[index]
        study = self._studies.get(source_of(job))
        sign, tone = SIGNS[job.status]
        total = study.instances if study and study.instances else 0
        series = study.series_count if study else None
        down = job.files_downloaded or 0
        return [
            str(job.job_id),
            Cell(f"{sign} {job.status}", tone),
            job.source_anonymizedpatientid or job.source_anonymizedpatientname or "",
            "" if series is None else str(series),
            f"{down:,}/{total:,}" if total else f"{down:,}",
            f"{job.files_processed or 0:,}",
            self._progress(job, down, total),
        ]

    def _progress(self, job: Job, down: int, total: int) -> Cell:
        if job.status is JobStatus.ACTIVE and down and total:
            return _bar(down, total)
        if job.status is JobStatus.UPLOADED:
            return _bar(job.files_processed or 0, down)
        return Cell("", "") if job.status is JobStatus.DONE and not job.error_text else what(job)


def _bar(done: int, total: int) -> Cell:
    percent = 100 * min(done, total) // total if total else 0
    return Cell(f"{bar(done, total, 5)} {percent:3} %", "busy")


def source_of(job: Job) -> str:
    """What a job fetches: a StudyInstanceUID, or an accession number."""
    return (job.source_instance_id or "").removeprefix(ACCESSION)


class ImportsPane(Pane):
    """The batch's jobs whose data comes from archives, the newest first."""

    label = "Imports"
    number = 3
    columns = (
        Column("id", "id", 5, right=True),
        Column("status", "status", 10),
        Column("pseudonym", "pseudonym", 10, min_width=8),
        Column("series", "ser", 4, min_width=3, right=True),
        Column("fetched", "fetched", 11, min_width=7, right=True),
        Column("done", "done", 5, right=True),
        Column("what", "", None, min_width=10),
    )
    empty = NONE

    @property
    def _pacs(self) -> PacsScreen:
        from anontui.tui.screens.pacs import PacsScreen

        assert isinstance(self.screen, PacsScreen)  # noqa: S101 - tells the type checker
        return self.screen

    def jobs(self) -> list[Job]:
        """The jobs, the newest first."""
        model = self.anontui.model
        known = (model.jobs.get(job_id) for job_id in reversed(model.job_ids()))
        return [job for job in known if job is not None and job.source_type == "WADO"]

    def final(self) -> frozenset[int]:
        """Those that have come to their end."""
        return frozenset(job.job_id for job in self.jobs() if job.status.is_final)

    def by_source(self) -> dict[str, Job]:
        """The newest job of each study, by its UID or accession number."""
        return {source_of(job): job for job in reversed(self.jobs())}

    def rows(self) -> ImportRows:
        """All of them."""
        studies = self._pacs.studies.studies
        known = {one.accession: one for one in studies} | {one.study: one for one in studies}
        return ImportRows(self.jobs(), known)

    def title(self) -> list[str | tuple[str, str]]:
        """How many, how far, how many errors."""
        jobs = self.jobs() if self.is_attached else []
        if not jobs:
            return []
        done = sum(job.status is JobStatus.DONE for job in jobs)
        errors = sum(job.status is JobStatus.ERROR for job in jobs)
        parts: list[str | tuple[str, str]] = [
            f"{len(jobs)} job{'s'[: len(jobs) != 1]}",
            (f"{bar(done, len(jobs), 12)} {100 * done // len(jobs)} %", "$success"),
        ]
        if errors:
            parts.append((f"✖ {errors} error{'s'[: errors != 1]}", "$error"))
        return parts

    def jobs_changed(self, ids: Collection[int], flash: Collection[int]) -> None:
        """The server told something new of these jobs."""
        if len(self.jobs()) == self.grid.row_count or self.filter_text:
            self.grid.flash(flash)
            self.grid.refresh_rows(ids)
        self.show_rows()

    def show_rows(self) -> None:
        """Show the jobs there are."""
        self.grid.empty = self.hint()
        self.set_rows()

    def open_job(self) -> None:
        """Show everything known of the job under the cursor."""
        from anontui.tui.screens.job import JobScreen

        job = self.anontui.model.jobs.get(self.key)
        if job is not None:
            self.app.push_screen(JobScreen(job, can_act=False))

    def activated(self) -> None:
        """A double click opens the job."""
        self.open_job()

    def none_chosen(self) -> str:
        """Need: a job under the cursor or marked."""
        return "" if self.chosen() else "no study was imported yet"
