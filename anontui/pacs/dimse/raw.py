"""Instances as bytes: files are made of, and read to, data sets that nobody decoded."""

from __future__ import annotations

import re
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pynetdicom.dsutils import split_dataset

from anontui import __version__

IMPLEMENTATION_UID = "2.25.150379431921164230311586303203178207317"
IMPLEMENTATION_NAME = f"ANONTUI_{__version__}"[:16]

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_STUDY = 0x0020000D
_HEAD = (0x00020002, 0x00020003, 0x00020010)  # SOP class, instance, transfer syntax
_MOST_INFLATED = 4 << 20  # bytes of a deflated data set in which its study is looked for


class NotDicom(Exception):
    """A file, or what came, is no data set that can be read so far as needed."""


class Head(NamedTuple):
    """What the file meta information tells, and where the data set begins."""

    sop_class: str
    instance: str
    syntax: str
    offset: int


def is_uid(text: str) -> bool:
    """Whether a text may be a UID; components with leading zeros are found in real data."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


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


def read_head(path: Path) -> Head:
    """Read a file's head.

    Raises
    ------
    NotDicom
        If it has none.
    OSError
        If it cannot be read.
    """
    try:
        meta, offset = split_dataset(path)
        sop_class, instance, syntax = (_uid(meta, tag) for tag in _HEAD)
    except OSError:
        raise
    except Exception as error:
        raise NotDicom from error
    return Head(sop_class, instance, syntax, offset)


def study_of(data: BinaryIO, syntax: str) -> str:
    """Find the StudyInstanceUID of an encoded data set, read from where it stands.

    Raises
    ------
    NotDicom
        If it has none.
    OSError
        If it cannot be read.
    """
    uid = UID(syntax)
    try:
        if uid.is_deflated:
            inflated = zlib.decompressobj(-zlib.MAX_WBITS)
            data = BytesIO(inflated.decompress(data.read(_MOST_INFLATED), _MOST_INFLATED))
        found = read_dataset(
            data,
            uid.is_implicit_VR,
            uid.is_little_endian,
            stop_when=lambda tag, _vr, _length: tag > _STUDY,
            specific_tags=[_STUDY],
        )
        return _uid(found, _STUDY)
    except OSError:
        raise
    except (Exception, RecursionError) as error:
        raise NotDicom from error


def _uid(dataset: Dataset, tag: int) -> str:
    """A UID of a data set without pydicom's check, whose warnings quote it."""
    value = dataset.get_item(tag).value
    text = value.decode("ascii").strip(" \0") if isinstance(value, bytes) else ""
    if not is_uid(text):
        raise NotDicom
    return text
