"""The audit: who changed what, when; written in the transaction of the change itself."""

from __future__ import annotations

import json
import sqlite3

from anontui.server.database import Database, Row
from anontui.server.users import now

SERVER = "server"
"""Who, where no user did it."""


def record(
    connection: sqlite3.Connection,
    who: str,
    what: str,
    job_id: int | None = None,
    /,
    **details: object,
) -> None:
    """Add a row in the open transaction; ``details`` hold no patient's identity."""
    connection.execute(
        "INSERT INTO audit (time, who, what, job_id, details) VALUES (?, ?, ?, ?, ?)",
        (now(), who, what, job_id, json.dumps(details, ensure_ascii=False)),
    )


def page(database: Database, after: int, limit: int, job_id: int | None) -> list[Row]:
    """The rows after the id ``after``, oldest first; of one job, or of all that happened."""
    of_job = "" if job_id is None else "AND job_id = :job_id"
    return database.rows(
        f"SELECT * FROM audit WHERE audit_id > :after {of_job} ORDER BY audit_id LIMIT :limit",  # noqa: S608 - constants
        {"after": after, "limit": limit, "job_id": job_id},
    )
