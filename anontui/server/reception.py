"""What is sent to us becomes jobs: the receiver is watched, studies that came whole are taken on.

Everything is seen in the folders of :mod:`~anontui.server.incoming`, again each second, so
that any crash is survived: a study's folder is closed by its new name, and the job of this
name is made once.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.errors import AnonTUIError
from anontui.server.config import ReceiverConfig
from anontui.server.database import Database, Row
from anontui.server.folder import DataFolder
from anontui.server.incoming import RECEIVED, RECEIVER, client_key
from anontui.server.places import safe_name
from anontui.server.projects import TO_NODE, Project, Projects
from anontui.server.store import Store
from anontui.server.users import now

EVERY = 1.0  # seconds between two looks
SWEEP_EVERY = 10.0
AGAIN_AFTER = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds after which a receiver that failed starts again
STOP_SECONDS = 5.0

log = logging.getLogger(__name__)


class Reception:
    """Watches, in a thread of its own, from :meth:`start` to :meth:`stop`.

    Parameters
    ----------
    folder
        The server's data.
    database
        The ledger.
    projects
        Who receives what, and where it goes.
    """

    def __init__(self, folder: DataFolder, database: Database, projects: Projects) -> None:
        self._folder = folder
        self._database = database
        self._store = Store(database)
        self._projects = projects
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self._made: set[Path] = set()
        self._next_sweep = 0.0
        self._process = _Process(folder.path)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="reception", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and the receiver with it."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self._process.stop()

    def state(self) -> Row:
        """How the receiver is: ``running``, ``host``, ``port``, ``error`` and ``received``."""
        settings = self._folder.config.current().receiver
        process = self._process
        return {
            "running": process.port > 0,
            "host": settings.host,
            "port": process.port or settings.port,
            "error": process.error if settings.running else "",
            "received": process.received,
        }

    def set_running(self, running: bool) -> None:
        """Start or stop the receiver, now and after the next start; returns when it is so.

        Raises
        ------
        SettingsError
            If ``server.yml`` is wrong or cannot be written.
        """
        config = self._folder.config
        settings = config.current()
        config.write(replace(settings, receiver=replace(settings.receiver, running=running)))
        self._process.forgive()
        self._wake.set()
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end and self._thread.is_alive():
            if (self._process.port > 0) == running or (running and self._process.error):
                break
            time.sleep(0.05)

    # --- the thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._look()
            except (AnonTUIError, OSError, sqlite3.Error) as error:
                log.error("event=reception kind=%s", type(error).__name__)
            except Exception:
                log.exception("event=crash")
            self._wake.wait(EVERY)
            self._wake.clear()

    def _look(self) -> None:
        settings = self._folder.config.current().receiver
        self._process.see(settings)
        for study in self._projects.incoming.open_studies():
            self._close_if_whole(study, settings.quiet)
        self._make_jobs()
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY
            self._projects.incoming.sweep(self._database)

    def _close_if_whole(self, study: Path, quiet: int) -> None:
        is_new = study not in self._seen
        state = (study.stat().st_mtime_ns, len(os.listdir(study)))
        if is_new or self._seen[study][0] != state:
            self._seen[study] = (state, time.monotonic())
        elif time.monotonic() - self._seen[study][1] >= quiet:
            del self._seen[study]
            if any(study.glob("*.dcm")):
                os.rename(study, study.with_name(f"{study.name}.{secrets.token_hex(4)}"))
                sync_folder(study.parent)

    def _make_jobs(self) -> None:
        closed = set(self._projects.incoming.closed_studies())
        self._made &= closed
        if not closed - self._made:
            return
        projects = {safe_name(one.name): one for one in self._projects.all().values()}
        for study in sorted(closed - self._made):
            project = projects.get(study.parent.name)
            if project is None or not (project.destination and project.pseudonyms):
                continue  # it waits until the project says what to do
            key = client_key(project.name, study.name)
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR IGNORE INTO users (name, created) VALUES (?, ?)", (RECEIVER, now())
                )
            self._store.create_many(RECEIVER, [(key, _job(project, study.name))])
            self._made.add(study)


def _job(project: Project, name: str) -> Row:
    to_node = project.destination.startswith(TO_NODE)
    return {
        "project_name": project.name,
        "source_type": "WADO",
        "source_name": RECEIVED,
        "source_instance_id": name,
        "source_anonymizedpatientid": project.pseudonyms,
        "source_anonymizedpatientname": project.pseudonyms,
        "destination_type": "NODE" if to_node else "PATH",
        "destination_path": project.destination.removeprefix(TO_NODE),
    }


class _Process:
    """The receiver's process: it dies with this one, and is started again when it died."""

    def __init__(self, data: Path) -> None:
        self.port = 0
        """Where it listens; 0 if it does not."""
        self.error = ""
        self._data = data
        self._came = (0, 0)  # instances: of processes before, of this one
        self._process: SpawnProcess | None = None
        self._lifeline: Connection | None = None
        self._news: Connection | None = None
        self._settings: tuple[str, int] | None = None
        self._failures = 0
        self._not_before = 0.0

    @property
    def received(self) -> int:
        """How many instances were acknowledged."""
        return sum(self._came)

    def see(self, settings: ReceiverConfig) -> None:
        """Have it run, or not, as the settings say."""
        self._read()
        where = (settings.host, settings.port)
        if self._process is not None and not self._process.is_alive():
            self._read()
            self.error = self.error or "The receiver ended; it is started again"
            log.warning("event=receiver-ended")
            again = AGAIN_AFTER[min(self._failures, len(AGAIN_AFTER) - 1)]
            self._failures += 1
            self._not_before = time.monotonic() + again
            self.stop()
        if self._process is not None and (not settings.running or where != self._settings):
            self.stop()
        if not settings.running:
            self.error = ""
        elif self._process is None and time.monotonic() >= self._not_before:
            self._settings = where
            self._start()

    def forgive(self) -> None:
        """Forget that it failed: somebody wants it to be tried now."""
        self._failures, self._not_before, self.error = 0, 0.0, ""

    def stop(self) -> None:
        """End it at once: what was not acknowledged is sent again."""
        process, self._process = self._process, None
        if process is None:
            return
        for end in (self._lifeline, self._news):
            if end is not None:
                end.close()
        process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
        self.port = 0
        self._came = (self.received, 0)

    def _start(self) -> None:
        from anontui.server.receiving import run

        context = multiprocessing.get_context("spawn")
        theirs, self._lifeline = context.Pipe(duplex=False)
        self._news, told = context.Pipe(duplex=False)
        self._process = context.Process(
            target=run, args=(self._data, theirs, told), name="receiver", daemon=True
        )
        self._process.start()
        theirs.close()
        told.close()

    def _read(self) -> None:
        with suppress(EOFError, OSError):
            while self._news is not None and not self._news.closed and self._news.poll():
                news = self._news.recv()
                match news:
                    case int():
                        self.port, self.error, self._failures = news, "", 0
                        log.info("event=receiver port=%d", news)
                    case str():
                        self.error = news
                        log.error("event=receiver text=%r", news)
                    case (int() as came,):
                        self._came = (self._came[0], came)
