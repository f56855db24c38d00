"""What the headers say of a mapping's patients."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from anontui.dicom.header import facts
from anontui.events import Progress, Result, result_of
from anontui.operations import patients
from anontui.operations.creating import Plan
from anontui.operations.patients import checked_plan
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from anontui.unc import ShareMap
from tests.dicom.files import dicom_bytes
from tests.operations.conftest import SHARE


@pytest.fixture
def data(workspace: Workspace) -> Path:
    """Patients 1 and 2 in folders p1 and p2, and a folder of both."""
    folder = workspace.folder / "data"
    for name in ("p1/1a", "p1/1b", "p2/2a", "both/1", "both/2"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        patient = name.partition("/")[2][0]
        (folder / name).write_bytes(dicom_bytes(patient_id=f"Patient {patient}"))
    return folder


def told(plan: Plan) -> list[tuple[int | None, str, str]]:
    return [(p.row, str(p.severity), p.message) for p in plan.problems]


def mapped(*rows: str, root: str = rf"{SHARE}\data") -> Mapping:
    options = f"root_source_path,{root}\nproject,P\ndestination_path,{SHARE}\\out\n"
    table = "".join(f"{row}\n" for row in ("source,pseudo_id", *rows))
    text = f"## Description ##\n## Options ##\n{options}## Mapping ##\n{table}"
    return Mapping.loads(text.encode())


def checked(workspace: Workspace, *rows: str, limit: int | None = None) -> Plan:
    return result_of(checked_plan(workspace, mapped(*rows), limit=limit))


def test_nothing_is_wrong(workspace: Workspace, data: Path) -> None:
    plan = checked(workspace, "folder:p1,A", "folder:p2,B", "accession_number:1.1,C")
    assert told(plan) == [] and len(plan.ready) == 3


def test_several_patients_in_one_selection(workspace: Workspace, data: Path) -> None:
    Selection.new("x", ("1", "2")).save(data / "both" / "fileselection.txt")
    plan = checked(workspace, "fileselection:both/fileselection.txt,A", "folder:p1,B")
    assert told(plan) == [(0, "error", "These are the files of 2 patients")]
    assert [job.row for job in plan.ready] == [1]
    Selection.new("x", ("1",)).save(data / "both" / "fileselection.txt")
    plan = checked(workspace, "fileselection:both/fileselection.txt,B", "folder:p1,B")
    assert told(plan) == []


def test_a_suspicion_that_the_headers_do_not_settle_stays(workspace: Workspace, data: Path) -> None:
    shared = "Several sources have this pseudonym"
    plan = checked(workspace, "folder:p1,A", "accession_number:1.1,A")
    assert told(plan) == [(0, "warning", shared), (1, "warning", shared)]
    plan = checked(workspace, "folder:p1,A", "folder:p1/.,A", limit=1)
    assert [message for _, _, message in told(plan)].count(shared) >= 1


def test_a_sample_is_spread_over_all_files(workspace: Workspace, data: Path) -> None:
    for number in range(20):
        patient = "1" if number < 18 else "2"
        (data / "p2" / f"2b{number:02}").write_bytes(dicom_bytes(patient_id=f"Patient {patient}"))
    assert checked(workspace, "folder:p2,A", limit=3).errors
    assert not checked(workspace, "folder:p2,A", limit=2).errors


def test_without_a_share_the_files_are_found_as_anonapi_finds_them(
    workspace: Workspace, data: Path
) -> None:
    bare = workspace.with_settings(workspace.settings.replace(shares=ShareMap()))
    mapping = mapped("folder:data/both,A", root=r"\\nas\x")
    assert told(result_of(checked_plan(bare, mapping))) == [
        (0, "error", "These are the files of 2 patients")
    ]


def test_no_patient_is_named(workspace: Workspace, data: Path) -> None:
    plan = checked(workspace, "folder:both,A", "folder:p1,B", "folder:p2,B", "folder:p1,C")
    text = repr(plan.problems)
    assert len(plan.problems) >= 5 and "Patient 1" not in text and "Patient 2" not in text


def test_progress_and_cancelling(
    workspace: Workspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing it midway stops the reading."""
    for number in range(400):
        (data / "p1" / str(number)).write_bytes(dicom_bytes(patient_id="Patient 1"))
    looked, held = [], threading.Event()

    def slow(path: Path) -> object:
        looked.append(path)
        held.wait(0.02)
        return facts(path)

    monkeypatch.setattr(patients, "facts", slow)
    with closing(checked_plan(workspace, mapped("folder:p1,A"))) as events:  # type: ignore[type-var]
        for event in events:
            assert not isinstance(event, Result)
            if isinstance(event, Progress) and event.done:
                assert event.unit == "files" and event.total == 402
                break
    held.set()
    assert len(looked) < 402
