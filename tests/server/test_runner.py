"""Jobs from ACTIVE to their end."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from pydicom import dcmread

from anontui.idis.model import JobStatus
from anontui.server import attempt as attempt_module
from anontui.server import dispatch as dispatch_module
from anontui.server import items
from anontui.server import runner as runner_module
from anontui.server.claims import Claims
from anontui.server.deliver import PART_PREFIX, place
from anontui.server.engine import Engine, Processes
from anontui.server.items import KILLED
from anontui.server.runner import Runner
from tests.server import workers
from tests.server.conftest import Ledger
from tests.server.running import (
    assert_tidy,
    create,
    delivered,
    ended,
    history,
    job_of,
    running,
    status_of,
    statuses,
    told,
    words,
)
from tests.server.support import PROJECT, SHARE, wait_until, write_dicom

NAME = "Jansen^Invented"
Run = Callable[[Engine], Runner]


@pytest.fixture
def run(ledger: Ledger) -> Iterator[Run]:
    """Have the jobs of the ledger run by an engine."""
    with ExitStack() as stack:
        yield lambda engine: stack.enter_context(running(ledger, engine))


@pytest.fixture
def real(run: Run) -> None:
    """Workers that de-identify."""
    run(Processes(2))


@pytest.fixture
def obedient(run: Run) -> Runner:
    """Workers that do as a file's first word says."""
    return run(Processes(2, workers.obedient))


# --- what a job gives


@pytest.mark.usefixtures("real")
def test_a_folder_is_de_identified_and_delivered(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 5, name=NAME)
    write_dicom(share / "in" / "more", 4, name=NAME)
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["error"]) == ("DONE", None)
    assert (job["files_downloaded"], job["files_processed"]) == (9, 9)
    found = delivered(share)
    assert len(found) == 9
    for path in found:
        dataset = dcmread(path)
        assert (dataset.PatientID, dataset.PatientName) == ("P-001", "Patient one")
        uids = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, f"{dataset.SOPInstanceUID}.dcm"
        assert path.relative_to(share / "out").parts == ("P-001", *uids)
        assert b"Jansen" not in path.read_bytes()
    assert history(ledger.store, 1) == ["ACTIVE", "UPLOADED", "DONE"]
    assert statuses(ledger.store, 1) == ["done"] * 9
    assert_tidy(share)


@pytest.mark.usefixtures("real")
def test_a_selection_is_taken_and_the_rest_is_left(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 5)
    selection = {"description": "d", "id": "i", "selected_paths": ["00002.dcm", "00004.dcm"]}
    (share / "in" / "fileselection.txt").write_text(yaml.safe_dump(selection))
    source = rf"fileselection:{SHARE}\in\fileselection.txt"
    job = ended(ledger.store, create(ledger.store, source_path=source))
    assert (job["status"], job["files_downloaded"], job["files_processed"]) == ("DONE", 2, 2)
    assert len(delivered(share)) == 2


@pytest.mark.usefixtures("real")
def test_what_cannot_be_delivered_is_counted_without_names(ledger: Ledger, share: Path) -> None:
    paths = write_dicom(share / "in", 4)
    (share / "in" / "Jansen.txt").write_text("Jansen")
    (share / "in" / "Jansen").symlink_to("/etc")
    paths[0].write_bytes(paths[0].read_bytes()[:3000])
    (share / "in" / "copy-of-2.dcm").write_bytes(paths[1].read_bytes())
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_downloaded"], job["files_processed"]) == ("DONE", 6, 3)
    assert str(job["error"]).startswith("4 of 7 files were left out: ")
    left_out = ledger.store.left_out(1)
    assert (
        left_out.items()
        >= {
            "not a DICOM file": 1,
            "the same file as another of the job": 1,
            "a link to a folder": 1,
        }.items()
    )
    assert sum(left_out.values()) == 4
    assert "Jansen" not in f"{job['error']}{ledger.store.items(1)}{ledger.store.audit()}"
    assert len(delivered(share)) == 3


@pytest.mark.usefixtures("real")
def test_other_bytes_under_one_uid_are_never_overwritten(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 3)
    assert ended(ledger.store, create(ledger.store))["error"] is None
    again = ended(ledger.store, create(ledger.store))
    assert (again["files_processed"], again["error"]) == (3, None), "the same files are the same"
    before = {path: path.read_bytes() for path in delivered(share)}
    changed = dcmread(share / "in" / "00002.dcm")
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(share / "in" / "00002.dcm")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert "unlike a file that is already there" in str(job["error"])
    assert {path: path.read_bytes() for path in delivered(share)} == before
    assert_tidy(share)


@pytest.mark.usefixtures("real")
def test_a_study_of_two_patients_is_left_out_whole(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 3)
    for path in write_dicom(share / "in" / "other", 2):
        dataset = dcmread(path)
        dataset.StudyInstanceUID += ".7"
        dataset.save_as(path)
    stranger = dcmread(share / "in" / "00002.dcm")
    stranger.PatientID = "MRN-190284"
    stranger.save_as(share / "in" / "00002.dcm")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert "files of one study name different patients (3)" in str(job["error"])
    assert len(delivered(share)) == 2


@pytest.mark.usefixtures("real")
def test_only_wanted_sop_classes_are_taken(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 2)
    ct, mr = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
    first = create(ledger.store, source_sop_class_filter_list=f"{mr}, {ct}")
    second = create(ledger.store, source_sop_class_filter_list=mr)
    assert ended(ledger.store, first)["files_processed"] == 2
    job = ended(ledger.store, second)
    assert (job["status"], job["files_processed"]) == ("ERROR", 0)
    assert "SOP class" in str(job["error"])


# --- policies


def _policy(ledger: Ledger, text: str) -> None:
    policy = ledger.folder.projects / PROJECT / "policy.yml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(text)


@pytest.mark.usefixtures("real")
def test_a_project_has_a_policy_of_its_own(ledger: Ledger, share: Path) -> None:
    """It holds from the next job on, and what it keeps is kept."""
    write_dicom(share / "in", 2, name=NAME)
    _policy(ledger, "options: [retain-longitudinal-full-dates]\nrules: {StationName: keep}\n")
    assert ended(ledger.store, create(ledger.store))["status"] == "DONE"
    dataset = dcmread(delivered(share)[0])
    assert dataset.StudyDate == "20040119"
    assert dataset.StationName == "CT01_OC0"
    assert dataset.LongitudinalTemporalInformationModified == "UNMODIFIED"


@pytest.mark.usefixtures("real")
def test_a_wrong_policy_is_an_error_which_no_repeat_helps(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 2, name=NAME)
    _policy(ledger, "options: [retain-everything]\n")
    job = ended(ledger.store, create(ledger.store))
    text = "The project's policy is wrong: tell the server's admin"
    assert (job["status"], job["error"], job["retries"]) == ("ERROR", text, 0)
    assert not delivered(share)


@pytest.mark.usefixtures("real")
def test_who_opted_out_is_left_out_unless_there_is_a_reason(ledger: Ledger, share: Path) -> None:
    write_dicom(share / "in", 2)
    dataset = dcmread(share / "in" / "00001.dcm")
    _policy(ledger, "filters: {opt_out: opted-out.txt}\n")
    (ledger.folder.projects / PROJECT / "opted-out.txt").write_text(f"{dataset.PatientID}\n")
    job_id = create(ledger.store)
    job = ended(ledger.store, job_id)
    assert (job["status"], job["retries"]) == ("ERROR", 0)
    assert "the patient opted out (2)" in str(job["error"])
    assert {row["code"] for row in ledger.store.items(job_id)} == {"opt_out"}
    reason = {"source_ignore_opt_out": "True", "source_ignore_opt_out_reason": "Reason: consent"}
    ledger.store.modify(job_id, reason, JobStatus.ACTIVE, user="alice")
    assert ended(ledger.store, job_id)["status"] == "DONE"
    assert len(delivered(share)) == 2
    assert ("alice", "modified") in told(ledger.store, job_id)


# --- what fails


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, "The source holds no files"),
        ({"source_path": rf"{SHARE}\gone"}, "The source cannot be read: No such file or directory"),
        ({"source_path": rf"{SHARE}\sub\note"}, "The source cannot be read: Not a directory"),
        ({"source_path": rf"fileselection:{SHARE}\sub\note"}, "The file is not a file selection"),
        ({"source_path": rf"fileselection:{SHARE}\x\y"}, "The file selection is not there"),
        ({"source_type": "WADO", "source_instance_id": "1.2.3"}, attempt_module.NO_ARCHIVE),
    ],
)
@pytest.mark.usefixtures("obedient")
def test_a_source_that_is_none_fails(
    ledger: Ledger, share: Path, more: dict[str, str], error: str
) -> None:
    (share / "sub").mkdir()
    (share / "sub" / "note").write_text("text")
    job = ended(ledger.store, create(ledger.store, destination=r"deep\out", **more))
    assert (job["status"], job["error"]) == ("ERROR", error)
    assert not (share / "deep").exists()


@pytest.mark.usefixtures("obedient")
def test_files_of_no_use_only_fail(ledger: Ledger, share: Path) -> None:
    words(share / "in", "reject", "reject")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"], job["retries"]) == ("ERROR", 0, 0)
    assert job["error"] == "None of the 2 files could be de-identified: of no use (2)"
    assert delivered(share) == []
    assert_tidy(share)


@pytest.mark.usefixtures("real")
def test_a_source_that_became_forbidden_meanwhile_fails(
    ledger: Ledger, share: Path, tmp_path: Path
) -> None:
    write_dicom(tmp_path / "elsewhere", 1)
    (share / "in").rmdir()
    (share / "in").symlink_to(tmp_path / "elsewhere")
    job = ended(ledger.store, create(ledger.store))
    assert job["status"] == "ERROR"
    assert "does not open" in str(job["error"])


@pytest.mark.usefixtures("obedient")
def test_a_destination_that_is_a_file_fails(ledger: Ledger, share: Path) -> None:
    words(share / "in", "copy", "copy")
    (share / "out").write_text("in the way")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["retries"]) == ("ERROR", 0)
    assert str(job["error"]).startswith("Could not move file to the destination: ")
    (share / "out").unlink()
    ledger.store.modify(1, {}, JobStatus.ACTIVE)
    assert ended(ledger.store, 1)["status"] == "DONE"
    assert job_of(ledger.store, 1)["error"] is None
    assert_tidy(share)


@pytest.mark.usefixtures("obedient")
def test_a_mistake_of_ours_costs_one_job_only(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("Jansen")

    words(share / "in", "copy")
    with monkeypatch.context() as patch:
        patch.setattr(attempt_module, "collect", broken)
        job = ended(ledger.store, create(ledger.store))
    assert job["status"] == "ERROR"
    assert job["error"] == "Internal error: tell the server's admin this job's number"
    assert ended(ledger.store, create(ledger.store))["status"] == "DONE"


@pytest.mark.usefixtures("obedient")
def test_the_coordinator_survives_a_ledger_that_fails_it(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when there is no room for the ledger itself: nothing is lost, and it goes on."""
    words(share / "in", *["slow"] * 40)
    monkeypatch.setattr(runner_module, "PAUSE", 0.1)
    broken = iter([OSError(errno.ENOSPC, "full")])
    settle = items.settle

    def failing(*arguments: object) -> object:
        in_turn = threading.current_thread().name == "coordinator"
        if in_turn and (error := next(broken, None)):
            raise error
        return settle(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(items, "settle", failing)
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 40)
    assert ("server", "interrupted") in told(ledger.store, 1)


# --- workers that are lost


@pytest.mark.usefixtures("obedient")
def test_files_that_kill_workers_are_found_and_left_out(ledger: Ledger, share: Path) -> None:
    texts = ["copy"] * 60
    texts[10] = texts[40] = "die"
    words(share / "in", *texts)
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 58)
    assert f"{KILLED} (2)" in str(job["error"])
    [tenth] = ledger.store.items(1, after=10, limit=1)
    assert (tenth["status"], tenth["code"], tenth["attempts"]) == ("quarantined", "stopped", 3)


@pytest.mark.usefixtures("obedient")
def test_others_go_on_beside_a_deadly_file(ledger: Ledger, share: Path) -> None:
    words(share / "bad", "die")
    words(share / "good", *["slow"] * 40)
    bad, good = create(ledger.store, "bad", "out-1"), create(ledger.store, "good", "out-2")
    assert ended(ledger.store, bad)["status"] == "ERROR"
    assert ended(ledger.store, good)["files_processed"] == 40


def test_a_chunk_that_never_ends_is_taken_for_lost(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing may depend on a future: it has a lease."""
    monkeypatch.setattr(dispatch_module, "LEASE", 0.5)
    run(Processes(1, workers.obedient))
    words(share / "in", "copy", "sleep", "copy")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert f"{KILLED} (1)" in str(job["error"])


def test_workers_that_cannot_do_the_work_are_told(run: Run, ledger: Ledger, share: Path) -> None:
    run(Processes(1, workers.refuse))
    words(share / "in", "copy")
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["retries"]) == ("ERROR", 1)
    assert job["error"] == "The engine's workers cannot do this work: ModuleNotFoundError"


# --- trying again


def test_a_full_disk_is_told_and_tried_again_where_it_stopped(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "CHUNK_ITEMS", 4)
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (1.0, 600.0))
    run(Processes(1, workers.obedient))
    words(share / "in", *["copy"] * 20, "full", *["copy"] * 19)
    job_id = create(ledger.store)
    job = ended(ledger.store, job_id)
    assert job["status"] == "ERROR"
    text = "Could not move file to the destination: No space left on device"
    assert (job["error"], job["retries"]) == (text, 1)
    assert statuses(ledger.store, job_id).count("ready") >= 20
    (share / "in" / "f00021").write_text("copy 21")
    wait_until(lambda: status_of(ledger.store, job_id) is JobStatus.DONE)
    assert [row["attempts"] for row in ledger.store.items(job_id, limit=20)] == [1] * 20
    assert history(ledger.store, job_id) == [
        "ACTIVE",
        "UPLOADED",
        "ERROR",
        "ACTIVE",
        "UPLOADED",
        "DONE",
    ]
    assert job_of(ledger.store, job_id)["retries"] == 0
    assert len(delivered(share)) == 40
    assert_tidy(share)


def test_waits_grow_and_end(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.1, 0.2))
    run(Processes(1, workers.obedient))
    words(share / "in", "full")
    job_id = create(ledger.store)
    wait_until(lambda: history(ledger.store, job_id).count("ERROR") == 3)
    job = job_of(ledger.store, job_id)
    assert (job["status"], job["retries"]) == ("ERROR", 0)
    assert_tidy(share)


def test_a_share_that_is_away_is_waited_for(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.5,) * 20)
    words(share / "in", *["copy"] * 3)
    share.rename(share.with_name("away"))
    run(Processes(1, workers.obedient))
    job = ended(ledger.store, create(ledger.store))
    assert job["status"] == "ERROR"
    assert not share.exists(), "its mount point must not be made"
    share.with_name("away").rename(share)
    wait_until(lambda: status_of(ledger.store, 1) is JobStatus.DONE)


def test_a_cancelled_job_is_not_tried_again(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.3,) * 20)
    run(Processes(1, workers.obedient))
    words(share / "in", "full")
    job = ended(ledger.store, create(ledger.store))
    assert job["status"] == "ERROR"
    ledger.store.modify(1, {}, JobStatus.INACTIVE)
    time.sleep(0.6)
    assert status_of(ledger.store, 1) is JobStatus.INACTIVE
    assert_tidy(share)


# --- side by side


@pytest.mark.usefixtures("obedient")
def test_a_small_job_does_not_wait_for_a_large_one(ledger: Ledger, share: Path) -> None:
    words(share / "large", *["slow"] * 600)
    words(share / "small", *["slow"] * 10)
    large = create(ledger.store, "large", "out-1")
    wait_until(lambda: job_of(ledger.store, large)["files_processed"] != 0)
    small = create(ledger.store, "small", "out-2")
    assert ended(ledger.store, small)["status"] == "DONE"
    assert statuses(ledger.store, large).count("waiting") > 100
    ledger.store.modify(large, {}, JobStatus.INACTIVE)


@pytest.mark.usefixtures("obedient")
def test_a_large_job_is_not_kept_waiting_by_small_ones(ledger: Ledger, share: Path) -> None:
    words(share / "large", *["slow"] * 100)
    words(share / "small", *["slow"] * 25)
    large = create(ledger.store, "large", "out")
    small = [create(ledger.store, "small", f"out-{number}") for number in range(12)]
    for job_id in (large, *small):
        ended(ledger.store, job_id)
    rows = ledger.database.rows("SELECT job_id, what FROM audit ORDER BY rowid")
    done = [row["job_id"] for row in rows if row["what"] == "done"]
    assert len(done) == 13
    assert done[-1] != large


@pytest.mark.usefixtures("obedient")
def test_a_higher_priority_comes_first(ledger: Ledger, share: Path) -> None:
    words(share / "in", *["slow"] * 400)
    words(share / "urgent", *["slow"] * 50)
    low = create(ledger.store, priority=1)
    wait_until(lambda: job_of(ledger.store, low)["files_processed"] != 0)
    high = create(ledger.store, "urgent", "out-2", priority=20)
    assert ended(ledger.store, high)["status"] == "DONE"
    assert status_of(ledger.store, low) is JobStatus.UPLOADED
    ledger.store.modify(low, {}, JobStatus.INACTIVE)


@pytest.mark.usefixtures("obedient")
def test_counts_grow_while_a_job_runs(ledger: Ledger, share: Path) -> None:
    words(share / "in", *["slow"] * 60, "reject", "sleep")
    job_id = create(ledger.store)
    wait_until(lambda: int(job_of(ledger.store, job_id)["files_processed"] or 0) >= 25)
    job = job_of(ledger.store, job_id)
    assert (job["status"], job["files_downloaded"]) == ("UPLOADED", 62)
    assert int(job["files_per_minute"] or 0) > 0
    assert ("server", "progress") in told(ledger.store, job_id)
    ledger.store.modify(job_id, {}, JobStatus.INACTIVE)


# --- letting go


@pytest.mark.parametrize("how", [JobStatus.INACTIVE, JobStatus.ACTIVE])
@pytest.mark.usefixtures("obedient")
def test_a_cancelled_or_reset_job_lets_go_at_once(
    ledger: Ledger, share: Path, how: JobStatus
) -> None:
    words(share / "in", *["slow"] * 300)
    job_id = create(ledger.store)
    wait_until(lambda: job_of(ledger.store, job_id)["files_processed"] != 0)
    if how is JobStatus.ACTIVE:
        words(share / "in", *["copy"] * 300)
    ledger.store.modify(job_id, {}, how)
    if how is JobStatus.INACTIVE:
        wait_until(lambda: not list(share.rglob(".*")), seconds=1)
        time.sleep(0.3)
        assert delivered(share) == []
        assert "running" not in statuses(ledger.store, job_id)
        assert status_of(ledger.store, job_id) is how
    else:
        assert ended(ledger.store, job_id)["status"] == "DONE"
        assert len(delivered(share)) == 300
    assert_tidy(share)


def test_the_engine_stops_when_there_is_nothing_to_do(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "IDLE", 0.2)
    engine = Processes(1, workers.obedient)
    run(engine)
    words(share / "in", "copy")
    assert not engine.is_running
    ended(ledger.store, create(ledger.store))
    wait_until(lambda: not engine.is_running)
    assert ended(ledger.store, create(ledger.store))["status"] == "DONE"


# --- starting again


def test_a_stopped_run_goes_on_where_it_was(ledger: Ledger, share: Path) -> None:
    """Items that were ready are not made again; a part that is lost is."""
    words(share / "in", *["slow"] * 120)
    with running(ledger, Processes(2, workers.obedient)):
        job_id = create(ledger.store)
        wait_until(lambda: int(job_of(ledger.store, job_id)["files_processed"] or 0) >= 50)
    before = {row["item_id"] for row in ledger.store.items(job_id, limit=999) if row["target"]}
    parts = Path(str(job_of(ledger.store, job_id)["part_folder"]))
    lost = next(path for path in parts.iterdir() if path.name.startswith("1."))
    lost.unlink()
    stray = parts / "7.other.1.part"
    stray.write_text("half")
    (share / "in" / "f00120").write_text("sleep 120")
    with running(ledger, Processes(2, workers.obedient)):
        wait_until(lambda: not stray.exists())
        assert parts.is_dir()
    (share / "in" / "f00120").write_text("copy 120")
    with running(ledger, Processes(2, workers.obedient)):
        job = ended(ledger.store, job_id)
    assert (job["status"], job["files_processed"], job["attempt"]) == ("DONE", 120, 3)
    for row in ledger.store.items(job_id, limit=999):
        assert row["status"] == "done"
        if row["item_id"] in before:
            assert (row["attempts"] == 1) == (row["item_id"] != 1)
    assert len(delivered(share)) == 120
    assert_tidy(share)


def test_what_an_ended_job_left_is_swept_at_the_start(
    run: Run, ledger: Ledger, share: Path
) -> None:
    parts = share / "out" / f"{PART_PREFIX}1"
    parts.mkdir(parents=True)
    (parts / "1.me.1.part").write_text("half")
    create(ledger.store)
    claims = Claims(ledger.database, "earlier-run")
    claim = claims.take()
    assert claim is not None
    claims.commit(claim, JobStatus.UPLOADED, part_folder=str(parts))
    ledger.store.modify(1, {}, JobStatus.INACTIVE)
    run(Processes(1))
    wait_until(lambda: not parts.exists())
    wait_until(lambda: job_of(ledger.store, 1)["part_folder"] is None)


def test_a_part_that_vanishes_before_it_is_delivered_is_made_again(
    run: Run, ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vanished: list[str] = []

    def losing(pairs: list[tuple[Path, str]], *others: object) -> object:
        if not vanished:
            vanished.append(pairs[0][1])
            pairs[0][0].unlink()
        return place(pairs, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(attempt_module, "place", losing)
    run(Processes(1, workers.obedient))
    words(share / "in", *["copy"] * 5)
    job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 5)
    assert [row["attempts"] for row in ledger.store.items(1)] == [2, 1, 1, 1, 1]
    assert len(delivered(share)) == 5


def test_a_changed_destination_takes_nothing_along(run: Run, ledger: Ledger, share: Path) -> None:
    run(Processes(2, workers.obedient))
    words(share / "in", *["slow"] * 60)
    job_id = create(ledger.store)
    wait_until(lambda: job_of(ledger.store, job_id)["files_processed"] != 0)
    ledger.store.modify(job_id, {"destination_path": rf"{SHARE}\elsewhere"})
    assert ended(ledger.store, job_id)["status"] == "DONE"
    assert delivered(share) == []
    assert len(delivered(share, "elsewhere")) == 60
    assert_tidy(share)
