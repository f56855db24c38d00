"""What became of a run of the pipeline, as texts in its run folder."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anontui.errors import CallRefused
from anontui.events import Progress
from anontui.idis.model import Job, JobStatus
from anontui.operations import runfolder
from anontui.operations.runfolder import Run, RunStudy, write_text

if TYPE_CHECKING:
    from anontui.idis.client import Client

_SCREEN = "screen"  # the code of items that are a patient protocol or the like


@dataclass
class Account:
    """What became of a run's jobs, counted for its overview."""

    files: int = 0
    studies: int = 0
    delivered: int = 0
    delivered_studies: int = 0
    would_be: int = 0
    held: int = 0
    failed: int = 0
    cancelled: int = 0
    at_work: int = 0
    protocols: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    hook: list[str] = field(default_factory=list)


def write_overview(run: Run, account: Account | None = None) -> None:
    """Write ``overview.txt``; without an account what is known at the start.

    Raises
    ------
    ProjectError
        If the run folder cannot be written.
    """
    write_text(run.folder / runfolder.OVERVIEW, _overview(run, account))


def _overview(run: Run, account: Account | None) -> Iterator[str]:
    for number, moment in enumerate(run.starts):
        yield f"{'Restarted' if number else 'Starting'} at {moment}"
    if run.wanted.practice:
        yield "A practice run: nothing is delivered"
    yield f"{len(run.studies)} valid reviewed studies. Please review {runfolder.COMMENTS}"
    if run.passed_over:
        yield f"{run.passed_over} rows of the list name no study, or one that another row names"
    if run.not_found:
        where = f"in {run.wanted.source}, see '{runfolder.NOT_FOUND}'"
        yield f"{len(run.not_found)} accession numbers are not {where}"
    if account is not None:
        yield from _outcome(run, account)


def _outcome(run: Run, account: Account) -> Iterator[str]:
    yield f"Received {account.files} files containing {account.studies} studies"
    marked = [one.name for one in run.studies if one.protocol]
    if marked or account.protocols:
        yield (
            f"{len(marked)} studies marked as having a protocol series,"
            f" {len(account.protocols)} studies found with protocol series during anonymization."
        )
    if missing := len(set(marked).difference(account.protocols)):
        yield (
            f"{missing} studies marked as having a protocol series but not found,"
            f" see '{runfolder.MISSING}'."
        )
    for reason, count in account.left_out.items():
        yield f"{count} files were left out: {reason}"
    if account.held:
        yield f"{account.held} files are held for review, see 'anontui quarantine list'"
    yield from account.hook
    if run.wanted.practice:
        yield f"{account.would_be} files would be delivered"
    else:
        yield (
            f"{account.delivered} files containing {account.delivered_studies} studies were"
            f" delivered to {run.wanted.target}"
        )
    for count, what in (
        (account.failed, f"failed, see '{runfolder.PULL}'"),
        (account.cancelled, "were cancelled"),
        (account.at_work, "are still at work"),
    ):
        if count:
            yield f"{count} studies {what}"
    if run.ended:
        yield f"{'Practice' if run.wanted.practice else 'Push'} completed at {run.ended}"


def write_outputs(
    run: Run, client: Client, jobs: Sequence[Job | None]
) -> Generator[Progress, None, Account]:
    """Write what became of every file, and return the account of it.

    Raises
    ------
    ServerError
        If the server does not tell.
    ProjectError
        If the run folder cannot be written.
    """
    account = Account()
    pulled: list[str] = []
    anonymized: list[str] = []
    pushed: list[str] = []
    hooks: list[str] = []
    may_see_hooks = True
    for number, (study, job) in enumerate(zip(run.studies, jobs, strict=True), 1):
        yield Progress(number - 1, len(jobs), "studies", "writing the run folder")
        if job is None:
            account.failed += 1
            pulled.append(f"{number}  the server does not know its job any more")
            continue
        texts = _Texts(study, job, account)
        for item in client.items(job.job_id):
            texts.add(item)
        texts.end()
        pulled += texts.pulled
        anonymized += texts.anonymized
        pushed += texts.pushed
        try:
            hooks += _hook_output(client, job, account) if may_see_hooks else []
        except CallRefused:
            may_see_hooks = False
            hooks = ["What the project's hook said is for admins of the server"]
    marked = [one.name for one in run.studies if one.protocol]
    write_text(run.folder / runfolder.PULL, pulled)
    write_text(run.folder / runfolder.ANONYMIZE, anonymized)
    write_text(run.folder / runfolder.POST_ANON, hooks)
    write_text(run.folder / runfolder.PUSH, pushed)
    write_text(run.folder / runfolder.FOUND, account.protocols)
    write_text(
        run.folder / runfolder.MISSING, [one for one in marked if one not in account.protocols]
    )
    return account


class _Texts:
    """What the run folder says of one study; it is named by its job, not by what it was."""

    def __init__(self, study: RunStudy, job: Job, account: Account) -> None:
        self._study, self._job, self._account = study, job, account
        self.pulled: list[str] = []
        self.anonymized: list[str] = []
        self.pushed: list[str] = []
        self._files = 0

    def add(self, item: Mapping[str, object]) -> None:
        """Take one file into account."""
        name = f"Job {self._job.job_id}  {item.get('item_id')}"
        code, reason = item.get("code"), item.get("reason")
        status, account = item.get("status"), self._account
        if code == "source":
            self.pulled.append(f"{name}  not taken: {reason}")
            return
        self._files += 1
        self.anonymized.append(f"{name}  {status}" + (f": {reason} ({code})" if reason else ""))
        if status == "done":
            self.pushed.append(f"{name}  {item.get('target')}")
        elif status == "quarantined":
            account.held += 1
        elif code == "practice":
            account.would_be += 1
        elif status == "rejected":
            account.left_out[str(reason)] = account.left_out.get(str(reason), 0) + 1
        if code == _SCREEN and self._study.name not in account.protocols:
            account.protocols.append(self._study.name)

    def end(self) -> None:
        """Count the study."""
        job, account = self._job, self._account
        account.files += self._files
        account.studies += self._files > 0
        account.delivered += len(self.pushed)
        account.delivered_studies += bool(self.pushed)
        account.failed += job.status is JobStatus.ERROR
        account.cancelled += job.status is JobStatus.INACTIVE
        account.at_work += not job.status.is_final
        line = f"Job {job.job_id}  {job.status}  {self._files} files  {job.error_text}"
        self.pulled.insert(0, line.rstrip())


def _hook_output(client: Client, job: Job, account: Account) -> list[str]:
    """What the project's hook said of a job, for the run folder.

    Raises
    ------
    CallRefused
        If this user may not see it: it may name patients.
    """
    answer = client.get("get_hook_output", job_id=job.job_id)
    told = answer if isinstance(answer, dict) else {}
    overview = str(told.get("overview") or "").splitlines()
    account.hook += [f"Job {job.job_id}: {line}" for line in overview]
    output = str(told.get("output") or "").splitlines()
    return [f"Job {job.job_id}", *output] if output else []
