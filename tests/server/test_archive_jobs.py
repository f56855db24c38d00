"""Jobs from and to archives: whole or not at all, each instance once, and no job waits for ever."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from anontui.idis.model import JobStatus
from anontui.pacs.archive import Tick, Wanted
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse
from anontui.pacs.nodefile import write_nodes
from anontui.server import retrieval, sending
from anontui.server import runner as runner_module
from anontui.server.again import delivered_files, deliveries
from anontui.server.attempt import NOT_KEPT
from anontui.server.database import Row
from anontui.server.engine import Processes
from anontui.server.incoming import Incoming
from anontui.server.projects import Projects
from anontui.server.review import Review
from tests.pacs.peers import ct_study
from tests.server.conftest import Ledger
from tests.server.fake_archive import NODE, FakeArchive
from tests.server.running import (
    assert_tidy,
    create,
    delivered,
    ended,
    job_of,
    running,
    status_of,
    statuses,
    told,
)
from tests.server.support import PROJECT, SHARE, wait_until, write_dicom

STUDY = "1.2.826.0.1.3680043.10.999.1"  # of ct_study(0)
TO_PACS = {"destination_type": "NODE", "destination_path": "PACS"}


def pacs_job(ledger: Ledger, wanted: str = STUDY, **more: object) -> int:
    fields: dict[str, Any] = {"source_type": "WADO", "source_path": None, "source_name": "PACS"}
    return create(ledger.store, **fields | {"source_instance_id": wanted} | more)


def project(ledger: Ledger, *lines: str) -> None:
    folder = ledger.folder.projects / PROJECT
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["users: [alice]", "archives: [PACS]", "targets: [PACS]", *lines])
    (folder / "project.yml").write_text(text)


@pytest.fixture
def pacs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArchive]:
    """An archive that the project uses, with a study of five instances."""
    archive = FakeArchive()
    archive.add(ct_study(0, instances=5))
    write_nodes(ledger.folder.path / "nodes.yml", {"PACS": NODE})
    project(ledger)
    monkeypatch.setattr(retrieval, "Ways", archive.ways)
    monkeypatch.setattr(sending, "Ways", archive.ways)
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.3,) * 10)
    yield archive
    archive.thaw.set()


@contextmanager
def _server(ledger: Ledger) -> Iterator[None]:
    with running(ledger, Processes(2)):
        yield


def incoming(ledger: Ledger) -> list[Path]:
    return list((ledger.folder.path / "incoming").rglob("*.dcm"))


def error_of(job: Row) -> str:
    return str(job["error"])


# --- collect


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (STUDY, "PACS"),
        (STUDY, ""),
        ("accession_number:ACC0", "IDC_WADO"),
        ("accession_number: ACC0 ", None),
    ],
)
def test_a_study_is_collected_whole_and_its_originals_do_not_stay(
    ledger: Ledger, pacs: FakeArchive, share: Path, wanted: str, name: str | None
) -> None:
    pacs.add(ct_study(1, instances=2))
    with _server(ledger):
        job = ended(ledger.store, pacs_job(ledger, wanted, source_name=name))
        wait_until(lambda: not (ledger.folder.path / "incoming" / "jobs" / "1").exists())
    assert (job["status"], job["error"]) == ("DONE", None)
    assert (job["files_downloaded"], job["files_processed"], job["files_expected"]) == (5, 5, 5)
    assert len(delivered(share)) == 5
    assert set(pacs.gave.values()) == {1}
    assert ("server", "retrieving") in told(ledger.store, 1)
    assert_tidy(share)


def test_all_studies_of_an_accession_number_are_collected(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    other = ct_study(1, instances=3, patient=0)
    for one in other:
        one.AccessionNumber = "ACC0"
    pacs.add(other)
    with _server(ledger):
        job = ended(ledger.store, pacs_job(ledger, "accession_number:ACC0"))
    assert (job["status"], job["files_processed"]) == ("DONE", 8)


@pytest.mark.parametrize("fault", ["dies", "short"])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_what_an_archive_does_not_give_is_asked_for_again_and_nothing_else(
    ledger: Ledger, pacs: FakeArchive, share: Path, fault: str, after: int
) -> None:
    pacs.fault, pacs.after = fault, after
    job_id = pacs_job(ledger)
    with _server(ledger):
        wait_until(lambda: status_of(ledger.store, job_id) is JobStatus.DONE)
    assert pacs.gave.total() == 5
    assert len(delivered(share)) == 5


def test_a_job_is_never_done_while_it_is_short(
    ledger: Ledger, pacs: FakeArchive, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive knows of five, and gives three, again and again; then it gives the rest."""
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (600.0,))
    real = pacs.retrieve
    lost = sorted(pacs.has)[3:]

    def stingy(wanted, inbox, tick):  # type: ignore[no-untyped-def]
        kept = {uid: pacs.has.pop(uid) for uid in lost}
        real(wanted, inbox, tick)
        pacs.has |= kept

    monkeypatch.setattr(pacs, "retrieve", stingy)
    with _server(ledger):
        job = ended(ledger.store, pacs_job(ledger))
        assert (job["status"], job["files_processed"], job["retries"]) == ("ERROR", 0, 1)
        assert "3 of 5 instances came" in error_of(job)
        assert len(incoming(ledger)) == 3, "they are kept"
        assert not delivered(share)
        monkeypatch.setattr(pacs, "retrieve", real)
        ledger.store.modify(1, {}, JobStatus.ACTIVE)
        assert ended(ledger.store, 1)["status"] == "DONE"
    assert pacs.gave.total() == 5, "only the missing are fetched again"


def test_what_an_archive_does_not_have_is_told_as_the_advice_knows_it(
    ledger: Ledger, pacs: FakeArchive
) -> None:
    with _server(ledger):
        for wanted in ("1.2.3", "accession_number:NONE"):
            job = ended(ledger.store, pacs_job(ledger, wanted))
            assert (job["status"], job["retries"]) == ("ERROR", 0)
            assert error_of(job).startswith("HTTP Error 404")
            assert "NONE" not in error_of(job)
            assert "1.2.3" not in error_of(job)


def test_only_wanted_sop_classes_are_collected(ledger: Ledger, pacs: FakeArchive) -> None:
    next(iter(pacs.has.values())).SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    with _server(ledger):
        job = ended(
            ledger.store,
            pacs_job(ledger, source_sop_class_filter_list="1.2.840.10008.5.1.4.1.1.2"),
        )
    assert (job["status"], job["files_downloaded"]) == ("DONE", 4)


@pytest.mark.parametrize("stage", ["collect", "deliver"])
def test_a_cancel_takes_effect_at_once_though_the_archive_hangs(
    ledger: Ledger, pacs: FakeArchive, share: Path, stage: str
) -> None:
    write_dicom(share / "in", 5)
    pacs.fault, pacs.after = "hangs", 2
    with _server(ledger):
        job_id = pacs_job(ledger) if stage == "collect" else create(ledger.store, **TO_PACS)
        half = pacs.gave if stage == "collect" else pacs.got
        wait_until(lambda: half.total() == 2)
        assert job_of(ledger.store, job_id)["stage"] == stage
        ledger.store.modify(job_id, {}, JobStatus.INACTIVE, user="alice")
        wait_until(lambda: not _threads("stage"), seconds=10)  # it hangs for a minute
        assert status_of(ledger.store, job_id) is JobStatus.INACTIVE
        Incoming(ledger.folder.path).sweep(ledger.database)
        assert not incoming(ledger)
        pacs.thaw.set()
        pacs.fault = ""
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE, user="alice")
        assert ended(ledger.store, job_id)["status"] == "DONE"


def _threads(name: str) -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == name]


def test_archives_that_hang_hold_up_no_other_job(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    write_dicom(share / "in", 2)
    pacs.fault = "hangs"
    for number in range(100):
        pacs_job(ledger) if number % 2 else create(ledger.store, **TO_PACS, priority=100)
    with _server(ledger):
        wait_until(lambda: pacs.opened >= 16)
        for _ in range(3):
            assert ended(ledger.store, create(ledger.store), seconds=20)["status"] == "DONE"
        for row in ledger.database.rows("SELECT job_id FROM jobs WHERE needs_archive"):
            ledger.store.modify(int(row["job_id"] or 0), {}, JobStatus.INACTIVE)
        pacs.thaw.set()


def test_progress_is_told_while_it_comes(ledger: Ledger, pacs: FakeArchive) -> None:
    pacs.fault, pacs.after = "hangs", 3
    with _server(ledger):
        job_id = pacs_job(ledger)
        wait_until(lambda: job_of(ledger.store, job_id)["files_expected"] == 5)
        assert "of 5 came from PACS" in str(job_of(ledger.store, job_id)["stage_text"])
        pacs.fault = ""
        pacs.thaw.set()
        job = ended(ledger.store, job_id)
    assert (job["stage_text"], job["seconds_left"]) == (None, None)


def test_nobody_is_named_beside_the_job_itself(ledger: Ledger, pacs: FakeArchive) -> None:
    """Neither the audit, nor the run folder's other files, nor names of files tell a study."""
    pacs.fault, pacs.after = "dies", 2
    with _server(ledger):
        job_id = pacs_job(ledger, "accession_number:ACC0", **TO_PACS)
        wait_until(lambda: status_of(ledger.store, job_id) is JobStatus.DONE)
        run = ledger.folder.path / "runs" / str(job_id)
        wait_until((run / "overview.txt").exists)
    texts = json.dumps(ledger.store.audit(limit=9999)) + error_of(job_of(ledger.store, job_id))
    for path in run.iterdir():
        texts += path.name
        if path.name != "studies_to_retrieve.txt":
            texts += path.read_text()
    for secret in (STUDY, "ACC0", "PID00000", "Invented"):
        assert secret not in texts


# --- deliver


def test_results_are_sent_and_each_is_there_once(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    write_dicom(share / "in", 4)
    (share / "in" / "copy.dcm").write_bytes((share / "in" / "00001.dcm").read_bytes())
    with _server(ledger):
        job = ended(ledger.store, create(ledger.store, **TO_PACS))
        assert (job["status"], job["files_processed"]) == ("DONE", 4)
        assert "the same file as another of the job (1)" in error_of(job)
        assert len(pacs.got) == 4
        again = ended(ledger.store, create(ledger.store, **TO_PACS))
    assert (again["status"], again["files_processed"]) == ("DONE", 4)
    assert set(pacs.got.values()) == {1}
    for uid in pacs.got:
        assert pacs.has[uid].PatientID == "P-001"
    assert list((ledger.folder.path / "staging").iterdir()) == []
    assert not (share / "out").exists()


@pytest.mark.parametrize("fault", ["dies", "short"])
@pytest.mark.parametrize("after", [0, 2])
def test_what_did_not_reach_the_archive_is_sent_again(
    ledger: Ledger, pacs: FakeArchive, share: Path, fault: str, after: int
) -> None:
    write_dicom(share / "in", 4)
    pacs.fault, pacs.after = fault, after
    with _server(ledger):
        job_id = create(ledger.store, **TO_PACS)
        wait_until(lambda: "error" in [what for _, what in told(ledger.store, job_id)])
        wait_until(lambda: status_of(ledger.store, job_id) is JobStatus.DONE)
    assert len(pacs.got) == 4
    assert set(pacs.got.values()) == {1}
    assert statuses(ledger.store, job_id) == ["done"] * 4


def test_what_an_archive_refuses_is_held_and_told(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    for number, path in enumerate(write_dicom(share / "in", 3)):
        dataset = dcmread(path)
        dataset.InstanceNumber = number
        dataset.save_as(path)
    pacs.refuses = "1"
    with _server(ledger):
        job = ended(ledger.store, create(ledger.store, **TO_PACS))
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    reason = "refused by the archive: it does not take this SOP class (1)"
    assert error_of(job) == f"1 of 3 files were left out: {reason}"
    with Review.of(ledger.folder, ledger.database) as review:
        assert [entry["code"] for entry in review.quarantine.entries()] == ["not_sent"]


def test_a_practice_run_sends_nothing(ledger: Ledger, pacs: FakeArchive, share: Path) -> None:
    with _server(ledger):
        job = ended(ledger.store, pacs_job(ledger, practice="True", **TO_PACS))
    assert job["status"] == "DONE"
    assert "5 files would be delivered" in error_of(job)
    assert not pacs.got


def test_other_bytes_under_one_uid_are_held(ledger: Ledger, pacs: FakeArchive, share: Path) -> None:
    paths = write_dicom(share / "in", 2)
    changed = dcmread(paths[0])
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(share / "in" / "other.dcm")
    with _server(ledger):
        job = ended(ledger.store, create(ledger.store, **TO_PACS))
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert "unlike a file" in error_of(job)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"source_name": "OTHER"}, f"Project {PROJECT} has no such archive"),
        ({"destination_type": "NODE"}, f"Project {PROJECT} delivers to no such node"),
        ({"source_instance_id": "accession_number:*"}, "source_instance_id is neither"),
        ({"source_instance_id": "accession_number: "}, "source_instance_id is neither"),
    ],
)
def test_only_archives_of_the_project_are_used(
    ledger: Ledger, pacs: FakeArchive, more: dict[str, str], error: str
) -> None:
    fields: dict[str, Any] = {"source_type": "WADO", "source_path": None, "source_name": "PACS"}
    with _server(ledger):
        job = ended(
            ledger.store, create(ledger.store, **fields | {"source_instance_id": STUDY} | more)
        )
    assert job["status"] == "ERROR"
    assert error_of(job).startswith(error)
    assert pacs.opened == 0


# --- again


def test_what_was_delivered_of_a_pseudonym_is_known(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    write_dicom(share / "in", 2)
    with _server(ledger), ExitStack() as stack:
        ended(ledger.store, create(ledger.store))
        ended(ledger.store, pacs_job(ledger, **TO_PACS, source_anonymizedpatientid="P-2"))
        other = {"source_anonymizedpatientid": "P-3", "destination": "other"}
        ended(ledger.store, create(ledger.store, **other))
        review = stack.enter_context(Review.of(ledger.folder, ledger.database))
        projects = Projects(ledger.folder.projects, ledger.folder.config, ledger.folder.path)

        def found(pseudonym: str) -> list[tuple[int, str]]:
            known = deliveries(ledger.database, review.identities, projects, pseudonym)
            return [(one.job_id, one.destination) for one in known]

        assert found("P-001") == [(1, r"\\server\share\out")] * 2
        assert found("P-2") == [(2, "PACS")] * 5
        assert found("nobody") == []
        assert sorted(delivered_files(ledger.folder, "P-001")) == delivered(share)
        assert review.identities.totals() == {
            "patients": 3, "studies": 3, "series": 3, "instances": 9,
        }  # fmt: skip
        assert review.identities.imported([STUDY, "1.2"]) == {STUDY: 5}
        assert review.identities.imported([STUDY], frozenset({"Other"})) == {}


def test_an_old_run_that_hangs_does_not_keep_a_server_from_its_end(
    ledger: Ledger, pacs: FakeArchive
) -> None:
    pacs.fault = "hangs"
    with _server(ledger):
        pacs_job(ledger)
        wait_until(lambda: pacs.opened == 1)
        start = time.monotonic()
    assert time.monotonic() - start < 5


def test_what_was_refused_goes_on_when_it_is_released(ledger: Ledger, pacs: FakeArchive) -> None:
    """The originals are gone by then, but for the copy of what is held."""
    pacs.refuses = "1"
    with _server(ledger):
        job = ended(ledger.store, pacs_job(ledger, **TO_PACS))
        assert (job["status"], job["files_processed"]) == ("DONE", 4)
        wait_until(lambda: not incoming(ledger))
        pacs.refuses = ""
        with Review.of(ledger.folder, ledger.database) as review:
            [entry] = review.quarantine.entries()
            review.release([str(entry["id"])], "root", again=True)
        job = ended(ledger.store, 1)
    assert (job["status"], job["files_processed"], job["error"]) == ("DONE", 5, None)
    assert set(pacs.got.values()) == {1}


def test_an_archive_that_sends_to_our_port_is_asked_for_one_study_at_a_time(
    ledger: Ledger, pacs: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = replace(NODE, dimse=Dimse("PACS", "127.0.0.1", 104, move_port=11113))
    write_nodes(ledger.folder.path / "nodes.yml", {"PACS": node})
    at_once: list[int] = []
    real, lock, inside = pacs.retrieve, threading.Lock(), set[int]()

    def watched(wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        with lock:
            inside.add(threading.get_ident())
            at_once.append(len(inside))
        time.sleep(0.1)
        real(wanted, inbox, tick)
        inside.discard(threading.get_ident())

    monkeypatch.setattr(pacs, "retrieve", watched)
    with _server(ledger):
        ids = [pacs_job(ledger, destination_path=rf"{SHARE}\out-{n}") for n in range(4)]
        assert {ended(ledger.store, job_id)["status"] for job_id in ids} == {"DONE"}
    assert set(at_once) == {1}


def test_a_wrong_file_of_nodes_stops_jobs_with_archives_only(
    ledger: Ledger, pacs: FakeArchive, share: Path
) -> None:
    write_dicom(share / "in", 1)
    (ledger.folder.path / "nodes.yml").write_text("PACS: {nonsense: 1}")
    with _server(ledger):
        assert ended(ledger.store, create(ledger.store))["status"] == "DONE"
        job = ended(ledger.store, pacs_job(ledger))
    assert error_of(job) == "The server's settings are wrong: tell its admin"


def test_a_received_study_that_is_not_kept_any_more_is_told(
    ledger: Ledger, pacs: FakeArchive
) -> None:
    with _server(ledger):
        name = f"{'0' * 32}.{'0' * 8}"
        job = ended(ledger.store, pacs_job(ledger, name, source_name="received"))
    assert (job["status"], error_of(job), job["retries"]) == ("ERROR", NOT_KEPT, 0)
