"""The invented patients."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from anontui.dicom.scan import FileKind, scan
from anontui.events import result_of
from anontui.operations.demo_data import PATIENTS, DemoData, write_demo_data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoData]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, result_of(write_demo_data(folder))


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


@pytest.mark.usefixtures("few_files")
def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        result_of(write_demo_data(tmp_path / name))
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_small_and_recognised(made: tuple[Path, DemoData]) -> None:
    folder, told = made
    found = result_of(scan(folder))
    assert len(found.dicom) == told.dicom_files
    assert found.counts[FileKind.DICOMDIR] == 1
    assert len(found.files) - len(found.dicom) == told.other_files
    assert told.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert told.size < 25_000_000


def test_patients_are_as_messy_as_real_ones(made: tuple[Path, DemoData]) -> None:
    folder, _ = made
    modalities: Counter[str] = Counter()
    for patient, _ in PATIENTS:
        studies = set()
        for path in (folder / patient.folder).rglob("*"):
            if not path.is_file() or path.name == "DICOMDIR":
                continue
            if path.suffix in (".txt", ".pdf", ".db", ".log") or path.name == "stump.dcm":
                continue
            dataset = pydicom.dcmread(path, force=True)
            modalities[dataset.Modality] += 1
            studies.add(dataset.StudyInstanceUID)
            assert dataset.PatientName == patient.name
            check_nested_and_private(dataset)
            if "Rows" in dataset:
                assert len(dataset.PixelData) == dataset.Rows * dataset.Columns * 2
        assert studies
    assert set(modalities) == {"CT", "MR", "PT", "DX", "SR", "RTSTRUCT"}


def check_nested_and_private(dataset: Dataset) -> None:
    name = dataset.PatientName
    request = dataset.RequestAttributesSequence[0]
    assert request.ReferencedPatientSequence[0].PatientName == name
    assert dataset.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientName == name
    private = dataset.private_block(0x0029, "DEMO MEDICAL HEADER")[0x10].value
    family = str(name).split("^")[0]
    assert family in (private.decode("latin-1") if isinstance(private, bytes) else private)


def test_one_file_has_no_preamble(made: tuple[Path, DemoData]) -> None:
    assert (made[0] / "patient5/x-ray/without_preamble").read_bytes()[128:132] != b"DICM"
