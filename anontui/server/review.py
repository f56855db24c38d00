"""What only people with a reason may do: look identities up, decide about held files.

Every use is in the audit, written before anything is shown; without who was looked for.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import astuple, dataclass
from importlib.util import find_spec

from anontui.deid.pixels.view import View
from anontui.deid.rules.pixelrules import Box
from anontui.errors import CallRefused, CannotStart, UsageError
from anontui.idis.model import JobStatus
from anontui.server import audit, items
from anontui.server.database import Database, Row
from anontui.server.folder import DataFolder
from anontui.server.identities import Entry, Identities, IdentitiesDatabase, Taken
from anontui.server.quarantine import Quarantine, QuarantineDatabase
from anontui.server.runfolder import RunFolder
from anontui.server.store import close_attempt, row_of

_LONGEST_TEXT = 1000
_MASKING = ("numpy", "imagecodecs", "jpeg_ls")
_MOST_TOLD = 50  # pseudonyms or entries in one row of the audit


@dataclass(frozen=True)
class Released:
    """What a release did: the entries, and the jobs that go on (the others wait for a reset)."""

    entries: list[Row]
    jobs: frozenset[int]


class Review:
    """The privileged functions, over the ledger, the identities and the quarantine.

    Parameters
    ----------
    folder
        The server's data.
    database
        The ledger.
    identities, quarantine
        Their tables.
    """

    def __init__(
        self,
        folder: DataFolder,
        database: Database,
        identities: Identities,
        quarantine: Quarantine,
    ) -> None:
        self.folder = folder
        self.database = database
        self.identities = identities
        self.quarantine = quarantine

    @classmethod
    @contextmanager
    def of(cls, folder: DataFolder, database: Database | None = None) -> Iterator[Review]:
        """Open what a data folder has, made if it is not there; a server may run on it.

        Raises
        ------
        CannotStart
            If it cannot be used.
        """
        with ExitStack() as at_end:
            if database is None:
                folder.make()
                database = at_end.enter_context(closing(folder.database()))
            for name in ("identities", "quarantine", "runs"):
                try:
                    (folder.path / name).mkdir(mode=0o700, exist_ok=True)
                except OSError as error:
                    raise CannotStart(
                        f"The data folder {folder.path} cannot be written",
                        cause=error.strerror or "",
                        advice="Choose another one with --data.",
                    ) from error
            identities = IdentitiesDatabase(folder.path / "identities" / "identities.sqlite")
            at_end.callback(identities.close)
            held = folder.path / "quarantine"
            quarantine = QuarantineDatabase(held / "quarantine.sqlite")
            at_end.callback(quarantine.close)
            yield cls(folder, database, Identities(identities), Quarantine(held, quarantine))

    # --- for the server's own use

    def job(self, job_id: int) -> Row | None:
        """Return everything known of one job."""
        rows = self.database.rows("SELECT * FROM jobs WHERE job_id = :id", {"id": job_id})
        return rows[0] if rows else None

    def held_items(self, job_id: int) -> list[tuple[items.Held, str, str]]:
        """The items of a job that are held, each with code and reason."""
        return items.quarantined(self.database, job_id)

    def run_folder(self, job_id: int) -> RunFolder:
        """The run folder of a job."""
        return RunFolder(self.folder.path / "runs" / str(job_id), self.database, self.identities)

    # --- identities

    def find(self, text: str, who: str) -> list[Row]:
        """Look somebody up by anything original or new.

        Raises
        ------
        UsageError
            If nothing is asked for, or too much.
        """
        if not text.strip(" *") or len(text) > _LONGEST_TEXT:
            raise UsageError("Nobody is asked for", advice="Give an id, a name or a pseudonym.")
        found = self.identities.find(text)
        self._record(who, "looked up", found=len(found), pseudonyms=_pseudonyms(found))
        return found

    def export(self, who: str) -> list[Row]:
        """Everybody."""
        rows = self.identities.all()
        self._record(who, "exported identities", rows=len(rows))
        return rows

    def take(self, entries: Iterable[Entry], project: str, who: str) -> Taken:
        """Add an index from elsewhere."""
        taken = self.identities.take(entries, project)
        conflicts = len(taken.conflicts)
        self._record(
            who,
            "imported identities",
            project=project,
            patients=taken.patients,
            values=taken.values,
            conflicts=conflicts,
        )
        return taken

    # --- quarantine

    def view(self, entry_id: str, frame: int, most: int, who: str) -> View:
        """The picture of a frame of a held file; see :class:`~anontui.deid.pixels.viewer.Viewer`.

        Raises
        ------
        UsageError
            If there is no such entry, or its copy is gone.
        DeidError
            If it cannot be shown.
        """
        from anontui.deid.pixels.viewer import Viewer

        rows = self.quarantine.entries([entry_id])
        copy = self.quarantine.copy_of(entry_id) if rows else None
        if copy is None or not copy.exists():
            raise UsageError(
                "There is no copy of this file to look at",
                advice="It is decided on, or there was no room for a copy: look at its source.",
            )
        job_id = int(rows[0]["job_id"] or 0)
        self._record(who, "looked at held file", job_id, entry=entry_id, frame=frame)
        with Viewer(copy) as viewer:
            return viewer.look(frame, most)

    def release(
        self,
        ids: Sequence[str],
        who: str,
        note: str = "",
        *,
        again: bool = False,
        boxes: Sequence[Box] = (),
    ) -> Released:
        """Have held files done again in their jobs; see :meth:`Quarantine.release`.

        Raises
        ------
        UsageError
            If it cannot be done; of boxes also if what blacks them out is not installed.
        """
        if boxes and not all(map(find_spec, _MASKING)):
            raise UsageError(
                "This server cannot black anything out, because it lacks the decoders",
                advice="Install them on its machine: pip install 'anontui[pixels]'",
            )
        entries = self.quarantine.release(ids, who, note, again=again, boxes=boxes)
        jobs: dict[int, dict[int, str]] = {}
        for entry in entries:
            sources = jobs.setdefault(int(entry["job_id"] or 0), {})
            sources[int(entry["item_id"] or 0)] = str(entry["source"])
        how = "judged again" if again else "as it is"
        drawn = {"boxes": [astuple(box) for box in boxes]} if boxes else {}
        going_on = set()
        for job_id, sources in jobs.items():
            told = [str(entry["id"]) for entry in entries if entry["job_id"] == job_id]
            told = told[:_MOST_TOLD]
            if self._redo(job_id, sources, who, entries=told, how=how, note=note, **drawn):
                going_on.add(job_id)
        return Released(entries, frozenset(going_on))

    def reject(self, ids: Sequence[str], who: str, note: str = "") -> list[Row]:
        """Have held files stay out; see :meth:`Quarantine.reject`."""
        entries = self.quarantine.reject(ids, who, note)
        for entry in entries:
            self._record(who, "rejected", int(entry["job_id"] or 0), entry=entry["id"], note=note)
        return entries

    def discard(self, job_id: int | None = None) -> None:
        """Delete copies of released files that are delivered: of one job, or of all."""
        done = self.database.rows(
            "SELECT item_id FROM items WHERE status = 'done'"
            " AND item_id IN (SELECT value FROM json_each(:ids))",
            {"ids": json.dumps(self.quarantine.released(job_id))},
        )
        if done:
            self.quarantine.discard(int(row["item_id"] or 0) for row in done)

    def _redo(self, job_id: int, sources: Mapping[int, str], who: str, **details: object) -> bool:
        """Put items of a job back in the queue; False if a reset must do it."""
        with self.database.transaction() as connection:
            try:
                job = row_of(connection, job_id)
            except CallRefused:
                return False
            waiting = connection.executemany(
                "UPDATE items SET status = 'waiting', owner = NULL, losses = 0, code = NULL,"
                " reason = NULL, ended = NULL, source = ?"
                " WHERE item_id = ? AND job_id = ? AND status = 'quarantined'",
                [(os.fsencode(source), item, job_id) for item, source in sources.items()],
            ).rowcount
            goes_on = waiting > 0 and job["status"] != JobStatus.INACTIVE
            if goes_on:
                close_attempt(connection, job, "released")
                connection.execute(
                    "UPDATE items SET status = 'waiting', owner = NULL"
                    " WHERE job_id = ? AND status = 'running'",
                    (job_id,),
                )
                # as when an attempt was interrupted: the next one goes on with what waits
                connection.execute(
                    "UPDATE jobs SET status = 'ACTIVE', stage = 'deidentify', owner = NULL,"
                    " attempt = attempt + 1, retries = 0, error = ' ' WHERE job_id = ?",
                    (job_id,),
                )
            status = {"status": JobStatus.ACTIVE} if goes_on else {}
            audit.record(connection, who, "released", job_id, **details, **status)
            return goes_on

    def _record(self, who: str, what: str, job_id: int | None = None, **details: object) -> None:
        with self.database.transaction() as connection:
            audit.record(connection, who, what, job_id, **details)


def who_types() -> str:
    """Who uses the command line, for the audit."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError, ImportError):
        return "command line"


def _pseudonyms(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["new_id"]) for row in rows if "new_id" in row))[:_MOST_TOLD]
