"""Looking at and changing many jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from anontui.errors import (
    AnonTUIError,
    CredentialsRefused,
    ServerUnreachable,
    UnexpectedAnswer,
    UsageError,
)
from anontui.events import Progress, Warning, result_of  # noqa: A004 - the word of the field
from anontui.idis.model import Job, JobRequest, JobStatus
from anontui.operations import jobs
from anontui.operations.calls import AT_ONCE
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
    ids = range(10 * AT_ONCE)
    assert result_of(jobs.cancel(client, ids)).failed == dict.fromkeys(ids, "Trouble.")
    assert len(asked) < 3 * AT_ONCE


def test_opt_out_is_ignored_for_a_reason_only(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, str]] = []
    monkeypatch.setattr(client, "ignore_opt_out", lambda *words: given.append(words))
    with pytest.raises(UsageError, match="for a reason only"):
        jobs.ignore_opt_out(client, [1], "  ")
    assert not given
    assert result_of(jobs.ignore_opt_out(client, [1, 2], " consent 7 ")).done == (1, 2)
    assert sorted(given) == [(1, "consent 7"), (2, "consent 7")]


def test_watch_outlives_a_server_that_falls_silent(
    client: FakeClient, store: dict[int, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True, True, False, True, False])

    def jobs_by_id(ids: Iterable[int], extended: bool = False) -> dict[int, Job]:
        if next(answers, True):
            raise ServerUnreachable("It is silent")
        return {1: store[1]}

    monkeypatch.setattr(client, "jobs_by_id", jobs_by_id)
    news = jobs.watch(client, [1], interval=0)
    told = [type(next(news)) for _ in range(6)]
    assert told == [dict, Warning, dict, dict, dict, Warning]
    store[1] = replace(store[1], status=JobStatus.DONE)
    assert list(news)[-1] == {1: store[1]}


def test_watch_does_not_wait_for_a_server_that_never_answered(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jobs_by_id(ids: Iterable[int], extended: bool = False) -> dict[int, Job]:
        raise ServerUnreachable("It is silent")

    monkeypatch.setattr(client, "jobs_by_id", jobs_by_id)
    with pytest.raises(ServerUnreachable):
        next(jobs.watch(client, [1]))


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
