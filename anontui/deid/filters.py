"""Which files are set aside before anything of them is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataelem import RawDataElement

from anontui.deid import tables
from anontui.deid.policy import Filters
from anontui.deid.refusal import Reason, Refused
from anontui.deid.source import MEDIA_STORAGE_DIRECTORY, NATIVE, Parsed, is_uid
from anontui.deid.structure import UNDEFINED
from anontui.deid.values import bytes_of, element_of, text_at

SOP_CLASS = 0x00080016
SOP_INSTANCE = 0x00080018
STUDY_INSTANCE = 0x0020000D
SERIES_INSTANCE = 0x0020000E

_DIRECTORY_RECORDS = 0x00041220
_IMAGE_TYPE = 0x00080008
_MODALITY = 0x00080060
_SERIES_DESCRIPTION = 0x0008103E
_SAMPLES = 0x00280002
_PHOTOMETRIC = 0x00280004
_NUMBER_OF_FRAMES = 0x00280008
_ROWS = 0x00280010
_COLUMNS = 0x00280011
_BITS_ALLOCATED = 0x00280100
_BURNED_IN = 0x00280301
_PIXEL_DATA = {0x7FE00010: 0, 0x7FE00008: 32, 0x7FE00009: 64}  # tag to bits, 0: Bits Allocated
_OVERLAY_GROUPS = range(0x6000, 0x6100, 2)
_BIT_POSITION = 0x0102  # not 0: the overlay lives in that bit of the pixel data
_PIXELS_ELSEWHERE = 0x00287FE0  # Pixel Data Provider URL

_STORAGE = "1.2.840.10008.5.1.4.1.1"
_SECONDARY_CAPTURE = re.compile(rf"{re.escape(_STORAGE)}\.7(\.[0-9]+)?")
_ULTRASOUND = re.compile(rf"{re.escape(_STORAGE)}\.(3|3\.1|6|6\.[0-9]+)")
_DOCUMENT = re.compile(rf"{re.escape(_STORAGE)}\.104\.[0-9]+")
_DOSE_REPORT = re.compile(rf"{re.escape(_STORAGE)}\.88\.(67|68|73|74|75|76)")
_SCREEN = re.compile(r"patient protocol|dose (report|info|record|sheet)|screen ?(save|shot|cap)")
# Samples of a pixel that an uncompressed photometric interpretation really stores (PS3.3 C.7.6.3)
_STORED_SAMPLES = {"YBR_FULL_422": 2.0, "YBR_PARTIAL_422": 2.0, "YBR_PARTIAL_420": 1.5}


def check(parsed: Parsed, filters: Filters) -> None:
    """Let a file pass, or refuse it.

    Raises
    ------
    Refused
        If it lacks what every instance has, its pixels are cut short, or a filter holds it.
    """
    dataset = parsed.dataset
    sop_class = text_at(dataset, SOP_CLASS)
    if _DIRECTORY_RECORDS in dataset or sop_class == MEDIA_STORAGE_DIRECTORY:
        raise Refused(Reason.DICOMDIR)
    if not is_uid(sop_class):
        raise Refused(Reason.MISSING_UID, "(0008,0016)")
    types = tables.types_at_top(sop_class)
    for tag in (SOP_INSTANCE, STUDY_INSTANCE, SERIES_INSTANCE):
        # a color palette, for one, belongs to no study
        if (types is None or tag in types) and not text_at(dataset, tag):
            raise Refused(Reason.MISSING_UID, tag_text(tag))
    for reason in _held_by(parsed, sop_class, filters):
        raise Refused(reason)
    _check_pixels(parsed, sop_class)


def tag_text(tag: int) -> str:
    """A tag as the standard prints it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _number_at(parsed: Parsed, tag: int) -> int:
    """The value of a US element; 0 if the data set has no such element."""
    if tag not in parsed.dataset:
        return 0
    value = bytes_of(element_of(parsed.dataset, tag))[:2]
    return int.from_bytes(value, "little" if parsed.encoding.little else "big")


def _held_by(parsed: Parsed, sop_class: str, filters: Filters) -> Iterator[Reason]:
    dataset = parsed.dataset
    if filters.burned_in and text_at(dataset, _BURNED_IN).upper() == "YES":
        yield Reason.BURNED_IN
    if filters.secondary_capture and _SECONDARY_CAPTURE.fullmatch(sop_class):
        yield Reason.SECONDARY_CAPTURE
    if filters.ultrasound and (
        _ULTRASOUND.fullmatch(sop_class)
        or (text_at(dataset, _MODALITY) == "US" and any(tag in dataset for tag in _PIXEL_DATA))
    ):
        yield Reason.ULTRASOUND
    if filters.encapsulated_document and _DOCUMENT.fullmatch(sop_class):
        yield Reason.ENCAPSULATED_DOCUMENT
    if filters.dose_report and _DOSE_REPORT.fullmatch(sop_class):
        yield Reason.DOSE_REPORT
    told = f"{text_at(dataset, _IMAGE_TYPE)} {text_at(dataset, _SERIES_DESCRIPTION)}"
    if filters.screen and _SCREEN.search(told.lower().replace("_", " ")):
        yield Reason.SCREEN
    if filters.embedded_overlay and any(
        _number_at(parsed, group << 16 | _BIT_POSITION) for group in _OVERLAY_GROUPS
    ):
        yield Reason.EMBEDDED_OVERLAY


def _check_pixels(parsed: Parsed, sop_class: str) -> None:
    """An image is whole: what was cut off between two elements shows here only."""
    dataset = parsed.dataset
    present = next((tag for tag in _PIXEL_DATA if tag in dataset), None)
    if present is None:
        is_image = _ROWS in dataset or (tables.iod_of(sop_class) or "").endswith("-image")
        if is_image and _PIXELS_ELSEWHERE not in dataset:
            raise Refused(Reason.PIXEL_DATA)
        return
    element = element_of(dataset, present)
    if isinstance(element, RawDataElement) and element.length == UNDEFINED:
        if parsed.transfer_syntax in NATIVE:  # compressed, and nothing says how
            raise Refused(Reason.TRANSFER_SYNTAX)
        return  # its fragments were followed to their delimiter
    frames = text_at(dataset, _NUMBER_OF_FRAMES)
    bits = (
        _number_at(parsed, _ROWS)
        * _number_at(parsed, _COLUMNS)
        * (int(frames) if frames.isascii() and frames.isdigit() else 1)
        * (_PIXEL_DATA[present] or _number_at(parsed, _BITS_ALLOCATED))
    )
    samples = _number_at(parsed, _SAMPLES)
    stored = _STORED_SAMPLES.get(text_at(dataset, _PHOTOMETRIC), samples or 1)
    if len(bytes_of(element)) < int(bits * stored) // 8:
        raise Refused(Reason.PIXEL_DATA)
