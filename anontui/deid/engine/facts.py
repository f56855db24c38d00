"""What decides a file's fate: the values that filters and pixel rules ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.structure import UNDEFINED
from anontui.deid.rules.policy import Policy
from anontui.deid.values import charset
from anontui.deid.values.form import bytes_of, element_of

CHARACTER_SET = 0x00080005
IMAGE_TYPE = 0x00080008
SOP_CLASS = 0x00080016
SOP_INSTANCE = 0x00080018
MODALITY = 0x00080060
SERIES_DESCRIPTION = 0x0008103E
PATIENT_ID = 0x00100020
STUDY_INSTANCE = 0x0020000D
SERIES_INSTANCE = 0x0020000E
SAMPLES = 0x00280002
PHOTOMETRIC = 0x00280004
NUMBER_OF_FRAMES = 0x00280008
ROWS = 0x00280010
COLUMNS = 0x00280011
BITS_ALLOCATED = 0x00280100
BURNED_IN = 0x00280301
PIXELS_ELSEWHERE = 0x00287FE0  # Pixel Data Provider URL
DIRECTORY_RECORDS = 0x00041220
BIT_POSITIONS = tuple(group << 16 | 0x0102 for group in range(0x6000, 0x6100, 2))
PIXEL_DATA = {0x7FE00010: 0, 0x7FE00008: 32, 0x7FE00009: 64}  # tag to bits, 0: Bits Allocated

_ALWAYS = frozenset(
    {
        CHARACTER_SET, IMAGE_TYPE, SOP_CLASS, SOP_INSTANCE, MODALITY, SERIES_DESCRIPTION,
        PATIENT_ID, STUDY_INSTANCE, SERIES_INSTANCE, SAMPLES, PHOTOMETRIC, NUMBER_OF_FRAMES,
        ROWS, COLUMNS, BITS_ALLOCATED, BURNED_IN, PIXELS_ELSEWHERE, DIRECTORY_RECORDS,
        *BIT_POSITIONS, *PIXEL_DATA,
    }
)  # fmt: skip


@dataclass(slots=True)
class Facts:
    """Values by tag as they stand in the file (pixel data without their value).

    ``pixel_length`` is the length of the pixel data's value in bytes, ``None`` if it is
    undefined (encapsulated).
    """

    values: Mapping[int, bytes]
    little: bool = True
    pixel_length: int | None = 0

    def has(self, tag: int) -> bool:
        """Whether the data set has the attribute."""
        return tag in self.values

    def text(self, tag: int) -> str:
        """A value's text for decisions; empty if the data set has no such attribute."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def patient_id(self) -> str:
        """The Patient ID in its character set; as bytes of ISO_IR 100 if it is not text in that.

        Raises
        ------
        Refused
            If the character set is not known.
        """
        value = self.values.get(PATIENT_ID, b"")
        if charset.is_plain(value):
            return self.text(PATIENT_ID)
        with quiet():
            encodings = charset.encodings_of(self.values.get(CHARACTER_SET, b""))
            text = charset.decode(value, encodings, "LO")
        return self.text(PATIENT_ID) if text is None else text

    def number(self, tag: int) -> int:
        """The value of a US attribute; 0 if the data set has no such attribute."""
        return int.from_bytes(self.values.get(tag, b"")[:2], "little" if self.little else "big")


def facts_wanted(policy: Policy) -> frozenset[int]:
    """The tags whose values :class:`Facts` must have for a policy."""
    matched = {tag for rule in policy.pixel_rules.rules for tag in rule.match}
    return _ALWAYS | policy.filters.required | matched


def facts_of(dataset: Dataset, wanted: frozenset[int], *, little: bool) -> Facts:
    """The facts of a data set as it was read, its values still bytes."""
    values = {}
    pixel_length: int | None = 0
    for tag in wanted:
        if tag not in dataset:
            continue
        element = element_of(dataset, tag)
        if tag in PIXEL_DATA:
            values[tag] = b""
            pixel_length = len(bytes_of(element))
            if isinstance(element, RawDataElement) and element.length == UNDEFINED:
                pixel_length = None
        else:
            values[tag] = bytes_of(element)
    return Facts(values, little, pixel_length)
