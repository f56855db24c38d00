"""Jobs from ACTIVE to their end, with the real de-identification."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydicom import dcmread

from anontui.idis.model import JobStatus
from anontui.server import attempt as attempt_module
from anontui.server import runner as runner_module
from anontui.server.calls import Api
from anontui.server.deliver import PART_PREFIX
from anontui.server.engine import KILLED, Engine
from anontui.server.http import make_app
from anontui.server.runner import Runner
from tests.server import workers
from tests.server.conftest import Ledger
from tests.server.support import (
    PROJECT,
    SHARE,
    Caller,
    app_server,
    files_below,
    path_job,
    wait_until,
    write_dicom,
)

NAME = "Jansen^Invented"


@pytest.fixture
def run(ledger: Ledger) -> Iterator[Callable[[Engine], Caller]]:
    """Have the jobs of the ledger run by an engine; returns a caller."""
    stack: list[Any] = []

    def start(engine: Engine) -> Caller:
        folder, store = ledger.folder, ledger.store
        runner = Runner(store, folder.config, folder.path, folder.key(), engine)
        runner.start()
        api = Api(store, folder.config, folder.path, runner.wake)
        server = app_server(make_app(api, ledger.users))
        stack.extend([runner.stop, lambda: server.__exit__(None, None, None)])
        return Caller(server.__enter__())

    yield start
    for stop in reversed(stack):
        stop()


@pytest.fixture
def call(run: Callable[[Engine], Caller]) -> Caller:
    return run(Engine(2))


@pytest.fixture
def call_obedient(run: Callable[[Engine], Caller]) -> Caller:
    """Workers that do as a file's first word says."""
    return run(Engine(2, workers.obedient))


def _words(folder: Path, *words: str) -> None:
    for number, word in enumerate(words, start=1):
        (folder / f"f{number:03}").write_text(f"{word} {number}")


def _delivered(share: Path) -> list[Path]:
    return [path for path in files_below(share / "out") if path.is_file()]


def test_a_folder_is_de_identified_and_delivered(call: Caller, ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 5, name=NAME)
    write_dicom(share / "in" / "more", 4, name=NAME)
    job = call.wait(call.create()["job_id"])
    assert (job["status"], job["error"]) == ("DONE", None)
    assert (job["files_downloaded"], job["files_processed"]) == (9, 9)
    found = _delivered(share)
    assert len(found) == 9
    for path in found:
        dataset = dcmread(path)
        assert (dataset.PatientID, dataset.PatientName) == ("P-001", "Patient one")
        uids = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, f"{dataset.SOPInstanceUID}.dcm"
        assert path.relative_to(share / "out").parts == ("P-001", *uids)
        assert b"Jansen" not in path.read_bytes()
    _assert_tidy(ledger)


def test_a_selection_is_taken_and_the_rest_is_left(call: Caller, share: Path) -> None:
    write_dicom(share / "in", 5)
    selection = {"description": "d", "id": "i", "selected_paths": ["00002.dcm", "00004.dcm"]}
    (share / "in" / "fileselection.txt").write_text(yaml.safe_dump(selection))
    source = rf"fileselection:{SHARE}\in\fileselection.txt"
    job = call.wait(call.create(source_path=source)["job_id"])
    assert (job["status"], job["files_downloaded"], job["files_processed"]) == ("DONE", 2, 2)
    assert len(_delivered(share)) == 2


def test_what_cannot_be_delivered_is_counted_without_names(call: Caller, share: Path) -> None:
    paths = write_dicom(share / "in", 4)
    (share / "in" / "Jansen.txt").write_text("Jansen")
    paths[0].write_bytes(paths[0].read_bytes()[:3000])
    (share / "in" / "copy-of-2.dcm").write_bytes(paths[1].read_bytes())
    job = call.wait(call.create()["job_id"])
    assert (job["status"], job["files_downloaded"], job["files_processed"]) == ("DONE", 6, 4)
    assert job["error"].startswith("2 of 6 files were left out: ")
    assert "not a DICOM file (1)" in job["error"]
    assert "Jansen" not in job["error"]
    assert len(_delivered(share)) == 3


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "The source holds no files"),
        ({"source_path": rf"{SHARE}\gone"}, "The source cannot be read: No such file or directory"),
        ({"source_path": rf"{SHARE}\sub\note"}, "The source cannot be read: Not a directory"),
        ({"source_path": rf"fileselection:{SHARE}\sub\note"}, "The file is not a file selection"),
        ({"source_path": rf"fileselection:{SHARE}\x\y"}, "The file selection is not there"),
    ],
)
def test_a_source_that_is_none_fails(
    call: Caller, share: Path, fields: dict[str, str], error: str
) -> None:
    (share / "sub").mkdir()
    (share / "sub" / "note").write_text("text")
    job = call.wait(call.create(**fields, destination_path=rf"{SHARE}\deep\out")["job_id"])
    assert (job["status"], job["error"]) == ("ERROR", error)
    assert not (share / "deep").exists()


def test_files_of_no_use_only_fail(call: Caller, ledger: Ledger, share: Path) -> None:
    (share / "in" / "a.txt").write_text("Jansen")
    job = call.wait(call.create()["job_id"])
    assert (job["status"], job["files_processed"]) == ("ERROR", 0)
    expected = "None of the 1 files could be de-identified: not a DICOM file (1)"
    assert job["error"] == expected
    assert _delivered(share) == []
    _assert_tidy(ledger)


def test_what_a_killed_delivery_left_is_swept_at_the_start(
    run: Callable[[Engine], Caller], ledger: Ledger, share: Path
) -> None:
    parts = share / "out" / f"{PART_PREFIX}1"
    parts.mkdir(parents=True)
    (parts / "1.dcm").write_text("half")
    (ledger.folder.path / "staging" / "1-1").mkdir(parents=True)
    write_dicom(share / "in", 2)
    ledger.store.create("alice", _ledger_fields())
    claim = ledger.store.next_waiting()
    assert claim is not None
    claim = ledger.store.commit(claim, JobStatus.UPLOADED, downloaded=2)
    assert claim is not None
    ledger.store.commit(claim, part_folder=str(parts))
    ledger.store.modify(1, {}, JobStatus.INACTIVE)
    run(Engine(1))
    assert not parts.exists()
    _assert_tidy(ledger)
    assert ledger.store.interrupted() == []


def test_pacs_retrieval_is_told_to_be_missing(call: Caller) -> None:
    wanted = path_job(source_type="WADO", source_name="IDC_WADO", source_instance_id="1.2.3")
    del wanted["source_path"]
    _, created = call("POST", "create_job", wanted)
    job = call.wait(created["job_id"])
    expected = ("ERROR", "Not available on this server yet: PACS retrieval")
    assert (job["status"], job["error"]) == expected


def test_a_source_that_became_forbidden_meanwhile_fails(
    call: Caller, ledger: Ledger, share: Path, tmp_path: Path
) -> None:
    write_dicom(tmp_path / "elsewhere", 1)
    (share / "in").rmdir()
    (share / "in").symlink_to(tmp_path / "elsewhere")
    ledger.store.create("alice", _ledger_fields())
    call("POST", "modify_job", job_id=1, description="wakes the runner")
    job = call.wait(1)
    assert job["status"] == "ERROR"
    assert "does not open" in job["error"]


def test_a_destination_that_is_a_file_fails(call: Caller, ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 2)
    (share / "out").write_text("in the way")
    job = call.wait(call.create()["job_id"])
    assert job["status"] == "ERROR"
    assert job["error"].startswith("Could not move file to the destination: ")
    (share / "out").unlink()
    call("POST", "modify_job", job_id=1, status="ACTIVE", error=" ")
    assert call.wait(1)["status"] == "DONE"
    assert call.job(1)["error"] is None
    _assert_tidy(ledger)


def test_a_full_disk_fails_and_goes_on_when_there_is_room(
    call_obedient: Caller, share: Path
) -> None:
    _words(share / "in", "copy", "full", "copy")
    job = call_obedient.wait(call_obedient.create()["job_id"])
    assert job["status"] == "ERROR"
    assert job["error"].startswith("Could not move file")
    assert job["error"].endswith("No space left on device")
    _words(share / "in", "copy", "copy", "copy")
    call_obedient("POST", "modify_job", job_id=1, status="ACTIVE")
    assert call_obedient.wait(1)["status"] == "DONE"


def test_a_file_that_kills_workers_is_left_out(call_obedient: Caller, share: Path) -> None:
    _words(share / "in", "copy", "die", "copy", "reject")
    job = call_obedient.wait(call_obedient.create()["job_id"])
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert f"{KILLED} (1)" in job["error"]
    assert "of no use (1)" in job["error"]


@pytest.mark.parametrize("how", ["cancel", "reset"])
def test_a_cancelled_or_reset_job_lets_go_at_once(
    call_obedient: Caller, ledger: Ledger, share: Path, how: str
) -> None:
    _words(share / "in", "copy", "sleep", "sleep", "sleep", "sleep", "sleep")
    job_id = call_obedient.create()["job_id"]
    wait_until(lambda: call_obedient.job(job_id)["status"] == "UPLOADED")
    staging = ledger.folder.path / "staging"
    wait_until(lambda: staging.exists() and list(staging.iterdir()) != [])
    if how == "cancel":
        call_obedient("POST", "cancel_job", job_id=job_id)
        wait_until(lambda: list(staging.iterdir()) == [], seconds=5)
        assert call_obedient.job(job_id)["status"] == "INACTIVE"
    else:
        _words(share / "in", *["copy"] * 6)
        call_obedient("POST", "modify_job", job_id=job_id, status="ACTIVE")
        wait_until(lambda: f"{job_id}-1" not in os.listdir(staging), seconds=5)
    assert _delivered(share) == []


def test_counts_grow_while_a_job_runs_and_others_wait(
    call_obedient: Caller, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_module, "LOOK_EVERY", 0.0)
    _words(share / "in", *["copy"] * 9, "sleep")
    first, second = (call_obedient.create()["job_id"] for _ in range(2))
    wait_until(lambda: call_obedient.job(first)["files_processed"] >= 4)
    assert call_obedient.job(first)["files_downloaded"] == 10
    assert call_obedient.job(second)["status"] == "ACTIVE"
    call_obedient("POST", "cancel_job", job_id=second)
    call_obedient("POST", "cancel_job", job_id=first)


def test_a_mistake_of_ours_costs_one_job_only(
    call: Caller, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("Jansen")

    write_dicom(share / "in", 1)
    monkeypatch.setattr(runner_module, "PAUSE", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(attempt_module, "collect", broken)
        job = call.wait(call.create()["job_id"])
    assert job["status"] == "ERROR"
    assert job["error"] == "Internal error: tell the server's admin this job's number"
    assert call.wait(call.create()["job_id"])["status"] == "DONE"


def test_the_pool_ends_when_there_is_nothing_to_do(
    run: Callable[[Engine], Caller], share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "IDLE", 0.2)
    engine = Engine(1)
    call = run(engine)
    write_dicom(share / "in", 1)
    assert not engine.is_running
    call.wait(call.create()["job_id"])
    wait_until(lambda: not engine.is_running)
    assert call.wait(call.create()["job_id"])["status"] == "DONE"


def test_a_project_has_a_policy_of_its_own(call: Caller, ledger: Ledger, share: Path) -> None:
    """It holds from the next job on, and what it keeps is kept."""
    write_dicom(share / "in", 2, name=NAME)
    policy = ledger.folder.projects / PROJECT / "policy.yml"
    policy.parent.mkdir(parents=True)
    policy.write_text("options: [retain-longitudinal-full-dates]\nrules: {StationName: keep}\n")
    assert call.wait(call.create()["job_id"])["status"] == "DONE"
    dataset = dcmread(_delivered(share)[0])
    assert dataset.StudyDate == "20040119"
    assert dataset.StationName == "CT01_OC0"
    assert dataset.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence] == [
        "113100",
        "113106",
    ]


def test_a_wrong_policy_is_an_error_and_nothing_is_delivered(
    call: Caller, ledger: Ledger, share: Path
) -> None:
    write_dicom(share / "in", 2, name=NAME)
    policy = ledger.folder.projects / PROJECT / "policy.yml"
    policy.parent.mkdir(parents=True)
    policy.write_text("options: [retain-everything]\n")
    job = call.wait(call.create()["job_id"])
    assert (job["status"], job["error"]) == (
        "ERROR",
        "The project's policy is wrong: tell the server's admin",
    )
    assert not _delivered(share)


def test_a_study_of_two_patients_is_left_out_whole(call: Caller, share: Path) -> None:
    write_dicom(share / "in", 3)
    paths = write_dicom(share / "in" / "other", 2)
    for path in paths:
        dataset = dcmread(path)
        dataset.StudyInstanceUID += ".7"
        dataset.save_as(path)
    stranger = dcmread(share / "in" / "00002.dcm")
    stranger.PatientID = "MRN-190284"
    stranger.save_as(share / "in" / "00002.dcm")
    job = call.wait(call.create()["job_id"])
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert "files of one study name different patients (3)" in job["error"]
    assert len(_delivered(share)) == 2


def _assert_tidy(ledger: Ledger) -> None:
    staging = ledger.folder.path / "staging"
    wait_until(lambda: not staging.exists() or list(staging.iterdir()) == [])
    assert not list(ledger.share.rglob(".*"))


def _ledger_fields() -> dict[str, Any]:
    job = path_job()
    for name in ("anonymizedpatientid", "anonymizedpatientname"):
        job[f"source_{name}"] = job.pop(name)
    return job
