"""Sending files over STOW-RS (PS3.18 10.5), as many a request as are not too much for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from anontui.errors import PacsError
from anontui.pacs.archive import Sending, Sent, Tick
from anontui.pacs.files import HEAD, instance_of
from anontui.pacs.web.answers import Item
from anontui.pacs.web.http import Session

MOST_BYTES = 32 << 20
MOST_FILES = 100
_BLOCK = 1 << 20
_TOO_LARGE = 413

_DUPLICATE = 0x0111
_REASONS = {  # PS3.18 table I.2-2
    0x0110: ("the archive failed to store it", True),
    0x0122: ("the archive does not take this SOP class", False),
    0x0124: ("the archive does not allow us to store it", False),
    0xC122: ("the archive does not take this transfer syntax", False),
}
_CLASSES = {
    0xA7: ("the archive is out of room", True),
    0xA9: ("the archive says that it does not match its SOP class", False),
    0xC0: ("the archive cannot understand it", False),
}


@dataclass(frozen=True)
class _File:
    path: Path
    instance: str
    size: int


def store(session: Session, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
    """Send files, and yield what the archive says of each.

    Raises
    ------
    PacsError
        If it cannot be reached, or takes nothing of ours.
    """
    batch: list[_File] = []
    for path in files:
        tick()
        try:
            file = _look(path)
        except (OSError, ValueError):
            yield Sent(path, Sending.FAILED, "it cannot be read as a DICOM file", transient=False)
            continue
        is_twice = any(file.instance == other.instance for other in batch)
        is_full = len(batch) == MOST_FILES or _size(batch) + file.size > MOST_BYTES
        if batch and (is_twice or is_full):
            yield from _send(session, batch, tick)
            batch = []
        batch.append(file)
    if batch:
        yield from _send(session, batch, tick)


def _look(path: Path) -> _File:
    with path.open("rb") as file:
        instance = instance_of(file.read(HEAD))
    if instance is None:
        raise ValueError("it is too short")
    return _File(path, instance, path.stat().st_size)


def _size(batch: list[_File]) -> int:
    return sum(file.size for file in batch)


def _send(session: Session, batch: list[_File], tick: Tick) -> Iterator[Sent]:
    body = _Body(batch)
    kind = f'multipart/related; type="application/dicom"; boundary={body.boundary}'
    with session.request(
        "POST",
        "studies",
        tick,
        accept="application/dicom+json",
        headers={"Content-Type": kind, "Content-Length": str(body.size)},
        content=body.blocks(),
        good=frozenset((200, 202, 409, _TOO_LARGE)),
    ) as response:
        status = response.status_code
        answer = None
        if status != _TOO_LARGE:
            try:
                answer = session.json(response)
            except PacsError as error:
                if error.transient:
                    raise
                # some answer in XML whatever is asked for; the status tells enough
    if status == _TOO_LARGE and len(batch) > 1:
        half = len(batch) // 2
        yield from _send(session, batch[:half], tick)
        yield from _send(session, batch[half:], tick)
    elif status == _TOO_LARGE:
        yield Sent(batch[0].path, Sending.FAILED, "it is too large for the archive", False)
    else:
        yield from _told(batch, status, answer)


def _told(batch: list[_File], status: int, answer: object) -> Iterator[Sent]:
    """Read from the answer what became of each file (PS3.18 I)."""
    failed: dict[str, int] = {}
    stored: set[str] = set()
    try:
        item = Item(answer)
        for value in item.values("00081199"):
            stored.add(Item(value).uid("00081155"))
        for value in item.values("00081198"):
            one = Item(value)
            failed[one.uid("00081155")] = one.number("00081197") or 0
    except ValueError:
        pass  # what it says is not to be understood, and goes as if it had not said it
    for file in batch:
        if file.instance in failed:
            yield _failed(file.path, failed[file.instance])
        elif file.instance in stored or (status == 200 and not stored):
            yield Sent(file.path, Sending.SENT)
        else:
            yield Sent(file.path, Sending.FAILED, "the archive does not say that it took it")


def _failed(path: Path, code: int) -> Sent:
    if code == _DUPLICATE:
        return Sent(path, Sending.THERE)
    fallback = ("the archive did not take it", True)
    reason, transient = _REASONS.get(code) or _CLASSES.get(code >> 8, fallback)
    return Sent(path, Sending.FAILED, f"{reason} ({code:04X})", transient)


class _Body:
    """A request's body, read from the files while it is sent."""

    def __init__(self, batch: list[_File]) -> None:
        self.boundary = uuid4().hex
        self._batch = batch
        self._start = f"--{self.boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._end = f"--{self.boundary}--\r\n".encode()
        self.size = _size(batch) + len(batch) * (len(self._start) + 2) + len(self._end)

    def blocks(self) -> Iterator[bytes]:
        for one in self._batch:
            yield self._start
            with one.path.open("rb") as file:
                left = one.size
                while left and (block := file.read(min(left, _BLOCK))):
                    left -= len(block)
                    yield block
            yield b"\r\n"
        yield self._end
