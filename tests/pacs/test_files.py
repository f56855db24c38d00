"""The UIDs of files, read from their first bytes; what archives send is not believed."""

from __future__ import annotations

import resource
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from anontui.pacs.files import HEAD, Head, instance_of, is_uid, read_head
from tests.pacs.peers import ct_study, to_bytes

DATASET = ct_study(1, instances=1)[0]
CONTENT = to_bytes(DATASET)
UID = str(DATASET.SOPInstanceUID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2.840", True),
        ("1.02.3", True),
        ("0", True),
        ("1" * 64, True),
        ("1" * 65, False),
        ("", False),
        ("1.", False),
        (".1", False),
        ("1..2", False),
        ("1.2\n", False),
        ("1.2/..", False),
        ("1.٣", False),
    ],
)
def test_uids(text: str, expected: bool) -> None:
    assert is_uid(text) is expected


def test_the_uid_is_known_as_soon_as_it_came() -> None:
    found = [instance_of(CONTENT[:end]) for end in range(400)]
    first = found.index(UID)
    assert set(found[:first]) == {None}
    assert set(found[first:]) == {UID}
    assert instance_of(memoryview(CONTENT)) == UID


def element(number: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value


START = bytes(128) + b"DICM"


@pytest.mark.parametrize(
    "content",
    [
        bytes(200),
        START + b"\x08\0\x18\0UI\x04\x001.2\0",
        START + element(2, b"UI", b"1.2\0") + element(0x10, b"UI", b"1.2\0"),
        START + element(3, b"UI", b"../../a\0") + bytes(20),
        START + element(3, b"UI", b"") + bytes(20),
        START + element(1, b"OB", b"") + struct.pack("<I", 0xFFFFFFFF) + bytes(HEAD),
    ],
    ids=["no DICM", "no meta", "no UID", "hostile UID", "empty UID", "endless element"],
)
def test_what_does_not_say_which_it_is_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="DICOM file"):
        instance_of(content)


@given(st.binary(max_size=64))
def test_any_bytes_are_borne(content: bytes) -> None:
    try:
        uid = instance_of(START + content)
    except ValueError:
        return
    assert uid is None or is_uid(uid)


@pytest.mark.parametrize(
    "syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_a_head_is_read_whatever_the_transfer_syntax(tmp_path: Path, syntax: str | None) -> None:
    dataset: Dataset = ct_study(1, instances=1)[0]
    path = tmp_path / "a.dcm"
    if syntax is not None:
        del dataset.PixelData
        dataset.file_meta.TransferSyntaxUID = syntax  # type: ignore[assignment]
    path.write_bytes(to_bytes(dataset))
    assert vars(read_head(path)) == vars(
        Head(
            str(dataset.StudyInstanceUID),
            str(dataset.SeriesInstanceUID),
            UID,
            str(dataset.SOPClassUID),
        )
    )


def test_a_deflated_bomb_takes_no_memory(tmp_path: Path) -> None:
    dataset = ct_study(1, instances=1)[0]
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    start = to_bytes(dataset)
    (length,) = struct.unpack_from("<I", start, 140)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # a comment of 512 MB in front of the UIDs
    bomb = deflater.compress(struct.pack("<HH2sHI", 8, 1, b"UN", 0, 512 << 20))
    block = bytes(1 << 20)
    bomb += b"".join(deflater.compress(block) for _ in range(512)) + deflater.flush()
    path = tmp_path / "bomb.dcm"
    path.write_bytes(start[: 144 + length] + bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="DICOM file"):
        read_head(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # kilobytes


@pytest.mark.parametrize("end", [0, 100, 140, 300, 500])
def test_a_file_that_is_cut_has_no_head(tmp_path: Path, end: int) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(CONTENT[:end])
    with pytest.raises(ValueError, match="DICOM file"):
        read_head(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_head(tmp_path / "missing")
