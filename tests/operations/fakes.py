"""A server's client that keeps its jobs in memory and fails when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from anontui.errors import CallRefused
from anontui.idis.client import Client
from anontui.idis.model import Job, JobRequest, JobStatus

URL = "http://127.0.0.1:9/p01"


def made(job_id: int, request: JobRequest) -> Job:
    """The job that a request becomes."""
    return Job(
        job_id=job_id,
        date="2024-03-11T10:00:00",
        user_name="z123456",
        status=JobStatus.ACTIVE,
        error=None,
        description=request.description,
        project_name=request.project_name,
        priority=10,
        files_downloaded=0,
        files_processed=0,
        destination_path=request.destination_path,
        source_path=request.source_path,
        source_instance_id=request.source_instance_id,
        source_anonymizedpatientid=request.anonymizedpatientid,
        source_anonymizedpatientname=request.anonymizedpatientname,
    )


class FakeClient(Client):
    """``before`` and ``after`` are called with the request, around the making of its job."""

    def __init__(self) -> None:
        super().__init__(URL, "z123456", "token")
        self.store: dict[int, Job] = {}
        self.sent: list[JobRequest] = []
        self._lock = threading.Lock()
        self.before: Callable[[JobRequest], object] = lambda request: None
        self.after: Callable[[JobRequest], object] = lambda request: None

    def __enter__(self) -> FakeClient:
        return self

    def jobs(self) -> list[Job]:
        return sorted(self.store.values(), key=lambda job: -job.job_id)[:100]

    def jobs_by_id(self, ids: Iterable[int], extended: bool = False) -> dict[int, Job]:
        return {i: self.store[i] for i in ids if i in self.store}

    def create(self, request: JobRequest) -> Job:
        self.sent.append(request)
        self.before(request)
        with self._lock:
            job = made(max(self.store, default=40) + 1, request)
            self.store[job.job_id] = job
        self.after(request)
        return job

    def cancel(self, job_id: int) -> Job:
        return self._change(job_id, JobStatus.INACTIVE)

    def reset(self, job_id: int) -> Job:
        return self._change(job_id, JobStatus.ACTIVE)

    def _change(self, job_id: int, status: JobStatus) -> Job:
        if job_id not in self.store:
            raise CallRefused(f"Job {job_id} does not exist", errors={})
        self.store[job_id] = replace(self.store[job_id], status=status)
        return self.store[job_id]
