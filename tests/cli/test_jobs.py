"""``anontui job`` and ``anontui batch``."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from anontui.project.batch import Batch
from tests.cli.api import Api
from tests.cli.conftest import Command
from tests.idis.fake_server import Answer, Behaviour, Request


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
    assert [(job["job_id"], job["status"]) for job in found][-1] == (
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


def test_ignoring_an_opt_out(anontui: Command, jobs: Api) -> None:
    words = ["job", "set-opt-out-ignore", "1", "2-3", "signed consent 7"]
    assert anontui(*words).code == 2
    ran = anontui(*words, typed="n\n")
    assert ran.code == 1 and "of 3 jobs on p01, because: signed consent 7?" in ran.err
    assert not [request for request in jobs.requests if request.method == "POST"]
    ran = anontui(*words, "--yes")
    assert ran.code == 0 and ran.out.splitlines() == [f"{n} ignores the opt-out" for n in (1, 2, 3)]
    sent = [request.form for request in jobs.requests if request.method == "POST"]
    assert all(form["source_ignore_opt_out"] == ["True"] for form in sent) and len(sent) == 3
    assert sent[0]["source_ignore_opt_out_reason"] == ["Reason: signed consent 7"]
    ran = anontui("job", "set-opt-out-ignore", "1", " ", "--yes")
    assert ran.code == 2 and "for a reason only" in ran.err


def test_batch_init_and_delete(anontui: Command, jobs: Api, project: Path) -> None:
    assert anontui("batch", "init").code == 0
    batch = Batch.load(project)
    assert batch == Batch((), "p01", jobs.url)
    ran = anontui("batch", "init")
    assert ran.code == 1 and "has a batch already" in ran.err
    anontui("batch", "add", "1-3")
    assert anontui("batch", "delete").code == 2
    ran = anontui("batch", "delete", typed="n\n")
    assert ran.code == 1 and "Forget the batch of 3 jobs on p01?" in ran.err
    assert Batch.load(project)
    assert anontui("batch", "delete", "--yes").code == 0
    assert Batch.load(project) is None
    assert anontui("batch", "delete", "--yes").code == 1
    assert statuses(jobs) == "1:DONE 2:ERROR 3:ACTIVE 12:ERROR"


def test_batch_init_needs_a_server(
    anontui: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = anontui("batch", "init")
    assert ran.code == 1 and "anontui server add NAME URL" in ran.err
    assert not (tmp_path / ".anonbatch").exists()


def test_watch_ends_when_no_job_is_at_work(anontui: Command, jobs: Api) -> None:
    anontui("batch", "add", "1,2,3,99")
    asked = 0
    tell = jobs.next_for

    def finish_later(request: Request) -> Answer | Behaviour:
        nonlocal asked
        asked += 1
        if asked == 3:
            jobs.jobs[3] |= {"status": "DONE", "files_downloaded": 5, "files_processed": 5}
        return tell(request)

    jobs.next_for = finish_later  # type: ignore[method-assign]
    ran = anontui("batch", "watch", "--interval", "0.5")
    lines = ran.out.splitlines()
    assert lines[:4] == [
        "1 DONE 0/0",
        "2 ERROR 0/0 HTTP Error 404: not found in the archive",
        "3 ACTIVE 0/0",
        "3 DONE 5/5",
    ]
    assert lines[4].split() == ["id", "date", "status", "down", "proc", "user", "error"]
    assert ran.code == 1  # one failed, one is not there
    anontui("batch", "remove", "2,99")
    ran = anontui("batch", "watch", "--json")
    assert ran.code == 0 and [job["job_id"] for job in json.loads(ran.out)] == [1, 3]


def test_export(anontui: Command, jobs: Api, project: Path) -> None:
    jobs.jobs[1]["description"] = '=HYPERLINK("https://evil.example")'
    anontui("batch", "add", "1,2,99")
    assert anontui("batch", "export", "out.xlsx").code == 0
    sheet = openpyxl.load_workbook(project / "out.xlsx").active
    assert sheet is not None
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["job"] for row in found] == [1, 2, 99]
    assert [row["status"] for row in found] == ["DONE", "ERROR", "NOT_FOUND"]
    assert found[0]["pseudo_id"] == "LUNG-001"
    assert "After 30 minutes" in str(found[1]["advice"])
    texts = [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert texts == []  # nothing that a server says is a formula


def test_export_replaces_a_file_only_after_a_question(
    anontui: Command, jobs: Api, project: Path
) -> None:
    anontui("batch", "add", "1")
    path = project / "out.xlsx"
    path.write_text("mine")
    assert anontui("batch", "export", "out.xlsx").code == 2
    assert anontui("batch", "export", "out.xlsx", typed="n\n").code == 1
    assert path.read_text() == "mine"
    assert anontui("batch", "export", "out.xlsx", "--yes").code == 0
    assert path.read_bytes()[:2] == b"PK"
    ran = anontui("batch", "export", "out.csv")
    assert ran.code == 2 and ".xlsx" in ran.err
    ran = anontui("batch", "export", "no/such/folder/out.xlsx")
    assert ran.code == 1 and "cannot be written" in ran.err
