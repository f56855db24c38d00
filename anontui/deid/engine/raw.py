"""Elements as bytes in a file, little endian: where values begin and what must be known early.

Nothing is checked here but what the walk needs: data that are not what they seem raise
``struct.error`` or ``IndexError``, or :class:`Unusual`.
"""

from __future__ import annotations

import struct

from anontui.deid.engine import facts as at
from anontui.deid.engine.source import DEFLATED, EXPLICIT_BIG, MEDIA_STORAGE_DIRECTORY, is_uid
from anontui.deid.engine.structure import LONG_VRS, SHORT_VRS
from anontui.deid.rules import tables
from anontui.deid.values.scrub import Scrubber

UNDEFINED = 0xFFFFFFFF
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0"

_DEEPEST_SKIPPED = 16
_ITEM_END_TAG = 0xFFFEE00D
_DIRECTORY = MEDIA_STORAGE_DIRECTORY.encode("ascii")

u16 = struct.Struct("<H").unpack_from
u32 = struct.Struct("<L").unpack_from
_tag = struct.Struct("<HH").unpack_from


class Unusual(Exception):
    """Nothing need be wrong, but the executor through pydicom must do it."""


def file_meta(data: bytes) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax."""
    if data[128:132] != b"DICM":
        raise Unusual
    start, syntax = 132, b""
    while data[start : start + 2] == b"\x02\0":
        value, length = value_at(data, start, implicit=False)
        if data[start + 2 : start + 4] == b"\x10\0":
            syntax = data[value : value + length]
        elif data[value : value + length].strip(b" \0") == _DIRECTORY:
            raise Unusual
        start = value + length
    text = syntax.decode("latin-1").strip(" \0")
    if not is_uid(text) or text in (DEFLATED, EXPLICIT_BIG) or start >= len(data):
        raise Unusual
    return start, text


def before(data: bytes, start: int, implicit: bool) -> tuple[bytes, bytes, bytes]:
    """Character set, SOP class and Patient ID: what must be known before the walk."""
    found = {at.CHARACTER_SET: b"", at.SOP_CLASS: b"", at.PATIENT_ID: b""}
    while start < len(data):
        group, element = _tag(data, start)
        tag = group << 16 | element
        if tag > at.PATIENT_ID:
            break
        value, length = value_at(data, start, implicit)
        if length == UNDEFINED:
            start = behind_items(data, value, is_implicit(data, start, implicit))
            continue
        start = value + length
        if tag in found:
            found[tag] = data[value:start]
    return found[at.CHARACTER_SET], found[at.SOP_CLASS], found[at.PATIENT_ID]


def collect(
    data: bytes,
    start: int,
    end: int,
    implicit: bool,
    told: list[tuple[int, str, bytes]],
    depth: int,
) -> int:
    """Gather what a scrubber must know, from all depths; returns where the elements end."""
    if depth > _DEEPEST_SKIPPED:
        raise Unusual
    while start < end:
        group, element = _tag(data, start)
        tag = group << 16 | element
        if tag in at.PIXEL_DATA and not depth:
            break
        if tag == _ITEM_END_TAG:
            return start + 8
        value, length = value_at(data, start, implicit)
        vr = data[start + 4 : start + 6].decode("latin-1")
        if implicit:
            known = tables.attribute(tag)
            vr = known.vr if known else "UN"
        if vr == "SQ":
            start = _collect_items(data, value, length, implicit, told, depth)
            continue
        if length == UNDEFINED or (depth and tag == at.CHARACTER_SET):
            raise Unusual
        start = value + length
        if Scrubber.wants(tag, vr):
            told.append((tag, vr, data[value:start]))
    return start


def _collect_items(
    data: bytes,
    start: int,
    length: int,
    implicit: bool,
    told: list[tuple[int, str, bytes]],
    depth: int,
) -> int:
    end = len(data) if length == UNDEFINED else start + length
    while start < end:
        name, size = data[start : start + 4], u32(data, start + 4)[0]
        start += 8
        if name == SEQUENCE_END:
            break
        if name != ITEM:
            raise Unusual
        stop = end if size == UNDEFINED else start + size
        start = collect(data, start, stop, implicit, told, depth + 1)
    return start


def value_at(data: bytes, start: int, implicit: bool) -> tuple[int, int]:
    """Where an element's value begins, and its length."""
    if implicit:
        return start + 8, u32(data, start + 4)[0]
    vr = data[start + 4 : start + 6]
    if vr in SHORT_VRS:
        return start + 8, u16(data, start + 6)[0]
    if vr in LONG_VRS:
        return start + 12, u32(data, start + 8)[0]
    raise Unusual


def is_implicit(data: bytes, start: int, implicit: bool) -> bool:
    """Whether what is inside an element is in implicit VR: in one of VR UN it is (PS3.5 6.2.2)."""
    return implicit or data[start + 4 : start + 6] == b"UN"


def behind_items(data: bytes, start: int, implicit: bool, depth: int = 0) -> int:
    """Where a sequence of undefined length ends, whatever is in it."""
    if depth > _DEEPEST_SKIPPED:
        raise Unusual
    while True:
        name, length = data[start : start + 4], u32(data, start + 4)[0]
        start += 8
        if name == SEQUENCE_END and not length:
            return start
        if name != ITEM:
            raise Unusual
        if length != UNDEFINED:
            start += length
            continue
        while data[start : start + 4] != ITEM_END:
            value, length = value_at(data, start, implicit)
            if length == UNDEFINED:
                inner = is_implicit(data, start, implicit)
                start = behind_items(data, value, inner, depth + 1)
            else:
                start = value + length
        start += 8
