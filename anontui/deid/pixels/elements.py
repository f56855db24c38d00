"""From boxes to the elements that a cleaned image has in place of its own."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import dataelem
from pydicom.tag import BaseTag

from anontui.deid.engine.source import Parsed
from anontui.deid.engine.structure import UNDEFINED
from anontui.deid.rules import tables
from anontui.deid.rules.pixelrules import Box
from anontui.deid.values.form import Element


def cleaned_pixels(parsed: Parsed, boxes: Sequence[Box]) -> tuple[str, dict[int, Element | None]]:
    """Black out boxes in every frame.

    Returns
    -------
    str
        The transfer syntax of the result.
    dict
        Tag to the element that takes the place of the image's own; ``None`` for none.

    Raises
    ------
    Refused
        If the pixels cannot be decoded.
    """
    from anontui.deid.pixels.masked import masked

    result = masked(parsed.dataset, parsed.transfer_syntax, boxes)
    elements: dict[int, Element | None] = {}
    for tag, value in result.changed.items():
        known = tables.attribute(tag)
        vr = known.vr if known else "UN"
        elements[tag] = None if value is None else _raw(parsed, tag, vr, value, len(value))
    length = UNDEFINED if result.encapsulated else len(result.pixel_data)
    elements[result.tag] = _raw(parsed, result.tag, result.vr, result.pixel_data, length)
    return result.transfer_syntax, elements


def _raw(parsed: Parsed, tag: int, vr: str, value: bytes, length: int) -> dataelem.RawDataElement:
    return dataelem.RawDataElement(BaseTag(tag), vr, length, value, 0, *parsed.encoding)
