"""Refused calls, in the audit and the log; so many a minute that nobody fills the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from anontui.server import audit
from anontui.server.database import Database
from anontui.server.users import Users

UNAUTHORIZED = "unauthorized"
DENIED = "denied"
MOST = 100  # rows a minute; those beyond are counted in the next one's row
_MINUTE = 60.0

log = logging.getLogger(__name__)


class Refusals:
    """Writes down who was refused what.

    Parameters
    ----------
    database
        The ledger with the audit.
    users
        Tells which user names are known: what else somebody sends as theirs is not kept.
    """

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users
        self._lock = threading.Lock()
        self._minute = 0.0
        self._rows = 0
        self._unwritten = 0

    def unauthorized(self, user: str, function: str) -> None:
        """A call whose user and token do not belong together."""
        who = user if self._users.knows(user) else "?"
        log.warning("event=unauthorized user=%s function=%s", who, function)
        self._write(who, UNAUTHORIZED, None, function)

    def denied(self, user: str, function: str, job_ids: Sequence[str] = ()) -> None:
        """A call of a user who is not connected to the project it is about."""
        known = self._database.rows(
            "SELECT job_id FROM jobs WHERE job_id = :id", {"id": int(job_ids[0]) if job_ids else 0}
        )
        job_id = int(known[0]["job_id"] or 0) if known else None
        log.warning("event=denied user=%s function=%s job=%s", user, function, job_id or "-")
        self._write(user, DENIED, job_id, function)

    def _write(self, who: str, what: str, job_id: int | None, function: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._minute >= _MINUTE:
                self._minute, self._rows = now, 0
            self._rows += 1
            if self._rows > MOST:
                self._unwritten += 1
                return
            more = {"unwritten_before": self._unwritten} if self._unwritten else {}
            self._unwritten = 0
        with self._database.transaction() as connection:
            audit.record(connection, who, what, job_id, function=function, **more)
