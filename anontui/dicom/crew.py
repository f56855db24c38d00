"""Threads that work through a heap of tasks which may grow while they do.

One thread is fastest while files come from memory, for Python runs one thread at a time.
On a network share each file costs a wait, and several threads can wait at the same time.
How much the first thread gets done shows which of the two it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from time import monotonic
from typing import Generic, TypeVar

TICK = 0.1
"""Seconds between two reports."""

MOST_THREADS = 8

_SLOW_STEP = 250e-6  # seconds: ten times what a file in memory takes, half of a fast share
_PATIENCE = 0.5  # seconds: a thread that hangs in a dead share is left behind

Task = TypeVar("Task")


class Crew(Generic[Task]):
    """Runs ``handle(task, crew)`` for each task.

    Parameters
    ----------
    handle
        Does one task. It may :meth:`add` tasks, and returns early once ``stopping`` is true.
    tasks
        The first tasks.
    steps
        Tells how many small things are done so far, such as files looked at.
    threads
        How many threads; ``None`` for one that gets company when it mostly waits.
    """

    def __init__(
        self,
        handle: Callable[[Task, Crew[Task]], None],
        tasks: Iterable[Task],
        steps: Callable[[], int],
        threads: int | None = None,
    ) -> None:
        self.stopping = False
        self._handle = handle
        self._tasks = list(tasks)
        self._unfinished = len(self._tasks)
        self._steps = steps
        self._fixed = threads
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._finished = threading.Event()
        self._failure: BaseException | None = None

    def add(self, task: Task) -> None:
        """Put one more task on the heap."""
        with self._changed:
            self._tasks.append(task)
            self._unfinished += 1
            self._changed.notify()

    def run(self) -> Generator[None]:
        """Work until all is done, coming back every ``TICK`` seconds.

        Closing the iterator stops the threads. What a task raises is raised here.
        """
        try:
            self._hire(self._fixed or 1)
            before = 0
            while self._unfinished and not self._finished.wait(TICK):
                steps = self._steps()
                if self._fixed is None and steps - before < TICK / _SLOW_STEP:
                    self._hire(MOST_THREADS)
                before = steps
                yield
            if self._failure:
                raise self._failure
        finally:
            self._stop()

    def _hire(self, wanted: int) -> None:
        while len(self._threads) < wanted:
            # A daemon, so that one that hangs cannot keep the program from ending.
            thread = threading.Thread(target=self._work, name="scan", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        try:
            while self._one_task():
                pass
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits in run()
            self._failure = failure
            self._finished.set()

    def _one_task(self) -> bool:
        """Do the next task; false when there is nothing left to do."""
        with self._changed:
            while self._unfinished and not self._tasks and not self.stopping:
                self._changed.wait()
            if self.stopping or not self._tasks:
                return False
            task = self._tasks.pop()
        self._handle(task, self)
        with self._changed:
            self._unfinished -= 1
            if not self._unfinished:
                self._finished.set()
                self._changed.notify_all()
        return True

    def _stop(self) -> None:
        with self._changed:
            self.stopping = True
            self._changed.notify_all()
        end = monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, end - monotonic()))
