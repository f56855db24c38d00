"""Is this file DICOM? Told from its first kilobyte, never from its name.

A DICOM file (PS3.10 section 7.1) starts with 128 free bytes, ``DICM`` and the file meta
information. Older files start with their first data element right away. In both cases
there must be an element that makes sense: a group that files start with, a value
representation that exists, a length that fits in the file. Without the prefix there is
less to go on, so the value must look right too, and so must the element after it.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from enum import StrEnum

HEAD = 1024
"""How many bytes of a file are looked at."""

UNDEFINED = 0xFFFFFFFF
"""The length that says: until a delimiter (PS3.5 section 7.1.2)."""

FILE_META = 0x0002
"""The group of the file meta information."""

_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # 32 bits of length
VRS = _LONG_VRS | frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)
"""The value representations (PS3.5 sections 6.2 and 7.1.2)."""

_BINARY_VRS = _LONG_VRS - {b"UC", b"UR", b"UT"} | frozenset(b"AT FD FL SL SS UL US".split())
_FIRST_GROUPS = frozenset({FILE_META, 0x0008})
_FIRST_BYTES = frozenset({b"\2\0", b"\0\2", b"\10\0", b"\0\10"})
_DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"
_USUAL_START = b"DICM\2\0\0\0UL\4\0"  # (0002,0000), with four bytes of value
_USUAL_CLASS = b"\2\0\2\0UI"  # (0002,0002), after (0002,0001) of two bytes

# A named pipe that takes a file's place between the check and the opening must not stop us.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class FileKind(StrEnum):
    """What a file turns out to be."""

    DICOM = "dicom"
    DICOMDIR = "dicomdir"
    """The directory of a DICOM medium: no patient's image, so never selected."""
    OTHER = "other"
    UNREADABLE = "unreadable"


_DICOM, _OTHER = FileKind.DICOM, FileKind.OTHER  # an enum's attribute is slow to look up


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: byte order ("<" or ">") and with or without their VR."""

    order: str
    explicit: bool


EXPLICIT_LITTLE = Encoding("<", explicit=True)
IMPLICIT_LITTLE = Encoding("<", explicit=False)
EXPLICIT_BIG = Encoding(">", explicit=True)

_ENCODINGS = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG)
_TAG = {order: struct.Struct(order + "HH").unpack_from for order in "<>"}
_SHORT = {order: struct.Struct(order + "H").unpack_from for order in "<>"}
_LONG = {order: struct.Struct(order + "L").unpack_from for order in "<>"}


@dataclass(frozen=True, slots=True)
class Element:
    """The header of one data element: tag, VR (empty when implicit), length, value's place."""

    tag: int
    vr: bytes
    length: int
    value_at: int

    @property
    def group(self) -> int:
        """First half of the tag."""
        return self.tag >> 16


def kind_of(path: str | os.PathLike[str]) -> FileKind:
    """What the file at ``path`` is; ``UNREADABLE`` when that cannot be told.

    Folders, pipes, sockets and devices are ``OTHER`` and are not opened.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return FileKind.OTHER
        return look(path)[0]
    except OSError:
        return FileKind.UNREADABLE


def look(path: str | os.PathLike[str]) -> tuple[FileKind, int]:
    """Open the regular file at ``path`` once and tell its kind and its size in bytes.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    handle = os.open(path, _FLAGS)
    try:
        head = os.read(handle, HEAD)
        size = os.lseek(handle, 0, os.SEEK_END)
    finally:
        os.close(handle)
    return kind_of_head(head, size), size


def kind_of_head(head: bytes, size: int) -> FileKind:
    """What a file of ``size`` bytes is that starts with ``head``, its first ``HEAD`` bytes."""
    # Nearly every file is told by these two; they decide nothing that the rest would not.
    if head.startswith(_USUAL_START, 128):
        if head.startswith(_USUAL_CLASS, 158) and not head.startswith(_DIRECTORY_CLASS, 166):
            return _DICOM
    elif head[:2] not in _FIRST_BYTES and head[128:132] != b"DICM":
        return _OTHER
    start = first_element(head, size)
    if start is None:
        return FileKind.OTHER
    return FileKind.DICOMDIR if _is_directory(head, *start) else FileKind.DICOM


def first_element(head: bytes, size: int) -> tuple[int, Encoding] | None:
    """Where the first data element is, and how it is written; ``None``: this is not DICOM.

    Parameters
    ----------
    head
        The first ``HEAD`` bytes of the file, or all of it when it is shorter.
    size
        The file's size in bytes.
    """
    if head[128:132] == b"DICM":
        for encoding in _ENCODINGS:
            if _starts_well(head, 132, encoding, size):
                return 132, encoding
    for encoding in _ENCODINGS:
        element = _starts_well(head, 0, encoding, size)
        if element and _looks_right(head, element) and _goes_on(head, element, encoding, size):
            return 0, encoding
    return None


def read_element(head: bytes, at: int, encoding: Encoding) -> Element | None:
    """The header of the element at ``at``; ``None`` when it is no element or is cut off."""
    if at + 8 > len(head):
        return None
    group, number = _TAG[encoding.order](head, at)
    tag = group << 16 | number
    if not encoding.explicit or group == 0xFFFE:
        return Element(tag, b"", _LONG[encoding.order](head, at + 4)[0], at + 8)
    vr = head[at + 4 : at + 6]
    if vr not in VRS:
        return None
    if vr not in _LONG_VRS:
        return Element(tag, vr, _SHORT[encoding.order](head, at + 6)[0], at + 8)
    if at + 12 > len(head):
        return None
    return Element(tag, vr, _LONG[encoding.order](head, at + 8)[0], at + 12)


def _starts_well(head: bytes, at: int, encoding: Encoding, size: int) -> Element | None:
    """The element at ``at``, if a file may start with it."""
    element = read_element(head, at, encoding)
    if element and element.group in _FIRST_GROUPS and _fits(element, size):
        return element
    return None


def _fits(element: Element, size: int) -> bool:
    if element.length == UNDEFINED:
        return element.vr in (b"SQ", b"UN")
    return element.value_at + element.length <= size


def _looks_right(head: bytes, element: Element) -> bool:
    """The value is what the first elements of a file have: a number of four bytes, or text."""
    if element.tag & 0xFFFF == 0 or element.tag == 0x00080001:
        return element.length == 4
    if element.vr in _BINARY_VRS:
        return True
    value = head[element.value_at : element.value_at + element.length].rstrip(b"\0")
    is_text = value.isascii() and value.decode().isprintable()
    return is_text and bool(value or element.vr)  # zeros without a VR could be anything


def _goes_on(head: bytes, first: Element, encoding: Encoding, size: int) -> bool:
    """A second element follows the first; a VR is proof enough where that cannot be seen."""
    at = first.value_at + first.length
    if at >= len(head):
        return encoding.explicit
    # The file meta information is explicit; what follows it may be written in another way.
    encodings = _ENCODINGS if first.group == FILE_META else (encoding,)
    following = [read_element(head, at, each) for each in encodings]
    return any(
        element
        and element.tag > first.tag
        and (encoding.explicit or element.group == first.group)
        and _fits(element, size)
        for element in following
    )


def _is_directory(head: bytes, at: int, encoding: Encoding) -> bool:
    """The Media Storage SOP Class UID (0002,0002) is that of a DICOMDIR (PS3.10 annex B)."""
    while (element := read_element(head, at, encoding)) and element.group == FILE_META:
        at = element.value_at + element.length
        if element.tag == 0x00020002:
            return head[element.value_at : at].rstrip(b"\0 ") == _DIRECTORY_CLASS
    return False
