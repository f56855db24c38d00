"""The ledger of items, one a file: how far each is, and what became of it.

Whoever works on an item holds it by owner and attempt, and commits by compare-and-swap;
what was given to somebody else meanwhile matches no row. The functions that take a
connection belong into its open transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anontui.server.database import Database, Row
from anontui.server.users import now

DEADLY = 3  # how many workers a file may take with it
KILLED = "stopped the de-identification engine"
CONFLICTING = "files of one study name different patients"


class ItemStatus(StrEnum):
    """Where an item is in its life; the last three are its outcome."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"  # de-identified, and not yet delivered
    DONE = "done"
    REJECTED = "rejected"  # there is nothing to deliver
    QUARANTINED = "quarantined"  # a person must look


# to which status an item may come, from which
TRANSITIONS: Mapping[ItemStatus, frozenset[ItemStatus]] = {
    ItemStatus.WAITING: frozenset(
        {ItemStatus.RUNNING, ItemStatus.READY, ItemStatus.QUARANTINED}  # the last when released
    ),
    ItemStatus.RUNNING: frozenset({ItemStatus.WAITING}),
    ItemStatus.READY: frozenset({ItemStatus.RUNNING}),
    ItemStatus.DONE: frozenset({ItemStatus.READY}),
    ItemStatus.REJECTED: frozenset({ItemStatus.RUNNING, ItemStatus.READY}),
    ItemStatus.QUARANTINED: frozenset({ItemStatus.RUNNING, ItemStatus.READY}),
}


@dataclass(frozen=True)
class Found:
    """A file that a source has; with a reason, one that cannot be taken."""

    path: Path
    size: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Held:
    """An item that an owner works on, in one attempt at it."""

    item_id: int
    owner: str
    attempt: int
    source: str
    size: int
    losses: int = 0
    target: str = ""

    @property
    def part(self) -> str:
        """The name of its result on the way to its place."""
        return f"{self.item_id}.{self.owner}.{self.attempt}.part"


@dataclass(frozen=True)
class Outcome:
    """What became of an item.

    ``target`` is where it goes below the destination, ``study`` its new study,
    ``patient`` the same for files of the same Patient ID, telling nothing of it; all empty
    unless it is ready. ``code`` and ``reason`` (no identity) say why it is not.
    """

    status: ItemStatus
    code: str = ""
    reason: str = ""
    target: str = ""
    study: str = ""
    patient: str = ""


def forget(connection: sqlite3.Connection, job_id: int) -> None:
    """Remove the items of a job that starts again."""
    connection.execute("DELETE FROM items WHERE job_id = ?", (job_id,))


def add(connection: sqlite3.Connection, job_id: int, found: Iterable[Found]) -> None:
    """Add the files that a job's source has."""
    connection.executemany(
        "INSERT INTO items (job_id, source, size, status, code, reason, ended)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (job_id, os.fsencode(one.path), one.size, "rejected", "source", one.reason, now())
            if one.reason
            else (job_id, os.fsencode(one.path), one.size, "waiting", None, None, None)
            for one in found
        ),
    )


def counts(database: Database, job_id: int) -> Counter[ItemStatus]:
    """How many items a job has, by their status."""
    rows = database.rows(
        "SELECT status, count(*) AS n FROM items WHERE job_id = :id GROUP BY status",
        {"id": job_id},
    )
    return Counter({ItemStatus(str(row["status"])): int(row["n"] or 0) for row in rows})


def left_out(database: Database, job_id: int) -> Counter[str]:
    """How many items were left out, by reason."""
    rows = database.rows(
        "SELECT reason, count(*) AS n FROM items WHERE job_id = :id"
        " AND status IN ('rejected', 'quarantined') GROUP BY reason ORDER BY min(item_id)",
        {"id": job_id},
    )
    return Counter({str(row["reason"]): int(row["n"] or 0) for row in rows})


def suspects(database: Database, job_id: int) -> int:
    """How many items wait that lost a worker."""
    [row] = database.rows(
        "SELECT count(*) AS n FROM items WHERE job_id = :id AND status = 'waiting' AND losses > 0",
        {"id": job_id},
    )
    return int(row["n"] or 0)


def page(database: Database, job_id: int, after: int, limit: int) -> list[Row]:
    """What became of a job's items after the id ``after``; where they came from is not told."""
    return database.rows(
        "SELECT item_id, status, code, reason, target, size, attempt AS attempts, started, ended"
        " FROM items WHERE job_id = :id AND item_id > :after ORDER BY item_id LIMIT :limit",
        {"id": job_id, "after": after, "limit": limit},
    )


def hold(
    connection: sqlite3.Connection,
    job_id: int,
    owner: str,
    *,
    most: int,
    most_bytes: int,
    suspect: bool = False,
) -> list[Held]:
    """Take the next waiting items of a job: some for a chunk, or one that lost a worker."""
    losses = "> 0" if suspect else "= 0"
    rows = connection.execute(
        "SELECT item_id, attempt + 1, source, size, losses FROM items"  # noqa: S608 - constants
        f" WHERE job_id = ? AND status = 'waiting' AND losses {losses} ORDER BY item_id LIMIT ?",
        (job_id, 1 if suspect else most),
    ).fetchall()
    held: list[Held] = []
    size = 0
    for item_id, attempt, source, bytes_, lost in rows:
        size += bytes_
        if held and size > most_bytes:
            break
        held.append(Held(item_id, owner, attempt, os.fsdecode(source), bytes_, lost))
    at = now()
    connection.executemany(
        "UPDATE items SET status = 'running', owner = ?, attempt = ?, started = ?"
        " WHERE item_id = ? AND status = 'waiting'",
        [(owner, one.attempt, at, one.item_id) for one in held],
    )
    return held


def settle(
    connection: sqlite3.Connection,
    outcomes: Iterable[tuple[Held, Outcome]],
    was: ItemStatus = ItemStatus.RUNNING,
) -> Counter[ItemStatus]:
    """Record what became of held items; returns how many by their new status.

    What somebody else holds, or has settled, is passed over.

    Raises
    ------
    ValueError
        If an item may not come to its new status: a programming error.
    """
    settled: Counter[ItemStatus] = Counter()
    at = now()
    for held, outcome in outcomes:
        if was not in TRANSITIONS[outcome.status]:
            raise ValueError(f"an item cannot go from {was} to {outcome.status}")
        settled[outcome.status] += connection.execute(
            "UPDATE items SET status = ?, code = ?, reason = ?, target = ?,"
            " study = coalesce(?, study), patient = ?, losses = ?, ended = ?"
            " WHERE item_id = ? AND owner = ? AND attempt = ? AND status = ?",
            (
                outcome.status,
                outcome.code or None,
                outcome.reason or None,
                outcome.target or None,
                outcome.study or None,
                outcome.patient or None,
                held.losses,
                at,
                held.item_id,
                held.owner,
                held.attempt,
                was,
            ),
        ).rowcount
    return +settled


def ready(connection: sqlite3.Connection, job_id: int, *, most: int = -1) -> list[Held]:
    """The items that are to be delivered, by id; an earlier run may have made them."""
    rows = connection.execute(
        f"{_READY} ORDER BY item_id LIMIT :most", {"id": job_id, "most": most}
    )
    return [_ready(row) for row in rows]


def quarantined(database: Database, job_id: int) -> list[tuple[Held, str, str]]:
    """The items of a job that a person must look at, each with code and reason."""
    rows = database.rows(
        "SELECT item_id, attempt, hex(source) AS source, size, code, reason FROM items"
        " WHERE job_id = :id AND status = 'quarantined' ORDER BY item_id",
        {"id": job_id},
    )
    return [
        (
            Held(
                int(row["item_id"] or 0),
                "",
                int(row["attempt"] or 0),
                os.fsdecode(bytes.fromhex(str(row["source"]))),
                int(row["size"] or 0),
            ),
            str(row["code"] or ""),
            str(row["reason"] or ""),
        )
        for row in rows
    ]


def release(connection: sqlite3.Connection, job_id: int) -> None:
    """Let go of the items of a job that are held: they wait again."""
    connection.execute(
        "UPDATE items SET status = 'waiting', owner = NULL WHERE job_id = ? AND status = 'running'",
        (job_id,),
    )


def conflicting(connection: sqlite3.Connection, job_id: int) -> list[Held]:
    """The items to deliver of each study whose files name different patients."""
    rows = connection.execute(
        f"{_READY} AND study IN (SELECT study FROM items WHERE job_id = :id"  # noqa: S608 - constants
        " AND status = 'ready' GROUP BY study HAVING count(DISTINCT patient) > 1)",
        {"id": job_id},
    )
    return [_ready(row) for row in rows]


def delivered(connection: sqlite3.Connection, job_id: int, targets: Iterable[str]) -> set[str]:
    """Which of some targets a job has delivered already."""
    rows = connection.execute(
        "SELECT target FROM items WHERE job_id = ? AND status = 'done'"
        " AND target IN (SELECT value FROM json_each(?))",
        (job_id, json.dumps(list(targets))),
    )
    return {target for (target,) in rows}


_READY = """
    SELECT item_id, owner, attempt, source, size, losses, target FROM items
    WHERE job_id = :id AND status = 'ready'
"""


def _ready(row: sqlite3.Row) -> Held:
    item_id, owner, attempt, source, size, losses, target = row
    return Held(item_id, owner, attempt, os.fsdecode(source), size, losses, target)
