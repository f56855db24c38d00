"""Spreading a run over processes, any of which may die over a file."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import current_thread, main_thread

from anontui.deid.refusal import Reason
from anontui.deid.run.records import Batch
from anontui.deid.run.work import TICK, Work, Worker, refused_row
from anontui.errors import DeidError

_PATIENCE = 2.0  # seconds that a process gets to end by itself


def spread(work: Work, chunks: Iterator[list[str]], workers: int) -> Generator[Batch]:
    """Have processes treat chunks of files, and yield what they did, as it gets ready.

    A batch, maybe an empty one, comes at least every :data:`~anontui.deid.run.work.TICK`. When a
    process dies, its files are given out again one by one, and the one that a process dies of
    alone is quarantined. Closing the iterator ends the processes.

    Raises
    ------
    DeidError
        If processes cannot start, or the output cannot be written.
    """
    crew = _Crew(work, chunks, workers)
    try:
        while crew.hand_out():
            heard = crew.hear()
            yield from heard or [_empty()]
    finally:
        crew.end()


class _Process:
    """A worker's process, seen from ours."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_obey, args=(theirs, work), daemon=True)
        with _without_interrupts():
            self.process.start()
        theirs.close()
        self.is_started = False
        self.is_idle = False
        self.is_alone = False  # with a file that it may die of
        self.pending: set[str] = set()

    def give(self, paths: list[str], *, alone: bool) -> None:
        self.pending, self.is_idle, self.is_alone = set(paths), False, alone
        with suppress(OSError):  # if it has just died, its end of the pipe tells
            self.connection.send(paths)

    def end(self) -> None:
        """End it at once, whatever it does."""
        self.connection.close()
        self.process.terminate()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Crew:
    """The processes, what they are at, and what is left to do."""

    def __init__(self, work: Work, chunks: Iterator[list[str]], workers: int) -> None:
        self._work = work
        self._chunks = chunks
        self._workers = workers
        self._next = next(chunks, None)
        self._suspects: deque[str] = deque()  # files of processes that died
        self._processes: dict[Connection, _Process] = {}

    def hand_out(self) -> bool:
        """Give idle processes something to do; false if all is done."""
        for process in self._processes.values():
            if process.is_idle and self._suspects:
                process.give([self._suspects.popleft()], alone=True)
            elif process.is_idle and self._next:
                process.give(self._next, alone=False)
                self._next = next(self._chunks, None)
        is_left = bool(self._next or self._suspects)
        while is_left and len(self._processes) < self._workers:
            process = _Process(self._work)
            self._processes[process.connection] = process
        return is_left or any(process.pending for process in self._processes.values())

    def hear(self) -> list[Batch]:
        """Wait until processes tell something, but not for long."""
        heard = []
        for connection in wait(list(self._processes), TICK):
            assert isinstance(connection, Connection)  # noqa: S101 - there are no others
            process = self._processes[connection]
            try:
                message = connection.recv()
            except (EOFError, OSError):
                del self._processes[connection]
                process.end()
                heard.append(self._lost(process))
                continue
            if isinstance(message, DeidError):
                raise message
            if isinstance(message, Batch):
                process.pending.difference_update(os.fsdecode(row.path) for row in message.rows)
                heard.append(message)
            else:
                process.is_started = process.is_idle = True
                process.pending.clear()
        return heard

    def _lost(self, process: _Process) -> Batch:
        """See to the files of a process that died."""
        if not process.is_started:
            raise DeidError(
                "A process for the work cannot be started",
                advice="Try again with --workers 1; in a script of your own, start the run below "
                'if __name__ == "__main__".',
            )
        batch = _empty()
        if process.is_alone:
            batch.rows.extend(refused_row(path, Reason.STOPPED) for path in process.pending)
        else:
            self._suspects.extend(sorted(process.pending))
        return batch

    def end(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.end()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let processes that start in the block hear no Ctrl-C, which their terminal sends to all.

    One that we hear ourselves waits for the end of the block: a process that is started by
    halves would say so on the terminal.
    """
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():
        yield
        return
    resource_tracker.ensure_running()  # its start would let Ctrl-C through again
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the child inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if heard:
        raise KeyboardInterrupt


def _empty() -> Batch:
    return Batch([], Counter(), [])


def _obey(connection: Connection, work: Work) -> None:
    """The process: treat what is sent, until the other end is closed.

    That is also so when whoever started it was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    worker = Worker(work)
    try:
        with suppress(EOFError, OSError):
            _work(connection, worker)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is leaving


def _work(connection: Connection, worker: Worker) -> None:
    while True:
        connection.send(None)  # ready for more
        paths = connection.recv()
        try:
            for batch in worker.batches(paths):
                connection.send(batch)
        except DeidError as error:
            error.__cause__ = None
            connection.send(error)
            return


def _leave(*_: object) -> None:
    raise SystemExit(1)
