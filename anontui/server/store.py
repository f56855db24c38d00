"""The ledger of jobs: what exists, how far it is, and which changes are legal.

Every change is one transaction. Work on a job belongs to an **attempt**: a reset, a
cancellation or a change of what the job is raises the attempt, and from then on whatever
an earlier attempt wants to commit matches no row any more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anontui.errors import CallRefused
from anontui.idis.model import CORE_FIELDS, FIELDS, JobStatus
from anontui.server.database import Database, Row, Value
from anontui.server.users import now

NEWEST = 50
DEFAULT_PRIORITY = 10

# to which status a job may come, from which
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.ACTIVE: frozenset(JobStatus),  # a reset
    JobStatus.UPLOADED: frozenset({JobStatus.ACTIVE}),
    JobStatus.DONE: frozenset({JobStatus.UPLOADED}),
    JobStatus.ERROR: frozenset({JobStatus.ACTIVE, JobStatus.UPLOADED}),
    JobStatus.INACTIVE: frozenset(JobStatus),  # a cancellation
}

# what a client says of a job; a change of the first kind voids the running attempt
DEFINITION = (
    "project_name",
    "source_type",
    "source_path",
    "source_name",
    "source_instance_id",
    "source_sop_class_filter_list",
    "source_anonymizedpatientid",
    "source_anonymizedpatientname",
    "destination_type",
    "destination_path",
)
REMARKS = (
    "description",
    "priority",
    "source_pims_keyfile_id",
    "source_ignore_opt_out",
    "source_ignore_opt_out_reason",
)

_FIELDS = DEFINITION + REMARKS
_NEW = ("user_name", "date", *_FIELDS)
_INSERT = f"INSERT INTO jobs ({', '.join(_NEW)}) VALUES ({', '.join(f':{n}' for n in _NEW)})"  # noqa: S608 - constants
_MODIFY = f"UPDATE jobs SET {', '.join(f'{n} = :{n}' for n in _FIELDS)} WHERE job_id = :job_id"  # noqa: S608 - constants
# a move to another status or none, if the job still is as its mover believes
_MOVE = """
    UPDATE jobs SET status = :to, attempt = attempt + :renew, error = :error,
        files_downloaded = :downloaded, files_processed = :processed, part_folder = :part_folder
    WHERE job_id = :job_id AND status = :status AND attempt = :attempt
"""


@dataclass(frozen=True)
class Claim:
    """One attempt at a job, and where it stands."""

    job_id: int
    attempt: int
    status: JobStatus
    job: Row


class Store:
    """Jobs in the ledger; safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading

    def job(self, job_id: int) -> Row | None:
        """Return everything known of one job."""
        rows = self._database.rows("SELECT * FROM jobs WHERE job_id = :id", {"id": job_id})
        return rows[0] if rows else None

    def jobs(self, ids: Iterable[int]) -> list[Row]:
        """Return the jobs among ``ids`` that exist, by id."""
        return self._database.rows(
            "SELECT * FROM jobs WHERE job_id IN (SELECT value FROM json_each(:ids))"
            " ORDER BY job_id",
            {"ids": json.dumps(list(ids))},
        )

    def newest(self) -> list[Row]:
        """Return the newest jobs, newest first."""
        return self._database.rows(
            "SELECT * FROM jobs ORDER BY job_id DESC LIMIT :limit", {"limit": NEWEST}
        )

    # --- what clients do

    def create(self, user_name: str, fields: Mapping[str, Value]) -> Row:
        """Add an ACTIVE job; ``fields`` are of :data:`DEFINITION` and :data:`REMARKS`."""
        values = {"priority": DEFAULT_PRIORITY, "user_name": user_name, "date": now()}
        values = dict.fromkeys(_NEW) | values | dict(fields)
        with self._database.transaction() as connection:
            job_id = connection.execute(_INSERT, values).lastrowid or 0
            return _row(connection, job_id)

    def modify(self, job_id: int, changes: Mapping[str, Value], to: JobStatus | None = None) -> Row:
        """Change what a job is, then reset (ACTIVE) or cancel it (INACTIVE), if asked.

        A job whose definition changes while it waits or runs starts again.

        Raises
        ------
        CallRefused
            If there is no such job.
        """
        with self._database.transaction() as connection:
            before = _row(connection, job_id)
            connection.execute(_MODIFY, before | dict(changes))
            redefined = any(before[name] != changes.get(name, before[name]) for name in DEFINITION)
            if to is None and redefined and before["status"] in ("ACTIVE", "UPLOADED"):
                to = JobStatus.ACTIVE
            if to is not None:
                _check_transition(JobStatus(str(before["status"])), to)
                blank = {"error": " ", "downloaded": 0, "processed": 0}
                reset = blank if to is JobStatus.ACTIVE else {}
                connection.execute(_MOVE, _as_is(before) | {"to": to, "renew": 1} | reset)
            return _row(connection, job_id)

    # --- what the runner does

    def next_waiting(self) -> Claim | None:
        """Return the ACTIVE job whose turn it is: the highest priority, then the oldest."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE status = 'ACTIVE' ORDER BY priority DESC, job_id LIMIT 1"
        )
        return _claim(rows[0]) if rows else None

    def commit(self, claim: Claim, to: JobStatus | None = None, /, **values: Value) -> Claim | None:
        """Record how far an attempt is, and move its job on to status ``to``.

        Parameters
        ----------
        claim
            The attempt, as the last commit left it.
        to
            The new status; by default it stays.
        values
            ``error``, ``downloaded``, ``processed`` (counts of files) and ``part_folder``.

        Returns
        -------
        Claim or None
            The attempt as it stands now; None if it is void, and nothing was recorded.
        """
        to = to or claim.status
        if to is not claim.status:
            _check_transition(claim.status, to)
        with self._database.transaction() as connection:
            new = _as_is(claim.job) | {"to": to} | values
            if not connection.execute(_MOVE, new).rowcount:
                return None
            return _claim(_row(connection, claim.job_id))

    def is_current(self, claim: Claim) -> bool:
        """True while nobody voided this attempt."""
        row = self.job(claim.job_id)
        return row is not None and row["attempt"] == claim.attempt

    def interrupted(self) -> list[Row]:
        """Put jobs that a previous run of the server left in the middle back in the queue.

        Returns
        -------
        list
            The jobs that may have left a part folder at their destination.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = 'ACTIVE', attempt = attempt + 1, files_downloaded = 0,"
                " files_processed = 0 WHERE status = 'UPLOADED'"
                " OR (status = 'ACTIVE' AND files_downloaded > 0)"
            )
        return self._database.rows("SELECT * FROM jobs WHERE part_folder IS NOT NULL")

    def forget_parts(self, job_id: int) -> None:
        """Note that a job's part folder is gone."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET part_folder = NULL WHERE job_id = ?", (job_id,))


def to_json(row: Row, *, extended: bool = True) -> Row:
    """Return the job object as the web API answers it."""
    return {name: row.get(name) for name in (FIELDS if extended else CORE_FIELDS)}


def _row(connection: sqlite3.Connection, job_id: int) -> Row:
    found = connection.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if found is None:
        raise no_such_job(job_id)
    return dict(found)


def no_such_job(job_id: int) -> CallRefused:
    """The web API's own words for an unknown id."""
    message = f"Job with id {job_id} does not exist"
    return CallRefused(message, errors={"job_id": message})


def _claim(row: Row) -> Claim:
    return Claim(
        int(row["job_id"] or 0), int(row["attempt"] or 0), JobStatus(str(row["status"])), row
    )


def _as_is(row: Row) -> Row:
    return {
        "job_id": row["job_id"],
        "attempt": row["attempt"],
        "status": row["status"],
        "renew": 0,
        "error": row["error"],
        "downloaded": row["files_downloaded"],
        "processed": row["files_processed"],
        "part_folder": row["part_folder"],
    }


def _check_transition(status: JobStatus, to: JobStatus) -> None:
    if status not in TRANSITIONS[to]:
        raise ValueError(f"a job cannot go from {status} to {to}")
