"""Looking at elements as they stand in the file, and what a valid value looks like."""

from __future__ import annotations

import re

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from anontui.deid.values.dates import Offset, shifted

Element = DataElement | RawDataElement

_NUMBERS = {
    **dict.fromkeys(("US", "SS"), 2),
    **dict.fromkeys(("UL", "SL", "FL", "AT"), 4),
    **dict.fromkeys(("UV", "SV", "FD"), 8),
}
NUMBER_FORMATS = {
    "US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q",
}  # fmt: skip
_INTEGERS = frozenset({"US", "SS", "UL", "SL", "AT", "SV", "UV"})
SHORTEST_TEXT = 8  # bytes
_PRINTABLE = re.compile(rb"[\x20-\x7e]*\0?")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
DATE_VRS = frozenset({"DA", "DT", "TM"})
_DIGITS = re.compile(r"[0-9+\-.eE\\\s]*")
_PRECISE_VRS = frozenset({"AS", "DA", "DT", "PN", "TM"})
_STRICT = {"DS": _DIGITS, "IS": _DIGITS, "UI": re.compile(r"[0-9.\\]*")}


def element_of(dataset: Dataset, tag: int) -> Element:
    """An element of a data set, not converted."""
    return dataset.get_item(BaseTag(tag), keep_deferred=True)


def bytes_of(element: Element) -> bytes:
    """An element's value as it was read; nothing for a sequence."""
    return element.value or b"" if isinstance(element, RawDataElement) else b""


def text_at(dataset: Dataset, tag: int) -> str:
    """A value's text for decisions; empty if the data set has no such element."""
    if tag not in dataset:
        return ""
    return bytes_of(element_of(dataset, tag)).decode("latin-1").strip(" \0")


def is_string(vrs: list[str]) -> bool:
    """Whether an attribute of these alternative VRs holds characters."""
    return _kind(vrs[0]) == "string"


def may_hold(vr: str, vrs: list[str]) -> bool:
    """Whether a value of ``vr`` can be one of ``vrs``, those the dictionary allows.

    What an element is written as may be another VR of its kind, or unknown. But characters
    where numbers belong are a hiding place, and a person's name is one wherever it stands.
    """
    return vr in ("UN", *vrs) or (vr not in _PRECISE_VRS and _kind(vr) in map(_kind, vrs))


def is_valid_text(text: str, vr: str) -> bool:
    """Whether characters are a possible value of ``vr``, lengths and counts forgiven."""
    if vr in DATE_VRS:
        return shifted(text, vr, Offset(0)) is not None
    strict = _STRICT.get(vr)
    if strict is None:
        return _CONTROLS.search(text) is None  # elements of a broken file look like that
    return strict.fullmatch(text) is not None


def is_valid_binary(value: bytes, vr: str) -> bool:
    """Whether bytes are a number, or several, of ``vr``, and not a text in their place."""
    if len(value) % number_size(vr):
        return False
    return vr not in _INTEGERS or not looks_like_text(value)


def looks_like_text(value: bytes) -> bool:
    """Whether all bytes are printable ASCII, and too many to be that by chance."""
    return len(value) >= SHORTEST_TEXT and _PRINTABLE.fullmatch(value) is not None


def number_size(vr: str) -> int:
    """Bytes of one number of ``vr``; 1 if it holds something else."""
    return _NUMBERS.get(vr, 1)


def _kind(vr: str) -> str:
    if vr in _NUMBERS:
        return "number"
    return "bytes" if vr in _BYTES else "SQ" if vr == "SQ" else "string"
