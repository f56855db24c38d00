"""Runs of the pipeline: what is ordered, told, and taken up again."""

from __future__ import annotations

import stat
from collections.abc import Generator
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path

import pytest

from anontui.errors import CallRefused, ProjectError
from anontui.events import Result, Warning, result_of  # noqa: A004
from anontui.idis.model import JobRequest, JobStatus
from anontui.operations import jobs, runfolder
from anontui.operations.archives import Import
from anontui.operations.pipeline import clean, resume, start, work
from anontui.operations.runfolder import Run
from anontui.project.studylist import ListedStudy, StudyList
from tests.operations.archive_server import ArchiveClient, answer

WANTED = Import("A", "B", "Lung")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anontui.operations.pipeline._INTERVAL", 0.0)
    monkeypatch.setattr(jobs, "LONGEST", 0.0)


@pytest.fixture
def client() -> ArchiveClient:
    return ArchiveClient(
        *map(answer, range(1, 5)), answer(5, accession="ACC4"), answer(6, accession="ACC6")
    )


def listing(*numbers: str) -> StudyList:
    return StudyList(
        tuple(ListedStudy(row, accession=number) for row, number in enumerate(numbers, 1))
    )


def begun(base: Path, client: ArchiveClient, listed: StudyList, limit: int | None = None) -> Run:
    return result_of(start(base, client, listed, WANTED, limit=limit))


def read(run: Run, name: str) -> list[str]:
    return (run.folder / name).read_text().splitlines()


def studies(client: ArchiveClient) -> list[str | None]:
    return [one.source_instance_id for one in client.requests.values()]


def test_a_run_and_its_folder(tmp_path: Path, client: ArchiveClient) -> None:
    listed = StudyList(
        (
            ListedStudy(1, accession="ACC1", comment="fine"),
            ListedStudy(2, accession="ACC2", protocol=True),
            ListedStudy(3, study="1.2.3.3", pseudonym="P-3", protocol=True),
            ListedStudy(4, accession="ACC9"),
            ListedStudy(5, accession="ACC4"),
        ),
        ((6, "it names no study"),),
    )
    held = {"item_id": 4, "status": "quarantined", "code": "screen", "reason": "a protocol"}
    done = {"item_id": 5, "status": "done", "code": None, "reason": None, "target": "P/1.dcm"}
    client.items_of["1.2.3.3"] = [held, done]
    run = begun(tmp_path, client, listed)
    assert not client.store
    ended = result_of(work(run, client))
    assert ended.is_done and ended.is_over and ended.counts == {"DONE": 5}
    assert studies(client) == [f"1.2.3.{n}" for n in (1, 2, 3, 4, 5)]
    assert client.requests[client.keys[f"{run.key}/3"]].anonymizedpatientid == "P-3"
    assert read(run, "studies_to_retrieve.txt") == studies(client)
    assert read(run, "comments.txt") == ["1.2.3.1  fine"]
    assert read(run, "not_found_studies.txt") == ["ACC9"]
    assert read(run, "reviewed_protocol_studies.txt") == ["1.2.3.2", "1.2.3.3"]
    assert read(run, "found_protocol_studies.txt") == ["1.2.3.3"]
    assert read(run, "missing_protocol_studies.txt") == ["1.2.3.2"]
    assert len(read(run, "push_output.txt")) == 13
    assert read(run, "anonymize_output.txt")[6] == "Job 43  4  quarantined: a protocol (screen)"
    [refused] = read(run, "post_anon_output.txt")
    assert "is for admins" in refused
    overview = read(run, "overview.txt")
    assert overview[0].startswith("Starting at 20") and overview[-1].startswith("Push completed")
    assert overview[1:-1] == [
        "5 valid reviewed studies. Please review comments.txt",
        "1 rows of the list name no study, or one that another row names",
        "1 accession numbers are not in A, see 'not_found_studies.txt'",
        "Received 14 files containing 5 studies",
        "2 studies marked as having a protocol series, 1 studies found with protocol series "
        "during anonymization.",
        "1 studies marked as having a protocol series but not found, see "
        "'missing_protocol_studies.txt'.",
        "1 files are held for review, see 'anontui quarantine list'",
        "13 files containing 5 studies were delivered to B",
    ]
    others = stat.S_IRWXG | stat.S_IRWXO
    for path in [run.folder.parent, run.folder, *run.folder.iterdir()]:
        assert not path.stat().st_mode & others, path


def test_a_practice_run(tmp_path: Path, client: ArchiveClient) -> None:
    item = {"item_id": 1, "status": "rejected", "code": "practice", "reason": "a practice run"}
    client.items_of["1.2.3.1"] = [item]
    wanted = Import("A", "B", "Lung", practice=True)
    run = result_of(start(tmp_path, client, listing("ACC1"), wanted))
    result_of(work(run, client))
    assert [one.practice for one in client.requests.values()] == ["True"]
    overview = read(run, "overview.txt")
    assert "1 files would be delivered" in overview
    assert not any("were delivered" in line or "left out" in line for line in overview)


def test_the_limit_counts_studies(tmp_path: Path, client: ArchiveClient) -> None:
    run = begun(tmp_path, client, listing("ACC9", "ACC4", "ACC1"), limit=1)
    assert [one.name for one in run.studies] == ["1.2.3.4"]


def test_an_archive_that_cannot_be_searched_gets_the_numbers(
    tmp_path: Path, client: ArchiveClient
) -> None:
    run = result_of(start(tmp_path, client, listing("ACC1"), Import("MUTE", "B", "Lung")))
    result_of(work(run, client))
    assert studies(client) == ["accession_number:ACC1"]


def test_nothing_of_the_list_is_there(tmp_path: Path, client: ArchiveClient) -> None:
    with pytest.raises(ProjectError, match="None of the 1 studies"):
        begun(tmp_path, client, listing("ACC77"))
    assert not (tmp_path / "data").exists()


def test_a_row_that_another_one_means_too_is_done_once(
    tmp_path: Path, client: ArchiveClient
) -> None:
    listed = StudyList((ListedStudy(1, accession="ACC1"), ListedStudy(2, "1.2.3.1", protocol=True)))
    run = begun(tmp_path, client, listed)
    assert [(one.name, one.protocol) for one in run.studies] == [("1.2.3.1", True)]


def test_it_is_stopped_after_every_event_and_goes_on(tmp_path: Path) -> None:
    for steps in count():
        client = ArchiveClient(*map(answer, (1, 2, 3)))
        client.outcomes = {"1.2.3.2": [JobStatus.ACTIVE] * 3}
        base = tmp_path / str(steps)
        base.mkdir()
        events = work(begun(base, client, listing("ACC1", "ACC2", "ACC3")), client)
        assert isinstance(events, Generator)
        if any(isinstance(event, Result) for event in islice(events, steps)):
            break
        events.close()
        ended = result_of(work(resume(base, client), client))
        assert ended.is_done, steps
        assert studies(client) == ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
        assert client.resets == []
        assert [path.name for path in (base / "data").iterdir()] == [ended.folder.name]
        with pytest.raises(ProjectError, match="no unfinished run"):
            resume(base, client)
    assert steps > 5


def test_what_failed_is_reset_by_the_next_call_and_only_that(
    tmp_path: Path, client: ArchiveClient
) -> None:
    client.outcomes = {"1.2.3.2": [JobStatus.ERROR, JobStatus.ERROR]}
    run = begun(tmp_path, client, listing("ACC1", "ACC2"))
    for _ in range(2):
        ended = result_of(work(resume(tmp_path, client), client))
        assert not ended.is_over and ended.counts == {"DONE": 1, "ERROR": 1}
        assert "1 studies failed, see 'pull_output.txt'" in read(run, "overview.txt")
    ended = result_of(work(resume(tmp_path, client), client))
    assert ended.is_over and ended.is_done
    assert set(client.resets) == {client.keys[f"{run.key}/2"]}
    overview = read(run, "overview.txt")
    assert [line.split(" at ")[0] for line in overview[:3]] == [
        "Starting",
        "Restarted",
        "Restarted",
    ]


def test_a_job_that_somebody_cancelled_is_left_alone(tmp_path: Path, client: ArchiveClient) -> None:
    client.outcomes = {"1.2.3.1": [JobStatus.INACTIVE]}
    run = begun(tmp_path, client, listing("ACC1", "ACC2"))
    ended = result_of(work(run, client))
    assert ended.is_over and not ended.is_done
    assert "1 studies were cancelled" in read(run, "overview.txt")


def test_a_server_that_wants_a_pseudonym_is_explained(
    tmp_path: Path, client: ArchiveClient
) -> None:
    def refuse(request: JobRequest) -> None:
        raise CallRefused("not supplied", errors={"jobs[0].anonymizedpatientid": "not supplied"})

    client.before = refuse
    with pytest.raises(CallRefused) as refused:
        result_of(work(begun(tmp_path, client, listing("ACC1")), client))
    assert "column 'pseudonym'" in refused.value.advice


def test_another_server_does_not_get_the_run(tmp_path: Path, client: ArchiveClient) -> None:
    run = begun(tmp_path, client, listing("ACC1"))
    run.saved(server="http://other")
    with pytest.raises(ProjectError, match="another server"):
        resume(tmp_path, client)
    (run.folder / "run.json").write_text('{"key": 1}')
    with pytest.raises(ProjectError, match="cannot be read"):
        resume(tmp_path, client)


def test_clean_frees_files_and_keeps_texts(tmp_path: Path, client: ArchiveClient) -> None:
    tomorrow = date.today() + timedelta(days=1)
    client.outcomes = {"1.2.3.1": [JobStatus.ERROR], "1.2.3.2": [JobStatus.ACTIVE] * 9}
    failed = begun(tmp_path, client, listing("ACC1"))
    result_of(work(failed, client))
    active = begun(tmp_path, client, listing("ACC2"))
    events = work(active, client)
    assert isinstance(events, Generator)
    for _ in range(3):
        next(events)
    events.close()
    old = tmp_path / "data" / "run_at_1367600000"
    for name in ("from_staging/a", "quarantine", "to_production"):
        (old / name).mkdir(parents=True)
    (old / "overview.txt").write_text("an old run")

    assert result_of(clean(tmp_path, date(2013, 5, 3), client)) == []
    found = list(clean(tmp_path, tomorrow, client))
    assert [one.message for one in found if isinstance(one, Warning)] == [
        f"{active.folder.name} is still at work, and stays"
    ]
    freed = result_of(iter(found))
    assert freed == [old, failed.folder]
    assert [path.name for path in old.iterdir()] == ["overview.txt"]
    assert (failed.folder / "overview.txt").exists()
    assert client.store[client.keys[f"{failed.key}/1"]].status is JobStatus.INACTIVE
    assert resume(tmp_path, client).folder == active.folder


def test_clean_orders_nothing(tmp_path: Path, client: ArchiveClient) -> None:
    tomorrow = date.today() + timedelta(days=1)
    never = begun(tmp_path, client, listing("ACC1"))
    events = work(begun(tmp_path, client, listing("ACC2")), client)
    assert isinstance(events, Generator)
    next(events)  # its jobs are about to be made
    events.close()
    found = list(clean(tmp_path, tomorrow, client))
    assert result_of(iter(found)) == [never.folder]
    assert any(isinstance(one, Warning) and "cut short" in one.message for one in found)
    assert client.store == {}


def test_clean_follows_no_link(tmp_path: Path, client: ArchiveClient) -> None:
    (tmp_path / "mine").mkdir()
    old = tmp_path / "data" / "run_at_1367600000"
    old.mkdir(parents=True)
    (old / "from_staging").symlink_to(tmp_path / "mine")
    result_of(clean(tmp_path, date(2020, 1, 1), client))
    assert (tmp_path / "mine").exists()
    assert runfolder.folders(tmp_path) == [old]
