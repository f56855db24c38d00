"""What the headers of the files say of a mapping's patients, before anything is sent.

The plan of :mod:`anontui.operations.creating` knows what is written. This reads the files as
well: whether they are there, and whose they are. No patient is named anywhere, only compared.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Container, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from anontui.dicom.crew import Crew
from anontui.dicom.header import NO_PATIENT, HeaderFacts, facts
from anontui.dicom.scan import scan
from anontui.errors import ProjectError, ScanError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
)
from anontui.operations.checks import SHARED_PSEUDONYM, Problem, Severity
from anontui.operations.creating import Plan, PlannedJob, planned
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping as MappingFile
from anontui.project.selection import Selection
from anontui.project.source import Source, SourceKind

_CHUNK = 16  # files a task
_SELECT_AGAIN = "Select its files again: anontui map add-study-folders FOLDER"


@dataclass(slots=True)
class Contents:
    """What the files of one source are.

    Attributes
    ----------
    files, looked
        How many there are, and how many were looked at.
    missing, other
        How many of these are not there, and how many are no DICOM.
    patients
        The keys of their patients, as far as they have a Patient ID.
    """

    files: int = 0
    looked: int = 0
    missing: int = 0
    other: int = 0
    patients: set[str] = field(default_factory=set)


def checked_plan(
    workspace: Workspace,
    mapping: MappingFile,
    *,
    only: Container[str] | None = None,
    limit: int | None = None,
) -> Events[Plan]:
    """Make the plan, and look into the files of its sources where they can be read from here.

    Parameters
    ----------
    workspace, mapping, only
        As for :func:`anontui.operations.creating.planned` (errors too).
    limit
        Look at no more files of a row than this, from the first to the last; None: at all.
    """
    for event in planned(workspace, mapping, only=only):
        if not isinstance(event, Result):
            yield event
            continue
        plan = event.value
        contents = yield from _look(workspace, plan.jobs, limit)
        jobs = {job.row: job for job in plan.jobs}
        found = [*_of_rows(contents), *_between_rows(jobs, contents)]
        yield Result(replace(plan, jobs=tuple(_with(found, jobs, contents))))


def _look(
    workspace: Workspace, jobs: Iterable[PlannedJob], limit: int | None
) -> Generator[Progress | Warning, None, dict[int, Contents]]:
    """Read the headers of all rows' files; rows whose files are not here are left out."""
    contents: dict[int, Contents] = {}
    chunks: list[tuple[Contents, list[Path]]] = []
    for job in jobs:
        paths = yield from _files_of(workspace, job)
        if not paths:
            continue
        one = contents[job.row] = Contents(files=len(paths))
        paths = _spread(paths, limit)
        chunks += [(one, paths[at : at + _CHUNK]) for at in range(0, len(paths), _CHUNK)]
    total = sum(len(paths) for _, paths in chunks)
    found: list[tuple[Contents, Path, HeaderFacts | None]] = []

    def look(chunk: tuple[Contents, list[Path]], crew: Crew[tuple[Contents, list[Path]]]) -> None:
        one, paths = chunk
        for path in paths:
            if crew.stopping:
                return
            found.append((one, path, facts(path)))

    with closing(Crew(look, chunks, lambda: len(found)).run()) as ticks:
        for _ in ticks:
            yield Progress(len(found), total, "files")
    for one, path, known in found:
        one.looked += 1
        if known is None:
            is_there = path.exists()
            one.other += is_there
            one.missing += not is_there
        elif known.patient_key != NO_PATIENT:
            one.patients.add(known.patient_key)
    return contents


def _spread(paths: list[Path], limit: int | None) -> list[Path]:
    """Return no more than ``limit``, evenly spread from the first to the last."""
    if limit is None or limit >= len(paths):
        return paths
    return [paths[number * (len(paths) - 1) // max(limit - 1, 1)] for number in range(limit)]


def _files_of(
    workspace: Workspace, job: PlannedJob
) -> Generator[Progress | Warning, None, list[Path]]:
    """The files that a row sends, as far as this computer can see them."""
    if job.request is None or not job.request.source_path:
        return []
    source = Source.parse(job.request.source_path)
    local = workspace.share_map().to_local(source.value)
    if local is None:  # AnonAPI's way: relative to the project folder
        written = Source.parse(job.source).value.replace("\\", "/")
        local = workspace.folder / written if not os.path.isabs(written) else None
    if local is None or not local.exists():
        return []
    try:
        if source.kind is SourceKind.FILESELECTION:
            return [local.parent / path for path in Selection.load(local).paths]
        for event in scan(local, check=False):
            if isinstance(event, Result):
                return [local / file.path for file in event.value.files]
            yield event
    except (ScanError, ProjectError):
        pass  # closed to this user is not closed to the server; the plan tells the rest
    return []


def _of_rows(contents: Mapping[int, Contents]) -> Iterator[Problem]:
    for row, one in contents.items():
        of = f"of {one.looked:,} files"
        if len(one.patients) > 1:
            yield Problem(
                row,
                "source",
                f"These are the files of {len(one.patients)} patients",
                "Make a row of each patient, with a selection and a pseudonym of its own.",
            )
        if one.missing:
            yield Problem(row, "source", f"{one.missing:,} {of} are missing", _SELECT_AGAIN)
        if one.other:
            message = f"{one.other:,} {of} are no DICOM, at which a job can fail"
            yield Problem(row, "source", message, _SELECT_AGAIN, Severity.WARNING)


def _between_rows(
    jobs: Mapping[int, PlannedJob], contents: Mapping[int, Contents]
) -> Iterator[Problem]:
    """Different patients under one pseudonym, and different pseudonyms of one patient."""
    rows_of: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    names_of: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, one in contents.items():
        if len(one.patients) == 1:
            (patient,) = one.patients
            rows_of[jobs[row].pseudonym][patient].append(row)
            names_of[patient][jobs[row].pseudonym].append(row)
    advice = "Give each patient one pseudonym, and no other patient the same."
    for groups, what in (
        (rows_of, "Another patient has this pseudonym"),
        (names_of, "This patient has another pseudonym"),
    ):
        for group in groups.values():
            for members in group.values() if len(group) > 1 else ():
                other = min(rows[0] for rows in group.values() if rows is not members)
                for row in members:
                    message = f"{what} in row {other + 1}"
                    yield Problem(row, "pseudo_id", message, advice, Severity.WARNING)


def _with(
    found: Iterable[Problem], jobs: Mapping[int, PlannedJob], contents: Mapping[int, Contents]
) -> Iterator[PlannedJob]:
    """Add what was found; what the headers have settled need not be suspected any more."""
    by_row: dict[int, list[Problem]] = defaultdict(list)
    for problem in found:
        assert problem.row is not None  # noqa: S101 - all are of rows
        by_row[problem.row].append(problem)
    unsettled = {job.pseudonym for row, job in jobs.items() if not _is_settled(contents.get(row))}
    for row, job in jobs.items():
        kept = [
            problem
            for problem in job.problems
            if problem.message != SHARED_PSEUDONYM or job.pseudonym in unsettled
        ]
        yield replace(job, problems=(*kept, *by_row[row]))


def _is_settled(one: Contents | None) -> bool:
    return one is not None and len(one.patients) == 1 and one.looked == one.files
