"""``multipart/related`` answers, split while they come (RFC 2046 5.1, PS3.18 8.6).

Nothing of a part is looked at, and of what came no more than a chunk is kept, so that studies
of any size pass at the speed of the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message

MOST_HEADER_BYTES = 16 << 10
MOST_OTHER_BYTES = 64 << 10
"""Before the first boundary, or after the last one."""

_PADDING = b" \t"


class Garbled(Exception):
    """The body is not what it says, or ends before its closing boundary."""


@dataclass(frozen=True)
class Part:
    """A part: the length it announces, if it does, and its bytes as they come.

    When ``data`` ends without :class:`Garbled` the part came up to its boundary.
    """

    length: int | None
    data: Iterator[bytes | memoryview]


def boundary_of(content_type: str) -> tuple[str, bytes]:
    """Split a Content-Type into its media type and its boundary, empty if it has none."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary", "")
    is_sound = isinstance(boundary, str) and boundary.isascii() and len(boundary) <= 200
    return message.get_content_type(), boundary.encode() if is_sound else b""  # type: ignore[union-attr]  # sound: text


def split(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Part]:
    """Yield the parts of a body; each is to be read before the next is asked for.

    Raises
    ------
    Garbled
        Also while a part is read.
    """
    body = _Body(iter(chunks), b"\r\n--" + boundary)
    size = 0
    for piece in body.up_to_boundary():
        size += len(piece)
        if size > MOST_OTHER_BYTES:
            raise Garbled("its boundary does not come")
    while not body.is_over:
        part = Part(body.headers(), body.up_to_boundary())
        yield part
        for _ in part.data:
            pass
    body.drain()


class _Body:
    """The bytes that came and are not consumed: ``_buffer`` from ``_at`` on."""

    def __init__(self, chunks: Iterator[bytes], delimiter: bytes) -> None:
        self._chunks = chunks
        self._delimiter = delimiter
        self._buffer = b"\r\n"  # as the first boundary may have no line before it
        self._at = 0
        self.is_over = False

    def up_to_boundary(self) -> Iterator[bytes | memoryview]:
        """Yield what stands before the next boundary, and pass over that."""
        while True:
            found = self._buffer.find(self._delimiter, self._at)
            if found < 0:
                safe = max(self._at, len(self._buffer) - len(self._delimiter) + 1)
            else:
                end = self._end_of_boundary(found + len(self._delimiter))
                safe = found + 2 if end == -1 else found
            if safe > self._at:
                yield memoryview(self._buffer)[self._at : safe]
                self._at = safe
            if found < 0 or end is None:
                self._more()
            elif end > 0:
                self._at = end
                return

    def _end_of_boundary(self, at: int) -> int | None:
        """Where the line of a boundary ends: None if it is not here yet, -1 if it is none."""
        buffer = self._buffer
        if buffer.startswith(b"--", at):
            self.is_over = True
            return at + 2
        start = at
        while at < len(buffer) and buffer[at] in _PADDING:
            at += 1
        if at - start > MOST_HEADER_BYTES:
            return -1
        if buffer.startswith(b"\r\n", at):
            return at + 2
        is_cut = buffer[at:] in (b"", b"\r") or (at == start and buffer[at:] == b"-")
        return None if is_cut else -1

    def headers(self) -> int | None:
        """Pass over the headers of a part; returns the length that they announce."""
        while True:
            if self._buffer.startswith(b"\r\n", self._at):
                self._at += 2
                return None
            end = self._buffer.find(b"\r\n\r\n", self._at)
            if end >= 0:
                break
            if len(self._buffer) - self._at > MOST_HEADER_BYTES:
                raise Garbled("the headers of a part have no end")
            self._more()
        lines = self._buffer[self._at : end].split(b"\r\n")
        self._at = end + 4
        for line in lines:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                return int(value.strip()[:20])
        return None

    def drain(self) -> None:
        """Read what follows the last boundary, so that the connection can be used again."""
        left = MOST_OTHER_BYTES
        for chunk in self._chunks:
            left -= len(chunk)
            if left < 0:
                return

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise Garbled("it ends before its closing boundary")
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
