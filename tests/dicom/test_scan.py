from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from anontui import events
from anontui.dicom import recognise
from anontui.dicom.scan import FileKind, Scan, ScannedFile, scan
from anontui.errors import ScanError
from anontui.events import Progress, Result, result_of
from tests.dicom.files import dicom_bytes
from tests.dicom.test_recognise import DIRECTORIES

DICOM, OTHER, UNREADABLE = FileKind.DICOM, FileKind.OTHER, FileKind.UNREADABLE
CONTENT = dicom_bytes()


def fill(folder: Path, *paths: str, content: bytes = CONTENT) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def kinds(found: Scan) -> dict[str, FileKind]:
    return {file.path: file.kind for file in found.files}


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    fill(tmp_path, "a/image.txt", "a/b/IM1", "photo.jpg")
    fill(tmp_path, "a/image.dcm", "a/readme", content=b"Not DICOM")
    fill(tmp_path, "disc", content=DIRECTORIES["usual"])
    found = result_of(scan(tmp_path))
    assert kinds(found) == {
        "disc": FileKind.DICOMDIR,
        "photo.jpg": DICOM,
        "a/image.dcm": OTHER,
        "a/image.txt": DICOM,
        "a/readme": OTHER,
        "a/b/IM1": DICOM,
    }
    assert [file.path for file in found.dicom] == ["photo.jpg", "a/image.txt", "a/b/IM1"]
    assert found.files[1] == ScannedFile("photo.jpg", DICOM, len(CONTENT))
    assert found.dicom_size == 3 * len(CONTENT)
    assert found.counts == {FileKind.DICOMDIR: 1, DICOM: 3, OTHER: 2}
    assert found.counts[UNREADABLE] == 0
    assert found.folders == 3
    assert found.warnings == ()


def test_an_empty_folder_is_a_result(tmp_path: Path) -> None:
    assert result_of(scan(tmp_path)) == Scan((), 1, ())


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "file")
    with pytest.raises(ScanError) as caught:
        result_of(scan(tmp_path / name))
    assert str(tmp_path) not in caught.value.sentence()


def test_our_own_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, ".hidden", ".folder/a", "fileselection.txt", "p/fileselection.txt", "p/a")
    assert kinds(result_of(scan(tmp_path))) == {"p/a": DICOM}
    assert kinds(result_of(scan(tmp_path, check=False))) == {"p/a": DICOM}


def test_excluded_files_and_folders_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "p1/a.dcm", "p1/a.RAW", "p1/old/a.dcm", "p2/a.dcm", "p2/s/b.dcm")
    found = result_of(scan(tmp_path, exclude=["*.raw", "old", "p2/*.dcm"]))
    assert list(kinds(found)) == ["p1/a.dcm", "p2/s/b.dcm"]
    assert found.folders == 4  # the excluded one was not entered


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.dcm", DICOM),
        ("a.DCM", DICOM),
        ("a.dicom", DICOM),
        ("IM0001", DICOM),
        ("1.2.840.5", DICOM),
        ("ends.", DICOM),
        ("DICOMDIR", FileKind.DICOMDIR),
        ("a.txt", OTHER),
        ("a.dcm.bak", OTHER),
        ("a.²", OTHER),
    ],
)
def test_unchecked_the_name_decides(
    tmp_path: Path, name: str, expected: FileKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, f"p.1/{name}", content=b"Not DICOM")
    monkeypatch.setattr(recognise, "look", None)
    assert result_of(scan(tmp_path, check=False)).files == (
        ScannedFile(f"p.1/{name}", expected, 0),
    )


def test_files_come_in_a_persons_order(tmp_path: Path) -> None:
    expected = ["a2", "a10", "p2/x", "p10/9", "p10/10", "p10/s/1"]
    fill(tmp_path, *expected, *(f"q/{number}" for number in range(1, 100)))
    for threads in (1, 8, None):
        paths = [file.path for file in result_of(scan(tmp_path, threads=threads)).files]
        assert paths == [*expected, *(f"q/{number}" for number in range(1, 100))]


def test_links_to_files_are_followed_and_to_folders_told(tmp_path: Path) -> None:
    fill(tmp_path, "data/p/a")
    (tmp_path / "data/link").symlink_to("p/a")
    (tmp_path / "data/p/up").symlink_to(tmp_path / "data")
    (tmp_path / "data/gone").symlink_to("nowhere")
    (tmp_path / "data/circle").symlink_to("circle")
    found = result_of(scan(tmp_path / "data"))
    assert kinds(found) == {
        "circle": UNREADABLE,
        "gone": UNREADABLE,
        "link": DICOM,
        "p/a": DICOM,
    }
    assert [warning.path for warning in found.warnings] == ["circle", "gone", "p/up"]
    assert "not followed" in found.warnings[2].message
    (tmp_path / "way").symlink_to("data")
    assert result_of(scan(tmp_path / "way")).dicom == found.dicom


def test_pipes_and_sockets_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to pipe").symlink_to("pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    opened: list[str] = []
    monkeypatch.setattr(recognise, "look", opened.append)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        found = result_of(scan(tmp_path))
    assert opened == []
    assert kinds(found) == dict.fromkeys(("device", "link to pipe", "pipe", "socket"), OTHER)


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX systems only")
@pytest.mark.parametrize("name", [b"a\\..\\x", b"caf\xe9"])
def test_names_that_no_windows_path_can_hold_are_told(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(CONTENT)
    found = result_of(scan(tmp_path))
    assert found.counts == {UNREADABLE: 1}
    assert found.files[0].path.encode()  # it can be shown
    assert [warning.path for warning in found.warnings] == [found.files[0].path]


def test_what_cannot_be_read_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a/1", "secret^patient/1", "b/1", "b/2", "b/3")
    listing, look = os.scandir, recognise.look

    def guarded_listing(path: str) -> Iterator[os.DirEntry[str]]:
        if "secret" in path:
            raise PermissionError(13, "Permission denied", path)
        return listing(path)

    def guarded_look(path: str) -> tuple[FileKind, int]:
        if path.endswith(("b/1", "b/2")):
            raise FileNotFoundError(2, "No such file or directory", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", guarded_listing)
    monkeypatch.setattr(recognise, "look", guarded_look)
    told = list(scan(tmp_path))
    last = told[-1]
    assert isinstance(last, Result)
    assert kinds(last.value) == {"a/1": DICOM, "b/1": UNREADABLE, "b/2": UNREADABLE, "b/3": DICOM}
    assert [warning.path for warning in last.value.warnings] == ["b/1", "b/2", "secret^patient"]
    messages = sorted(event.message for event in told if isinstance(event, events.Warning))
    assert messages == [
        "2 × a file cannot be read (No such file or directory)",
        "a folder cannot be read (Permission denied)",
    ]


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind the superuser"
)
def test_real_permissions_are_a_warning_too(tmp_path: Path) -> None:
    fill(tmp_path, "a/1", "b/1")
    (tmp_path / "a").chmod(0)
    found = result_of(scan(tmp_path))
    (tmp_path / "a").chmod(0o700)
    assert list(kinds(found)) == ["b/1"]
    assert [warning.path for warning in found.warnings] == ["a"]


def test_progress_comes_while_a_file_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a", "b", "c")
    go_on = threading.Event()
    look = recognise.look

    def hanging_look(path: str) -> tuple[FileKind, int]:
        go_on.wait(30)
        return look(path)

    monkeypatch.setattr(recognise, "look", hanging_look)
    running = scan(tmp_path)
    assert next(running) == next(running) == Progress(0, 3, "files", "0 DICOM")
    go_on.set()
    told = list(running)
    assert told[-2] == Progress(3, 3, "files", "3 DICOM")
    assert isinstance(told[-1], Result)


def test_closing_stops_within_a_file_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, *(f"{number}" for number in range(200)))
    looked = []
    looking = threading.Semaphore(0)
    closing = threading.Event()

    def slow_look(path: str) -> tuple[FileKind, int]:
        looked.append(path)
        looking.release()
        closing.wait(30)
        return OTHER, 0

    monkeypatch.setattr(recognise, "look", slow_look)
    threads, handles = threading.active_count(), open_handles()
    running = scan(tmp_path, threads=4)
    next(running)
    for _ in range(4):
        assert looking.acquire(timeout=10)
    timer = threading.Timer(0.1, closing.set)
    timer.start()
    running.close()  # type: ignore[attr-defined]  # an iterator of events is a generator
    timer.join()
    assert len(looked) == 4
    assert threading.active_count() == threads
    assert open_handles() == handles


def open_handles() -> int:
    gc.collect()
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_a_scan_leaves_nothing_open(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number % 7}/{number}" for number in range(200)))
    threads, handles = threading.active_count(), open_handles()
    result_of(scan(tmp_path, threads=8))
    assert threading.active_count() == threads
    assert open_handles() == handles


def test_pydicom_is_not_needed() -> None:
    code = "import sys, anontui.dicom.header; sys.exit('pydicom' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
