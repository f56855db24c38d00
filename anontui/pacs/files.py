"""What must be known of a DICOM file to bring it somewhere, read without decoding the rest."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

HEAD = 64 << 10
"""Bytes within which the UIDs of the file meta information stand (PS3.10 7.1)."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_ELEMENT = struct.Struct("<HH2sH")
_UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
_SERIES = _UIDS[-1]
_MOST_INFLATED = 4 << 20
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"))


@dataclass(frozen=True, repr=False)
class Head:
    """The UIDs of a file."""

    study: str
    series: str
    instance: str
    sop_class: str


def is_uid(text: str) -> bool:
    """Whether this is a UID (PS3.5 9.1), zeros before a number forgiven."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def instance_of(start: bytes | memoryview) -> str | None:
    """Return the SOP instance UID in the file meta information; None if more bytes are needed.

    Raises
    ------
    ValueError
        If this is no DICOM file, or it has no such UID.
    """
    if len(start) < 132:
        return None
    if start[128:132] != b"DICM":
        raise ValueError("this is no DICOM file")
    at = 132
    while at + 12 <= len(start):
        group, element, vr, length = _ELEMENT.unpack_from(start, at)
        at += 8
        if vr in _LONG:
            (length,) = struct.unpack_from("<I", start, at)
            at += 4
        if group != 2 or element > 3:
            break
        if element == 3:
            if at + length > len(start):
                return None
            uid = bytes(start[at : at + length]).decode("ascii", "replace").rstrip("\0 ")
            if not is_uid(uid):
                break
            return uid
        at += length
    else:
        if len(start) < HEAD:
            return None
    raise ValueError("this DICOM file does not say which it is")


def read_head(path: Path) -> Head:
    """Read the UIDs of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no DICOM file, or lacks one of them.
    """
    from pydicom.filereader import read_dataset, read_file_meta_info

    try:
        meta = read_file_meta_info(path)
        syntax = meta.TransferSyntaxUID
        with path.open("rb") as file:
            file.seek(_start_of_data(file.read(144)))
            data: BinaryIO = file
            if syntax.is_deflated:
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                data = BytesIO(inflater.decompress(file.read(_MOST_INFLATED), _MOST_INFLATED))
            dataset = read_dataset(
                data,
                syntax.is_implicit_VR,
                syntax.is_little_endian,
                stop_when=lambda tag, _vr, _length: tag > _SERIES,
                specific_tags=list(_UIDS),
            )
        # as bytes, as pydicom would warn of odd ones, and quote them
        uids = [dataset.get_item(tag).value.decode("ascii").rstrip("\0 ") for tag in _UIDS]
    except OSError:
        raise
    except (Exception, RecursionError) as error:  # pydicom fails in many ways on a broken file
        raise ValueError("this is no DICOM file with its UIDs") from error
    if not all(map(is_uid, uids)):
        raise ValueError("this DICOM file has a UID that is none")
    sop_class, instance, study, series = uids
    return Head(study, series, instance, sop_class)


def _start_of_data(start: bytes) -> int:
    """Where the data set begins, by the group length that stands first (PS3.10 7.1)."""
    group, element, _vr, length = _ELEMENT.unpack_from(start, 132)
    if (group, element, length) != (2, 0, 4):
        raise ValueError("its file meta information has no length")
    (length,) = struct.unpack_from("<I", start, 140)
    return 144 + int(length)
