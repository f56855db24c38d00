"""Writing the parts of an answer into an inbox, while the next ones come."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from anontui.pacs.files import instance_of
from anontui.pacs.inbox import Inbox
from anontui.pacs.web.multipart import Garbled, Part

MOST_PART_BYTES = 8 << 30
_SYNCING = 4
"""Files that are synced side by side: a disk takes as long for some as for one."""

_WAITING = 32
"""Files that are written and not synced, at most."""


class Keeper:
    """Keeps the parts of one answer; at the end of the block all are in the inbox.

    Parameters
    ----------
    inbox
        Where they go.
    sync
        Whether they are to survive a power cut.
    """

    def __init__(self, inbox: Inbox, *, sync: bool) -> None:
        self._inbox = inbox
        self._sync = sync
        self._seen: set[str] = set()
        self._threads = ThreadPoolExecutor(_SYNCING)
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        if error is None:
            for one in self._waiting:
                one.result()

    def keep(self, part: Part) -> bool:
        """Write a part; False if it is no whole DICOM file.

        Raises
        ------
        Garbled
            If the answer ends within it, or it has no end.
        OSError
            If this one, or one before it, cannot be written.
        """
        try:
            start, instance = _start_of(part)
            if instance in self._seen or self._inbox.has(instance):
                return True
            with ExitStack() as stack:
                file = stack.enter_context(self._inbox.writing(instance, sync=self._sync))
                size = file.write(start)
                for piece in part.data:
                    size += file.write(piece)
                    if size > MOST_PART_BYTES:
                        raise Garbled("an instance has no end")
                if part.length not in (None, size):
                    raise ValueError("it is not as long as it says")
                self._seen.add(instance)
                self._finish(stack.pop_all())
        except ValueError:
            return False
        return True

    def _finish(self, file: ExitStack) -> None:
        """Have a file that is written take its name; beside the next ones, if that is slow."""
        if not self._sync:
            file.close()
            return
        if len(self._waiting) == _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(file.close))


def _start_of(part: Part) -> tuple[bytes | memoryview, str]:
    """Read so much of a part that its UID is known.

    Raises
    ------
    ValueError
        If it is no DICOM file.
    """
    start: bytes | memoryview = b""
    for piece in part.data:
        start = b"".join((start, piece)) if start else piece
        if instance := instance_of(start):
            return start, instance
    raise ValueError("it ends too early")
