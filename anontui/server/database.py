"""The server's SQLite file: one writer, durable commits, numbered migrations."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from anontui.errors import CannotStart

# One script a version; ``user_version`` counts those that were applied. Never edit one
# that was released: add the next.
MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE users (name TEXT PRIMARY KEY, created TEXT NOT NULL);
    CREATE TABLE tokens (
        hash TEXT PRIMARY KEY,
        user_name TEXT NOT NULL REFERENCES users (name),
        created TEXT NOT NULL
    );
    CREATE INDEX tokens_of_user ON tokens (user_name);
    CREATE TABLE jobs (
        job_id INTEGER PRIMARY KEY AUTOINCREMENT,
        attempt INTEGER NOT NULL DEFAULT 1,
        date TEXT NOT NULL,
        user_name TEXT NOT NULL REFERENCES users (name),
        status TEXT NOT NULL DEFAULT 'ACTIVE'
            CHECK (status IN ('ACTIVE', 'UPLOADED', 'DONE', 'ERROR', 'INACTIVE')),
        error TEXT,
        priority INTEGER NOT NULL,
        files_downloaded INTEGER NOT NULL DEFAULT 0,
        files_processed INTEGER NOT NULL DEFAULT 0,
        part_folder TEXT,
        project_name TEXT NOT NULL,
        description TEXT,
        source_type TEXT NOT NULL CHECK (source_type IN ('PATH', 'WADO')),
        source_path TEXT,
        source_name TEXT,
        source_instance_id TEXT,
        source_sop_class_filter_list TEXT,
        source_anonymizedpatientid TEXT NOT NULL CHECK (source_anonymizedpatientid <> ''),
        source_anonymizedpatientname TEXT NOT NULL CHECK (source_anonymizedpatientname <> ''),
        source_pims_keyfile_id TEXT,
        source_ignore_opt_out TEXT,
        source_ignore_opt_out_reason TEXT,
        destination_type TEXT NOT NULL,
        destination_path TEXT NOT NULL
    );
    CREATE INDEX jobs_waiting ON jobs (priority DESC, job_id) WHERE status = 'ACTIVE';
    CREATE INDEX jobs_with_parts ON jobs (job_id) WHERE part_folder IS NOT NULL;
    """,
    """
    ALTER TABLE users ADD COLUMN
        role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin'));
    """,
    """
    ALTER TABLE jobs ADD COLUMN owner TEXT;
    ALTER TABLE jobs ADD COLUMN stage TEXT NOT NULL DEFAULT 'collect'
        CHECK (stage IN ('collect', 'deidentify', 'deliver'));
    ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN files_per_minute INTEGER;
    ALTER TABLE jobs ADD COLUMN client_key TEXT;
    UPDATE jobs SET status = 'ACTIVE', attempt = attempt + 1, files_downloaded = 0,
        files_processed = 0 WHERE status IN ('ACTIVE', 'UPLOADED');
    DROP INDEX jobs_waiting;
    CREATE INDEX jobs_waiting ON jobs (priority DESC, job_id)
        WHERE owner IS NULL AND status IN ('ACTIVE', 'UPLOADED');
    CREATE INDEX jobs_owned ON jobs (job_id) WHERE owner IS NOT NULL;
    CREATE INDEX jobs_to_retry ON jobs (job_id) WHERE retries > 0 AND status = 'ERROR';
    CREATE UNIQUE INDEX jobs_of_client ON jobs (user_name, client_key)
        WHERE client_key IS NOT NULL;
    CREATE TABLE attempts (
        job_id INTEGER NOT NULL REFERENCES jobs (job_id),
        attempt INTEGER NOT NULL,
        owner TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        outcome TEXT,
        PRIMARY KEY (job_id, attempt)
    ) WITHOUT ROWID;
    CREATE TABLE items (
        item_id INTEGER PRIMARY KEY AUTOINCREMENT,
        job_id INTEGER NOT NULL REFERENCES jobs (job_id),
        source BLOB NOT NULL,
        size INTEGER NOT NULL,
        status TEXT NOT NULL CHECK
            (status IN ('waiting', 'running', 'ready', 'done', 'rejected', 'quarantined')),
        owner TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        losses INTEGER NOT NULL DEFAULT 0,
        code TEXT,
        reason TEXT,
        target TEXT,
        study TEXT,
        patient TEXT,
        started TEXT,
        ended TEXT
    );
    CREATE INDEX items_of_job ON items (job_id);
    CREATE INDEX items_open ON items (job_id, status)
        WHERE status IN ('waiting', 'running', 'ready');
    CREATE UNIQUE INDEX items_done ON items (job_id, target) WHERE status = 'done';
    CREATE TABLE audit (
        audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
        time TEXT NOT NULL,
        who TEXT NOT NULL,
        what TEXT NOT NULL,
        job_id INTEGER REFERENCES jobs (job_id),
        details TEXT NOT NULL
    );
    CREATE INDEX audit_of_job ON audit (job_id);
    """,
    """
    ALTER TABLE jobs ADD COLUMN practice TEXT;
    ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT '';
    """,
    """
    ALTER TABLE jobs ADD COLUMN stage_text TEXT;
    ALTER TABLE jobs ADD COLUMN files_expected INTEGER;
    ALTER TABLE jobs ADD COLUMN seconds_left INTEGER;
    ALTER TABLE jobs ADD COLUMN needs_archive INTEGER GENERATED ALWAYS AS (
        (source_type = 'WADO' AND coalesce(source_name, '') <> 'received')
        OR destination_type = 'NODE'
    ) VIRTUAL;
    DROP INDEX jobs_waiting;
    CREATE INDEX jobs_waiting ON jobs (needs_archive, priority DESC, job_id)
        WHERE owner IS NULL AND status IN ('ACTIVE', 'UPLOADED');
    CREATE INDEX items_delivered ON items (study) WHERE status = 'done';
    """,
)

Value = str | int | None
Row = dict[str, Value]


class Database:
    """One connection, shared by the threads of this process under a lock.

    Other processes (``anontui serve user add``) may open the same file at the same time.
    A subclass with migrations of its own is another file of this kind.

    Raises
    ------
    CannotStart
        If the file cannot be opened, is damaged, or was made by a newer version.
    """

    migrations: Sequence[str] = MIGRATIONS
    purpose = "the ledger of jobs"

    def __init__(self, path: Path) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called after every commit, in the thread that made it."""
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, self.purpose, str(error)) from error
        try:
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._migrate(path)
        except sqlite3.Error as error:
            self.close()
            raise _unusable(path, self.purpose, str(error)) from error
        except CannotStart:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; further use is an error."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the only write transaction: committed durably at the end, or not at all."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise
        self.on_change()

    def rows(self, sql: str, values: Mapping[str, Value] | None = None) -> list[Row]:
        """Read the rows that ``sql`` selects."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values or {})]

    def _migrate(self, path: Path) -> None:
        with self.transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(self.migrations):
                raise CannotStart(
                    f"{path} was made by a newer version of anontui",
                    advice="Update anontui, or choose another data folder with --data.",
                )
            for number in range(version, len(self.migrations)):
                # not executescript(): that would commit halfway
                for statement in self.migrations[number].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")


def _unusable(path: Path, purpose: str, cause: str) -> CannotStart:
    return CannotStart(
        f"{path} cannot be used as {purpose}",
        cause=cause,
        advice="Restore it from a backup, or choose another data folder with --data.",
    )
