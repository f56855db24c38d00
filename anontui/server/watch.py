"""Notices what other processes, such as the command line, change in the ledger."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
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
        self._changed = changed
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        self._last = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin; what is written from now on is noticed."""
        self._last = self._version()
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            with suppress(sqlite3.Error):  # it is busy: the next look sees it
                version = self._version()
                if version != self._last:
                    self._last = version
                    self._changed()

    def _version(self) -> int:
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)
