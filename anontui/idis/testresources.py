"""For testing code that uses the client: answers as a server gives them, without a server.

    >>> from anontui.idis.testresources import MockClient, make_job
    >>> client = MockClient()
    >>> job = client.create(make_request())
    >>> client.cancel(job.job_id).status
    <JobStatus.INACTIVE: 'INACTIVE'>

The states that a job goes through are set beforehand; they come round again and again:

    >>> client = MockClient(responses=[make_job(status="ACTIVE"), make_job(status="DONE")])
    >>> [client.job(1041).status.value for _ in range(3)]
    ['ACTIVE', 'DONE', 'ACTIVE']

So do failures:

    >>> from anontui.errors import ServerUnreachable
    >>> client = MockClient(responses=[ServerUnreachable("The server does not answer")])
    >>> client.job(1041)
    Traceback (most recent call last):
    anontui.errors.ServerUnreachable: The server does not answer
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anontui.errors import AnonTUIError
from anontui.idis.client import Client
from anontui.idis.connection import Connection, Form
from anontui.idis.model import FIELDS, Job, JobRequest, JobStatus

URL = "https://mock.invalid/api"
_numbers = itertools.count(1)
_Answer = tuple[int, object]


def make_job(**fields: Any) -> Job:
    """Return a job as a server tells of it; each has another id.

    Parameters
    ----------
    **fields
        Fields of :class:`~anontui.idis.model.Job` that matter to the test.

    Raises
    ------
    UnexpectedAnswer
        If no server could give a field this value.
    """
    number = next(_numbers)
    values: dict[str, Any] = {
        "job_id": number,
        "date": "2024-03-11T10:00:00",
        "user_name": "z123456",
        "status": "DONE",
        "error": None,
        "description": f"Mock job {number}",
        "project_name": "Wetenschap-Algemeen",
        "priority": 10,
        "files_downloaded": 10,
        "files_processed": 10,
        "destination_path": r"\\server\share\output",
        "destination_type": "PATH",
        "source_type": "PATH",
        "source_path": r"folder:\\server\share\data\patient1",
        "source_anonymizedpatientid": f"PATIENT-{number}",
        "source_anonymizedpatientname": f"PATIENT-{number}",
    }
    return Job.from_json(values | fields)


def make_request(**fields: Any) -> JobRequest:
    """Return a request for a job over a folder; ``fields`` are those that matter to the test."""
    values = {
        "source_type": "PATH",
        "source_path": r"folder:\\server\share\data\patient1",
        "project_name": "Wetenschap-Algemeen",
        "destination_path": r"\\server\share\output",
        "anonymizedpatientid": "PATIENT-1",
        "anonymizedpatientname": "PATIENT-1",
    }
    return JobRequest(**(values | fields))


class MockClient(Client):
    """A client whose server is a memory of jobs; nothing is sent anywhere.

    Parameters
    ----------
    jobs
        The jobs that the server has at first.
    responses
        What is told of any job that is asked for, one after the other and round again,
        under the id that was asked for. An error is raised. None tells of ``jobs``.
    """

    def __init__(
        self, jobs: Iterable[Job] = (), responses: Sequence[Job | AnonTUIError] | None = None
    ) -> None:
        super().__init__(URL, "z123456", "mock")
        self._server.close()
        self._server = _Memory(jobs, responses)


class _Memory(Connection):
    """A server's functions over a dictionary."""

    def __init__(self, jobs: Iterable[Job], responses: Sequence[Job | AnonTUIError] | None) -> None:
        super().__init__(
            URL, "z123456", "mock", validate_ssl=True, timeout=1.0, connect_timeout=1.0
        )
        self.jobs = {job.job_id: job for job in jobs}
        self._responses = itertools.cycle(responses) if responses else None
        self._lock = threading.Lock()
        self._functions: dict[str, Callable[[Form], _Answer]] = {
            "get_jobs": lambda form: (200, self._told(self.jobs, extended=False)),
            "get_jobs_list": lambda form: (200, self._told(_ids(form), extended=False)),
            "get_jobs_list_extended": lambda form: (200, self._told(_ids(form), extended=True)),
            "get_job": lambda form: self._change(form, {}),
            "cancel_job": lambda form: self._change(form, {"status": JobStatus.INACTIVE}),
            "modify_job": lambda form: self._change(form, form),
            "create_job": self._create,
        }

    def exchange(self, method: str, function: str, form: Form) -> tuple[int, bytes]:
        """Answer from memory."""
        with self._lock:
            call = self._functions.get(function)
            status, answer = call(form) if call else (404, {"404": "", "documentation": {}})
            return status, json.dumps(answer).encode()

    def _find(self, job_id: int) -> Job | None:
        if self._responses is None:
            return self.jobs.get(job_id)
        response = next(self._responses)
        if isinstance(response, AnonTUIError):
            raise response
        return replace(response, job_id=job_id)

    def _told(self, ids: Iterable[int], *, extended: bool) -> object:
        found = {job_id: self._find(job_id) for job_id in ids}
        return {i: job.to_json(extended=extended) for i, job in found.items() if job}

    def _change(self, form: Form, changes: Mapping[str, object]) -> _Answer:
        job_id = int(str(form["job_id"]))
        job = self._find(job_id)
        if job is None:
            return 400, {"errors": {"job_id": f"Job with id {job_id} does not exist"}}
        known = {name: value for name, value in changes.items() if name in FIELDS}
        self.jobs[job_id] = Job.from_json(job.to_json() | known | {"job_id": job_id})
        return 200, self.jobs[job_id].to_json()

    def _create(self, form: Form) -> _Answer:
        fields = {
            name if name in FIELDS else f"source_{name}": value for name, value in form.items()
        }
        job_id = max(self.jobs, default=0) + 1
        self.jobs[job_id] = make_job(
            **fields, job_id=job_id, status="ACTIVE", files_downloaded=0, files_processed=0
        )
        return 200, self.jobs[job_id].to_json()


def _ids(form: Form) -> Sequence[int]:
    ids = form["job_ids"]
    return [ids] if isinstance(ids, int) else [int(i) for i in ids or ()]
