"""Values that stand for others: constant, valid for their VR, and telling nothing."""

from __future__ import annotations

_TEXT = b"ANONYMIZED"
_BY_VR = {
    "AE": _TEXT,
    "AS": b"000Y",
    "CS": _TEXT,
    "DA": b"19000101",
    "DT": b"19000101000000",
    "LO": _TEXT,
    "LT": _TEXT,
    "OB": b"\0\0",
    "PN": _TEXT,
    "SH": _TEXT,
    "ST": _TEXT,
    "TM": b"000000",
    "UC": _TEXT,
    "UN": b"\0\0",
    "UR": b"urn:anonymized",
    "UT": _TEXT,
}
_BY_TAG = {0x04000565: b"CORRECT"}  # Reason for the Attribute Modification: an enumerated value


def dummy_value(tag: int, vr: str) -> bytes:
    """The encoded dummy for a tag of this VR (not SQ: see :func:`tables.dummy_item`)."""
    return padded(_BY_TAG.get(tag, _BY_VR[vr]), vr)


def padded(value: bytes, vr: str) -> bytes:
    """``value`` with an even length, as PS3.5 section 6.2 pads this VR."""
    if len(value) % 2 == 0:
        return value
    return value + (b"\0" if vr in ("UI", "OB", "UN") else b" ")
