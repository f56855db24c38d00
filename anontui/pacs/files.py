"""What must be known of a DICOM file to bring it somewhere, read without decoding the rest."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pydicom import Dataset

HEAD = 64 << 10
"""Bytes within which the UIDs of the file meta information stand (PS3.10 7.1)."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_ELEMENT = struct.Struct("<HH2sH")
_UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
_MOST_INFLATED = 4 << 20
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"))


class NotDicom(ValueError):
    """A file, or what came, is no DICOM that can be read so far as needed."""


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
    NotDicom
        If this is no DICOM file, or it has no such UID.
    """
    if len(start) < 132:
        return None
    if start[128:132] != b"DICM":
        raise NotDicom("this is no DICOM file")
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
    raise NotDicom("this DICOM file does not say which it is")


def read_head(path: Path) -> Head:
    """Read the UIDs of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    NotDicom
        If it is no DICOM file, or lacks one of them.
    """
    from pydicom import filereader

    try:
        syntax = filereader.read_file_meta_info(path).TransferSyntaxUID
        with path.open("rb") as file:
            file.seek(_start_of_data(file.read(144)))
            sop_class, instance, study, series = uids_in(file, syntax, _UIDS)
    except (OSError, NotDicom):
        raise
    except (Exception, RecursionError) as error:  # pydicom fails in many ways on a broken file
        raise NotDicom("this is no DICOM file") from error
    return Head(study, series, instance, sop_class)


def uids_in(data: BinaryIO, syntax: str, tags: Sequence[int]) -> list[str]:
    """Read the UIDs at some tags, in order, of an encoded data set that begins here.

    Raises
    ------
    OSError
        If it cannot be read.
    NotDicom
        If it lacks one of them.
    """
    from pydicom import filereader, uid

    kind = uid.UID(syntax)
    try:
        if kind.is_deflated:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            data = BytesIO(inflater.decompress(data.read(_MOST_INFLATED), _MOST_INFLATED))
        found = filereader.read_dataset(
            data,
            kind.is_implicit_VR,
            kind.is_little_endian,
            stop_when=lambda tag, _vr, _length: tag > tags[-1],
            specific_tags=list(tags),
        )
        return [uid_at(found, tag) for tag in tags]
    except OSError:
        raise
    except (Exception, RecursionError) as error:  # as above
        raise NotDicom("this is no DICOM file with its UIDs") from error


def uid_at(dataset: Dataset, tag: int) -> str:
    """Read a UID as bytes, for pydicom would warn of an odd one, and quote it.

    Raises
    ------
    NotDicom
        If there is none.
    """
    value = dataset.get_item(tag).value if tag in dataset else None
    text = value.decode("ascii", "replace").strip(" \0") if isinstance(value, bytes) else ""
    if not is_uid(text):
        raise NotDicom("this is no DICOM file with its UIDs")
    return text


def _start_of_data(start: bytes) -> int:
    """Where the data set begins, by the group length that stands first (PS3.10 7.1)."""
    group, element, _vr, length = _ELEMENT.unpack_from(start, 132)
    if (group, element, length) != (2, 0, 4):
        raise NotDicom("its file meta information has no length")
    (length,) = struct.unpack_from("<I", start, 140)
    return 144 + int(length)
