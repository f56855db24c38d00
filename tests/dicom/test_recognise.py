from __future__ import annotations

import importlib.util
import os
import socket
import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.dicom import recognise
from anontui.dicom.recognise import HEAD, FileKind, kind_of, kind_of_head
from tests.dicom.files import BIG, DIRECTORY, IMPLICIT, dicom_bytes

PREFIX = bytes(128) + b"DICM"
META = b"\2\0\0\0UL\4\0\x1e\0\0\0"


def kind(content: bytes) -> FileKind:
    return kind_of_head(content[:HEAD], len(content))


def element(group: int, number: int, vr: bytes, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH2sH", group, number, vr, len(value)) + value


def implicit(group: int, number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", group, number, len(value)) + value


DICOM = {
    "explicit": dicom_bytes(),
    "implicit": dicom_bytes(syntax=IMPLICIT),
    "big endian": dicom_bytes(syntax=BIG),
    "explicit, no preamble": dicom_bytes(preamble=False),
    "implicit, no preamble": dicom_bytes(syntax=IMPLICIT, preamble=False),
    "big endian, no preamble": dicom_bytes(syntax=BIG, preamble=False),
    "file meta, no preamble": dicom_bytes()[132:],
    "preamble that is a TIFF": b"II*\0" + dicom_bytes()[4:],
    "no file meta": PREFIX + dicom_bytes(preamble=False),
    "no group length": PREFIX + dicom_bytes()[144:],
    "only a group length": PREFIX + META,
    "old ACR-NEMA": implicit(8, 0, b"\x80\0\0\0") + implicit(8, 1, b"\0\2\0\0") + bytes(600),
    "first value is long": element(8, 8, b"CS", b"ORIGINAL\\PRIMARY " * 100),
    "names a DICOMDIR elsewhere": dicom_bytes(study=DIRECTORY),
}
OTHER = {
    "empty": b"",
    "text": b"Not DICOM at all. " * 100,
    "stump": PREFIX,
    "stump with zeros": PREFIX + bytes(500),
    "text with DICM at 128": b"x" * 128 + b"DICM is what this text says at 128. " * 20,
    "no such VR": PREFIX + b"\2\0\0\0XX\4\0\x1e\0\0\0",
    "longer than the file": PREFIX + b"\2\0\0\0UL\5\0\x1e\0\0\0",
    "zeros": bytes(2000),
    "small numbers": struct.pack("<100L", *range(8, 108)),
    "a group length, then another group": implicit(8, 0, b"\7\0\0\0") + implicit(9, 0, b"\1\0\0\0"),
    "small short numbers": struct.pack("<100H", *range(8, 108)),
    "no preamble, one element": implicit(8, 5, b"ISO_IR 100"),
    "no preamble, tags go down": element(8, 16, b"UI", b"1.2\0") + element(8, 5, b"CS", b"ISO_IR"),
    "no preamble, binary": element(8, 5, b"CS", b"\1\2\3\4") + element(8, 6, b"CS", b"AB"),
    "no preamble, group 0010": element(0x10, 0x10, b"PN", b"Invented") * 9,
    "python": Path(__file__).read_bytes(),
}
DIRECTORIES = {
    "usual": PREFIX + META + element(2, 2, b"UI", DIRECTORY.encode()),
    "with version": PREFIX
    + META
    + struct.pack("<HH2sHL", 2, 1, b"OB", 0, 2)
    + b"\0\1"
    + element(2, 2, b"UI", DIRECTORY.encode())
    + element(2, 3, b"UI", b"1.2.3\0"),
    "no preamble": META
    + element(2, 2, b"UI", DIRECTORY.encode())
    + element(2, 3, b"UI", b"1.2.3\0"),
}


@pytest.mark.parametrize("name", DICOM)
def test_this_is_dicom(name: str) -> None:
    assert kind(DICOM[name]) is FileKind.DICOM


@pytest.mark.parametrize("name", OTHER)
def test_this_is_not(name: str) -> None:
    assert kind(OTHER[name]) is FileKind.OTHER


@pytest.mark.parametrize("name", DIRECTORIES)
def test_this_is_a_dicomdir(name: str) -> None:
    assert kind(DIRECTORIES[name]) is FileKind.DICOMDIR


def pydicom_files() -> list[Path]:
    """All that comes with pydicom and pydicom-data, DICOM and other."""
    data = importlib.util.find_spec("data_store")
    assert data and data.origin
    folders = [Path(pydicom.__file__).parent, Path(data.origin).parent]
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_every_file_that_pydicom_reads_is_found() -> None:
    kinds = {}
    for path in pydicom_files():
        content = path.read_bytes()
        if content[128:132] == b"DICM":
            meta = pydicom.filereader.read_file_meta_info(path)
            is_directory = meta.get("MediaStorageSOPClassUID") == DIRECTORY
            kinds[path] = FileKind.DICOMDIR if is_directory else FileKind.DICOM
        elif path.name.endswith(("NoMeta.dcm", "rtstruct.dcm", "OT-PAL-8-face.dcm")):
            kinds[path] = FileKind.DICOM
        else:
            kinds[path] = FileKind.OTHER
    assert len(kinds) > 200
    assert {path.name: kind_of(path) for path in kinds if kind_of(path) != kinds[path]} == {}


def test_nothing_of_pythons_own_library_is_dicom() -> None:
    folder = Path(os.__file__).parent
    found = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not {"site-packages", "test"} & {*path.parts}
        and kind_of(path) in (FileKind.DICOM, FileKind.DICOMDIR)
    ]
    assert found == []


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_have_a_kind(content: bytes, prefix: bool) -> None:
    assert kind((PREFIX if prefix else b"") + content) in FileKind


@given(st.sampled_from([*DICOM.values(), *DIRECTORIES.values()]), st.data())
def test_any_damage_leaves_a_kind(content: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, min(len(content), HEAD)))
    assert kind(content[:at]) in FileKind
    inserted = data.draw(st.binary(min_size=1, max_size=8))
    assert kind(content[:at] + inserted + content[at:]) in FileKind


@given(st.sampled_from([*DICOM.values(), *OTHER.values(), *DIRECTORIES.values()]), st.data())
def test_the_short_cut_decides_like_the_long_way(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3))):
        if changed:
            at = data.draw(st.integers(0, min(len(changed), 300) - 1))
            changed[at] = data.draw(st.integers(0, 255))
    short = kind(bytes(changed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognise, "_USUAL_START", b"never, it is too long" * 100)
        patch.setattr(recognise, "_FIRST_BYTES", {bytes(changed[:2])})
        assert kind(bytes(changed)) == short


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        kinds = {name: kind_of(tmp_path / name) for name in ("pipe", "socket", "", "missing")}
    assert kinds == {
        "pipe": FileKind.OTHER,
        "socket": FileKind.OTHER,
        "": FileKind.OTHER,
        "missing": FileKind.UNREADABLE,
    }
    assert kind_of("/dev/zero") is FileKind.OTHER


def test_a_pipe_that_takes_a_files_place_does_not_stop_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="seek"):
        recognise.look(tmp_path / "pipe")
