"""Files, folders and offline media into inboxes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from anontui.errors import PacsError
from anontui.events import Result, Warning, result_of  # noqa: A004
from anontui.pacs.inbox import Inbox
from anontui.pacs.media import Brought, bring
from tests.pacs.peers import ct_study, to_bytes


def write(folder: Path, *numbers: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in numbers:
        for one in ct_study(number):
            paths.append(folder / f"{number}-{one.InstanceNumber}")
            paths[-1].write_bytes(to_bytes(one))
    return paths


def medium(folder: Path, *numbers: int) -> list[Path]:
    """Write offline media with a DICOMDIR; returns the files that it names."""
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    patient = Dataset()
    patient.DirectoryRecordType = "PATIENT"
    directory.DirectoryRecordSequence = [patient]
    paths = []
    for number in numbers:
        (folder / "IMAGES" / f"ST{number}").mkdir(parents=True)
        for one in ct_study(number):
            record = Dataset()
            record.DirectoryRecordType = "IMAGE"
            record.ReferencedFileID = ["IMAGES", f"ST{number}", f"IM{one.InstanceNumber}"]
            directory.DirectoryRecordSequence.append(record)
            paths.append(folder.joinpath(*record.ReferencedFileID))
            paths[-1].write_bytes(to_bytes(one))
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return paths


class Received:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, study: str) -> Inbox:
        return Inbox(self.folder / study)

    def counts(self) -> list[int]:
        return sorted(Inbox(one).count() for one in self.folder.iterdir())


@pytest.fixture
def received(tmp_path: Path) -> Received:
    (tmp_path / "received").mkdir()
    return Received(tmp_path / "received")


def brought(received: Received, *paths: Path) -> Brought:
    return result_of(bring(paths, received))


def test_files_and_folders_come_as_they_are_and_once(tmp_path: Path, received: Received) -> None:
    paths = write(tmp_path / "a" / "b", 1, 2)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "a" / ".hidden").write_bytes(paths[0].read_bytes())
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    first = brought(received, tmp_path / "a", paths[0])
    assert first == Brought(new=6, studies=2, other=1)
    assert received.counts() == [3, 3]
    kept = {path.read_bytes() for path in received.folder.rglob("*.dcm")}
    assert kept == {path.read_bytes() for path in paths}
    assert brought(received, paths[0]) == Brought(known=1, studies=1)


def test_a_medium_by_its_dicomdir_and_by_its_folder(tmp_path: Path, received: Received) -> None:
    medium(tmp_path / "cd", 1, 2)
    write(tmp_path / "cd" / "EXTRA", 3)
    assert brought(received, tmp_path / "cd" / "DICOMDIR") == Brought(new=6, studies=2)
    assert brought(received, tmp_path / "cd") == Brought(new=3, known=6, studies=3)


@pytest.mark.parametrize("by", ["DICOMDIR", ""])
def test_what_a_dicomdir_names_and_is_not_there_is_told(
    tmp_path: Path, received: Received, by: str
) -> None:
    lost, *_ = medium(tmp_path / "cd", 1)
    lost.unlink()
    events = list(bring([tmp_path / "cd" / by], received))
    assert isinstance(events[-1], Result)
    found = events[-1].value
    assert (found.new, found.missing) == (2, [str(lost.relative_to(tmp_path / "cd"))])
    assert any(isinstance(one, Warning) and "1 files" in one.message for one in events)


def test_names_in_lower_case_as_some_systems_show_them(tmp_path: Path, received: Received) -> None:
    medium(tmp_path / "cd", 1)
    for path in sorted((tmp_path / "cd").rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower()))
    assert brought(received, tmp_path / "cd" / "dicomdir") == Brought(new=3, studies=1)


@pytest.mark.parametrize("name", ["..", "/etc", "a/../../b", "C:"])
def test_a_medium_that_names_what_is_outside(tmp_path: Path, received: Received, name: str) -> None:
    from pydicom import dcmread

    medium(tmp_path / "cd", 1)
    path = tmp_path / "cd" / "DICOMDIR"
    directory = dcmread(path)
    for record in directory.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.ReferencedFileID = [name, "passwd"]
    directory.save_as(path)
    with pytest.raises(PacsError, match="outside"):
        brought(received, path)
    assert not any(received.folder.iterdir())


def test_links_in_a_medium_lead_nowhere_else(tmp_path: Path, received: Received) -> None:
    lost, *_ = medium(tmp_path / "cd", 1)
    folder = lost.parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    found = brought(received, tmp_path / "cd" / "DICOMDIR")
    assert (found.new, len(found.missing)) == (0, 3)


@pytest.mark.parametrize("content", [b"", b"\0" * 128 + b"DICM", b"DICM" * 99])
def test_what_is_no_dicomdir_is_refused(tmp_path: Path, received: Received, content: bytes) -> None:
    (tmp_path / "DICOMDIR").write_bytes(content)
    with pytest.raises(PacsError, match="cannot be read as a DICOMDIR"):
        brought(received, tmp_path / "DICOMDIR")
    with pytest.raises(PacsError, match="There is no"):
        brought(received, tmp_path / "nothing")


def test_a_folder_that_is_taken_away_meanwhile(tmp_path: Path, received: Received) -> None:
    """As the server does with a study that was quiet."""
    paths = write(tmp_path / "a", 1)
    taken: list[Path] = []

    def inbox_of(study: str) -> Inbox:
        inbox = received(study)
        if not taken:
            taken.append(inbox.folder.rename(received.folder / "taken"))
        return inbox

    assert result_of(bring(paths, inbox_of)).new == 3
    assert received.counts() == [0, 3]
