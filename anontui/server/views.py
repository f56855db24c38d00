"""What the web API reads of the ledger: jobs as JSON, of the projects that the caller sees.

SQLite writes the JSON itself, which takes a fraction of what it takes here; and it reads
over a connection of its own, so that nobody who looks waits for the one who writes.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from anontui.idis.model import CORE_FIELDS, FIELDS
from anontui.server.refusals import DENIED, UNAUTHORIZED

NEWEST = 50
Seen = frozenset[str] | None  # the projects that somebody sees; None: all

_SEEN = "(:seen IS NULL OR project_name IN (SELECT value FROM json_each(:seen)))"
_LISTED = "job_id IN (SELECT value FROM json_each(:ids))"
_PROGRESS = (
    "job_id",
    "status",
    "stage",
    "error",
    "files_downloaded",
    "files_processed",
    "files_per_minute",
    "files_expected",
    "seconds_left",
    "stage_text",
)


class Views:
    """Reads jobs; safe to use from many threads.

    Parameters
    ----------
    path
        The ledger's file, which exists.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA query_only = ON")
        columns = {str(name) for _, name, *_ in self._rows("PRAGMA table_info(jobs)")}
        self._core = _object(CORE_FIELDS, columns)
        self._all = _object(FIELDS, columns)

    def close(self) -> None:
        """Close the connection; further use is an error."""
        with self._lock:
            self._connection.close()

    def jobs(self, ids: Iterable[int], seen: Seen, *, extended: bool) -> bytes:
        """The jobs among ``ids`` that exist and are seen, as an object by id."""
        job = self._all if extended else self._core
        return self._by_id(
            job,
            f"WHERE {_LISTED} AND {_SEEN} ORDER BY job_id",
            ids=json.dumps(list(ids)),
            seen=_list(seen),
        )

    def newest(self, seen: Seen) -> bytes:
        """The newest jobs that are seen, newest first, as an object by id."""
        return self._by_id(
            self._core,
            f"WHERE {_SEEN} ORDER BY job_id DESC LIMIT :limit",
            seen=_list(seen),
            limit=NEWEST,
        )

    def last_event(self) -> int:
        """The id of the newest row of the audit; 0 if there is none."""
        [(last,)] = self._rows("SELECT coalesce(max(audit_id), 0) FROM audit")
        return int(str(last))

    def events(self, after: int, limit: int, seen: Seen) -> tuple[list[tuple[int, str]], int]:
        """What happened to jobs after an id of the audit, oldest first.

        Returns
        -------
        list, int
            The id of each event and its job's core fields of now, with the event's ``time``
            and ``event``, as JSON; and the id from which to go on.
        """
        last = self.last_event()
        event = f"json_insert({self._core}, '$.event', what, '$.time', time)"
        rows = self._rows(
            f"SELECT audit_id, {event} FROM audit JOIN jobs USING (job_id)"  # noqa: S608 - constants
            " WHERE audit_id > :after AND audit_id <= :last AND what NOT IN (:denied, :refused)"
            f" AND {_SEEN} ORDER BY audit_id LIMIT :limit",
            after=after,
            last=last,
            limit=limit,
            seen=_list(seen),
            denied=DENIED,
            refused=UNAUTHORIZED,
        )
        found = [(int(str(number)), str(text)) for number, text in rows]
        return found, found[-1][0] if len(found) == limit else max(after, last)

    def running(self, seen: Seen, limit: int) -> dict[int, str]:
        """How far the jobs are that are being worked on, as JSON by id."""
        rows = self._rows(
            f"SELECT job_id, {_object(_PROGRESS)} FROM jobs"  # noqa: S608 - constants
            f" WHERE owner IS NOT NULL AND {_SEEN} ORDER BY job_id LIMIT :limit",
            seen=_list(seen),
            limit=limit,
        )
        return {int(str(number)): str(text) for number, text in rows}

    def statuses(self) -> dict[str, int]:
        """How many jobs there are of each status."""
        return _counts(self._rows("SELECT status, count(*) FROM jobs GROUP BY status"))

    def waiting(self) -> int:
        """How many jobs wait for their turn."""
        sql = "SELECT count(*) FROM jobs WHERE owner IS NULL AND status IN ('ACTIVE', 'UPLOADED')"
        [(number,)] = self._rows(sql)
        return int(str(number))

    def outcomes(self) -> dict[str, int]:
        """How many files there are of each outcome; looks at all, so do not ask often."""
        return _counts(self._rows("SELECT status, count(*) FROM items GROUP BY status"))

    def exported(self, seen: Seen) -> int:
        """How many instances jobs delivered, each counted once a project."""
        sql = (
            "SELECT count(*) FROM (SELECT DISTINCT project_name, target FROM items"  # noqa: S608 - constants
            f" JOIN jobs USING (job_id) WHERE items.status = 'done' AND {_SEEN})"
        )
        [(number,)] = self._rows(sql, seen=_list(seen))
        return int(str(number))

    def _by_id(self, job: str, which: str, **values: str | int | None) -> bytes:
        sql = f"SELECT json_group_object(job_id, {job}) FROM (SELECT * FROM jobs {which})"  # noqa: S608 - constants
        [(found,)] = self._rows(sql, **values)
        return str(found).encode()

    def _rows(self, sql: str, **values: str | int | None) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()


def _object(names: Iterable[str], columns: Iterable[str] | None = None) -> str:
    known = names if columns is None else columns
    pairs = (f"'{name}', {name if name in known else 'NULL'}" for name in names)
    return f"json_object({', '.join(pairs)})"


def _list(seen: Seen) -> str | None:
    return None if seen is None else json.dumps(sorted(seen))


def _counts(rows: list[tuple[object, ...]]) -> dict[str, int]:
    return {str(status): int(str(number)) for status, number in rows}
