"""The disposable engine: processes that de-identify chunks of files.

Nothing depends on a process: when one dies, the pool is made anew and its work is given
out again, file by file, so that the file that killed it is found and left out.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from anontui.server.worker import Chunk, Treated, obey, work

DEADLY = 3  # how many workers a file may kill
KILLED = "stopped the de-identification engine"

Mailbox = SimpleQueue[Future[list[Treated]] | None]


class Engine:
    """A pool of processes, started when there is work; they die with this process."""

    def __init__(
        self, workers: int | None = None, do: Callable[[Chunk], list[Treated]] = work
    ) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._do = do
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    @property
    def is_running(self) -> bool:
        """True while there are processes (or could be)."""
        return self._pool is not None

    def treat(
        self, chunks: Iterable[Chunk], mailbox: Mailbox
    ) -> Generator[list[Treated], None, None]:
        """Run chunks and yield what became of their items, as they get ready.

        Sleeps on ``mailbox``: a None put there by somebody else yields an empty list, so
        that the caller can look round. Closing the iterator drops what was not started.

        Raises
        ------
        DeidError
            If a worker cannot write the results.
        """
        waiting = deque(chunks)
        suspects: deque[Chunk] = deque()  # of one item each, from chunks that lost their worker
        deaths: Counter[Path] = Counter()
        running: dict[Future[list[Treated]], Chunk] = {}
        alone: Future[list[Treated]] | None = None
        try:
            while waiting or suspects or running:
                while waiting and not suspects and len(running) < 2 * self.workers:
                    chunk = waiting.popleft()
                    running[self._submit(chunk, mailbox)] = chunk
                if suspects and not running:  # alone, so that the next death is its own doing
                    chunk = suspects.popleft()
                    alone = self._submit(chunk, mailbox)
                    running[alone] = chunk
                future = mailbox.get()
                if future is None:
                    yield []
                if future is None or future not in running:  # then of an attempt that is void
                    continue
                chunk = running.pop(future)
                try:
                    yield future.result()
                except (BrokenProcessPool, CancelledError):
                    self.stop()
                    deaths.update(item.source for item in chunk.items if future is alone)
                    deadly = [i for i in chunk.items if deaths[i.source] >= DEADLY]
                    suspects.extend(
                        replace(chunk, items=(i,)) for i in chunk.items if i not in deadly
                    )
                    yield [Treated(item, None, KILLED) for item in deadly]
        finally:
            for future in running:
                future.cancel()

    def stop(self) -> None:
        """End the processes at once, whatever they do; new work starts new ones."""
        if self._pool is not None and self._lifeline is not None:
            self._lifeline.close()
            self._pool.shutdown(cancel_futures=True)
            self._pool = self._lifeline = None

    def _submit(self, chunk: Chunk, mailbox: Mailbox) -> Future[list[Treated]]:
        try:
            future = self._started().submit(self._do, chunk)
        except BrokenProcessPool:  # it broke while idle
            self.stop()
            future = self._started().submit(self._do, chunk)
        future.add_done_callback(mailbox.put)
        return future

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            theirs, self._lifeline = multiprocessing.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(
                self.workers, multiprocessing.get_context("spawn"), obey, (theirs,)
            )
        return self._pool
