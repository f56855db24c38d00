"""From a list of studies to a research archive: one job a study, all told in a run folder.

The run folder (:mod:`anontui.operations.runfolder`) is written before the first job is
created, and jobs are created by keys that it holds, so that a run can be killed at any
moment and go on: what exists is not made again, what failed is reset, and what became of it
all is asked of the server.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from anontui.errors import CallRefused, ProjectError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
)
from anontui.idis.model import Job, JobStatus
from anontui.operations import jobs as job_operations
from anontui.operations import runfolder
from anontui.operations.archives import Import, Order, import_studies, uids_of
from anontui.operations.runfolder import Run, RunStudy, moment
from anontui.operations.runreport import write_outputs, write_overview
from anontui.project.studylist import ListedStudy, StudyList

if TYPE_CHECKING:
    from anontui.idis.client import Client

T = TypeVar("T")

FILES = ("from_staging", "quarantine", "to_production")
"""Folders of dicom-pipeline's run folders that hold DICOM files."""
_INTERVAL = 1.0  # seconds between two looks at the jobs
_RESOLVED_AT_ONCE = 100


@dataclass(frozen=True)
class Ended:
    """What came of a run: its folder, how many studies are in which state, if it is at its end."""

    folder: Path
    counts: Mapping[str, int]
    is_over: bool

    @property
    def is_done(self) -> bool:
        """True if every study is done."""
        return set(self.counts) <= {JobStatus.DONE}


def start(
    base: Path, client: Client, listed: StudyList, wanted: Import, *, limit: int | None = None
) -> Events[Run]:
    """Find out which studies are meant, and begin a run; nothing is ordered yet.

    Parameters
    ----------
    base
        The folder in which ``data`` is, or will be.
    client
        Of a server of ours.
    listed
        The list. Accession numbers become studies if the archive can be searched.
    wanted
        From where to where.
    limit
        Take no more studies than this.

    Raises
    ------
    ServerError
        If the server or the archive does not answer.
    ProjectError
        If the run folder cannot be written, or no study is left.
    """
    studies: dict[str, RunStudy] = {}
    missing: list[str] = []
    can_find = any(node.name == wanted.source and node.find for node in client.nodes())
    rows = list(listed.studies)
    while rows and (limit is None or len(studies) < limit):
        part, rows = rows[:_RESOLVED_AT_ONCE], rows[_RESOLVED_AT_ONCE:]
        numbers = [one.accession for one in part if one.accession] if can_find else []
        uids: dict[str, list[str]] = {}
        if numbers:
            uids = yield from uids_of(client, wanted.source, numbers)
            missing += [number for number, found in uids.items() if not found]
        for one in part:
            for study in _studies(one, uids):
                known = studies.setdefault(study.name, study)
                studies[study.name] = replace(
                    known,
                    comment=known.comment or study.comment,
                    protocol=known.protocol or study.protocol,
                )
    if not studies:
        raise ProjectError(
            f"None of the {len(listed.studies)} studies of the list is in {wanted.source}",
            advice="Check the numbers, and see what the archive has: anontui pacs find",
        )
    folder = runfolder.new_folder(base)
    run = Run(
        folder,
        secrets.token_hex(8),
        client.url,
        replace(wanted, description=f"Pipeline {folder.name}"),
        tuple(studies.values())[:limit],
        tuple(missing),
        len(listed.passed_over),
    )
    run.write_lists()
    yield Result(run.saved())


def resume(base: Path, client: Client) -> Run:
    """The last run that is not at its end.

    Raises
    ------
    ProjectError
        If there is none, or it is of another server.
    """
    run = runfolder.unfinished(base)
    if run is None:
        raise ProjectError(
            "There is no unfinished run in this folder",
            advice="Go to the folder in which it was started, or start a new one.",
        )
    if run.server != client.url:
        raise ProjectError(
            f"{run.folder.name} was started on another server, {run.server}",
            advice="Activate that server: anontui server activate NAME",
        )
    return run


def work(run: Run, client: Client) -> Events[Ended]:
    """Have the server do a run, or the rest of it, and wait for the end.

    Closing it leaves the jobs at work. A run with studies that failed is not at its end: the
    next call resets them.

    Raises
    ------
    ServerError
        If the server refuses, or cannot be reached at first.
    ProjectError
        If the run folder cannot be written.
    """
    run = run.saved(starts=(*run.starts, moment()))
    write_overview(run)
    try:
        jobs = yield from _of(import_studies(client, run.wanted, run.orders, key=run.key))
    except CallRefused as error:
        if any("anonymizedpatient" in name for name in error.errors):
            error.advice = (
                "Give the list a column 'pseudonym', or the project a template of them: "
                "pseudonyms in its project.yml."
            )
        raise
    ids = [job.job_id for job in jobs]
    run = run.saved(jobs=ids)
    failed = [job.job_id for job in jobs if job.status is JobStatus.ERROR]
    if failed:
        reset = yield from _of(job_operations.reset(client, failed))
        for job_id, why in reset.failed.items():
            yield Warning(f"Job {job_id} could not be reset: {why}")
    found = yield from _watched(client, ids)
    account = yield from write_outputs(run, client, [found.get(job_id) for job_id in ids])
    if not account.failed and not account.at_work:
        run = run.saved(ended=moment())
    write_overview(run, account)
    yield Result(Ended(run.folder, _counts(map(found.get, ids)), bool(run.ended)))


def clean(base: Path, before: date, client: Client) -> Events[list[Path]]:
    """Free the files of runs that were started before a day; their texts stay.

    The server keeps what it fetched for a study that failed, so that a reset fetches only the
    rest: such jobs are cancelled. Jobs at work are left alone, with their run. DICOM files in
    run folders, as dicom-pipeline made them, are deleted.

    Parameters
    ----------
    base
        The folder in which ``data`` is.
    before
        The day.
    client
        Of the server of these runs.

    Raises
    ------
    ServerError
        If the server does not answer.
    ProjectError
        If something cannot be deleted.
    """
    old = [path for path in runfolder.folders(base) if runfolder.started(path).date() < before]
    freed = []
    for number, folder in enumerate(old):
        yield Progress(number, len(old), "runs")
        run = runfolder.read_run(folder)
        if run is not None and not run.ended:
            is_over = yield from _closed(run, client)
            if not is_over:
                continue
        for path in (folder / name for name in FILES):
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
            except OSError as error:
                raise ProjectError(
                    f"{path} cannot be deleted",
                    cause=error.strerror or "",
                    advice="Check that you may write there.",
                ) from error
        freed.append(folder)
    yield Result(freed)


def _closed(run: Run, client: Client) -> Generator[Progress | Warning, None, bool]:
    """Cancel what failed of a run and have it ended; False if it must stay."""
    if client.url != run.server:
        yield Warning(f"{run.folder.name} is of another server, {run.server}, and stays")
        return False
    if run.starts and not run.jobs:
        yield Warning(f"{run.folder.name} was cut short while its jobs were made", "Resume it.")
        return False
    jobs = job_operations.status(client, run.jobs).values()
    if any(not job.status.is_final for job in jobs):
        yield Warning(f"{run.folder.name} is still at work, and stays")
        return False
    failed = [job.job_id for job in jobs if job.status is JobStatus.ERROR]
    cancelled = yield from _of(job_operations.cancel(client, failed))
    if cancelled.failed:
        yield Warning(f"{run.folder.name}: {next(iter(cancelled.failed.values()))}")
        return False
    run.saved(ended=moment())
    return True


def _studies(one: ListedStudy, uids: Mapping[str, Sequence[str]]) -> list[RunStudy]:
    """The studies that a row of the list means."""
    if one.accession in uids:
        orders = [Order(study, pseudonym=one.pseudonym) for study in uids[one.accession]]
    else:
        orders = [Order(one.study, one.accession, one.pseudonym)]
    return [RunStudy(order, one.comment, one.protocol) for order in orders]


def _watched(
    client: Client, ids: Sequence[int]
) -> Generator[Progress | Warning, None, dict[int, Job]]:
    found: dict[int, Job] = {}
    for news in job_operations.watch(client, ids, interval=_INTERVAL):
        if isinstance(news, Warning):
            yield news
            continue
        found = news
        fetched = sum(job.files_downloaded or 0 for job in found.values())
        treated = sum(job.files_processed or 0 for job in found.values())
        final = sum(job.status.is_final for job in found.values())
        yield Progress(
            final, len(ids), "studies", f"{fetched} files fetched, {treated} de-identified"
        )
    return found


def _counts(jobs: Iterable[Job | None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for job in jobs:
        status = str(job.status) if job else job_operations.NOT_FOUND
        counts[status] = counts.get(status, 0) + 1
    return counts


def _of(events: Events[T]) -> Generator[Progress | Warning, None, T]:
    for event in events:
        if isinstance(event, Result):
            return event.value
        yield event
    raise RuntimeError("the operation ended without a result")
