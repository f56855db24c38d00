"""Notices what other processes, such as the command line, change in the ledger."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

EVERY = 2.0  # seconds; one look reads a few bytes


class Watch:
    """Calls ``changed`` soon after another process wrote to a database.

    Parameters
    ----------
    path
        The database, which exists.
    changed
        Called in a thread of the watch's own; it may also be called when nothing changed.
    """

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self._path = path
        self._changed = changed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)) as connection:
            last = None
            while not self._stopping.wait(EVERY):
                with suppress(sqlite3.Error):  # it is busy: the next look sees it
                    [version] = connection.execute("PRAGMA data_version").fetchone()
                    if last is not None and version != last:
                        self._changed()
                    last = version
