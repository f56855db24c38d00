"""DICOM files made byte by byte, so that nothing under test helps to make its own input."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset

from anontui.deid import Filters, Outcome, Policy, Pseudonym, deidentify_file

KEY = bytes(range(32))
PSEUDONYM = Pseudonym("PSEUDO-7", "Pseudo^Seven")
POLICY = Policy.basic()
PERMISSIVE = Policy.basic(
    filters=Filters(
        burned_in=False,
        secondary_capture=False,
        ultrasound=False,
        encapsulated_document=False,
        dose_report=False,
        screen=False,
        embedded_overlay=False,
    )
)

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.50"

CT = "1.2.840.10008.5.1.4.1.1.2"

_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


class Odd(bytes):
    """A value that is not padded to an even length."""


class Fragments(tuple[bytes, ...]):
    """The fragments of encapsulated pixel data, the offset table first."""


class E(NamedTuple):
    """An element: a value in bytes (US and UL as numbers), fragments, or a sequence's items."""

    tag: int
    vr: str
    value: bytes | int | Fragments | Sequence[Sequence[E]]


class Form(NamedTuple):
    """A way to write the same data set; ``None``: some lengths undefined, others not."""

    syntax: str
    undefined: bool | None = False

    @property
    def implicit(self) -> bool:
        return self.syntax == IMPLICIT

    def opens(self, number: int) -> bool:
        """Whether a length is undefined, of a sequence's tag or an item's number of elements."""
        return bool(number & 1) if self.undefined is None else self.undefined

    @property
    def order(self) -> str:
        return ">" if self.syntax == BIG else "<"


FORMS = {
    "implicit": Form(IMPLICIT),
    "explicit": Form(EXPLICIT),
    "big endian": Form(BIG),
    "deflated": Form(DEFLATED),
    "undefined lengths": Form(EXPLICIT, undefined=True),
    "implicit, undefined lengths": Form(IMPLICIT, undefined=True),
}
MIXED_FORMS = {
    "mixed lengths": Form(EXPLICIT, None),
    "implicit, mixed lengths": Form(IMPLICIT, None),
}


def encode(elements: Sequence[E], form: Form) -> bytes:
    return b"".join(_element(element, form) for element in elements)


def _element(element: E, form: Form) -> bytes:
    tag, vr, value = element
    undefined = False
    if isinstance(value, int):
        value = struct.pack(form.order + {"US": "H", "UL": "L"}[vr], value)
    elif isinstance(value, Fragments):
        undefined = True
        parts = [_tag(0xFFFEE000, form) + struct.pack("<L", len(part)) + part for part in value]
        value = b"".join([*parts, _tag(0xFFFEE0DD, form), bytes(4)])
    elif not isinstance(value, bytes):
        undefined = form.opens(tag)
        value = b"".join(_item(item, form) for item in value)
        if undefined:
            value += _tag(0xFFFEE0DD, form) + bytes(4)
    if len(value) % 2 and vr != "SQ" and not isinstance(value, Odd):
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    length = 0xFFFFFFFF if undefined else len(value)
    head = _tag(tag, form)
    if form.implicit:
        return head + struct.pack("<L", length) + value
    head += vr.encode()
    if vr in _LONG:
        return head + bytes(2) + struct.pack(form.order + "L", length) + value
    return head + struct.pack(form.order + "H", length) + value


def _item(elements: Sequence[E], form: Form) -> bytes:
    body = encode(elements, form)
    if form.opens(len(elements)):
        end = _tag(0xFFFEE00D, form) + bytes(4)
        return _tag(0xFFFEE000, form) + b"\xff" * 4 + body + end
    return _tag(0xFFFEE000, form) + struct.pack(form.order + "L", len(body)) + body


def _tag(tag: int, form: Form) -> bytes:
    return struct.pack(form.order + "HH", tag >> 16, tag & 0xFFFF)


def part10(
    body: bytes,
    syntax: str,
    *,
    sop_class: str = CT,
    preamble: bytes = bytes(128),
    meta: Sequence[E] = (),
) -> bytes:
    own = [
        E(0x00020001, "OB", b"\0\1"),
        E(0x00020002, "UI", sop_class.encode()),
        E(0x00020003, "UI", b"1.2.3.4"),
        E(0x00020010, "UI", syntax.encode()),
    ]
    group = encode(sorted([*own, *meta]), Form(EXPLICIT))
    length = encode([E(0x00020000, "UL", len(group))], Form(EXPLICIT))
    if syntax == DEFLATED:
        deflater = zlib.compressobj(wbits=-15)
        body = deflater.compress(body) + deflater.flush()
    return preamble + b"DICM" + length + group + body


def image(*extra: E, sop_class: str = CT) -> list[E]:
    """A tiny whole image with its identity, and what a test adds (or puts in another's place)."""
    own = [
        E(0x00080016, "UI", sop_class.encode()),
        E(0x00080018, "UI", b"1.2.3.4"),
        E(0x00080050, "SH", b"ACC-4711"),
        E(0x00080060, "CS", b"CT"),
        E(0x00100010, "PN", b"Lindqvist^Tova"),
        E(0x00100020, "LO", b"MRN-190284"),
        E(0x00100030, "DA", b"19020304"),
        E(0x0020000D, "UI", b"1.2.3"),
        E(0x0020000E, "UI", b"1.2.3.1"),
        E(0x00280002, "US", 1),
        E(0x00280004, "CS", b"MONOCHROME2"),
        E(0x00280010, "US", 2),
        E(0x00280011, "US", 2),
        E(0x00280100, "US", 16),
        E(0x00280101, "US", 12),
        E(0x00280102, "US", 11),
        E(0x00280103, "US", 0),
        E(0x7FE00010, "OW", bytes(range(1, 9))),
    ]
    merged = {element.tag: element for element in [*own, *extra]}
    return [merged[tag] for tag in sorted(merged)]


def file_of(*extra: E, form: Form = FORMS["explicit"], sop_class: str = CT) -> bytes:
    return part10(encode(image(*extra, sop_class=sop_class), form), form.syntax)


def run(
    data: bytes,
    folder: Path,
    *,
    policy: Policy = POLICY,
    key: bytes = KEY,
    pseudonym: Pseudonym = PSEUDONYM,
) -> tuple[Outcome, bytes]:
    """De-identify a file's bytes; the result's bytes are empty unless it is done."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    outcome = deidentify_file(
        source, target, policy=policy, key=key, pseudonym=pseudonym, sync=False
    )
    assert sorted(path.name for path in folder.iterdir()) == (
        ["source.dcm", "target.dcm"] if outcome.status == "done" else ["source.dcm"]
    )
    return outcome, target.read_bytes() if outcome.status == "done" else b""


def done(data: bytes, folder: Path, **options: object) -> Dataset:
    """The result of a file that must be done, read again."""
    outcome, result = run(data, folder, **options)  # type: ignore[arg-type]
    assert outcome.status == "done", outcome.reason
    return pydicom.dcmread(BytesIO(result))
