"""Answers without a server are those that a server gives."""

from __future__ import annotations

import doctest

import pytest

from anontui.errors import AnonTUIError, CallRefused, ServerUnreachable, UnexpectedAnswer
from anontui.idis import testresources
from anontui.idis.model import Job, JobStatus
from anontui.idis.testresources import MockClient, make_job, make_request


def test_its_own_examples() -> None:
    result = doctest.testmod(testresources)
    assert result.attempted > 5 and not result.failed


def test_a_server_s_life() -> None:
    with MockClient() as client:
        assert client.jobs() == []
        first = client.create(make_request(anonymizedpatientid="LUNG-001"))
        second = client.create(make_request(description="second"))
        assert first.source_anonymizedpatientid == "LUNG-001"
        assert [job.job_id for job in client.jobs()] == [second.job_id, first.job_id]
        assert client.cancel(first.job_id).status is JobStatus.INACTIVE
        assert client.reset(first.job_id).status is JobStatus.ACTIVE
        assert client.modify(second.job_id, description="other").description == "other"
        assert client.ignore_opt_out(second.job_id, "consent").job_id == second.job_id
        found = client.jobs_by_id([second.job_id, 99], extended=True)
        assert list(found) == [second.job_id] and found[second.job_id].description == "other"
        with pytest.raises(CallRefused, match="Job with id 99 does not exist"):
            client.job(99)
        assert client.probe().documentation == {}


def test_jobs_that_are_there_at_first() -> None:
    job = make_job(job_id=5, status="ERROR", error="Could not move file")
    client = MockClient([job])
    assert client.job(5) == job
    assert client.create(make_request()).job_id == 6


def test_responses_come_round_and_fail_when_told() -> None:
    responses: list[Job | AnonTUIError] = [make_job(), ServerUnreachable("No answer")]
    client = MockClient(responses=responses)
    for _ in range(2):
        found = client.job(12)
        assert (found.job_id, found.status) == (12, JobStatus.DONE)
        with pytest.raises(ServerUnreachable):
            client.job(12)


def test_many_at_once_get_one_response_each() -> None:
    client = MockClient(responses=[make_job(status="DONE"), make_job(status="ERROR", error="x")])
    found = client.jobs_by_id([1, 2, 3])
    assert [job.status.value for job in found.values()] == ["DONE", "ERROR", "DONE"]


def test_no_job_that_a_server_could_not_have() -> None:
    with pytest.raises(UnexpectedAnswer):
        make_job(status="TIRED")
    assert make_job().job_id != make_job().job_id
