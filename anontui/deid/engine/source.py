"""From the bytes of a file to a data set whose structure has been checked."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from anontui.deid.engine.structure import LONG_VRS, SHORT_VRS, Encoding, data_end
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.policy import Limits

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

_ENCODINGS = {
    IMPLICIT_LITTLE: Encoding(implicit=True, little=True),
    EXPLICIT_LITTLE: Encoding(implicit=False, little=True),
    EXPLICIT_BIG: Encoding(implicit=False, little=False),
}
NATIVE = frozenset({*_ENCODINGS, DEFLATED})  # those whose pixel data are not encapsulated
# What is tried for what is declared: the two plain syntaxes are often mistaken for each other.
_CANDIDATES = {
    "": (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG),
    IMPLICIT_LITTLE: (IMPLICIT_LITTLE, EXPLICIT_LITTLE),
    EXPLICIT_LITTLE: (EXPLICIT_LITTLE, IMPLICIT_LITTLE),
}
_INFLATED_AT_ONCE = 1 << 20
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_ELEMENT = struct.Struct("<HH2sH")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A data set as it came, all its values still bytes."""

    dataset: Dataset
    encoding: Encoding
    transfer_syntax: str


def parse(data: bytes, limits: Limits) -> Parsed:
    """Read a DICOM file (PS3.10), with or without preamble and file meta information.

    Raises
    ------
    Refused
        If it is not DICOM, or its structure is broken, truncated or beyond the limits.
    """
    start, meta = _file_meta(data, 132 if data[128:132] == b"DICM" else 0)
    if meta.get(0x0002) == MEDIA_STORAGE_DIRECTORY:
        raise Refused(Reason.DICOMDIR)
    syntax = meta.get(0x0010, "")
    if syntax and not is_uid(syntax):
        raise Refused(Reason.TRANSFER_SYNTAX)
    if not meta and data[start : start + 2] not in (b"\x08\0", b"\0\x08"):
        raise Refused(Reason.NOT_DICOM)
    if syntax == DEFLATED:
        data, start = _inflate(data, start, limits), 0
    if start == len(data):
        raise Refused(Reason.TRUNCATED)
    try:
        return read(data, start, syntax, limits)
    except Refused as refused:
        if not meta and refused.reason is not Reason.TOO_DEEP:
            raise Refused(Reason.NOT_DICOM) from None
        raise


def read(data: bytes, start: int, declared: str, limits: Limits) -> Parsed:
    """Check the structure of a data set and let pydicom read it.

    Parameters
    ----------
    data, start
        Where the data set is; it reaches to the end.
    declared
        Its transfer syntax, or nothing if that is not known.
    limits
        How much it may demand.
    """
    syntax, end = _following(data, start, declared, limits)
    encoding = encoding_of(syntax)
    stream = BytesIO(data)
    stream.seek(start)
    dataset = read_dataset(stream, encoding.implicit, encoding.little, bytelength=end - start)
    return Parsed(dataset, encoding, syntax)


def transfer_syntax_of(dataset: Dataset) -> str:
    """What a data set in memory is, or can be, written as."""
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and "TransferSyntaxUID" in meta:
        return str(meta.TransferSyntaxUID)
    return next(
        (syntax for syntax, known in _ENCODINGS.items() if known == dataset.original_encoding),
        EXPLICIT_LITTLE,
    )


def is_uid(text: str) -> bool:
    """Whether ``text`` is a UID by its form (PS3.5 section 9.1), leading zeros forgiven."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def encoding_of(syntax: str) -> Encoding:
    """How a transfer syntax writes elements (PS3.5 section 10): nearly all are explicit."""
    return _ENCODINGS.get(syntax, _ENCODINGS[EXPLICIT_LITTLE])


def _following(data: bytes, start: int, declared: str, limits: Limits) -> tuple[str, int]:
    """The transfer syntax that the structure follows, and where the data set ends."""
    first: Refused | None = None
    for syntax in _CANDIDATES.get(declared, (declared,)):
        try:
            return syntax, data_end(data, start, encoding_of(syntax), limits)
        except Refused as refused:
            first = first or refused
    raise first or Refused(Reason.MALFORMED)


def _file_meta(data: bytes, at: int) -> tuple[int, dict[int, str]]:
    """Where the data set begins, and the texts of group 0002 by element number.

    The group length is not believed: the group ends where another one begins.
    """
    meta: dict[int, str] = {}
    while data[at : at + 2] == b"\x02\0":
        if at + 12 > len(data):
            raise Refused(Reason.TRUNCATED)
        _, element, vr, length = _ELEMENT.unpack_from(data, at)
        value_at = at + 8
        if vr in LONG_VRS:
            value_at = at + 12
            (length,) = struct.unpack_from("<L", data, at + 8)
        elif vr not in SHORT_VRS:
            raise Refused(Reason.MALFORMED, "file meta information")
        at = value_at + length
        if at > len(data):
            raise Refused(Reason.TRUNCATED)
        meta[element] = data[value_at:at].decode("latin-1").strip(" \0")
    return at, meta


def _inflate(data: bytes, start: int, limits: Limits) -> bytes:
    """The data set of a deflated file (PS3.5 section A.5), up to the limit."""
    total = 0
    for part in _inflated(data, start):  # nothing is kept before it is known to be bounded
        total += len(part)
        if total > limits.inflated_bytes:
            raise Refused(Reason.TOO_LARGE, f"more than {limits.inflated_bytes} bytes inflated")
    return b"".join(_inflated(data, start))


def _inflated(data: bytes, start: int) -> Iterator[bytes]:
    inflater, pending = zlib.decompressobj(-zlib.MAX_WBITS), data[start:]
    try:
        while part := inflater.decompress(pending, _INFLATED_AT_ONCE):
            yield part
            pending = inflater.unconsumed_tail
    except zlib.error:
        raise Refused(Reason.MALFORMED, "the deflated data") from None
    if not inflater.eof:
        raise Refused(Reason.TRUNCATED)
