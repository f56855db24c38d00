"""The ledger of jobs as clients use it: what exists, and which changes are legal.

Every change is one transaction with its row in the audit. Work on a job belongs to an
**attempt**: a reset, a cancellation or a change of what the job is raises the attempt, and
from then on whatever an earlier attempt wants to commit matches no row any more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from anontui.errors import CallRefused
from anontui.idis.model import CORE_FIELDS, FIELDS, JobStatus
from anontui.server import audit, items
from anontui.server.audit import SERVER
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
    "practice",
)
REMARKS = (
    "description",
    "priority",
    "source_pims_keyfile_id",
    "source_ignore_opt_out",
    "source_ignore_opt_out_reason",
)

_FIELDS = DEFINITION + REMARKS
_NEW = ("user_name", "date", "client_key", *_FIELDS)
_INSERT = f"INSERT INTO jobs ({', '.join(_NEW)}) VALUES ({', '.join(f':{n}' for n in _NEW)})"  # noqa: S608 - constants
_MODIFY = f"UPDATE jobs SET {', '.join(f'{n} = :{n}' for n in _FIELDS)} WHERE job_id = :job_id"  # noqa: S608 - constants
_CANCEL = """
    UPDATE jobs SET status = 'INACTIVE', attempt = attempt + 1, owner = NULL, retries = 0,
        files_per_minute = NULL, stage_text = NULL, seconds_left = NULL WHERE job_id = ?
"""
_RESET = """
    UPDATE jobs SET status = 'ACTIVE', attempt = attempt + 1, owner = NULL, retries = 0,
        files_per_minute = NULL, stage_text = NULL, seconds_left = NULL, files_expected = NULL,
        stage = 'collect', error = ' ', files_downloaded = 0,
        files_processed = 0 WHERE job_id = ?
"""


class Store:
    """Jobs in the ledger; safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def on_change(self) -> Callable[[], None]:
        """Called after every commit to the ledger, in the thread that made it."""
        return self._database.on_change

    @on_change.setter
    def on_change(self, call: Callable[[], None]) -> None:
        self._database.on_change = call

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

    def items(self, job_id: int, after: int = 0, limit: int = 100) -> list[Row]:
        """Return what became of a job's files, by ``item_id``, from the id ``after`` on.

        Where a file came from is not told: its path may name a patient.
        """
        return items.page(self._database, job_id, after, limit)

    def left_out(self, job_id: int) -> dict[str, int]:
        """Return how many of a job's files were left out so far, by reason."""
        return dict(items.left_out(self._database, job_id))

    def audit(self, after: int = 0, limit: int = 100, job_id: int | None = None) -> list[Row]:
        """Return what happened, oldest first, from the ``audit_id`` ``after`` on."""
        return audit.page(self._database, after, limit, job_id)

    def note(self, who: str, what: str, **details: object) -> None:
        """Add a row to the audit that is of no job; ``details`` hold no identity."""
        with self._database.transaction() as connection:
            audit.record(connection, who, what, None, **details)

    # --- what clients do

    def create(self, user_name: str, fields: Mapping[str, Value]) -> Row:
        """Add an ACTIVE job; ``fields`` are of :data:`DEFINITION` and :data:`REMARKS`."""
        return self.create_many(user_name, [(None, fields)])[0]

    def create_many(
        self, user_name: str, wanted: Sequence[tuple[str | None, Mapping[str, Value]]]
    ) -> list[Row]:
        """Add jobs, all or none, and return them in the order they were given.

        Each is a pair of the client's own key and the job's fields. A key that this user gave
        before names the job that it made then: the same call again adds nothing.
        """
        with self._database.transaction() as connection:
            return [_create(connection, user_name, key, fields) for key, fields in wanted]

    def modify(
        self,
        job_id: int,
        changes: Mapping[str, Value],
        to: JobStatus | None = None,
        *,
        user: str = SERVER,
    ) -> Row:
        """Change what a job is, then reset (ACTIVE) or cancel it (INACTIVE), if asked.

        A job whose definition changes while it waits or runs starts again; one that failed is
        no longer tried again by itself. ``user`` is who wants it.

        Raises
        ------
        CallRefused
            If there is no such job.
        """
        with self._database.transaction() as connection:
            before = row_of(connection, job_id)
            connection.execute(_MODIFY, before | dict(changes))
            changed = [name for name in changes if before[name] != changes[name]]
            if to is None and not set(DEFINITION).isdisjoint(changed):
                connection.execute("UPDATE jobs SET retries = 0 WHERE job_id = ?", (job_id,))
                to = JobStatus.ACTIVE if before["status"] in ("ACTIVE", "UPLOADED") else None
            if changed:
                audit.record(connection, user, "modified", job_id, **_account(changed, changes))
            if to is not None:
                check_transition(JobStatus(str(before["status"])), to)
                what = "reset" if to is JobStatus.ACTIVE else "cancelled"
                connection.execute(_RESET if to is JobStatus.ACTIVE else _CANCEL, (job_id,))
                close_attempt(connection, before, what)
                items.release(connection, job_id)
                audit.record(connection, user, what, job_id, status=to)
            return row_of(connection, job_id)


def to_json(row: Row, *, extended: bool = True) -> Row:
    """Return the job object as the web API answers it."""
    return {name: row.get(name) for name in (FIELDS if extended else CORE_FIELDS)}


def row_of(connection: sqlite3.Connection, job_id: int) -> Row:
    """Return everything known of one job, in the open transaction.

    Raises
    ------
    CallRefused
        If there is no such job.
    """
    found = connection.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if found is None:
        raise no_such_job(job_id)
    return dict(found)


def no_such_job(job_id: int) -> CallRefused:
    """The web API's own words for an unknown id."""
    message = f"Job with id {job_id} does not exist"
    return CallRefused(message, errors={"job_id": message})


def check_transition(status: JobStatus, to: JobStatus) -> None:
    """Let a job change its status by :data:`TRANSITIONS` only.

    Raises
    ------
    ValueError
        If that is not in the table: a programming error.
    """
    if status not in TRANSITIONS[to]:
        raise ValueError(f"a job cannot go from {status} to {to}")


def close_attempt(connection: sqlite3.Connection, job: Row, outcome: str) -> None:
    """Note how the attempt ended that a job is at, if it is under way."""
    connection.execute(
        "UPDATE attempts SET ended = ?, outcome = ?"
        " WHERE job_id = ? AND attempt = ? AND ended IS NULL",
        (now(), outcome, job["job_id"], job["attempt"]),
    )


def _create(
    connection: sqlite3.Connection, user_name: str, key: str | None, fields: Mapping[str, Value]
) -> Row:
    values = {"priority": DEFAULT_PRIORITY, "user_name": user_name, "date": now()}
    values = dict.fromkeys(_NEW) | values | dict(fields) | {"client_key": key}
    known = connection.execute(
        "SELECT * FROM jobs WHERE user_name = :user_name AND client_key = :client_key", values
    ).fetchone()
    if known is not None:
        return dict(known)
    job_id = connection.execute(_INSERT, values).lastrowid or 0
    audit.record(connection, user_name, "created", job_id, status=JobStatus.ACTIVE)
    return row_of(connection, job_id)


def _account(changed: Sequence[str], changes: Mapping[str, Value]) -> dict[str, object]:
    """Which fields changed, and why an opt-out is not obeyed; other values may name patients."""
    told = {name: changes[name] for name in changed if name.startswith("source_ignore_opt_out")}
    return {"fields": list(changed), **told}
