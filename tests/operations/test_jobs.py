"""Looking at and changing many jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anontui.errors import AnonTUIError, CredentialsRefused, ServerUnreachable, UnexpectedAnswer
from anontui.events import Progress, result_of
from anontui.idis.model import Job, JobRequest, JobStatus
from anontui.operations import jobs
from tests.operations.fakes import FakeClient, made


@pytest.fixture
def store(client: FakeClient) -> dict[int, Job]:
    request = JobRequest("PATH", "P", r"\\srv\out", source_path=r"folder:\\srv\in")
    client.store.update({number: made(number, request) for number in (1, 2, 3)})
    return client.store


def test_status_leaves_unknown_ids_out(client: FakeClient, store: dict[int, Job]) -> None:
    assert list(jobs.status(client, [3, 9, 1])) == [3, 1]


@pytest.mark.parametrize(
    ("operation", "status"), [(jobs.cancel, JobStatus.INACTIVE), (jobs.reset, JobStatus.ACTIVE)]
)
def test_one_bad_id_keeps_no_other_from_it(
    client: FakeClient, store: dict[int, Job], operation: object, status: JobStatus
) -> None:
    assert callable(operation)
    store.update({number: replace(job, status=JobStatus.ERROR) for number, job in store.items()})
    result = result_of(operation(client, [1, 9, 3]))
    assert result == jobs.ActionResult((1, 3), {9: "Job 9 does not exist."})
    assert [job.status for job in store.values()] == [status, JobStatus.ERROR, status]


@pytest.mark.parametrize("kind", [ServerUnreachable, CredentialsRefused])
def test_trouble_with_the_server_ends_it_for_all(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, kind: type[AnonTUIError]
) -> None:
    asked = []

    def cancel(job_id: int) -> Job:
        asked.append(job_id)
        raise kind("Trouble")

    monkeypatch.setattr(client, "cancel", cancel)
    assert result_of(jobs.cancel(client, [1, 2])).failed == {1: "Trouble.", 2: "Trouble."}
    assert asked == [1]


def test_odd_answer_to_one_is_told_for_that_one(
    client: FakeClient, store: dict[int, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset(job_id: int) -> Job:
        if job_id == 2:
            raise UnexpectedAnswer("The server's answer is not a job")
        return store[job_id]

    monkeypatch.setattr(client, "reset", reset)
    result = result_of(jobs.reset(client, [1, 2, 3]))
    assert result.done == (1, 3) and list(result.failed) == [2]


def test_wait_ends_when_no_job_is_at_work(client: FakeClient, store: dict[int, Job]) -> None:
    seen: list[int] = []
    events = jobs.wait(client, [1, 2, 99], interval=0)
    for event in events:
        if isinstance(event, Progress):
            seen.append(event.done)
            unfinished = [n for n, job in store.items() if not job.status.is_final]
            if unfinished:
                number = unfinished[0]
                store[number] = replace(store[number], status=JobStatus.DONE)
        else:
            break
    assert seen == [0, 1, 2]


def test_wait_goes_on_with_jobs_that_are_anonymized(
    client: FakeClient, store: dict[int, Job]
) -> None:
    store[1] = replace(store[1], status=JobStatus.UPLOADED)
    events = jobs.wait(client, [1], interval=0)
    for _ in range(3):
        assert isinstance(next(events), Progress)
