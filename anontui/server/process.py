"""The server as a process: run, found and stopped by its data folder."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError, CannotStart
from anontui.server.config import Given
from anontui.server.exposure import Exposure
from anontui.server.folder import DataFolder

if TYPE_CHECKING:
    from anontui.server.database import Database
    from anontui.server.projects import Projects

PORTS = range(18000, 32000)  # below those that systems hand out by themselves
LOCK_SECONDS = 1.0  # somebody who asks for the status holds the lock for a moment
STOP_SECONDS = 30.0
NOTHING = Given()

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerStatus:
    """Whether a server runs for a data folder, and where (or where it did last)."""

    running: bool
    url: str
    pid: int | None


def status(data: Path) -> ServerStatus:
    """Return how the server of a data folder is; an absent folder has none."""
    folder = DataFolder(data)
    if not (data / "lock").exists():
        return ServerStatus(False, "", None)
    lock = folder.lock()
    if lock is None:
        pid, url = folder.announced() or (None, "")
        return ServerStatus(True, url, pid)
    with lock:
        return ServerStatus(False, folder.last_url(), None)


def stop(data: Path) -> bool:
    """Stop the server of a data folder and wait for its end; False if none runs.

    Raises
    ------
    CannotStart
        If it does not stop.
    """
    found = status(data)
    if not found.running:
        return False
    if found.pid is not None:
        try:
            os.kill(found.pid, signal.SIGTERM)
        except OSError as error:
            raise CannotStart(
                "The server cannot be stopped",
                cause=error.strerror or "",
                advice="Stop it as the user who started it.",
            ) from error
    end = time.monotonic() + STOP_SECONDS
    while status(data).running:
        if time.monotonic() > end:
            raise CannotStart(
                f"The server (process {found.pid}) does not stop",
                advice="End that process; no job is lost by that.",
            )
        time.sleep(0.05)
    return True


@dataclass(frozen=True)
class EngineOptions:
    """What de-identifies.

    ``kind`` is process or dask, ``scheduler`` the address of Dask's, and ``workers`` how many
    processes this machine gives (by default one a processor).
    """

    kind: str = "process"
    scheduler: str = ""
    workers: int | None = None


DEFAULT_ENGINE = EngineOptions()


def run(
    data: Path,
    given: Given = NOTHING,
    engine: EngineOptions = DEFAULT_ENGINE,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    data
        The data folder; made if it does not exist.
    given
        Added to the folder's ``server.yml``.
    engine
        What de-identifies.
    ready
        Called with the url when requests are taken.

    Raises
    ------
    CannotStart
        If the folder is in use, the port is taken, or other machines reach the host and it
        has no TLS.
    SettingsError
        If ``server.yml`` or a project is wrong.
    """
    from anontui.server.checks import check
    from anontui.server.logs import open_log
    from anontui.server.projects import Projects
    from anontui.server.users import Users

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # jobs go on when the terminal closes
    folder = DataFolder(data.absolute())
    folder.make()
    with ExitStack() as at_end:
        at_end.enter_context(_expecting_failures(folder))
        at_end.callback(open_log(folder.log).close)
        at_end.enter_context(_telling_the_log())
        config = folder.config
        settings = config.merged(given)
        exposure = Exposure.of(settings)
        at_end.enter_context(_lock(folder))
        folder.withdraw()  # a server that was killed left it
        database = at_end.enter_context(closing(folder.database()))
        exposure.check_users(Users(database))
        config.write(settings)
        projects = Projects(folder.projects, config, folder.path)
        check(projects)
        port = settings.port or folder.port(database)
        listener = at_end.enter_context(_listen(exposure.address, port))
        url = exposure.url(listener.getsockname()[1])
        folder.remember(database, url)

        def tell() -> None:
            folder.announce(url)
            log.info("event=started pid=%d url=%s", os.getpid(), url)
            ready(url)

        at_end.callback(folder.withdraw)
        _work(folder, database, projects, engine, _Front(listener, exposure, tell))
        log.info("event=stopping")


@dataclass(frozen=True)
class _Front:
    """Where clients come in."""

    listener: socket.socket
    exposure: Exposure
    tell: Callable[[], None]


def _work(
    folder: DataFolder,
    database: Database,
    projects: Projects,
    options: EngineOptions,
    front: _Front,
) -> None:
    from anontui.server.aftercare import Aftercare
    from anontui.server.calls import Api
    from anontui.server.engine import make_engine
    from anontui.server.http import Web, make_app
    from anontui.server.listen import Server, serve_http
    from anontui.server.live import Hub
    from anontui.server.metrics import Metrics
    from anontui.server.reception import Reception
    from anontui.server.refusals import Refusals
    from anontui.server.review import Review
    from anontui.server.runner import Runner
    from anontui.server.store import Store
    from anontui.server.users import Users
    from anontui.server.views import Views
    from anontui.server.watch import Watch

    users, store = Users(database), Store(database)
    engine = make_engine(options.kind, options.scheduler, options.workers)
    with closing(Views(folder.ledger)) as views, Review.of(folder, database) as review:
        hub = Hub(views)
        review.discard()
        review.quarantine.sweep()
        aftercare = Aftercare(review, projects)
        runner = Runner(database, projects, folder.key(), engine, aftercare)
        reception = Reception(folder, database, projects)
        web = Web(
            Api(store, views, projects, hub, review, reception),
            users,
            Refusals(database, users),
            Metrics(views, lambda: engine.workers),
        )

        def changed() -> None:
            runner.wake()
            hub.changed()

        store.on_change = changed
        runner.start()
        watch = Watch(folder.ledger, changed)
        watch.start()
        reception.start()
        try:
            server = Server(make_app(web), front.tell, hub.close, front.exposure.tls)
            serve_http(server, front.listener)
        finally:
            reception.stop()
            watch.stop()
            runner.stop()


@contextmanager
def _expecting_failures(folder: DataFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder.path} cannot be used",
            cause=error.strerror or type(error).__name__,
            advice="Make it yours to write, or choose another one with --data.",
        ) from error


@contextmanager
def _telling_the_log() -> Iterator[None]:
    try:
        yield
    except AnonTUIError as error:
        log.error("event=failed %s", error.sentence())
        raise


@contextmanager
def _lock(folder: DataFolder) -> Iterator[None]:
    end = time.monotonic() + LOCK_SECONDS
    while (lock := folder.lock()) is None:
        if time.monotonic() > end:
            _, url = folder.announced() or (0, "an address that it has not told yet")
            raise CannotStart(
                f"A server already runs for {folder.path}, on {url}",
                advice="Use that one, or choose another folder with --data.",
            )
        time.sleep(0.05)
    with lock:
        yield


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    trouble = ""
    for number in [port] if port else random.sample(PORTS, 50):
        try:
            return socket.create_server((address, number), family=family)
        except OSError as error:
            trouble = error.strerror or type(error).__name__
    raise CannotStart(
        f"The server cannot listen on {address}" + (f" port {port}" if port else ""),
        cause=trouble,
        advice="Stop the program that uses the port, or choose another one with --port.",
    )
