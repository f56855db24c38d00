"""The server's data folder: its files, its secret key, and its one lock."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from anontui import atomic
from anontui.errors import CannotStart
from anontui.server.config import ConfigFile
from anontui.server.database import Database

KEY_BYTES = 32


@dataclass(frozen=True)
class DataFolder:
    """Everything of one server lies in here; a backup is a copy of it.

    ``server.yml`` settings · ``projects`` users and policies · ``jobs.sqlite`` ledger ·
    ``identities`` the secret of the new UIDs and dates, and who is who · ``quarantine``
    originals that are held · ``runs`` what jobs did, as text · ``server.log`` ·
    ``nodes.yml`` archives · ``incoming`` originals that came from them or were sent to us ·
    ``server.json`` address of the running server · ``lock`` · ``staging``.
    """

    path: Path

    @property
    def config(self) -> ConfigFile:
        """The settings."""
        return ConfigFile(self.path / "server.yml")

    @property
    def log(self) -> Path:
        """The log file."""
        return self.path / "server.log"

    @property
    def projects(self) -> Path:
        """The folder of the projects."""
        return self.path / "projects"

    @property
    def ledger(self) -> Path:
        """The database of jobs, users and audit."""
        return self.path / "jobs.sqlite"

    def make(self) -> None:
        """Make the folder, for its owner only.

        Raises
        ------
        CannotStart
            If that is not possible.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.path} cannot be made",
                cause=error.strerror or "",
                advice="Choose another one with --data.",
            ) from error

    def database(self) -> Database:
        """Open the ledger; made if there is none."""
        return Database(self.ledger)

    def remember(self, database: Database, url: str) -> None:
        """Keep the url, so that it is the same at the next start."""
        with database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('url', ?)", (url,))

    def port(self, database: Database) -> int:
        """Return the port of the last start; 0 if there was none."""
        rows = database.rows("SELECT value FROM meta WHERE name = 'url'")
        return int(str(rows[0]["value"]).rpartition(":")[2]) if rows else 0

    def last_url(self) -> str:
        """Return the url of the last start; empty if there was none."""
        if not self.ledger.exists():
            return ""
        with closing(self.database()) as database:
            rows = database.rows("SELECT value FROM meta WHERE name = 'url'")
        return str(rows[0]["value"]) if rows else ""

    def key(self) -> bytes:
        """Return the secret key; made once. Call it under the lock.

        Raises
        ------
        CannotStart
            If the file is not a key. Another key would give every patient other UIDs.
        """
        path = self.path / "identities" / "key"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            atomic.write_bytes(path, os.urandom(KEY_BYTES), mode=0o600)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise CannotStart(f"{path} is damaged", advice="Restore it from a backup.")
        return key

    def announce(self, url: str) -> None:
        """Say where the server that runs now is found."""
        content = json.dumps({"pid": os.getpid(), "url": url}).encode()
        atomic.write_bytes(self.path / "server.json", content, mode=0o600)

    def withdraw(self) -> None:
        """Say that no server runs any more."""
        (self.path / "server.json").unlink(missing_ok=True)

    def announced(self) -> tuple[int, str] | None:
        """Return process id and url of the server that runs, if its file can be read."""
        try:
            content = json.loads((self.path / "server.json").read_bytes())
            return int(content["pid"]), str(content["url"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def lock(self) -> IO[bytes] | None:
        """Take the folder's lock; None if another process has it. Closing the file gives it back.

        Raises
        ------
        CannotStart
            If the folder cannot be written.
        """
        try:
            file = (self.path / "lock").open("ab")
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.path} cannot be written",
                cause=error.strerror or "",
                advice="Choose another one with --data.",
            ) from error
        try:
            _lock(file)
        except OSError:
            file.close()
            return None
        return file


if sys.platform != "win32":
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
else:
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
