"""A batch as a spreadsheet, for whoever keeps account of a study."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from anontui import atomic
from anontui.errors import ProjectError, UsageError
from anontui.idis.advice import advice_for
from anontui.operations.jobs import NOT_FOUND

if TYPE_CHECKING:
    from anontui.idis.model import Job

_COLUMNS = (
    ("job", 8),
    ("status", 11),
    ("created", 20),
    ("user", 12),
    ("project", 22),
    ("pseudo_id", 16),
    ("pseudo_name", 16),
    ("downloaded", 12),
    ("processed", 12),
    ("source", 48),
    ("destination", 48),
    ("description", 30),
    ("error", 48),
    ("advice", 48),
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
    try:
        atomic.write_bytes(path, _workbook(rows))
    except OSError as error:
        raise ProjectError(
            f"{path.name} cannot be written",
            cause=error.strerror or type(error).__name__,
            advice="Close it in other programs, and check that you may write in its folder.",
        ) from error
    return len(rows)


def _row(job_id: int, job: Job | None) -> list[str | int | None]:
    if job is None:
        return [job_id, NOT_FOUND]
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


def _workbook(rows: Iterable[list[str | int | None]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("jobs")
    sheet.freeze_panes = "A2"
    for at, (_, width) in enumerate(_COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    heads = [WriteOnlyCell(sheet, name) for name, _ in _COLUMNS]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        cells = [WriteOnlyCell(sheet, value) for value in row]
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with = must not become a formula
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
