"""Command sets of DIMSE messages (PS3.7 6.3): implicit VR little endian, group 0000."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Self

_HEAD = struct.Struct("<HHL")
_NO_DATA = 0x0101


class Malformed(Exception):
    """What came is no command set."""


class Field(IntEnum):
    """Command fields (PS3.7 E.1); a response has the highest bit besides."""

    STORE = 0x0001
    GET = 0x0010
    FIND = 0x0020
    MOVE = 0x0021
    ECHO = 0x0030
    CANCEL = 0x0FFF


RESPONSE = 0x8000


class E(IntEnum):
    """Elements of a command set (PS3.7 E.1) that we use."""

    SOP_CLASS = 0x0002
    REQUESTED_SOP_CLASS = 0x0003
    FIELD = 0x0100
    MESSAGE = 0x0110
    ANSWERED = 0x0120
    DESTINATION = 0x0600
    PRIORITY = 0x0700
    DATA = 0x0800
    STATUS = 0x0900
    INSTANCE = 0x1000
    REMAINING = 0x1020
    COMPLETED = 0x1021
    FAILED = 0x1022
    WARNINGS = 0x1023


class Command:
    """A command set: numbers are US, texts UI or AE. Not shown, as it names instances."""

    def __init__(self, values: Mapping[int, int | str | bytes]) -> None:
        self._values = values

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read a command set.

        Raises
        ------
        Malformed
            If it is none.
        """
        values: dict[int, bytes] = {}
        at = 0
        while at < len(encoded):
            if len(encoded) - at < _HEAD.size:
                raise Malformed
            group, element, length = _HEAD.unpack_from(encoded, at)
            at += _HEAD.size
            if group or length > len(encoded) - at:
                raise Malformed
            values[element] = encoded[at : at + length]
            at += length
        if E.FIELD not in values:
            raise Malformed
        return cls(values)

    def encode(self, *, with_data: bool) -> bytes:
        """Write it, with its length, and whether a data set follows."""
        values = {**self._values, E.DATA: 1 if with_data else _NO_DATA}
        body = b"".join(_element(element, values[element]) for element in sorted(values))
        return _HEAD.pack(0, 0, 4) + struct.pack("<L", len(body)) + body

    def number(self, element: E) -> int | None:
        """A number, None if it is not there."""
        value = self._values.get(element)
        if isinstance(value, bytes):
            return struct.unpack_from("<H", value)[0] if len(value) >= 2 else None
        return value if isinstance(value, int) else None

    def text(self, element: E) -> str:
        """A text without its padding, empty if it is not there."""
        value = self._values.get(element, "")
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace")
        return value.strip(" \0") if isinstance(value, str) else ""

    @property
    def field(self) -> int:
        """Which kind of message it is."""
        return self.number(E.FIELD) or 0

    @property
    def status(self) -> int:
        """The status of a response; a failure where it has none."""
        status = self.number(E.STATUS)
        return 0xC000 if status is None else status

    @property
    def has_data(self) -> bool:
        """Whether a data set follows."""
        return self.number(E.DATA) != _NO_DATA

    def answer(self, status: int) -> Command:
        """The response to it (PS3.7 9.3)."""
        values: dict[int, int | str | bytes] = {
            E.FIELD: self.field | RESPONSE,
            E.ANSWERED: self.number(E.MESSAGE) or 0,
            E.STATUS: status,
        }
        for element in (E.SOP_CLASS, E.INSTANCE):
            if text := self.text(element):
                values[element] = text
        return Command(values)


def request(field: Field, sop_class: str, **more: int | str) -> Command:
    """A request; ``more`` has names of :class:`E` in lower case."""
    values: dict[int, int | str | bytes] = {E.SOP_CLASS: sop_class, E.FIELD: int(field)}
    values[E.MESSAGE] = 1
    if field != Field.ECHO:
        values[E.PRIORITY] = 0
    values |= {E[name.upper()]: value for name, value in more.items()}
    return Command(values)


def cancel() -> Command:
    """A C-CANCEL of our request (PS3.7 9.3.2.3)."""
    return Command({E.FIELD: int(Field.CANCEL), E.ANSWERED: 1})


def is_pending(status: int) -> bool:
    """Whether more responses follow (PS3.4 C.4.1.1.4)."""
    return status in (0xFF00, 0xFF01)


def is_good(status: int) -> bool:
    """Whether it was done, with or without a warning (PS3.7 C)."""
    return status in (0x0000, 0x0001, 0x0107, 0x0116) or status >> 12 == 0xB


def _element(element: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("ascii", "replace")
        padding = b" " if element == E.DESTINATION else b"\0"
        value += padding * (len(value) % 2)
    return _HEAD.pack(0, element, len(value)) + value
