"""The disposable engine: an executor that runs chunks of files, and may be lost at any moment.

Nothing depends on it: the coordinator gives what was lost out again, and refuses what a
lost worker still reports.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import Enum
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

from anontui.errors import CannotStart, UsageError
from anontui.server.worker import Chunk, Report, obey, work

P = ParamSpec("P")
T = TypeVar("T")

Do = Callable[[Chunk], Report]
CALLS = 8  # of a function whose process is lost


class Loss(Enum):
    """What an exception of a chunk's future, or of giving it out, means."""

    CHUNK = "its worker died, likely of it"
    WORKERS = "a worker died, of it or of another chunk, and took the others with it"
    CONNECTION = "the workers are out of reach, for no chunk's fault"
    UNFIT = "the workers cannot do such work"


class Engine(ABC):
    """Runs chunks; after :attr:`Loss.WORKERS` or ``CONNECTION`` it must be renewed."""

    has_ward = True
    """Whether chunks that are ``alone`` have workers of their own, and renewing ends them."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many chunks can run at once."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """True while there is something to stop."""

    @abstractmethod
    def submit(self, chunk: Chunk) -> Future[Report]:
        """Have a chunk done.

        Raises
        ------
        Exception
            If its workers are lost, see :meth:`judge`.
        """

    @abstractmethod
    def judge(self, error: BaseException) -> Loss:
        """Say what it means that a chunk's future, or :meth:`submit`, raised this."""

    @abstractmethod
    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a process of this machine, and wait for its answer."""

    @abstractmethod
    def renew(self, *, alone: bool) -> None:
        """Give up the workers of the chunks that are ``alone``, or of the others."""

    @abstractmethod
    def stop(self) -> None:
        """End the workers at once, whatever they do; new work starts new ones."""


def make_engine(kind: str = "process", scheduler: str = "", workers: int | None = None) -> Engine:
    """Return an engine.

    Parameters
    ----------
    kind
        ``process``: processes of this machine; ``dask``: a Dask cluster.
    scheduler
        The address of the cluster's scheduler, such as ``tcp://10.0.0.1:8786``.
    workers
        How many processes; by default one a core.

    Raises
    ------
    UsageError
        If a cluster's scheduler is not named, or processes' is.
    CannotStart
        If what a cluster needs is not installed.
    """
    if kind == "process" and not scheduler:
        return Processes(workers)
    if kind != "dask" or not scheduler:
        raise UsageError(
            "A scheduler belongs to a Dask cluster, and a cluster has one",
            advice="Write --engine dask --scheduler tcp://HOST:8786.",
        )
    from anontui.server.cluster import Cluster

    return Cluster(scheduler)


class Processes(Engine):
    """Processes of this machine, started when there is work; they die with this process.

    A process of its own takes the chunks that may kill it, so that the others go on.

    Parameters
    ----------
    workers
        How many; by default one a core.
    do
        What they do with a chunk.
    """

    def __init__(self, workers: int | None = None, do: Do = work) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._do = do
        self._crew = Pool(self._workers)
        self._ward = Pool(1)

    @property
    def workers(self) -> int:
        """How many chunks can run at once."""
        return self._workers

    @property
    def is_running(self) -> bool:
        """True while there are processes (or could be)."""
        return self._crew.is_running or self._ward.is_running

    def submit(self, chunk: Chunk) -> Future[Report]:
        """Have a chunk done."""
        return (self._ward if chunk.alone else self._crew).submit(self._do, chunk)

    def judge(self, error: BaseException) -> Loss:
        """Say what it means that a future raised this."""
        is_lost = isinstance(error, BrokenProcessPool | CancelledError)
        return Loss.WORKERS if is_lost else Loss.UNFIT

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in one of the processes, and wait for its answer."""
        return call(self._crew, function, *args, **kwargs)

    def renew(self, *, alone: bool) -> None:
        """End the processes of the chunks that are ``alone``, or the others."""
        (self._ward if alone else self._crew).stop()

    def stop(self) -> None:
        """End all processes at once."""
        self._crew.stop()
        self._ward.stop()


class Pool:
    """Processes that end when this one does, however that comes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._lock = threading.RLock()
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    @property
    def is_running(self) -> bool:
        """True while there are processes (or could be)."""
        return self._pool is not None

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called."""
        with self._lock:
            return self._started().submit(function, *args, **kwargs)

    def stop(self) -> None:
        """End the processes at once."""
        with self._lock:
            pool, lifeline = self._pool, self._lifeline
            self._pool = self._lifeline = None
        if pool is not None and lifeline is not None:
            lifeline.close()
            pool.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            theirs, self._lifeline = multiprocessing.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), obey, (theirs,)
            )
        return self._pool


def call(pool: Pool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a pool that others may stop meanwhile.

    Raises
    ------
    CannotStart
        If the pool is lost again and again.
    """
    for tries in range(CALLS):
        time.sleep(min(2.0, 0.1 * 2**tries) if tries else 0)
        try:
            return pool.submit(function, *args, **kwargs).result()
        except (BrokenProcessPool, CancelledError):
            pool.stop()
    raise CannotStart("The server's processes end early", advice="Look whether memory is short.")
