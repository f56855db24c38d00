"""A batch as a spreadsheet, for whoever keeps account of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.idis.advice import advice_for
from anontui.operations import tables
from anontui.operations.jobs import NOT_FOUND

if TYPE_CHECKING:
    from anontui.idis.model import Job

_NAMES = (
    "job",
    "status",
    "created",
    "user",
    "project",
    "pseudo_id",
    "pseudo_name",
    "downloaded",
    "processed",
    "source",
    "destination",
    "description",
    "error",
    "advice",
)


def export(path: Path, ids: Iterable[int], jobs: Mapping[int, Job], *, replace: bool) -> int:
    """Write jobs into an ``.xlsx`` file, a row each; returns how many.

    Parameters
    ----------
    path
        Where to.
    ids, jobs
        The rows in their order, and what is known of them.
    replace
        False refuses to write over a file.

    Raises
    ------
    UsageError
        If the file's name does not end in ``.xlsx``, or it exists and is not to be replaced.
    ProjectError
        If it cannot be written.
    """
    if path.suffix.lower() != ".xlsx":
        raise UsageError(
            f"{path.name} is not the name of a spreadsheet", advice="Let it end in .xlsx."
        )
    if path.exists() and not replace:
        raise UsageError(f"{path.name} exists already", advice="Choose another name.")
    rows = [_row(job_id, jobs.get(job_id)) for job_id in ids]
    return tables.write(path, _NAMES, rows, "jobs")


def _row(job_id: int, job: Job | None) -> list[str | int | None]:
    if job is None:
        return [job_id, NOT_FOUND, *[None] * (len(_NAMES) - 2)]
    advice = advice_for(job, now=datetime.now())
    return [
        job_id,
        str(job.status),
        job.date,
        job.user_name,
        job.project_name,
        job.source_anonymizedpatientid,
        job.source_anonymizedpatientname,
        job.files_downloaded,
        job.files_processed,
        job.source_path or job.source_instance_id,
        job.destination_path,
        job.description,
        job.error_text,
        advice.text if advice else None,
    ]
