"""What compressed frames say of themselves, before any decoder believes them.

A decoder allocates what the frame's own header asks for, so that is looked at first.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from anontui.deid.refusal import Reason, Refused

_START_OF_SCAN = 0xDA
_APPLICATION_0 = 0xE0
_END = b"\xff\xd9"  # of an image (JPEG, JPEG-LS) and of a codestream (JPEG 2000)
_START_2000 = b"\xff\x4f\xff\x51"
# DHT, JPG and DAC stand among the frame headers; JPEG-LS has its own
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}


class Header(NamedTuple):
    """One frame's size, samples, bits and signedness.

    ``photometric`` is the color space that the frame's own markers tell; empty if none does.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    photometric: str = ""


def jpeg_header(frame: bytes) -> Header:
    """The header of a JPEG (ISO/IEC 10918-1) or JPEG-LS (ISO/IEC 14495-1) frame.

    Raises
    ------
    Refused
        If it has none, or its end is missing.
    """
    jfif = False
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", frame, at + 2)
        segment = frame[at + 4 : at + 2 + length]
        if marker == _START_OF_SCAN:
            break
        if marker == _APPLICATION_0:
            jfif = jfif or segment.startswith(b"JFIF")
        elif marker in _FRAME_HEADERS and len(segment) >= 6:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", segment)
            if frame.rfind(_END, at) < 0:
                raise Refused(Reason.TRUNCATED, "a compressed frame")
            told = _color_space(segment[6::3], jfif) if samples == 3 else ""
            return Header(rows, columns, samples, precision, photometric=told)
        at += 2 + length
    raise Refused(Reason.UNDECODABLE, "no JPEG frame")


def jpeg_2000_header(frame: bytes) -> Header:
    """The header of a JPEG 2000 frame (ISO/IEC 15444-1 section A.5), high throughput or not.

    Raises
    ------
    Refused
        If it has none, its samples differ in size or kind, or its end is missing.
    """
    at = frame.find(_START_2000, 0, 1 << 12)  # behind the boxes of a JP2 file, if it is one
    try:
        right, bottom, left, top = struct.unpack_from(">4L", frame, at + 8)
        (samples,) = struct.unpack_from(">H", frame, at + 40)
        kinds = set(struct.iter_unpack("3B", frame[at + 42 : at + 42 + 3 * min(samples, 4)]))
    except struct.error:
        raise Refused(Reason.UNDECODABLE, "no JPEG 2000 frame") from None
    if at < 0 or len(kinds) != 1:
        raise Refused(Reason.UNDECODABLE, "no JPEG 2000 frame")
    ((kind, x_step, y_step),) = kinds
    if (x_step, y_step) != (1, 1):
        raise Refused(Reason.UNDECODABLE, "samples at less than every pixel")
    if frame.rfind(_END, at) < 0:
        raise Refused(Reason.TRUNCATED, "a compressed frame")
    return Header(bottom - top, right - left, samples, (kind & 0x7F) + 1, signed=bool(kind >> 7))


def _color_space(component_ids: bytes, jfif: bool) -> str:
    if component_ids in (b"RGB", b"rgb"):
        return "RGB"
    return "YBR_FULL" if jfif else ""
