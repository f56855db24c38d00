"""Does a data set's byte structure hold together (PS3.5 section 7)?

pydicom reads a file that was cut off, or whose lengths lie, without a word. So every
element's length is followed here first, to any depth and to the last byte, before pydicom
sees it. Nothing is copied and no value is looked at.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import NamedTuple

from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules import tables
from anontui.deid.rules.policy import Limits

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

_PART = 1 << 16  # bytes looked at at once
_ALWAYS_ALLOWED = 100_000  # elements


class Encoding(NamedTuple):
    """How elements are written: implicit or explicit VR, little or big endian."""

    implicit: bool
    little: bool


def data_end(data: bytes, start: int, encoding: Encoding, limits: Limits) -> int:
    """Follow the data set that begins at ``start`` to its end.

    Returns
    -------
    int
        Where its last element ends: the length of ``data``, less zeros that pad it.

    Raises
    ------
    Refused
        If it is truncated or malformed, or demands more than the limits.
    """
    walker = _Walker(data, encoding.little, limits)
    if walker.mode(start, False) != encoding.implicit:
        raise Refused(Reason.MALFORMED, "elements are encoded otherwise than declared")
    return walker.elements(start, len(data), encoding.implicit, 0)


def are_items(value: bytes, limits: Limits) -> bool:
    """Whether a value of VR UN is a sequence, in implicit VR little endian (PS3.5 6.2.2)."""
    try:
        walker = _Walker(value, True, limits)
        return walker.items(0, len(value), True, 0, delimited=False) == len(value)
    except Refused:
        return False


class _Walker:
    def __init__(self, data: bytes, little: bool, limits: Limits) -> None:
        order = "<" if little else ">"
        self._data = data
        self._tag_and_long = struct.Struct(order + "HHL").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from
        self._limits = limits
        # a parsed element costs some 2 KB, however small it is in the file
        self._most = min(limits.elements, max(_ALWAYS_ALLOWED, len(data) // 512))
        self._headers = 0

    def mode(self, at: int, implicit: bool) -> bool:
        """Whether what begins here is in implicit VR: no two capitals where its VR would be.

        Items of an explicit data set may be (PS3.5 section 6.2.2); pydicom decides likewise.
        """
        vr = self._data[at + 4 : at + 6]
        return implicit or not (vr.isalpha() and vr.isupper())

    def elements(
        self, at: int, end: int, implicit: bool, depth: int, *, delimited: bool = False
    ) -> int:
        """Follow elements up to ``end``, or up to the item's delimiter; return where they end."""
        while at < end:
            if not depth and self._is_padding(at):
                return at
            tag, length, value_at = self._header(at, end)
            if tag == ITEM_END and depth and (delimited or value_at == end):
                return value_at
            if tag >> 16 == 0xFFFE:
                raise Refused(Reason.MALFORMED, "a delimiter out of place")
            vr = b"" if implicit else self._data[at + 4 : at + 6]
            if vr in LONG_VRS:
                value_at = at + 12
                if value_at > end:
                    raise Refused(Reason.TRUNCATED)
                (length,) = self._long(self._data, at + 8)
            elif vr in SHORT_VRS:
                (length,) = self._short(self._data, at + 6)
            elif vr and b"AA" <= vr <= b"ZZ":
                raise Refused(Reason.MALFORMED, "an unknown VR")
            is_sequence = _is_sequence(tag, vr, length)
            if length == UNDEFINED:
                at = self.items(value_at, end, implicit, depth, opaque=not is_sequence)
                continue
            at = value_at + length
            if at > end:
                raise Refused(Reason.TRUNCATED)
            if is_sequence:
                self.items(value_at, at, implicit, depth, delimited=False)
        return at

    def items(
        self,
        at: int,
        end: int,
        implicit: bool,
        depth: int,
        *,
        delimited: bool = True,
        opaque: bool = False,
    ) -> int:
        """Follow a sequence's items, or with ``opaque`` the fragments of a value."""
        if depth >= self._limits.depth:
            raise Refused(Reason.TOO_DEEP, f"more than {self._limits.depth} levels")
        while delimited or at < end:
            tag, length, at = self._header(at, end)
            if tag == SEQUENCE_END and (delimited or at == end):
                return at
            if tag != ITEM:
                raise Refused(Reason.MALFORMED, "something else where an item should begin")
            if length == UNDEFINED and not opaque:
                at = self.elements(at, end, self.mode(at, implicit), depth + 1, delimited=True)
                continue
            if at + length > end:
                raise Refused(Reason.TRUNCATED)
            if not opaque:
                self.elements(at, at + length, self.mode(at, implicit), depth + 1)
            at += length
        return at

    def _header(self, at: int, end: int) -> tuple[int, int, int]:
        if at + 8 > end:
            raise Refused(Reason.TRUNCATED)
        self._headers += 1
        if self._headers > self._most:
            raise Refused(Reason.TOO_LARGE, f"more than {self._most} elements")
        group, element, length = self._tag_and_long(self._data, at)
        return group << 16 | element, length, at + 8

    def _is_padding(self, at: int) -> bool:
        """Whether only zeros follow, as some media put behind the last element."""
        return not any(self._data[at : at + 4]) and at >= self._content_end

    @cached_property
    def _content_end(self) -> int:
        """Where the zeros begin that the data end with."""
        end = len(self._data)
        while end:
            start = max(0, end - _PART)
            content = self._data[start:end].rstrip(b"\0")
            if content:
                return start + len(content)
            end = start
        return 0


def _is_sequence(tag: int, vr: bytes, length: int) -> bool:
    """Whether a value is made of items that are data sets themselves."""
    if vr in LONG_VRS or vr in SHORT_VRS:
        return vr == b"SQ" or (vr == b"UN" and length == UNDEFINED)
    known = tables.attribute(tag)  # implicit: the dictionary says
    return known.vr == "SQ" if known else length == UNDEFINED
