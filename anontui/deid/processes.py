"""Spreading a run over processes, any of which may die over a file."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from anontui.deid.records import Batch
from anontui.deid.refusal import Reason
from anontui.deid.work import TICK, Work, Worker, refused_row
from anontui.errors import DeidError

_PATIENCE = 2.0  # seconds that a process gets to end by itself


class _Process:
    """A worker's process, seen from ours."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_obey, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()
        self.is_started = False
        self.is_idle = False
        self.is_alone = False  # with a file that it may die of
        self.pending: set[str] = set()

    def give(self, paths: list[str], *, alone: bool = False) -> None:
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


def spread(work: Work, chunks: Iterator[list[str]], workers: int) -> Generator[Batch]:
    """Have processes treat chunks of files, and yield what they did, as it gets ready.

    A batch, maybe an empty one, comes at least every :data:`~anontui.deid.work.TICK`. When a
    process dies, its files are given out again one by one, and the one that a process dies of
    alone is quarantined. Closing the iterator ends the processes.

    Raises
    ------
    DeidError
        If processes cannot start, or the output cannot be written.
    """
    suspects: deque[str] = deque()
    crew: dict[Connection, _Process] = {}
    try:
        more: list[str] | None = next(chunks, None)
        while True:
            for process in crew.values():
                if process.is_idle and suspects:
                    process.give([suspects.popleft()], alone=True)
                elif process.is_idle and more:
                    process.give(more)
                    more = next(chunks, None)
            is_left = bool(more or suspects)
            if not is_left and not any(process.pending for process in crew.values()):
                return
            while is_left and len(crew) < workers:
                process = _Process(work)
                crew[process.connection] = process
            ready = wait(list(crew), TICK)
            if not ready:
                yield _empty()
            for connection in ready:
                assert isinstance(connection, Connection)  # noqa: S101 - only such were given
                process = crew[connection]
                try:
                    message = connection.recv()
                except (EOFError, OSError):
                    del crew[connection]
                    process.end()
                    if lost := _lost(process, suspects):
                        yield lost
                    continue
                if isinstance(message, DeidError):
                    raise message
                if isinstance(message, Batch):
                    process.pending.difference_update(_paths(message))
                    yield message
                else:
                    process.is_started = process.is_idle = True
                    process.pending = set()
    finally:
        for process in crew.values():
            process.end()


def _lost(process: _Process, suspects: deque[str]) -> Batch | None:
    """See to the files of a process that died."""
    if not process.is_started:
        raise DeidError(
            "A process for the work cannot be started",
            advice="Try again with --workers 1; in a script of your own, start the run below "
            'if __name__ == "__main__".',
        )
    if process.is_alone and process.pending:
        (path,) = process.pending
        batch = _empty()
        batch.rows.append(refused_row(path, Reason.STOPPED))
        return batch
    suspects.extend(sorted(process.pending))
    return None


def _empty() -> Batch:
    return Batch([], Counter(), [])


def _paths(batch: Batch) -> Iterator[str]:
    return (os.fsdecode(row.path) for row in batch.rows)


def _obey(connection: Connection, work: Work) -> None:
    """The process: treat what is sent, until the other end is closed.

    That is also so when whoever started it was killed. Ctrl-C is that one's business.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    worker = Worker(work)
    with suppress(EOFError, OSError):
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
            except Exception as error:  # noqa: BLE001 - a traceback could quote a value
                connection.send(DeidError("The work broke down", cause=type(error).__name__))
                return


def _leave(*_: object) -> None:
    raise SystemExit(1)
