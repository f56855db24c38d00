"""``anontui job`` and ``anontui batch``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anontui.project.batch import Batch
from tests.cli.api import Api
from tests.cli.conftest import Command


@pytest.fixture
def jobs(project: Path, api: Api) -> Api:
    api.add(1, "DONE", source_anonymizedpatientid="LUNG-001")
    api.add(2, "ERROR", error="HTTP Error 404: not found in the archive")
    api.add(3, "ACTIVE")
    api.add(12, "ERROR", error="Could not move file")
    return api


def statuses(api: Api) -> str:
    return " ".join(f"{number}:{job['status']}" for number, job in api.jobs.items())


@pytest.mark.parametrize("ids", [["1", "2", "3"], ["1-3"], ["1,2-3"], ["3", "1-2"]])
def test_ids_in_every_way(anontui: Command, jobs: Api, ids: list[str]) -> None:
    found = json.loads(anontui("job", "list", *ids, "--json").out)
    assert [job["job_id"] for job in found] == [1, 2, 3]


@pytest.mark.parametrize("ids", ["abc", "9-7", "1-", "-", "1;2", "1-99999999999"])
def test_what_is_no_id(anontui: Command, jobs: Api, ids: str) -> None:
    for words in (["job", "list"], ["job", "reset", "--yes"], ["batch", "add"]):
        ran = anontui(*words, "--", ids)
        assert ran.code == 2 and "Error: " in ran.err
    assert jobs.requests == []


def test_info_has_all_fields_and_advice(anontui: Command, jobs: Api) -> None:
    ran = anontui("job", "info", "1,2")
    assert ran.code == 0
    first, second = ran.out.split("\n\n")
    assert "LUNG-001" in first and "advice" not in first
    assert "HTTP Error 404" in second and "advice" in second


def test_unknown_ids_are_told_and_the_rest_is_shown(anontui: Command, jobs: Api) -> None:
    ran = anontui("job", "list", "1", "77-78")
    assert ran.code == 1 and len(ran.out.splitlines()) == 2
    assert "the server knows no job 77, 78" in ran.err


def test_one_bad_id_keeps_no_other_from_it(anontui: Command, jobs: Api) -> None:
    ran = anontui("job", "cancel", "2", "77", "3", "--yes")
    assert ran.code == 1
    assert ran.out == "2 cancelled\n3 cancelled\n"
    assert "job 77: " in ran.err and "does not exist" in ran.err
    assert statuses(jobs) == "1:DONE 2:INACTIVE 3:INACTIVE 12:ERROR"


def test_reset(anontui: Command, jobs: Api) -> None:
    assert anontui("job", "reset", "2", "--yes").out == "2 reset\n"
    assert statuses(jobs) == "1:DONE 2:ACTIVE 3:ACTIVE 12:ERROR"


@pytest.mark.parametrize("words", [["job", "reset", "2"], ["job", "cancel", "2"]])
def test_confirmation(anontui: Command, jobs: Api, words: list[str]) -> None:
    ran = anontui(*words)
    assert ran.code == 2 and "--yes" in ran.err
    ran = anontui(*words, typed="n\n")
    assert ran.code == 1 and "Nothing was done." in ran.err and "job 2 on p01?" in ran.err
    assert statuses(jobs) == "1:DONE 2:ERROR 3:ACTIVE 12:ERROR"
    assert anontui(*words, typed="y\n").code == 0
    assert jobs.jobs[2]["status"] != "ERROR"


def test_batch_add_remove_info(anontui: Command, jobs: Api, project: Path) -> None:
    ran = anontui("batch", "info")
    assert ran.code == 1 and "has no batch" in ran.err
    assert anontui("batch", "add", "5-12").code == 0
    assert anontui("batch", "remove", "8-11").code == 0
    assert json.loads(anontui("batch", "info", "--json").out)["job_ids"] == [5, 6, 7, 12]
    assert "5, 6, 7, 12" in anontui("batch", "info").out
    batch = Batch.load(project)
    assert batch and batch.server_url == jobs.url


def test_batch_status(anontui: Command, jobs: Api) -> None:
    anontui("batch", "add", "1-3,12,99")
    ran = anontui("batch", "status", "--patient-name")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["id", "1", "2", "3", "12", "99"]
    assert "LUNG-001" in ran.out and "NOT_FOUND" in ran.out
    assert "5 jobs on p01: 2 ERROR, 1 DONE, 1 ACTIVE, 1 NOT_FOUND" in ran.err
    assert "LUNG-001" not in anontui("batch", "status").out
    found = json.loads(anontui("batch", "status", "--json").out)
    assert [(job.get("job_id", job.get("id")), job["status"]) for job in found][-1] == (
        99,
        "NOT_FOUND",
    )


def test_batch_show_error(anontui: Command, jobs: Api) -> None:
    anontui("batch", "add", "1,3")
    assert "No job of this batch failed" in anontui("batch", "show-error").err
    anontui("batch", "add", "2,12")
    out = anontui("batch", "show-error").out
    assert "2: HTTP Error 404: not found in the archive\n  " in out
    assert "12: Could not move file\n  " in out


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("reset", "1:ACTIVE 2:ACTIVE 3:ACTIVE 12:ACTIVE"),
        ("cancel", "1:INACTIVE 2:INACTIVE 3:INACTIVE 12:INACTIVE"),
        ("cancel-active", "1:DONE 2:ERROR 3:INACTIVE 12:ERROR"),
        ("reset-error", "1:DONE 2:ACTIVE 3:ACTIVE 12:ACTIVE"),
    ],
)
def test_batch_actions(anontui: Command, jobs: Api, action: str, expected: str) -> None:
    anontui("batch", "add", "1-3,12")
    before = statuses(jobs)
    assert anontui("batch", action).code == 2
    assert statuses(jobs) == before
    assert anontui("batch", action, "--yes").code == 0
    assert statuses(jobs) == expected


def test_nothing_to_do(anontui: Command, jobs: Api) -> None:
    anontui("batch", "add", "1")
    ran = anontui("batch", "reset-error")
    assert ran.code == 0 and "There is no job to reset" in ran.err


def test_batch_of_a_server_that_is_not_the_users(anontui: Command, project: Path, api: Api) -> None:
    Batch((1,), "p01", "https://evil.example").save(project)
    ran = anontui("batch", "status")
    assert ran.code == 1 and "not among yours" in ran.err
