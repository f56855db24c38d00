"""From the rows of a mapping to jobs on a server: first a plan, then the jobs.

A plan sends nothing. It tells everything that is wrong in the whole mapping at once, and
which rows have become jobs before. Creating records each job at once, so that it can stop
anywhere (a server that dies, a ``kill -9``) and going on creates only the rest. How they
are sent is in :mod:`anontui.operations.sending`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING

from anontui.events import Events, Progress, Result, result_of
from anontui.idis.model import JobRequest
from anontui.operations.checks import SHARED_PSEUDONYM, Problem, RowChecker, Severity
from anontui.operations.ledger import Ledger
from anontui.operations.workspace import Workspace
from anontui.project import created as record
from anontui.project.batch import FILENAME as BATCH
from anontui.project.batch import Batch
from anontui.project.checks import problems_of
from anontui.project.columns import canonical
from anontui.project.disk import WatchedFile
from anontui.project.mapping import Mapping
from anontui.settings import Server

if TYPE_CHECKING:
    from anontui.idis.client import Client

__all__ = [
    "Created",
    "Plan",
    "PlannedJob",
    "Problem",
    "Severity",
    "create",
    "grouped",
    "plan",
    "planned",
    "stamps",
]

_CHUNK = 500
"""Rows between two events."""
_CONTENT = [field.name for field in fields(JobRequest) if field.name != "description"]


@dataclass(frozen=True)
class PlannedJob:
    """What a row (counted from 0) would send.

    ``request`` is None where an error keeps it from being made; ``created_as`` is the job
    that the same content became before. ``source`` and ``pseudonym`` are as written.
    """

    row: int
    source: str
    pseudonym: str
    request: JobRequest | None
    fingerprint: str
    problems: tuple[Problem, ...] = ()
    created_as: int | None = None

    @property
    def is_ready(self) -> bool:
        """True if nothing keeps it from being sent, and it was not sent before."""
        return (
            self.request is not None
            and self.created_as is None
            and all(problem.severity is not Severity.ERROR for problem in self.problems)
        )


@dataclass(frozen=True)
class Plan:
    """What creating jobs from a mapping would do; ``general`` is about the mapping as a whole."""

    server: Server
    jobs: tuple[PlannedJob, ...]
    general: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, the general first, then by row."""
        return self.general + tuple(p for job in self.jobs for p in job.problems)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep rows from being sent."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(p for p in self.problems if p.severity is Severity.WARNING)

    @property
    def ready(self) -> tuple[PlannedJob, ...]:
        """The jobs that :func:`create` sends; none while there is a general error."""
        if any(p.severity is Severity.ERROR for p in self.general):
            return ()
        return tuple(job for job in self.jobs if job.is_ready)

    @property
    def already_created(self) -> tuple[PlannedJob, ...]:
        """The rows whose content became a job before."""
        return tuple(job for job in self.jobs if job.created_as is not None)


@dataclass(frozen=True)
class Created:
    """The jobs that rows (counted from 0) became, in order of creation."""

    jobs: dict[int, int]


def plan(workspace: Workspace, mapping: Mapping, *, only: Container[str] | None = None) -> Plan:
    """Make a plan at once; see :func:`planned`."""
    return result_of(planned(workspace, mapping, only=only))


def planned(
    workspace: Workspace, mapping: Mapping, *, only: Container[str] | None = None
) -> Events[Plan]:
    """See what creating jobs from ``mapping`` on the active server would do.

    Parameters
    ----------
    workspace
        Its settings give defaults, the server, and where shares are mounted; its folder
        remembers what was created.
    mapping
        Empty rows are passed over.
    only
        Pseudonyms (id or name); other rows are left out. None means every row.

    Raises
    ------
    SettingsError
        If no server is active.
    ProjectError
        If the folder's batch cannot be read.
    """
    server = workspace.settings.active_server
    known = record.read(workspace.folder)
    defaults = {canonical(name): text for name, text in workspace.settings.job_defaults.items()}
    shares = workspace.share_map()
    checker = RowChecker(shares)
    jobs: list[PlannedJob] = []
    data: dict[int, str] = {}
    chosen: set[int] = set()
    count = len(mapping.records)
    for row, cells in enumerate(mapping.rows):
        if row % _CHUNK == 0:
            yield Progress(row, count, "rows")
        if not any(cell.strip() for cell in cells):
            continue
        values = defaults | {k: v for k, v in mapping.parameters(row).items() if v}
        names = {values.get("pseudo_id", ""), values.get("pseudo_name", "")} - {""}
        if only is None or any(name in only for name in names):
            chosen.add(row)
        checked = checker.check(row, values)
        data[row] = checked.data
        told = {problem.column for problem in checked.problems}
        others = (
            Problem(row, column, message)
            for column, message in problems_of(mapping, row, shares).items()
            if column not in told
        )
        print_ = fingerprint(checked.request, server) if checked.request else ""
        jobs.append(
            PlannedJob(
                row=row,
                source=values.get("source", ""),
                pseudonym=values.get("pseudo_id") or values.get("pseudo_name", ""),
                request=checked.request,
                fingerprint=print_,
                problems=(*checked.problems, *others),
                created_as=known.get((_url(server.url), print_)),
            )
        )
    compared = tuple(job for job in _compared(jobs, data) if job.row in chosen)
    yield Result(Plan(server, compared, tuple(_general(workspace, mapping, server))))


def stamps(workspace: Workspace) -> tuple[object, ...]:
    """Return what changes when another program adds to the batch, or creates jobs from here."""
    return tuple(
        WatchedFile(workspace.folder / name, name, b"").stat() for name in (BATCH, record.FILENAME)
    )


def fingerprint(request: JobRequest, server: Server) -> str:
    """SHA-256 of what a request asks of which server; the description does not count."""
    content = {name: value for name in _CONTENT if (value := getattr(request, name)) is not None}
    content["server"] = _url(server.url)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def grouped(problems: Iterable[Problem]) -> list[tuple[Problem, list[int]]]:
    """The same problem of many rows once, with the rows it is in (none: a general one)."""
    groups: dict[tuple[str, str, str, Severity], tuple[Problem, list[int]]] = {}
    for problem in problems:
        key = (problem.column, problem.message, problem.advice, problem.severity)
        _, rows = groups.setdefault(key, (problem, []))
        if problem.row is not None:
            rows.append(problem.row)
    return list(groups.values())


def create(workspace: Workspace, plan: Plan, client: Client) -> Events[Created]:
    """Create the jobs that are ready, some of them side by side.

    Each id is in the folder's record as soon as it is known. After a crash, or an answer
    that was lost, the server's newer jobs are looked through first, so that nothing is
    created twice. Closing it waits for the answers that are under way.

    Raises
    ------
    ServerError
        At the first failure; it says how many jobs were created.
    ProjectError
        If the record cannot be written, or another process creates from this folder.
    """
    from anontui.operations.sending import send

    made: dict[str, int] = {}
    rows = {job.fingerprint: job.row for job in plan.ready}
    wanted = {job.fingerprint: job.request for job in plan.ready if job.request}
    if wanted:
        server = plan.server
        with Ledger(workspace.folder, server.name, _url(server.url), client, wanted) as ledger:
            yield from send(ledger, client, wanted, made)
    yield Result(Created({rows[print_]: job_id for print_, job_id in made.items()}))


def _general(workspace: Workspace, mapping: Mapping, server: Server) -> Iterator[Problem]:
    """What is wrong with the mapping, or its folder, as a whole."""
    if mapping.column("source") is None:
        yield Problem(
            None, "source", "The mapping has no column 'source'", "Add it to the header row."
        )
    elif not any(any(cell.strip() for cell in cells) for cells in mapping.rows):
        yield Problem(None, "", "The mapping has no rows", "Add folders or studies to it.")
    batch = Batch.load(workspace.folder)
    if batch and batch.job_ids and _url(batch.server_url) != _url(server.url):
        yield Problem(
            None,
            "",
            f"This folder's batch is of another server, {batch.server_name}",
            "Activate that server, or create these jobs from another project folder.",
        )


def _compared(jobs: list[PlannedJob], data: dict[int, str]) -> Iterator[PlannedJob]:
    """Add what is wrong between rows; ``data`` is the UNC folder of each row's files."""
    holders = {folder.casefold(): row for row, folder in reversed(data.items()) if folder}
    first_with: dict[str, int] = {}
    sources_of, pseudonyms_of = defaultdict(set), defaultdict(set)
    for job in jobs:
        first_with.setdefault(job.fingerprint, job.row)
        sources_of[job.pseudonym].add(job.source)
        pseudonyms_of[job.source].add(job.pseudonym)

    @cache
    def holder_of(folder: str) -> int | None:
        """The row whose data lies in this folder or above it."""
        while folder.strip("\\"):
            if folder in holders:
                return holders[folder]
            folder = folder.rpartition("\\")[0]
        return None

    def problems(job: PlannedJob, request: JobRequest) -> Iterator[Problem]:
        row, destination = job.row, request.destination_path.casefold()
        if (holder := holder_of(destination)) is not None:
            whose = "the source" if holder == row else f"the source of row {holder + 1}"
            message = f"The destination lies inside {whose}"
            yield Problem(
                row, "destination_path", message, "Choose a folder outside of all sources."
            )
        elif f"{data[row]}\\".casefold().startswith(f"{destination}\\"):
            message = "The source lies inside the destination"
            advice = "Choose a destination that holds de-identified data only."
            yield Problem(row, "destination_path", message, advice, Severity.WARNING)
        if (first := first_with[job.fingerprint]) != row:
            message = f"This row asks for the same as row {first + 1}"
            yield Problem(row, "", message, "Delete one of them.")
        if len(sources_of[job.pseudonym]) > 1:
            advice = "That is right for studies of one patient only."
            yield Problem(row, "pseudo_id", SHARED_PSEUDONYM, advice, Severity.WARNING)
        if len(pseudonyms_of[job.source]) > 1:
            message = "This source has several pseudonyms"
            advice = "Give one patient one pseudonym."
            yield Problem(row, "pseudo_id", message, advice, Severity.WARNING)

    for job in jobs:
        if job.request and job.created_as is None:
            job = replace(job, problems=(*job.problems, *problems(job, job.request)))
        yield job


def _url(url: str) -> str:
    return url.rstrip("/")
