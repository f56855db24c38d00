"""One association over one socket (PS3.8), without threads: whoever asks waits.

pynetdicom encodes and decodes what is negotiated; its own associations poll with two threads
each, hold whole instances in memory and can lose an answer that comes fast. Here data sets pass
in fragments, and who waits is called back often enough to stop.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Self

from anontui.pacs.dimse.command import Command, Malformed

LONGEST_PDU = 131_072
"""What we ask peers not to exceed: dcmtk's largest, and few pieces for an image."""

_LONGEST_TAKEN = 1 << 20  # what is taken all the same; more is nonsense
_LONGEST_COMMAND = 65_536
_BATCH = 262_144  # bytes that go to the socket at once
_SLICE = 0.2  # seconds between two ticks while waiting
_HEADER = struct.Struct(">BxL")
_PDV = struct.Struct(">LBB")
_DATA = struct.Struct(">BxLLBB")
_COMMAND, _LAST = 1, 2  # bits of a message control header (PS3.8 E.2)


class Pdu:
    """Types of protocol data units (PS3.8 9.3)."""

    ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)


class How(Enum):
    """How an association ended that was still wanted."""

    RELEASED = "the other side ended the association"
    ABORTED = "the other side aborted the association"
    LOST = "the connection broke"
    SILENT = "no answer came in time"
    NONSENSE = "what came is not DICOM"


class Ended(Exception):
    """The association is over; ``how`` says why."""

    def __init__(self, how: How) -> None:
        super().__init__(how.value)
        self.how = how


@dataclass(frozen=True)
class Context:
    """An accepted presentation context: a SOP class in one transfer syntax."""

    number: int
    sop_class: str
    syntax: str


def no_tick() -> None:
    """For who cannot be stopped."""


class Wire:
    """PDUs over a connected socket, which is closed with it.

    Parameters
    ----------
    connection
        Plain or TLS.
    patience
        Seconds to wait for a PDU, or for the other side to take bytes.
    tick
        Called at least five times a second while waiting; what it raises comes through.
    """

    def __init__(
        self, connection: socket.socket, patience: float, tick: Callable[[], None] = no_tick
    ) -> None:
        self.tick = tick
        self.patience = patience
        self._socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(min(_SLICE, patience))
        self._buffer = bytearray(2 * LONGEST_PDU)
        self._start = self._end = 0
        self._deadline = 0.0

    def touch(self) -> None:
        """Wait for the whole patience again from now on."""
        self._deadline = time.monotonic() + self.patience

    def read(self) -> tuple[int, memoryview]:
        """Return type and content of the next PDU; the content is valid until the next call.

        Raises
        ------
        Ended
            If none comes.
        """
        self.touch()
        kind, length = _HEADER.unpack(self._take(_HEADER.size))
        if not Pdu.ASSOCIATE_RQ <= kind <= Pdu.ABORT or length > _LONGEST_TAKEN:
            raise Ended(How.NONSENSE)
        return kind, self._take(length)

    def write(self, data: bytes | bytearray) -> None:
        """Send bytes.

        Raises
        ------
        Ended
            If the other side does not take them.
        """
        self.touch()
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                self._waited()
            except OSError as error:
                raise Ended(How.LOST) from error
            else:
                self.touch()

    def close(self) -> None:
        """Close the connection, whatever its state."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _take(self, length: int) -> memoryview:
        while self._end - self._start < length:
            self._receive(length)
        self._start += length
        return memoryview(self._buffer)[self._start - length : self._start]

    def _receive(self, length: int) -> None:
        if self._start + length > len(self._buffer):
            rest = self._buffer[self._start : self._end]
            if length > len(self._buffer):
                self._buffer = bytearray(length)
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        try:
            came = self._socket.recv_into(memoryview(self._buffer)[self._end :])
        except TimeoutError:
            self._waited()
            return
        except OSError as error:
            raise Ended(How.LOST) from error
        if not came:
            raise Ended(How.LOST)
        self._end += came

    def _waited(self) -> None:
        self.tick()
        if time.monotonic() > self._deadline:
            raise Ended(How.SILENT)


class Association:
    """An established association, of either side.

    Leaving its block releases it after success, and aborts it otherwise.
    """

    def __init__(self, wire: Wire, contexts: Mapping[int, Context], longest: int) -> None:
        self.wire = wire
        self.contexts = contexts
        self.alive = True
        self._longest = (min(longest or LONGEST_PDU, LONGEST_PDU) - _PDV.size) & ~1
        if self._longest < 2:
            raise Ended(How.NONSENSE)
        self._pdu = memoryview(b"")
        self._context: Context | None = None  # of the data set that is under way

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()

    def context(self, sop_class: str, syntax: str = "") -> Context | None:
        """The accepted context for a SOP class, in a transfer syntax if it is given."""
        for one in self.contexts.values():
            if one.sop_class == sop_class and syntax in ("", one.syntax):
                return one
        return None

    def send(
        self, context: Context, command: Command, data: bytes | BinaryIO | None = None
    ) -> None:
        """Send a message, with an encoded data set (bytes, or a file read to its end).

        Raises
        ------
        Ended
            If the association is over.
        OSError
            If the file cannot be read.
        """
        out = bytearray()
        with self._failing():
            for piece in self._pieces(context, command, data):
                out += piece
                if len(out) >= _BATCH:
                    self.wire.write(out)
                    out.clear()
                    self.wire.tick()
            self.wire.write(out)

    def receive(self) -> tuple[Context, Command]:
        """Wait for a message; its data set, if it has one, is then read by :meth:`data`.

        Raises
        ------
        Ended
            If the association is over, or what comes breaks the protocol.
        """
        self.drain()
        encoded = bytearray()
        with self._failing():
            while True:
                number, flags, fragment = self._next()
                if not flags & _COMMAND or len(encoded) + len(fragment) > _LONGEST_COMMAND:
                    raise Ended(How.NONSENSE)
                encoded += fragment
                if flags & _LAST:
                    break
            try:
                command, context = Command.decode(bytes(encoded)), self.contexts[number]
            except (Malformed, KeyError) as error:
                raise Ended(How.NONSENSE) from error
        self._context = context if command.has_data else None
        return context, command

    def data(self) -> Iterator[memoryview]:
        """Yield the fragments of the message's data set, each valid until the next one.

        Raises
        ------
        Ended
            If the association is over.
        """
        with self._failing():
            while self._context is not None:
                number, flags, fragment = self._next()
                if flags & _COMMAND or number != self._context.number:
                    raise Ended(How.NONSENSE)
                if flags & _LAST:
                    self._context = None
                yield fragment

    def drain(self) -> None:
        """Read what is left of the message's data set.

        Raises
        ------
        Ended
            If the association is over.
        """
        for _ in self.data():
            pass

    def release(self) -> None:
        """End it in order (PS3.8 7.2), and close the connection in any case."""
        if self.alive:
            with suppress(Ended):
                self.wire.patience = min(self.wire.patience, 5.0)
                self.wire.write(simple_pdu(Pdu.RELEASE_RQ))
                while (kind := self.wire.read()[0]) not in (Pdu.RELEASE_RP, Pdu.ABORT):
                    if kind == Pdu.RELEASE_RQ:
                        self.wire.write(simple_pdu(Pdu.RELEASE_RP))
        self._close()

    def abort(self) -> None:
        """End it at once, telling the other side if it listens."""
        if self.alive:
            with suppress(Ended):
                self.wire.patience = min(self.wire.patience, 0.2)
                self.wire.tick = no_tick
                self.wire.write(simple_pdu(Pdu.ABORT))
        self._close()

    def _close(self) -> None:
        self.alive = False
        self.wire.close()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Ended as error:
            if error.how in (How.NONSENSE, How.SILENT):
                self.abort()
            self._close()
            raise

    def _pieces(
        self, context: Context, command: Command, data: bytes | BinaryIO | None
    ) -> Iterator[bytes]:
        encoded = command.encode(with_data=data is not None)
        yield from self._split(context, encoded, _COMMAND)
        if isinstance(data, bytes):
            yield from self._split(context, data, 0)
        elif data is not None:
            fragment = data.read(self._longest)
            while fragment:
                after = data.read(self._longest)
                yield self._piece(context, fragment, 0 if after else _LAST)
                fragment = after

    def _split(self, context: Context, encoded: bytes, flags: int) -> Iterator[bytes]:
        for start in range(0, len(encoded), self._longest):
            end = start + self._longest
            last = _LAST if end >= len(encoded) else 0
            yield self._piece(context, encoded[start:end], flags | last)

    @staticmethod
    def _piece(context: Context, fragment: bytes, flags: int) -> bytes:
        fragment += b"\0" * (len(fragment) % 2)  # only a deflated data set ends oddly (PS3.5 A.5)
        length = len(fragment)
        head = _DATA.pack(Pdu.DATA, length + 6, length + 2, context.number, flags)
        return head + fragment

    def _next(self) -> tuple[int, int, memoryview]:
        while not self._pdu:
            kind, self._pdu = self.wire.read()
            if kind == Pdu.DATA:
                continue
            self._pdu = memoryview(b"")
            if kind == Pdu.RELEASE_RQ:
                self.wire.write(simple_pdu(Pdu.RELEASE_RP))
                raise Ended(How.RELEASED)
            raise Ended(How.ABORTED if kind == Pdu.ABORT else How.NONSENSE)
        if len(self._pdu) < _PDV.size:
            raise Ended(How.NONSENSE)
        length, number, flags = _PDV.unpack_from(self._pdu)
        if not 2 <= length <= len(self._pdu) - 4:
            raise Ended(How.NONSENSE)
        fragment, self._pdu = self._pdu[_PDV.size : length + 4], self._pdu[length + 4 :]
        return number, flags, fragment


def simple_pdu(kind: int, reason: bytes = b"\0\0\0\0") -> bytes:
    """A PDU of four bytes: release, abort, reject."""
    return struct.pack(">BxL4s", kind, 4, reason)
