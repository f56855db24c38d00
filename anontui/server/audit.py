"""The audit: who changed what, when; written in the transaction of the change itself.

Each row carries a hash over itself and the row before. So a row that was changed, added or
taken out later shows, to whoever kept a hash elsewhere that came after it.
"""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256

from anontui.server.database import Database, Row
from anontui.server.users import now

_AT_ONCE = 1000
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
    row = (now(), who, what, job_id, json.dumps(details, ensure_ascii=False))
    last = connection.execute("SELECT chain FROM audit ORDER BY audit_id DESC LIMIT 1").fetchone()
    connection.execute(
        "INSERT INTO audit (time, who, what, job_id, details, chain) VALUES (?, ?, ?, ?, ?, ?)",
        (*row, _link(last[0] if last else "", row)),
    )


def page(database: Database, after: int, limit: int, job_id: int | None) -> list[Row]:
    """The rows after the id ``after``, oldest first; of one job, or of all that happened."""
    of_job = "" if job_id is None else "AND job_id = :job_id"
    return database.rows(
        f"SELECT * FROM audit WHERE audit_id > :after {of_job} ORDER BY audit_id LIMIT :limit",  # noqa: S608 - constants
        {"after": after, "limit": limit, "job_id": job_id},
    )


def verify(database: Database) -> tuple[int | None, str]:
    """Go over the chain of hashes.

    Returns
    -------
    tuple
        The id of the first row that does not fit those before it (None: all do), and the
        hash of the last row, to be kept elsewhere.
    """
    after, last = 0, ""
    while rows := page(database, after, _AT_ONCE, None):
        for row in rows:
            after = int(row["audit_id"] or 0)
            values = tuple(row[name] for name in ("time", "who", "what", "job_id", "details"))
            # rows from before there were hashes, at the start, have none
            if row["chain"] != _link(last, values) and (row["chain"] or last):
                return after, last
            last = str(row["chain"])
    return None, last


def _link(last: str, row: tuple[object, ...]) -> str:
    return sha256(json.dumps([last, *row]).encode()).hexdigest()
