"""The ledger of jobs as the coordinator uses it: whose turn it is, and how far each one is.

A job under way belongs to an **owner**, one run of the server. What it commits counts only
while owner, attempt and status are still what it believes (compare-and-swap).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from anontui.idis.model import JobStatus
from anontui.server import audit, items
from anontui.server.database import Database, Row, Value
from anontui.server.store import check_transition, close_attempt, row_of
from anontui.server.users import now

_KEPT = (
    "error",
    "stage",
    "files_downloaded",
    "files_processed",
    "files_per_minute",
    "files_expected",
    "seconds_left",
    "stage_text",
    "part_folder",
    "retries",
)
_NEXT = """
    SELECT * FROM jobs WHERE owner IS NULL AND status IN ('ACTIVE', 'UPLOADED')
    AND needs_archive = :needs_archive ORDER BY priority DESC, job_id LIMIT 1
"""
_AS_BELIEVED = "job_id = :job_id AND owner = :owner AND attempt = :attempt AND status = :status"
_IS_CURRENT = f"SELECT 1 FROM jobs WHERE {_AS_BELIEVED}"  # noqa: S608 - constants
_MOVE = f"""
    UPDATE jobs SET status = :to, owner = CASE WHEN :ended THEN NULL ELSE owner END,
        {", ".join(f"{name} = :{name}" for name in _KEPT)} WHERE {_AS_BELIEVED}
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Claim:
    """One attempt at a job, and where it stands."""

    owner: str
    job: Row

    @property
    def job_id(self) -> int:
        """Which job."""
        return int(self.job["job_id"] or 0)

    @property
    def attempt(self) -> int:
        """Which attempt at it."""
        return int(self.job["attempt"] or 0)

    @property
    def status(self) -> JobStatus:
        """Where the job is in its life."""
        return JobStatus(str(self.job["status"]))


class Claims:
    """Jobs in the ledger, for one owner; safe to use from many threads.

    Parameters
    ----------
    database
        The ledger.
    owner
        Names this run of the server; no other run had or gets the same name.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self.database = database
        self.owner = owner

    def interrupted(self) -> None:
        """Put back in the queue what an earlier run left in the middle."""
        with self.database.transaction() as connection:
            owned = connection.execute("SELECT * FROM jobs WHERE owner IS NOT NULL").fetchall()
            for job in map(dict, owned):
                close_attempt(connection, job, "interrupted")
                items.release(connection, int(job["job_id"]))
                connection.execute(
                    "UPDATE jobs SET owner = NULL, attempt = attempt + 1 WHERE job_id = ?",
                    (job["job_id"],),
                )
                audit.record(connection, audit.SERVER, "interrupted", int(job["job_id"]))

    def next_priority(self, *, needs_archive: bool = False) -> int | None:
        """The priority of the job whose turn it is, if there is one.

        Jobs that come from or go to archives have a queue of their own.
        """
        rows = self.database.rows(_NEXT, {"needs_archive": needs_archive})
        return int(rows[0]["priority"] or 0) if rows else None

    def take(self, *, needs_archive: bool = False) -> Claim | None:
        """Take the job whose turn it is: the highest priority, then the oldest."""
        with self.database.transaction() as connection:
            row = connection.execute(_NEXT, {"needs_archive": needs_archive}).fetchone()
            if row is None:
                return None
            job = dict(row) | {"owner": self.owner}
            connection.execute("UPDATE jobs SET owner = :owner WHERE job_id = :job_id", job)
            connection.execute(
                "INSERT INTO attempts (job_id, attempt, owner, started) VALUES (?, ?, ?, ?)",
                (job["job_id"], job["attempt"], self.owner, now()),
            )
            audit.record(
                connection, audit.SERVER, "started", int(job["job_id"]), attempt=job["attempt"]
            )
            return Claim(self.owner, job)

    def commit(
        self,
        claim: Claim,
        to: JobStatus | None = None,
        /,
        *,
        within: sqlite3.Connection | None = None,
        tell: bool = True,
        **values: Value,
    ) -> Claim | None:
        """Record how far an attempt is, and move its job on to status ``to``.

        Parameters
        ----------
        claim
            The attempt, as the last commit left it.
        to
            The new status; by default it stays.
        within
            The open transaction; by default one of its own.
        tell
            Whether the audit tells of it; what changes the status always is told.
        values
            Of the job's ``error``, ``stage`` and what is told of it, counts of files,
            ``part_folder``, ``retries``.

        Returns
        -------
        Claim or None
            The attempt as it stands now; None if it is void, and nothing was recorded.
        """
        if within is None:
            with self.database.transaction() as connection:
                return self.commit(claim, to, within=connection, tell=tell, **values)
        new_status = to or claim.status
        if new_status is not claim.status:
            check_transition(claim.status, new_status)
        new = {name: claim.job[name] for name in _KEPT} | values
        ended = new_status.is_final
        if ended:
            new |= {"stage_text": None, "seconds_left": None}
        parameters = _believed(claim) | new | {"to": new_status, "ended": ended}
        if not within.execute(_MOVE, parameters).rowcount:
            return None
        if tell or new_status is not claim.status:
            what = new_status.lower() if new_status is not claim.status else "progress"
            told = ("stage", "files_downloaded", "files_processed", "files_per_minute", "error")
            audit.record(
                within,
                audit.SERVER,
                what,
                claim.job_id,
                status=new_status,
                **{name: new[name] for name in told},
            )
        if ended:
            close_attempt(within, claim.job, new_status.lower())
        return Claim(claim.owner, row_of(within, claim.job_id))

    def is_current(self, claim: Claim, within: sqlite3.Connection | None = None) -> bool:
        """True while nobody voided this attempt; ``within`` the open transaction, if any."""
        if within is not None:
            return within.execute(_IS_CURRENT, _believed(claim)).fetchone() is not None
        return bool(self.database.rows(_IS_CURRENT, _believed(claim)))

    def to_retry(self) -> dict[int, int]:
        """The failed jobs that a repeat may help, and how often each was tried."""
        rows = self.database.rows(
            "SELECT job_id, retries FROM jobs WHERE retries > 0 AND status = 'ERROR'"
        )
        return {int(row["job_id"] or 0): int(row["retries"] or 0) for row in rows}

    def retry(self, job_id: int) -> None:
        """Have a failed job tried again, from where it stopped, unless somebody changed it."""
        with self.database.transaction() as connection:
            if connection.execute(
                "UPDATE jobs SET status = 'ACTIVE', attempt = attempt + 1"
                " WHERE job_id = ? AND status = 'ERROR' AND retries > 0",
                (job_id,),
            ).rowcount:
                check_transition(JobStatus.ERROR, JobStatus.ACTIVE)
                audit.record(
                    connection, audit.SERVER, "tried again", job_id, status=JobStatus.ACTIVE
                )

    def with_parts(self) -> list[Row]:
        """The jobs at their end that may have left parts at their destination."""
        return self.database.rows(
            "SELECT * FROM jobs WHERE part_folder IS NOT NULL AND owner IS NULL"
            " AND (status IN ('DONE', 'INACTIVE') OR (status = 'ERROR' AND retries = 0))"
        )

    def forget_parts(self, job: Row) -> None:
        """Note that a job's part folder is gone."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET part_folder = NULL"
                " WHERE job_id = :job_id AND part_folder = :part_folder AND owner IS NULL",
                job,
            )


def _believed(claim: Claim) -> Row:
    return {name: claim.job[name] for name in ("job_id", "owner", "attempt", "status")}
