"""Calls to a server side by side, over the connections that its client keeps open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar, cast

from anontui.events import Events, Progress, Result, Warning  # noqa: A004 - the word of the field

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16
"""Calls under way at most; not more than the connections that a client keeps."""
TICK = 0.1
"""Seconds between two looks at what is abandonable."""


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """What came of the call with ``given``: its ``value``, or the ``error`` that it raised."""

    given: T
    value: R | None = None
    error: BaseException | None = None

    def result(self) -> R:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast("R", self.value)


class Calls(Generic[T, R]):
    """Makes calls in threads. A context manager; what is under way at its end is left alone.

    Its threads are daemons, so that a server that hangs cannot keep the program from ending.
    """

    def __init__(self, call: Callable[[T], R], most: int = AT_ONCE) -> None:
        self._call, self._most = call, most
        self._threads = 0
        self._todo: SimpleQueue[tuple[T] | None] = SimpleQueue()
        self._done: SimpleQueue[Outcome[T, R]] = SimpleQueue()
        self.under_way = 0

    def __enter__(self) -> Calls[T, R]:
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in range(self._threads):
            self._todo.put(None)

    @property
    def is_full(self) -> bool:
        """True while one more call would have to wait for another."""
        return self.under_way >= self._most

    def start(self, given: T) -> None:
        """Make the call with this."""
        self.under_way += 1
        if self._threads < min(self.under_way, self._most):
            self._threads += 1
            threading.Thread(target=self._work, name="calls", daemon=True).start()
        self._todo.put((given,))

    def finished(self, wait: float) -> list[Outcome[T, R]]:
        """Return what has come to its end, after at most ``wait`` seconds if nothing has."""
        found: list[Outcome[T, R]] = []
        try:
            found.append(self._done.get(timeout=wait))
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            self.under_way -= len(found)
            return found

    def _work(self) -> None:
        while given := self._todo.get():
            try:
                outcome = Outcome[T, R](given[0], self._call(given[0]))
            except BaseException as error:  # noqa: BLE001 - raised where the outcome is taken
                outcome = Outcome(given[0], error=error)
            self._done.put(outcome)


def abandonable(events: Events[T]) -> Events[T]:
    """Run an operation in a thread of its own, so that closing it waits for no answer.

    Only for operations that look: what one of them does after it was abandoned, nobody sees.
    """
    calls: Calls[None, Progress | Warning | Result[T] | None] = Calls(lambda _: next(events, None))
    last = Progress(0, None, "")
    with calls:
        calls.start(None)
        while True:
            finished = calls.finished(TICK)
            event = finished[0].result() if finished else last
            if event is None:
                return
            yield event
            if isinstance(event, Result):
                return
            if finished:
                calls.start(None)
            last = event if isinstance(event, Progress) else last
