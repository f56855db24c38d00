"""A Dask cluster as the engine.

The machines of the cluster have this package installed and the shares mounted where the
server has them. Scheduler and workers are somebody else's to supervise: workers leave with
their scheduler.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from anontui.errors import CannotStart
from anontui.server.engine import Do, Engine, Loss, Pool, call
from anontui.server.worker import Chunk, Report, work

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 3.0
COUNT_EVERY = 2.0  # seconds between two questions how many workers there are

log = logging.getLogger(__name__)


class Cluster(Engine):
    """The workers of a Dask scheduler; the connection is made when there is work.

    Parameters
    ----------
    address
        The scheduler's.
    do
        What the workers do with a chunk.

    Raises
    ------
    CannotStart
        If Dask is not installed.
    """

    has_ward = False

    def __init__(self, address: str, do: Do = work) -> None:
        try:
            import distributed.scheduler
        except ImportError as error:
            raise CannotStart(
                "A Dask cluster needs what is not installed",
                cause=str(error),
                advice="Install it: pip install 'anontui[cluster]'.",
            ) from error
        self._distributed: Any = distributed
        self._address = address
        self._do = do
        self._client: Any = None
        self._executor: Executor | None = None
        self._here = Pool(1)
        self._workers = 1
        self._counted = -COUNT_EVERY

    @property
    def workers(self) -> int:
        """How many threads the cluster's workers have; it may change."""
        if self._client is not None and time.monotonic() > self._counted + COUNT_EVERY:
            self._counted = time.monotonic()
            with suppress(OSError, RuntimeError, TimeoutError):
                self._workers = sum(self._client.nthreads().values()) or 1
        return self._workers

    @property
    def is_running(self) -> bool:
        """True while there is a connection."""
        return self._client is not None or self._here.is_running

    def submit(self, chunk: Chunk) -> Future[Report]:
        """Have a chunk done."""
        if self._executor is None:
            self._client = self._distributed.Client(
                self._address, timeout=CONNECT_SECONDS, set_as_default=False
            )
            self._executor = self._client.get_executor(pure=False)
            self._counted = -COUNT_EVERY
            log.info("event=cluster workers=%d", self.workers)
        return self._executor.submit(self._do, chunk)

    def judge(self, error: BaseException) -> Loss:
        """Say what it means that a future raised this."""
        if isinstance(error, self._distributed.scheduler.KilledWorker):
            return Loss.CHUNK
        away = (CancelledError, OSError, TimeoutError, RuntimeError)
        return Loss.CONNECTION if isinstance(error, away) else Loss.UNFIT

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a process of this machine, and wait for its answer."""
        return call(self._here, function, *args, **kwargs)

    def renew(self, *, alone: bool) -> None:
        """Leave the cluster; the next chunk joins it again."""
        client, self._client, self._executor = self._client, None, None
        if client is not None:
            with suppress(Exception):  # it is lost anyway
                client.close(timeout=1)

    def stop(self) -> None:
        """Leave the cluster; what its workers still do is refused."""
        self.renew(alone=False)
        self._here.stop()
