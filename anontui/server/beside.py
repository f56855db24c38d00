"""Work that may hang, done beside the thread that waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

LOOK_EVERY = 0.2  # seconds between two ticks

T = TypeVar("T")
Tick = Callable[[], None]
Tell = Callable[[T], None]


class NotWanted(Exception):
    """Nobody waits any more."""


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def beside(do: Callable[[Tell[T], Tick], None], tick: Tick) -> Generator[T, None, None]:
    """Run ``do`` in a thread of its own, and yield here what it tells.

    Whatever hangs in it, ``tick`` is called here several times a second, and may raise to
    stop. Then nobody waits for ``do`` any more: the tick that it was given raises
    :class:`NotWanted`, and if it never looks it ends by its own time limits.

    Parameters
    ----------
    do
        Called with a function that takes what is to be yielded, and a tick.
    tick
        Called here.

    Raises
    ------
    Exception
        What ``do`` or ``tick`` raises.
    """
    box: SimpleQueue[T | _End] = SimpleQueue()
    is_over = threading.Event()

    def look() -> None:
        if is_over.is_set():
            raise NotWanted

    def run() -> None:
        try:
            do(box.put, look)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            box.put(_End(error))
        else:
            box.put(_End())

    threading.Thread(target=run, name="archive", daemon=True).start()
    try:
        while True:
            try:
                told = box.get(timeout=LOOK_EVERY)
            except Empty:
                tick()
                continue
            if isinstance(told, _End):
                if told.error is not None:
                    raise told.error
                return
            tick()
            yield told
    finally:
        is_over.set()
