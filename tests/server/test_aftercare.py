"""Jobs with identities, held files, hooks and run folders, by the real de-identification."""

from __future__ import annotations

import csv
import errno
import io
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from anontui.idis.model import JobStatus
from anontui.server.database import Row
from anontui.server.engine import Processes
from anontui.server.folder import DataFolder
from anontui.server.identities import Entry, Identities, StudyFacts
from anontui.server.phi_index import write_csv
from anontui.server.review import Review
from tests.server.conftest import Ledger
from tests.server.running import (
    assert_tidy,
    create,
    delivered,
    ended,
    job_of,
    running,
    status_of,
    statuses,
)
from tests.server.support import PROJECT, Caller, ServeProcess, serve, wait_until, write_dicom

HOOK = """
import pathlib

def hook(run_dir, overview, practice):
    top = pathlib.Path(run_dir, "to_production")
    found = sorted(path for path in top.rglob("*.dcm"))
    overview.write(f"saw {len(found)} files, practice {practice}\\n")
    found[0].unlink()
    return "linked " + " ".join(path.name for path in found)

def fails(run_dir, overview, practice):
    raise ValueError("Jansen")
"""


@pytest.fixture
def review(ledger: Ledger) -> Iterator[Review]:
    with Review.of(ledger.folder, ledger.database) as review:
        yield review


@contextmanager
def _server(ledger: Ledger) -> Iterator[None]:
    with running(ledger, Processes(2)):
        yield


def _project(ledger: Ledger, **lines: str) -> Path:
    folder = ledger.folder.projects / PROJECT
    folder.mkdir(parents=True, exist_ok=True)
    text = "users: [alice]\n" + "".join(f"{name}: {value}\n" for name, value in lines.items())
    (folder / "project.yml").write_text(text)
    return folder


def _write(folder: Path, count: int, change: Callable[[Any], None], start: int = 1) -> None:
    """Write CT instances of one study, changed by the caller."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset: Any = dcmread(str(get_testdata_file("CT_small.dcm")))
    change(dataset)
    for number in range(start, start + count):
        dataset.SOPInstanceUID = f"{dataset.StudyInstanceUID[:40]}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"{number:05}.dcm")


def _patient(patient_id: str, study: str) -> Callable[[Any], None]:
    def change(dataset: Any) -> None:
        dataset.PatientID, dataset.PatientName = patient_id, f"Jansen^{patient_id}"
        dataset.StudyInstanceUID = study
        dataset.SeriesInstanceUID = f"{study}.9"

    return change


def _burned_in(dataset: Any) -> None:
    _patient("4711", "1.2.7")(dataset)
    dataset.BurnedInAnnotation = "YES"


def _otherwise_burned_in(dataset: Any) -> None:
    _burned_in(dataset)
    dataset.Manufacturer = "Other"


def _done(ledger: Ledger, job_id: int) -> Row:
    job = ended(ledger.store, job_id)
    assert job["status"] == "DONE", job["error"]
    return job


def _run_files(ledger: Ledger, job_id: int) -> dict[str, str]:
    folder = ledger.folder.path / "runs" / str(job_id)
    wait_until(lambda: "Status" in _read(folder / "overview.txt"))
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


# --- identities


def test_each_delivered_file_has_its_identity(ledger: Ledger, share: Path, review: Review) -> None:
    _write(share / "in", 4, _patient("4711", "1.2.7"))
    with _server(ledger):
        _done(ledger, create(ledger.store))
    [row] = review.find("4711", "test")
    study = dcmread(delivered(share)[0]).StudyInstanceUID
    expected = {
        "project": PROJECT,
        "original_name": "Jansen^4711",
        "new_id": "P-001",
        "new_name": "Patient one",
        "original_uid": "1.2.7",
        "new_uid": study,
        "original_date": "20040119",
        "date_offset": None,
        "series": 1,
        "instances": 4,
    }
    assert row | expected == row
    assert stat.S_IMODE((ledger.folder.path / "identities").stat().st_mode) == 0o700


def test_the_offset_of_dates_is_noted_where_they_move(
    ledger: Ledger, share: Path, review: Review
) -> None:
    folder = _project(ledger)
    (folder / "policy.yml").write_text("options: [retain-longitudinal-modified-dates]\n")
    _write(share / "in", 1, _patient("4711", "1.2.7"))
    with _server(ledger):
        _done(ledger, create(ledger.store))
    [row] = review.find("4711", "test")
    assert isinstance(row["date_offset"], int)
    assert -3650 <= row["date_offset"] < 0
    assert row["new_date"] == dcmread(delivered(share)[0]).StudyDate


def test_without_the_table_nothing_is_delivered(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def full(*_: object) -> None:
        calls.append(1)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Identities, "record", full)
    monkeypatch.setattr("anontui.server.runner.PAUSE", 0.1)
    write_dicom(share / "in", 3)
    with _server(ledger):
        job_id = create(ledger.store)
        wait_until(lambda: len(calls) > 2)
        assert not [path for path in delivered(share) if path.suffix == ".dcm"]
        assert not status_of(ledger.store, job_id).is_final
        monkeypatch.undo()
        _done(ledger, job_id)
    assert len(delivered(share)) == 3


def test_what_may_not_survive_a_power_cut_is_not_delivered(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Identities, "sync", failing)
    write_dicom(share / "in", 3)
    with _server(ledger):
        job = ended(ledger.store, create(ledger.store))
        expected = "The server's table of identities cannot be written: Input/output error"
        assert (job["status"], job["error"]) == ("ERROR", expected)
        assert not [path for path in delivered(share) if path.suffix == ".dcm"]


@pytest.mark.parametrize("seed", range(3))
def test_whenever_the_server_is_killed_each_delivered_file_has_its_identity(
    start_server: Callable[..., ServeProcess], tmp_path: Path, share: Path, seed: int
) -> None:
    for patient in range(12):
        _write(share / "in" / str(patient), 25, _patient(str(patient), f"1.2.{patient}"))
    server = start_server()
    call = server.start()
    template = {"anonymizedpatientid": "S-{n:03d}", "anonymizedpatientname": ""}
    job_id = call.create(**template)["job_id"]
    for kill in range(3):
        _wait_for_files(call, job_id, 40 + 90 * kill + 17 * seed)
        server.kill()
        _assert_all_known(tmp_path / "data", share)
        call = server.start()
    assert call.wait(job_id)["status"] == "DONE"
    assert _assert_all_known(tmp_path / "data", share) == 300


def _wait_for_files(call: Caller, job_id: int, count: int) -> None:
    wait_until(lambda: call.job(job_id)["files_processed"] > count)


def _assert_all_known(data: Path, share: Path) -> int:
    """Each file that is out there can be traced back; returns how many there are."""
    with Review.of(DataFolder(data)) as review:
        rows = review.identities.all()
    pairs = [(str(row["new_id"]), str(row["new_uid"])) for row in rows]
    originals = [str(row["original_id"]) for row in rows]
    assert len(pairs) == len(set(pairs)) == len(set(originals))
    found = list(share.glob("out/*/*/*/*.dcm"))
    for path in found:
        assert path.parts[-4:-2] in pairs
    return len(found)


def test_patients_without_a_pseudonym_get_numbers_and_keep_them(
    ledger: Ledger, share: Path, review: Review
) -> None:
    for number, patient in enumerate(("c", "a", "b")):
        _write(share / "in" / str(number), 30, _patient(patient, f"1.2.{number}"))
    _write(share / "later", 2, _patient("a", "1.2.9"))
    _write(share / "nobody", 2, _patient("", "1.2.8"))
    template = {
        "source_anonymizedpatientid": "S01-{n:06d}",
        "source_anonymizedpatientname": "S01-{n:06d}",
    }
    with _server(ledger):
        _done(ledger, create(ledger.store, **template))
        _done(ledger, create(ledger.store, "later", "out2", **template))
        nobody = ended(ledger.store, create(ledger.store, "nobody", "out3", **template))
    rows = {row["original_id"]: row["new_id"] for row in review.export("test")}
    assert set(rows) == {"a", "b", "c"}
    assert sorted(map(str, rows.values())) == ["S01-000001", "S01-000002", "S01-000003"]
    found = {path.relative_to(share / "out").parts[0] for path in delivered(share)}
    assert found == set(rows.values())
    assert len(delivered(share)) == 90
    for path in delivered(share):
        header = dcmread(path)
        assert str(header.PatientID) == str(header.PatientName) == path.parts[-4]
    assert {path.parts[-4] for path in delivered(share, "out2")} == {rows["a"]}
    assert nobody["status"] == "ERROR"
    assert "no_pseudonym" in {row["code"] for row in ledger.store.items(int(nobody["job_id"] or 0))}


def test_earlier_pseudonyms_and_uids_go_on(ledger: Ledger, share: Path, review: Review) -> None:
    facts = StudyFacts(new_patient_name="S-000007")
    review.take([Entry("4711", "S-000007", "1.2.7", "9.9.7", facts)], "", "test")
    _write(share / "in", 2, _patient("4711", "1.2.7"))
    with _server(ledger):
        _done(ledger, create(ledger.store, source_anonymizedpatientid="S-{n:06d}"))
    assert {path.parts[-4:-2] for path in delivered(share)} == {("S-000007", "9.9.7")}
    assert dcmread(delivered(share)[0]).StudyInstanceUID == "9.9.7"


# --- quarantine


def _held(ledger: Ledger, review: Review, share: Path) -> tuple[int, str]:
    """A job that is done but for one file that is held."""
    _write(share / "in", 2, _patient("4711", "1.2.7"))
    _write(share / "in" / "held", 1, _burned_in, start=9)
    job_id = create(ledger.store)
    _done(ledger, job_id)
    [entry] = review.quarantine.entries()
    return job_id, str(entry["id"])


def test_a_held_file_goes_when_and_only_when_it_is_released(
    ledger: Ledger, share: Path, review: Review
) -> None:
    with _server(ledger):
        job_id, entry_id = _held(ledger, review, share)
        source = share / "in" / "held" / "00009.dcm"
        assert review.quarantine.copy_of(entry_id).read_bytes() == source.read_bytes()
        assert len(delivered(share)) == 2
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE)  # a reset does not let it go
        _done(ledger, job_id)
        assert len(delivered(share)) == 2
        source.unlink()  # the copy is enough
        released = review.release([entry_id], "alice", "nothing to see")
        assert released.jobs == {job_id}
        job = _done(ledger, job_id)
        assert (job["error"], job["files_processed"]) == (None, 3)
        assert statuses(ledger.store, job_id) == ["done"] * 3
        assert len(delivered(share)) == 3
        assert {dcmread(path).PatientID for path in delivered(share)} == {"P-001"}
        [row] = review.find("4711", "test")
        assert row["instances"] == 3
        wait_until(lambda: not review.quarantine.copy_of(entry_id).exists(), seconds=10)
    assert_tidy(share)


def test_a_release_is_not_for_other_bytes(ledger: Ledger, share: Path, review: Review) -> None:
    with _server(ledger):
        job_id, entry_id = _held(ledger, review, share)
        _write(share / "in" / "held", 1, _otherwise_burned_in, start=9)
        copy = review.quarantine.copy_of(entry_id)
        changed = copy.with_name("changed")
        changed.write_bytes((share / "in" / "held" / "00009.dcm").read_bytes())
        changed.rename(copy)
        review.release([entry_id], "alice")
        _done(ledger, job_id)
    assert len(delivered(share)) == 2
    assert statuses(ledger.store, job_id).count("quarantined") == 1


def test_a_release_from_one_filter_is_not_from_another(
    ledger: Ledger, share: Path, review: Review
) -> None:
    def twice(dataset: Any) -> None:
        _burned_in(dataset)
        dataset.Modality = "US"
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID

    _write(share / "in", 1, twice)
    with _server(ledger):
        job_id = create(ledger.store)
        ended(ledger.store, job_id)
        codes = []
        for _ in range(2):
            [entry] = review.quarantine.entries()
            assert entry["state"] == "waiting"
            codes.append(entry["code"])
            assert delivered(share) == []
            review.release([str(entry["id"])], "alice")
            wait_until(lambda: status_of(ledger.store, job_id).is_final)
        assert sorted(map(str, codes)) == ["burned_in", "ultrasound"]
        _done(ledger, job_id)
    assert len(delivered(share)) == 1


def test_a_rejected_file_stays_out_after_a_reset(
    ledger: Ledger, share: Path, review: Review
) -> None:
    with _server(ledger):
        job_id, entry_id = _held(ledger, review, share)
        review.reject([entry_id], "alice")
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE)
        _done(ledger, job_id)
    assert len(delivered(share)) == 2
    assert [entry["state"] for entry in review.quarantine.entries()] == ["rejected"]


def test_the_command_line_decides_while_the_server_runs(
    start_server: Callable[..., ServeProcess], tmp_path: Path, share: Path
) -> None:
    _write(share / "in", 1, _burned_in)
    server = start_server()
    call = server.start()
    job = call.wait(call.create()["job_id"])
    assert job["status"] == "ERROR"
    data = tmp_path / "data"
    with closing(sqlite3.connect(data / "quarantine" / "quarantine.sqlite")) as connection:
        [(entry_id,)] = connection.execute("SELECT id FROM entries").fetchall()
    ran = _command("quarantine", "release", entry_id, "--yes", "--data", str(data))
    assert "goes on" in ran
    wait_until(lambda: call.job(job["job_id"])["status"] == "DONE")
    assert len(delivered(share)) == 1
    assert "Jansen^4711" in _command("identities", "find", "4711", "--data", str(data))
    log = (data / "server.log").read_text()
    assert "4711" not in log
    assert "Jansen" not in log
    assert "looked up" in serve(data, "audit").stdout


def _command(*words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "anontui", *words], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


# --- hooks, practice runs, run folders


def test_a_hook_sees_what_will_be_delivered_and_may_take_out(ledger: Ledger, share: Path) -> None:
    (_project(ledger, hook="after.py:hook") / "after.py").write_text(HOOK)
    _write(share / "in", 3, _patient("4711", "1.2.7"))
    with _server(ledger):
        job_id = create(ledger.store)
        job = _done(ledger, job_id)
        files = _run_files(ledger, job_id)
    assert len(delivered(share)) == 2
    assert job["error"] == "1 of 3 files were left out: the project's hook removed it (1)"
    assert re.fullmatch(r"linked( 2\.25\.[0-9]+\.dcm){3}", files["post_anon_output.txt"])
    assert "Hook: saw 3 files, practice False" in files["overview.txt"]
    assert_tidy(share)


def test_a_hook_that_fails_fails_the_job_and_nothing_is_delivered(
    ledger: Ledger, share: Path
) -> None:
    folder = _project(ledger, hook="after.py:fails")
    (folder / "after.py").write_text(HOOK)
    _write(share / "in", 3, _patient("4711", "1.2.7"))
    with _server(ledger):
        job_id = create(ledger.store)
        job = ended(ledger.store, job_id)
        assert job["status"] == "ERROR"
        error = str(job["error"])
        assert error.startswith("The project's hook failed, so nothing was delivered (it ended")
        assert f"runs/{job_id}/hook_log.txt" in error
        assert "Jansen" not in error
        assert_tidy(share)
        assert delivered(share) == []
        _project(ledger, hook="after.py:hook")
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE)
        _done(ledger, job_id)
    assert len(delivered(share)) == 2


def test_a_practice_run_changes_nothing_outside(
    ledger: Ledger, share: Path, review: Review
) -> None:
    (_project(ledger, hook="after.py:hook") / "after.py").write_text(HOOK)
    _write(share / "in", 3, _patient("4711", "1.2.7"))
    _write(share / "in" / "held", 1, _burned_in, start=9)
    with _server(ledger):
        job_id = create(ledger.store, practice="True", source_anonymizedpatientid="S-{n}")
        job = _done(ledger, job_id)
        files = _run_files(ledger, job_id)
        assert not (share / "out").exists()
        expected = "Practice run: 2 files would be delivered, and nothing was; 2 would be left out"
        assert str(job["error"]).startswith(expected)
        assert "A practice run: nothing is delivered" in files["overview.txt"]
        assert "practice True" in files["overview.txt"]
        assert review.export("test") == []
        assert review.quarantine.entries() == []
        assert list((ledger.folder.path / "staging").iterdir()) == []
        _done(ledger, create(ledger.store, source_anonymizedpatientid="S-{n}"))
    assert [row["new_id"] for row in review.export("test")] == ["S-1"]


def test_the_run_folder_tells_the_whole_story(ledger: Ledger, share: Path, review: Review) -> None:
    def protocol(dataset: Any) -> None:
        _patient("4711", "1.2.7")(dataset)
        dataset.SeriesDescription = "Patient Protocol"

    folder = _project(ledger)
    (folder / "reviewed_protocol_studies.txt").write_text("1.2.7\n1.2.8\n1.2.99\n")
    _write(share / "in" / "7", 3, _patient("4711", "1.2.7"))
    _write(share / "in" / "8", 2, _patient("4711", "1.2.8"))
    _write(share / "in" / "p", 1, protocol, start=9)
    (share / "in" / "Jansen.txt").write_text("Jansen")
    with _server(ledger):
        job_id = create(ledger.store)
        _done(ledger, job_id)
        files = _run_files(ledger, job_id)
    assert sorted(files) == [
        "anonymize_output.txt",
        "found_protocol_studies.txt",
        "missing_protocol_studies.txt",
        "overview.txt",
        "pull_output.txt",
        "push_output.txt",
        "reviewed_protocol_studies.txt",
        "studies_to_retrieve.txt",
    ]
    assert files["studies_to_retrieve.txt"].split() == ["1.2.7", "1.2.8"]
    assert files["found_protocol_studies.txt"] == "1.2.7\n"
    assert files["reviewed_protocol_studies.txt"].split() == ["1.2.7", "1.2.8"]
    assert files["missing_protocol_studies.txt"] == "1.2.8\n"
    overview = files["overview.txt"]
    for line in (
        f"Job {job_id} of project {PROJECT}, created at ",
        "Received 7 files containing 2 studies\n",
        "1 files were left out: not a DICOM file\n",
        "1 files are held for review, see 'anontui quarantine list'\n",
        "1 studies found with protocol series, see 'found_protocol_studies.txt'\n",
        "2 studies marked as having a protocol series, 1 not found\n",
        "5 files were delivered\n",
        "Status DONE: ",
        "  created by alice\n",
    ):
        assert line in overview
    assert len(files["pull_output.txt"].splitlines()) == 7
    assert len(files["push_output.txt"].splitlines()) == 5
    assert "not_dicom" in files["anonymize_output.txt"]
    for name, text in files.items():
        assert not re.search(r"(?<![0-9])4711(?![0-9])", text)  # UIDs have any digits
        assert "Jansen" not in text
        assert str(share) not in text
        if "stud" not in name:
            assert "1.2.7" not in text
    modes = {
        stat.S_IMODE(path.stat().st_mode)
        for path in (ledger.folder.path / "runs" / str(job_id)).iterdir()
    }
    assert modes == {0o600}
    rows = list(csv.DictReader(io.StringIO(write_csv(review.export("test")).decode())))
    assert [row["Number of Instances"] for row in rows] == ["3", "2"]


def test_a_restart_is_noted(ledger: Ledger, share: Path) -> None:
    _write(share / "in", 2, _patient("4711", "1.2.7"))
    with _server(ledger):
        job_id = create(ledger.store)
        _done(ledger, job_id)
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE)
        _done(ledger, job_id)
        wait_until(lambda: "Restarted at" in _run_files(ledger, job_id)["overview.txt"])


def test_a_job_that_fails_has_its_run_folder_too(ledger: Ledger, share: Path) -> None:
    with _server(ledger):
        job_id = create(ledger.store)
        ended(ledger.store, job_id)
        overview = _run_files(ledger, job_id)["overview.txt"]
    assert "Status ERROR: The source holds no files" in overview
    assert job_of(ledger.store, job_id)["status"] == "ERROR"
