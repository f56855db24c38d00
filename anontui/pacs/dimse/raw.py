"""Instances as bytes: files are made of, and read to, data sets that nobody decoded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pynetdicom.dsutils import split_dataset

from anontui import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from anontui.pacs.files import NotDicom, uid_at, uids_in

_STUDY = 0x0020000D
_HEAD = (0x00020002, 0x00020003, 0x00020010)  # SOP class, instance, transfer syntax


class Meta(NamedTuple):
    """What the file meta information tells, and where the data set begins."""

    sop_class: str
    instance: str
    syntax: str
    offset: int


def file_head(sop_class: str, instance: str, syntax: str) -> bytes:
    """What a file begins with: preamble and file meta information (PS3.10 7.1)."""
    body = b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01" + b"".join(
        struct.pack("<HH2sH", 2, element, vr, len(value)) + value
        for element, vr, text, padding in (
            (0x0002, b"UI", sop_class, b"\0"),
            (0x0003, b"UI", instance, b"\0"),
            (0x0010, b"UI", syntax, b"\0"),
            (0x0012, b"UI", IMPLEMENTATION_UID, b"\0"),
            (0x0013, b"SH", IMPLEMENTATION_NAME, b" "),
        )
        for value in (text.encode("ascii") + padding * (len(text) % 2),)
    )
    return bytes(128) + b"DICM\x02\0\0\0UL\x04\0" + struct.pack("<L", len(body)) + body


def read_meta(path: Path) -> Meta:
    """Read a file's meta information.

    Raises
    ------
    NotDicom
        If it has none.
    OSError
        If it cannot be read.
    """
    try:
        meta, offset = split_dataset(path)
        sop_class, instance, syntax = (uid_at(meta, tag) for tag in _HEAD)
    except OSError:
        raise
    except Exception as error:
        raise NotDicom("this is no DICOM file") from error
    return Meta(sop_class, instance, syntax, offset)


def study_of(data: BinaryIO, syntax: str) -> str:
    """Find the StudyInstanceUID of an encoded data set, read from where it stands.

    Raises
    ------
    NotDicom
        If it has none.
    OSError
        If it cannot be read.
    """
    [study] = uids_in(data, syntax, [_STUDY])
    return study
