"""What a data set says of its pixels, checked against itself (PS3.3 section C.7.6.3)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.dataelem import RawDataElement

from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.tags import tag_text
from anontui.deid.values.form import element_of

PIXEL_DATA = 0x7FE00010
_FLOATS = {0x7FE00008: 32, 0x7FE00009: 64}  # Float and Double Float Pixel Data: bits
_IMPLICIT_VRS = {PIXEL_DATA: "OW", 0x7FE00008: "OF", 0x7FE00009: "OD"}  # PS3.5 annex A.1
OFFSETS, LENGTHS = 0x7FE00001, 0x7FE00002  # the Extended Offset Table
_SAMPLES = 0x00280002
PHOTOMETRIC = 0x00280004
PLANAR = 0x00280006
NUMBER_OF_FRAMES = 0x00280008
_ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS_ALLOCATED = 0x00280100
_BITS_STORED = 0x00280101
_HIGH_BIT = 0x00280102
_REPRESENTATION = 0x00280103
_PALETTE_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_PALETTE_DATA = 0x100  # from a descriptor to its data
_SAMPLES_OF = {
    "MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1, "RGB": 3,
    "YBR_FULL": 3, "YBR_FULL_422": 3, "YBR_ICT": 3, "YBR_RCT": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Image:
    """The description of an image's pixels, and the value that holds them.

    ``shift`` is where the stored bits begin in a cell, ``darkest`` the index of a palette's
    darkest entry, ``offsets`` the Extended Offset Table with its lengths. Floats count as
    samples of photometric interpretation ``FLOAT``.
    """

    tag: int
    value: bytes
    vr: str
    rows: int
    columns: int
    samples: int
    frames: int
    allocated: int
    stored: int
    shift: int
    signed: bool
    photometric: str
    planar: int
    darkest: int
    offsets: tuple[bytes, bytes] | None

    @classmethod
    def of(cls, dataset: Dataset) -> Image:
        """Read it.

        Raises
        ------
        Refused
            If there are no pixel data, or what describes them is missing or contradictory.
        """
        tags = [tag for tag in (PIXEL_DATA, *_FLOATS) if tag in dataset]
        if len(tags) != 1:
            raise Refused(Reason.PIXEL_DATA)
        element = element_of(dataset, tags[0])
        if not isinstance(element.value, bytes):
            raise Refused(Reason.PIXEL_DATA)
        bits = _FLOATS.get(tags[0])
        allocated = bits or _number(dataset, _BITS_ALLOCATED)
        stored = bits or _number(dataset, _BITS_STORED)
        has_offsets = OFFSETS in dataset and LENGTHS in dataset
        image = cls(
            tags[0],
            element.value,
            str(element.VR or _IMPLICIT_VRS[tags[0]]),
            _number(dataset, _ROWS),
            _number(dataset, _COLUMNS),
            _number(dataset, _SAMPLES, 1),
            _number(dataset, NUMBER_OF_FRAMES, 1),
            allocated,
            stored,
            0 if bits else _number(dataset, _HIGH_BIT, stored - 1) - stored + 1,
            not bits and _number(dataset, _REPRESENTATION, 0) == 1,
            "FLOAT" if bits else text_of(dataset, PHOTOMETRIC),
            _number(dataset, PLANAR, 0),
            _darkest(dataset),
            (_raw(dataset, OFFSETS)[0], _raw(dataset, LENGTHS)[0]) if has_offsets else None,
        )
        image._check()
        return image

    def _check(self) -> None:
        right = {
            _ROWS: 0 < self.rows <= 0xFFFF,
            _COLUMNS: 0 < self.columns <= 0xFFFF
            and not (self.photometric == "YBR_FULL_422" and self.columns % 2),
            NUMBER_OF_FRAMES: self.frames > 0,
            _BITS_ALLOCATED: self.allocated in (1, 8, 16, 32, 64),
            _BITS_STORED: 0 < self.stored <= self.allocated,
            _HIGH_BIT: 0 <= self.shift <= self.allocated - self.stored,
            PLANAR: self.planar in (0, 1),
            PHOTOMETRIC: self.photometric == "FLOAT" or self.photometric in _SAMPLES_OF,
            _SAMPLES: self.samples == _SAMPLES_OF.get(self.photometric, 1),
        }
        for tag, is_right in right.items():
            if not is_right:
                raise Refused(Reason.INVALID_VALUE, tag_text(tag))

    @property
    def frame_samples(self) -> int:
        """Samples of a frame, with chroma at every pixel."""
        return self.rows * self.columns * self.samples

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, decoded."""
        return self.frame_samples * max(self.allocated, 8) // 8

    def black(self, photometric: str, width: int) -> tuple[int, ...]:
        """Black in cells of so many bits: each sample as an unsigned number."""
        middle = 1 << (self.stored - 1)
        low = -middle if self.signed else 0
        samples = (low,) * self.samples
        match photometric:
            case "MONOCHROME1":
                samples = (low + 2 * middle - 1,)
            case "PALETTE COLOR":
                samples = (min(self.darkest, 2 * middle - 1),)
            case "YBR_FULL" | "YBR_FULL_422":
                samples = (low, low + middle, low + middle)
            case "FLOAT":
                samples = (0,)
        return tuple((sample << self.shift) & ((1 << width) - 1) for sample in samples)


def _raw(dataset: Dataset, tag: int) -> tuple[bytes, str]:
    """A value's bytes as they stand in the file, and their byte order."""
    if tag not in dataset:
        return b"", "<"
    element = element_of(dataset, tag)
    if isinstance(element, RawDataElement):
        return element.value or b"", "<" if element.is_little_endian else ">"
    value = element.value
    if isinstance(value, bytes):
        return value, "<"
    try:
        numbers = [int(value)] if isinstance(value, int) else [int(n) for n in value or ()]
        return struct.pack(f"<{len(numbers)}H", *(n & 0xFFFF for n in numbers)), "<"
    except (TypeError, ValueError):
        return b"", "<"


def text_of(dataset: Dataset, tag: int) -> str:
    """A value as text, without padding; empty if there is none."""
    if tag not in dataset:
        return ""
    value = element_of(dataset, tag).value
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0")


def _number(dataset: Dataset, tag: int, default: int | None = None) -> int:
    if tag == NUMBER_OF_FRAMES:
        text = text_of(dataset, tag)
        if re.fullmatch(r"\+?[0-9]{1,10}", text, re.ASCII):
            return int(text)
        numbers: tuple[int, ...] = () if text in ("", "None") else (-1,)
    else:
        raw, order = _raw(dataset, tag)
        numbers = struct.unpack(f"{order}{len(raw) // 2}H", raw[: len(raw) // 2 * 2])
    if not numbers and default is not None:
        return default
    if len(numbers) != 1 or numbers[0] < 0:
        raise Refused(Reason.INVALID_VALUE, tag_text(tag))
    return numbers[0]


def palette(dataset: Dataset) -> tuple[int, list[tuple[int, ...]]]:
    """The index of a palette's first entry, and its red, green and blue entries.

    They are as many bits wide as the descriptors say; no entries if it is missing or segmented.
    """
    tables: list[tuple[int, ...]] = []
    first = 0
    for tag in _PALETTE_DESCRIPTORS:
        descriptor, order = _raw(dataset, tag)
        data, _ = _raw(dataset, tag + _PALETTE_DATA)
        if len(descriptor) != 6:
            return 0, []
        entries, first, _ = struct.unpack(f"{order}3H", descriptor)
        entries = entries or 1 << 16
        if len(data) < entries:
            return 0, []
        kind = "H" if len(data) >= 2 * entries else "B"
        tables.append(struct.unpack_from(f"{order}{entries}{kind}", data))
    return first, tables


def _darkest(dataset: Dataset) -> int:
    """The index of a palette's darkest entry; 0 if it has none."""
    first, tables = palette(dataset)
    if not tables:
        return 0
    lights = [
        299 * red + 587 * green + 114 * blue for red, green, blue in zip(*tables, strict=False)
    ]
    return first + lights.index(min(lights))
