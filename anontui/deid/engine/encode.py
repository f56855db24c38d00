"""From a data set to its bytes, pixel data passed through uncopied."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from anontui.deid.engine.structure import SEQUENCE_END, UNDEFINED, Encoding
from anontui.deid.values import charset
from anontui.deid.values.form import element_of

_LARGE = 1 << 16  # more than a 16-bit length can tell, so always in the long form


def data_set_bytes(dataset: Dataset, encoding: Encoding, *, deflated: bool) -> list[bytes]:
    """The bytes of a data set, in parts."""
    body = _encoded(dataset, encoding)
    return _deflated(body) if deflated else list(body)


def _encoded(dataset: Dataset, encoding: Encoding) -> Iterator[bytes]:
    buffer = _buffer(encoding)
    for tag in sorted(dataset.keys()):
        element = element_of(dataset, tag)
        if isinstance(element, RawDataElement) and len(element.value or b"") >= _LARGE:
            yield buffer.getvalue()
            buffer = _buffer(encoding)
            yield from _large(element, encoding)
        else:
            write_data_element(buffer, element, charset.DEFAULT)
    yield buffer.getvalue()


def _large(element: RawDataElement, encoding: Encoding) -> Iterator[bytes]:
    order = "<" if encoding.little else ">"
    value = element.value or b""
    length = UNDEFINED if element.length == UNDEFINED else len(value)
    yield struct.pack(order + "HH", element.tag >> 16, element.tag & 0xFFFF)
    if not encoding.implicit:
        yield str(element.VR).encode("ascii") + b"\0\0"
    yield struct.pack(order + "L", length)
    yield value
    if length == UNDEFINED:
        yield struct.pack(order + "HHL", SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)


def _buffer(encoding: Encoding) -> DicomBytesIO:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding
    return buffer


def _deflated(body: Iterable[bytes]) -> list[bytes]:
    """PS3.5 section A.5: one deflated stream, of even length."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = b"".join(map(deflater.compress, body)) + deflater.flush()
    return [deflated, b"\0" * (len(deflated) % 2)]
