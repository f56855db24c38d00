"""Files that a person must look at: a pristine copy of each, and what was decided.

A copy is ``quarantine/<random id>/original.dcm`` in the server's data folder, for its owner
only; neither its name nor the table tells whose it is. It leaves the folder in no other way
than by a decision: **released** it is done again in its job, **rejected** it is deleted.
What nobody decided about is never delivered.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from enum import StrEnum
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.deid.rules.pixelrules import Box
from anontui.errors import UsageError
from anontui.server.database import Database, Row
from anontui.server.users import now

COPY = "original.dcm"
PAGE = 1000
MOST_BYTES = 100 << 30  # of all copies together
SPARE_BYTES = 1 << 30  # of the disk, that copies leave to the ledger
_PIECE = 1 << 20
_FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))

# what a release may switch off: the filters of the policy that judge a whole file
FILTERS = frozenset(
    {
        "burned_in",
        "secondary_capture",
        "ultrasound",
        "encapsulated_document",
        "dose_report",
        "screen",
        "embedded_overlay",
        "identity_left",
        "patient_conflict",
    }
)

log = logging.getLogger(__name__)


class State(StrEnum):
    """Where a file in quarantine is."""

    WAITING = "waiting"
    RELEASED = "released"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Held:
    """A file that was held back: an item of a job, its source, and why."""

    item_id: int
    source: Path
    code: str
    reason: str


@dataclass(frozen=True)
class Pardon:
    """What a release allows: a file of exactly these bytes, without these filters.

    ``boxes`` are blacked out in all its frames: left, top, right, bottom, the last two outside.
    """

    digest: str
    filters: frozenset[str]
    boxes: tuple[tuple[int, int, int, int], ...] = ()


class QuarantineDatabase(Database):
    """``quarantine/quarantine.sqlite``: what is held, and what was decided."""

    purpose = "the table of the quarantine"
    migrations = (
        """
        CREATE TABLE entries (
            entry INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            job_id INTEGER NOT NULL,
            item_id INTEGER NOT NULL,
            project TEXT NOT NULL,
            source TEXT NOT NULL, -- the bytes of its path in hexadecimal
            digest TEXT NOT NULL,
            size INTEGER NOT NULL,
            has_copy INTEGER NOT NULL,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            time TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'released', 'rejected')),
            filters TEXT NOT NULL DEFAULT '[]',
            decided TEXT,
            who TEXT,
            note TEXT,
            UNIQUE (job_id, digest)
        );
        CREATE INDEX entries_by_state ON entries (state, entry);
        CREATE INDEX entries_by_item ON entries (item_id)
        """,
        "ALTER TABLE entries ADD COLUMN boxes TEXT NOT NULL DEFAULT '[]'",
    )


_SHOWN = (
    "id, job_id, item_id, project, code, reason, size, has_copy, time, state, filters, decided,"
    " who, note, boxes"
)


class Quarantine:
    """The copies and their table; safe to use from many threads and processes.

    Parameters
    ----------
    folder
        Where they are.
    database
        Their table.
    most_bytes
        What all copies together may take.
    spare_bytes
        What stays free on the disk. A file without a copy is held all the same.
    """

    def __init__(
        self,
        folder: Path,
        database: QuarantineDatabase,
        *,
        most_bytes: int = MOST_BYTES,
        spare_bytes: int = SPARE_BYTES,
    ) -> None:
        self.folder = folder
        self._database = database
        self._most_bytes = most_bytes
        self._spare_bytes = spare_bytes

    # --- what the server does

    def keep(
        self,
        job_id: int,
        project: str,
        held: Iterable[Held],
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Copy files that were held back, those that are not kept already; durable at return.

        ``tick`` is called for each, and may raise to stop.

        A file of a job that comes again, after a reset, is known by its content: what was
        decided about it stays, unless it is held for a reason that nobody decided about.
        """
        known = {
            int(row["item_id"] or 0): str(row["code"])
            for row in self._database.rows(
                "SELECT item_id, code FROM entries WHERE job_id = :id AND state <> 'released'",
                {"id": job_id},
            )
        }
        for one in held:
            tick()
            if known.get(one.item_id) != one.code:
                self._keep(job_id, project, one)

    def pardons(self, job_id: int) -> dict[str, Pardon]:
        """What was released of a job, by the places where it may be read."""
        found = {}
        for row in self._database.rows(
            "SELECT * FROM entries WHERE job_id = :id AND state = 'released'", {"id": job_id}
        ):
            boxes = tuple(tuple(box) for box in json.loads(str(row["boxes"])))
            filters = frozenset(json.loads(str(row["filters"])))
            pardon = Pardon(str(row["digest"]), filters, boxes)
            found[_source(row)] = found[str(self.copy_of(str(row["id"])))] = pardon
        return found

    def released(self, job_id: int | None = None) -> list[int]:
        """The items of a job, or of all, that were released and still have a copy."""
        rows = self._database.rows(
            "SELECT item_id FROM entries WHERE has_copy AND state = 'released'"
            " AND (:job_id IS NULL OR job_id = :job_id)",
            {"job_id": job_id},
        )
        return [int(row["item_id"] or 0) for row in rows]

    def discard(self, done: Iterable[int]) -> None:
        """Delete the copies of released items that are delivered."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "UPDATE entries SET has_copy = 0 WHERE has_copy AND state = 'released'"
                " AND item_id IN (SELECT value FROM json_each(?)) RETURNING id",
                (json.dumps(list(done)),),
            ).fetchall()
        for (entry_id,) in rows:
            shutil.rmtree(self.copy_of(entry_id).parent, ignore_errors=True)

    def sweep(self) -> None:
        """Delete copies that the table does not know, such as of a kill; only at the start."""
        rows = self._database.rows("SELECT id FROM entries WHERE has_copy")
        known = {row["id"] for row in rows}
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    # --- what a person does

    def entries(
        self,
        ids: Sequence[str] | None = None,
        *,
        state: State | None = None,
        job_id: int | None = None,
        after: str = "",
    ) -> list[Row]:
        """What is held, oldest first; at most :data:`PAGE` from the id ``after`` on."""
        return self._database.rows(
            f"SELECT {_SHOWN} FROM entries WHERE (:ids IS NULL OR id IN"  # noqa: S608 - constants
            " (SELECT value FROM json_each(:ids))) AND (:state IS NULL OR state = :state)"
            " AND (:job_id IS NULL OR job_id = :job_id)"
            " AND entry > coalesce((SELECT entry FROM entries WHERE id = :after), 0)"
            f" ORDER BY entry LIMIT {PAGE}",
            {
                "ids": None if ids is None else json.dumps(list(ids)),
                "state": state,
                "job_id": job_id,
                "after": after,
            },
        )

    def release(
        self,
        ids: Sequence[str],
        who: str,
        note: str = "",
        *,
        again: bool = False,
        boxes: Sequence[Box] = (),
    ) -> list[Row]:
        """Decide that files may go; returns them with the ``source`` to read.

        Parameters
        ----------
        ids
            Entries that wait.
        who, note
            Who decided, and why.
        again
            True has them judged anew, by the project's policy as it is now; else the filter
            that holds a file does not count for it, and for it only.
        boxes
            What is blacked out in all their frames, besides what earlier releases said.

        Raises
        ------
        UsageError
            If one does not wait, or is held for what no release can mend: then none is
            released.
        """
        rows = self._waiting(ids)
        for row in rows:
            if not again and row["code"] not in FILTERS:
                raise UsageError(
                    f"{row['id']} cannot go as it is: {row['reason']}",
                    advice="Mend it at its source and reset the job, or reject it; after a"
                    " change of the policy have it judged again.",
                )
        for row in rows:
            filters = set(json.loads(str(row["filters"]))) | (set() if again else {row["code"]})
            row["filters"] = json.dumps(sorted(filters, key=str))
            row["boxes"] = json.dumps([*json.loads(str(row["boxes"])), *map(astuple, boxes)])
        self._decide(rows, State.RELEASED, who, note)
        for row in rows:
            copy = self.copy_of(str(row["id"]))
            row["source"] = str(copy) if row["has_copy"] else _source(row)
        return rows

    def reject(self, ids: Sequence[str], who: str, note: str = "") -> list[Row]:
        """Decide that files stay out, and delete their copies.

        Raises
        ------
        UsageError
            If one does not wait: then none is rejected.
        """
        rows = self._waiting(ids)
        self._decide(rows, State.REJECTED, who, note)
        for row in rows:
            shutil.rmtree(self.copy_of(str(row["id"])).parent, ignore_errors=True)
        return rows

    def copy_of(self, entry_id: str) -> Path:
        """Where the copy of an entry is, if it has one."""
        return self.folder / entry_id / COPY

    # --- inside

    def _keep(self, job_id: int, project: str, held: Held) -> None:
        entry_id = secrets.token_hex(8)
        digest, size, has_copy = self._copied(held.source, entry_id)
        row: Row = {
            "id": entry_id,
            "job_id": job_id,
            "item_id": held.item_id,
            "project": project,
            "source": os.fsencode(held.source).hex(),
            "digest": digest or f"item {held.item_id}",
            "size": size,
            "has_copy": has_copy,
            "code": held.code,
            "reason": held.reason,
            "time": now(),
        }
        with self._database.transaction() as connection:
            known = connection.execute(
                "SELECT * FROM entries WHERE job_id = :job_id AND digest = :digest", row
            ).fetchone()
            if known is None:
                connection.execute(
                    f"INSERT INTO entries ({', '.join(row)})"  # noqa: S608 - our own names
                    f" VALUES ({', '.join(f':{name}' for name in row)})",
                    row,
                )
                return
            connection.execute(
                "UPDATE entries SET item_id = :item_id, source = :source WHERE entry = :entry",
                row | {"entry": known["entry"]},
            )
            decided = held.code in json.loads(known["filters"]) or known["state"] != "released"
            if not decided:  # it was released from another reason only
                connection.execute(
                    "UPDATE entries SET state = 'waiting', code = :code, reason = :reason,"
                    " time = :time WHERE entry = :entry",
                    row | {"entry": known["entry"]},
                )
        if known["state"] == "rejected" or self.copy_of(known["id"]).exists():
            shutil.rmtree(self.copy_of(entry_id).parent, ignore_errors=True)
        elif has_copy:
            self._replace(known["id"], entry_id)

    def _replace(self, known: str, new: str) -> None:
        """Let a copy that came again be that of a known entry."""
        folder = self.copy_of(known).parent
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(self.copy_of(new).parent, folder)
        with self._database.transaction() as connection:
            connection.execute("UPDATE entries SET has_copy = 1 WHERE id = ?", (known,))

    def _copied(self, source: Path, entry_id: str) -> tuple[str, int, int]:
        """Copy a file; returns its digest, its size, and whether there is a copy."""
        try:
            descriptor = os.open(source, os.O_RDONLY | _FLAGS)
        except OSError as error:
            log.warning("event=quarantine text=%r", error.strerror)
            return "", 0, 0
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                return "", 0, 0
            has_room = self._has_room(state.st_size)
            if not has_room:
                log.error("event=quarantine-full size=%d", state.st_size)
            digest = hashlib.sha256()
            path = self.copy_of(entry_id)
            try:
                with suppress(FileExistsError):
                    self.folder.mkdir(mode=0o700)
                if has_room:
                    path.parent.mkdir(mode=0o700)
                copy = os.open(
                    path if has_room else os.devnull, os.O_WRONLY | os.O_CREAT | _FLAGS, 0o600
                )
                with os.fdopen(copy, "wb") as out:
                    while piece := file.read(_PIECE):
                        digest.update(piece)
                        out.write(piece)
                    out.flush()
                    if has_room:
                        os.fsync(copy)
                if has_room:
                    sync_folder(path.parent)
                    sync_folder(self.folder)
            except OSError as error:
                shutil.rmtree(path.parent, ignore_errors=True)
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                log.error("event=quarantine-full size=%d", state.st_size)
                return "", state.st_size, 0
            return digest.hexdigest(), state.st_size, int(has_room)

    def _has_room(self, size: int) -> bool:
        [row] = self._database.rows(
            "SELECT coalesce(sum(size), 0) AS taken FROM entries"
            " WHERE has_copy AND state <> 'rejected'"
        )
        free = shutil.disk_usage(self.folder if self.folder.is_dir() else self.folder.parent).free
        return int(row["taken"] or 0) + size <= self._most_bytes and (
            size + self._spare_bytes <= free
        )

    def _waiting(self, ids: Sequence[str]) -> list[Row]:
        rows = self._database.rows(
            "SELECT * FROM entries WHERE state = 'waiting'"
            " AND id IN (SELECT value FROM json_each(:ids)) ORDER BY entry",
            {"ids": json.dumps(list(ids))},
        )
        absent = sorted(set(ids) - {str(row["id"]) for row in rows})
        if absent or not ids:
            what = f"Nothing with the id {absent[0][:40]} waits" if absent else "No id is given"
            raise UsageError(what, advice="See what does: anontui quarantine list")
        return rows

    def _decide(self, rows: Sequence[Row], state: State, who: str, note: str) -> None:
        at = now()
        with self._database.transaction() as connection:
            for row in rows:
                row |= {"state": state, "who": who, "note": note or None, "decided": at}
                decided: Mapping[str, object] = row
                if not connection.execute(
                    "UPDATE entries SET state = :state, who = :who, note = :note,"
                    " decided = :decided, filters = :filters, boxes = :boxes,"
                    " has_copy = has_copy AND :state <> 'rejected'"
                    " WHERE entry = :entry AND state = 'waiting'",
                    decided,
                ).rowcount:
                    raise UsageError(
                        f"Somebody else decided about {row['id']} just now",
                        advice="Look again: anontui quarantine list",
                    )


def _source(row: Row) -> str:
    return os.fsdecode(bytes.fromhex(str(row["source"])))
