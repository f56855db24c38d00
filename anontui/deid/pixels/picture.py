"""A frame of an image as a person sees it: windowed, in grey or colour, made smaller.

Only compressed frames need the extra ``pixels``.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import TypeAlias

from pydicom import Dataset

from anontui.deid.engine.source import EXPLICIT_BIG, NATIVE, Parsed
from anontui.deid.pixels.image import Image, palette, text_of
from anontui.deid.pixels.view import Picture
from anontui.deid.refusal import Reason, Refused
from anontui.errors import DeidError

LARGEST_FRAME = 256 << 20
"""Bytes of a frame, decoded."""
_CENTER, _WIDTH = 0x00281050, 0x00281051
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_TAILS = 0.005  # of the pixels, that a window of our own lets go at either end

Plane: TypeAlias = "bytes | array[int] | array[float]"


@dataclass(frozen=True)
class _Cells:
    """A frame's samples as they are stored, a plane each, and what the cells hold."""

    planes: Sequence[Plane]
    bits: int
    shift: int
    signed: bool
    photometric: str

    def value(self, cell: float) -> float:
        """The number that a cell holds."""
        if self.photometric == "FLOAT":
            return cell if math.isfinite(cell) else 0.0
        value = (int(cell) >> self.shift) & ((1 << self.bits) - 1)
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


def picture(parsed: Parsed, frame: int = 0, *, most: int = 1024) -> Picture:
    """Make a picture of one frame.

    Grey is shown through the file's first window (PS3.3 section C.11.2.1.2), else through one
    that shows nearly all pixels.

    Parameters
    ----------
    parsed
        The image.
    frame
        Which frame, from 0.
    most
        Pixels that the picture's longer side may have.

    Raises
    ------
    Refused
        If there is no such frame, or it is too large, or cannot be decoded.
    DeidError
        If it is compressed and the decoders are not installed.
    """
    dataset = parsed.dataset
    image = Image.of(dataset)
    if not 0 <= frame < image.frames:
        raise Refused(Reason.PIXEL_DATA, "it has no such frame")
    if image.frame_bytes > LARGEST_FRAME:
        raise Refused(Reason.TOO_LARGE, f"more than {LARGEST_FRAME} bytes a frame")
    is_native = parsed.transfer_syntax in NATIVE
    cells = _native(image, frame, parsed) if is_native else _decoded(image, frame, parsed)
    step = max(-(-max(image.rows, image.columns) // most), 1)
    planes = [_reduced(plane, image, step) for plane in cells.planes]
    if len(planes) == 3:
        colors = [_eight_bits(plane, cells) for plane in planes]
        if cells.photometric.startswith("YBR"):
            colors = _rgb(*colors)
    elif cells.photometric == "PALETTE COLOR":
        colors = _palette_colors(planes[0], dataset, cells)
    else:
        colors = [_grey(planes[0], dataset, cells)]
    pixels = bytearray(len(colors) * len(colors[0]))
    for number, plane in enumerate(colors):
        pixels[number :: len(colors)] = plane
    return Picture(image.rows, image.columns, image.frames, frame, step, len(colors), bytes(pixels))


# --- samples --------------------------------------------------------------------------------


def _native(image: Image, frame: int, parsed: Parsed) -> _Cells:
    big = parsed.transfer_syntax == EXPLICIT_BIG
    pixels = image.rows * image.columns
    planes: Sequence[Plane]
    if image.allocated == 1:
        planes = [_bits(image, frame * pixels, pixels)]
    elif image.photometric == "YBR_FULL_422":
        planes = _paired(_cut(image, frame, pixels * 2 * image.allocated // 8, big=big))
    else:
        data = _cut(image, frame, image.frame_bytes, big=big)
        samples = data if image.allocated == 8 else _array(image, data, big=big)
        count = image.samples
        if image.planar and count > 1:
            planes = [samples[n * pixels : (n + 1) * pixels] for n in range(count)]
        else:
            planes = [samples[n::count] for n in range(count)] if count > 1 else [samples]
    return _Cells(planes, image.stored, image.shift, image.signed, image.photometric)


def _cut(image: Image, frame: int, size: int, *, big: bool) -> bytes:
    """The bytes of a frame, in the order in which they are counted."""
    data = image.value[frame * size : (frame + 1) * size]
    if len(data) < size:
        raise Refused(Reason.PIXEL_DATA)
    if big and image.vr == "OW" and image.allocated == 8:  # swapped in pairs (PS3.5 section 7.3)
        words = array("H", data[: size // 2 * 2])
        words.byteswap()
        data = words.tobytes() + data[size // 2 * 2 :]
    return data


def _array(image: Image, data: bytes, *, big: bool) -> array[int] | array[float]:
    is_float = image.photometric == "FLOAT"
    kinds = {32: "f", 64: "d"} if is_float else {16: "H", 32: "I", 64: "Q"}
    samples: array[int] | array[float] = array(kinds[image.allocated], data)
    if big != (sys.byteorder == "big"):
        samples.byteswap()
    return samples


_OF_BITS = [bytes(byte >> n & 1 for n in range(8)) for byte in range(256)]


def _bits(image: Image, first: int, count: int) -> bytes:
    """Eight pixels a byte, the first in its lowest bit; frames need not begin with a byte."""
    start, skipped = divmod(first, 8)
    data = image.value[start : start + (skipped + count + 7) // 8]
    bits = b"".join(map(_OF_BITS.__getitem__, data))[skipped : skipped + count]
    if len(bits) < count:
        raise Refused(Reason.PIXEL_DATA)
    return bits


def _paired(data: bytes) -> list[bytes]:
    """Two pixels are stored as Y Y Cb Cr (PS3.3 section C.7.6.3.1.2)."""
    light, blue, red = (bytearray(len(data) // 2) for _ in range(3))
    light[::2], light[1::2] = data[::4], data[1::4]
    for plane, stored in ((blue, data[2::4]), (red, data[3::4])):
        plane[::2] = plane[1::2] = stored
    return [bytes(light), bytes(blue), bytes(red)]


def _decoded(image: Image, frame: int, parsed: Parsed) -> _Cells:
    try:
        from anontui.deid.pixels.masked import decoded
    except DeidError as error:
        raise DeidError(
            "The picture is compressed, and the decoders are not installed",
            advice="Install them with: pip install 'anontui[pixels]'",
            cause=error.cause,
        ) from error
    found = decoded(image, parsed.transfer_syntax, frame)
    planes: list[Plane] = []
    for number in range(image.samples):
        plane = found.pixels[:, :, number]
        kind = {1: "B", 2: "H", 4: "I", 8: "Q"}[plane.dtype.itemsize]
        data = plane.tobytes()
        planes.append(data if kind == "B" else array(kind, data))
    bits, shift = (image.stored, image.shift) if found.loose else (found.bits, 0)
    return _Cells(planes, bits, shift, image.signed, found.photometric)


def _reduced(plane: Plane, image: Image, step: int) -> Plane:
    if step == 1:
        return plane
    starts = range(0, image.rows * image.columns, image.columns * step)
    if isinstance(plane, bytes):
        return b"".join(plane[start : start + image.columns : step] for start in starts)
    rows = b"".join(plane[start : start + image.columns : step].tobytes() for start in starts)
    return array(plane.typecode, rows)


# --- what is seen ---------------------------------------------------------------------------


def _seen(plane: Plane, table: Mapping[float, int]) -> bytes:
    return bytes(map(table.__getitem__, plane))


def _eight_bits(plane: Plane, cells: _Cells) -> bytes:
    if cells.bits == 8 and isinstance(plane, bytes):
        return plane
    most = (1 << cells.bits) - 1
    return _seen(plane, {cell: int(cells.value(cell)) * 255 // most & 255 for cell in set(plane)})


def _rgb(light: bytes, blue: bytes, red: bytes) -> list[bytes]:
    """From luminance and chrominance (ITU-R BT.601, as in PS3.3 section C.7.6.3.1.2)."""
    clip = bytes(256) + bytes(range(256)) + b"\xff" * 512  # from -256 on
    mixes = (
        [256 + round(1.402 * (n - 128)) for n in range(256)],
        [-round(0.3441 * (n - 128)) for n in range(256)],
        [256 - round(0.7141 * (n - 128)) for n in range(256)],
        [256 + round(1.772 * (n - 128)) for n in range(256)],
    )
    of_red, green_blue, green_red, of_blue = (list(mix) for mix in mixes)
    reds = map(add, light, map(of_red.__getitem__, red))
    greens = map(
        add,
        light,
        map(add, map(green_blue.__getitem__, blue), map(green_red.__getitem__, red)),
    )
    blues = map(add, light, map(of_blue.__getitem__, blue))
    return [bytes(map(clip.__getitem__, color)) for color in (reds, greens, blues)]


def _palette_colors(plane: Plane, dataset: Dataset, cells: _Cells) -> list[bytes]:
    first, tables = palette(dataset)
    if not tables:
        raise Refused(Reason.INVALID_VALUE, "the palette")
    colors = []
    for entries in tables:
        shift = 8 if max(entries) > 255 else 0
        last = len(entries) - 1
        colors.append(
            _seen(
                plane,
                {
                    cell: entries[min(max(int(cells.value(cell)) - first, 0), last)] >> shift
                    for cell in set(plane)
                },
            )
        )
    return colors


def _grey(plane: Plane, dataset: Dataset, cells: _Cells) -> bytes:
    counts = Counter(plane)
    slope, intercept = _decimal(dataset, _SLOPE) or 1.0, _decimal(dataset, _INTERCEPT) or 0.0
    values = {cell: cells.value(cell) * slope + intercept for cell in counts}
    center, width = _decimal(dataset, _CENTER), _decimal(dataset, _WIDTH)
    if center is not None and width is not None and width >= 1:
        low, reach = center - 0.5 - (width - 1) / 2, max(width - 1, 1e-9)
    elif cells.bits <= 8 and slope == 1 and not intercept:
        low = -float(1 << cells.bits - 1) if cells.signed else 0.0
        reach = float((1 << cells.bits) - 1)
    else:
        low, reach = _own_window(counts, values)
    dark, light = (255, 0) if cells.photometric == "MONOCHROME1" else (0, 255)
    table = {
        cell: round(dark + (light - dark) * min(max((value - low) / reach, 0.0), 1.0))
        for cell, value in values.items()
    }
    return _seen(plane, table)


def _own_window(counts: Counter[float], values: Mapping[float, float]) -> tuple[float, float]:
    """Where nearly all pixels lie: the lowest value, and how far the window reaches."""
    ordered = sorted(counts, key=values.__getitem__)
    tail = counts.total() * _TAILS
    ends = []
    for cells in (ordered, ordered[::-1]):
        seen = 0
        for cell in cells:
            seen += counts[cell]
            if seen > tail:
                break
        ends.append(values[cell])
    low, high = ends
    return low, max(high - low, 1e-9)


def _decimal(dataset: Dataset, tag: int) -> float | None:
    """The first of a decimal string's numbers; None if there is none to believe."""
    text = text_of(dataset, tag).strip("[]").split("\\")[0].split(",")[0]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e30 else None
