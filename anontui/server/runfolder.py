"""The run folder of a job: its audit trail as text that a person can read.

``runs/<job id>/`` in the server's data folder has the files of dicom-pipeline's run folder.
They are written from the ledger when an attempt ends, and can be written again at any time;
``post_anon_output.txt``, ``hook_overview.txt`` and ``hook_log.txt`` come from the hook.

Only ``studies_to_retrieve.txt`` and the files about protocol series hold identity: original
StudyInstanceUIDs. All files are for their owner only, and name items by their numbers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from anontui.server import audit, items
from anontui.server.database import Database, Row
from anontui.server.hookmain import OUTPUT, OVERVIEW
from anontui.server.identities import Identities
from anontui.server.items import ItemStatus

REVIEWED = "reviewed_protocol_studies.txt"
"""In a project's folder: UIDs of studies that reviewers marked as having a protocol series."""
FOUND = "found_protocol_studies.txt"
MISSING = "missing_protocol_studies.txt"
STUDIES = "studies_to_retrieve.txt"
PROTOCOL = "screen"  # the code of files that are a patient protocol or the like
_AT_ONCE = 5000
_MOST_EVENTS = 1000
_MOST_TOLD = 1 << 20  # bytes of what a hook said


class RunFolder:
    """The audit trail of one job.

    Parameters
    ----------
    path
        The folder; made if it does not exist.
    database, identities
        The ledger, and who is who.
    """

    def __init__(self, path: Path, database: Database, identities: Identities) -> None:
        self.path = path
        self._database = database
        self._identities = identities

    def write(self, job: Row, reviewed: Path | None = None) -> None:
        """Write everything that the ledger knows of a job.

        Parameters
        ----------
        job
            Its row.
        reviewed
            A file with the studies that reviewers marked; it need not exist.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        job_id = int(job["job_id"] or 0)
        studies = self._originals(job, None)
        found = self._originals(job, PROTOCOL)
        self._write(STUDIES, studies)
        self._write("pull_output.txt", map(_pulled, self._items(job_id)))
        self._write("anonymize_output.txt", filter(None, map(_anonymized, self._items(job_id))))
        self._write("push_output.txt", filter(None, map(_pushed, self._items(job_id))))
        self._write(FOUND, found)
        marked = _marked(reviewed, {*studies, *found})
        if marked:
            self._write(REVIEWED, marked)
            self._write(MISSING, [study for study in marked if study not in found])
        self._write("overview.txt", self._overview(job, studies, found, marked))

    def hook_output(self) -> Row:
        """What the project's hook said: ``overview``, and ``output``, the text that it returned.

        A hook may look identities up, so both may name patients.
        """
        return {"overview": self._start_of(OVERVIEW), "output": self._start_of(OUTPUT)}

    def _start_of(self, name: str) -> str:
        try:
            with (self.path / name).open("rb") as file:
                return file.read(_MOST_TOLD).decode("utf-8", "replace")
        except OSError:
            return ""

    # --- what the files say

    def _overview(
        self, job: Row, studies: list[str], found: list[str], marked: list[str]
    ) -> Iterator[str]:
        job_id = int(job["job_id"] or 0)
        yield f"Job {job_id} of project {job['project_name']}, created at {job['date']}"
        if job.get("practice"):
            yield "A practice run: nothing is delivered"
        attempts = self._database.rows(
            "SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt", {"id": job_id}
        )
        for number, one in enumerate(attempts):
            outcome = f", {one['outcome']} at {one['ended']}" if one["ended"] else ""
            yield f"{'Restarted' if number else 'Starting'} at {one['started']}{outcome}"
        counts = items.counts(self._database, job_id)
        total = counts.total()
        yield f"Received {total} files containing {len(studies)} studies"
        for reason, count in items.left_out(self._database, job_id).most_common():
            yield f"{count} files were left out: {reason}"
        if held := counts[ItemStatus.QUARANTINED]:
            yield f"{held} files are held for review, see 'anontui quarantine list'"
        if found:
            yield f"{len(found)} studies found with protocol series, see '{FOUND}'"
        if marked:
            absent = sum(study not in found for study in marked)
            yield f"{len(marked)} studies marked as having a protocol series, {absent} not found"
        yield from self._hooks()
        yield f"{counts[ItemStatus.DONE]} files were delivered"
        yield f"Status {job['status']}" + (f": {job['error']}" if _has_text(job["error"]) else "")
        yield ""
        for row in audit.page(self._database, 0, _MOST_EVENTS, job_id):
            if row["what"] != "progress":
                yield f"{row['time']}  {row['what']} by {row['who']}"

    def _hooks(self) -> Iterator[str]:
        try:
            text = (self.path / OVERVIEW).read_text("utf-8", "replace")
        except OSError:
            return
        for line in text.splitlines():
            yield f"Hook: {line}"

    def _originals(self, job: Row, code: str | None) -> list[str]:
        rows = self._database.rows(
            "SELECT DISTINCT study FROM items WHERE job_id = :id AND study IS NOT NULL"
            " AND (:code IS NULL OR code = :code)",
            {"id": job["job_id"], "code": code},
        )
        new = [str(row["study"]) for row in rows]
        return self._identities.original_studies(str(job["project_name"]), new)

    def _items(self, job_id: int) -> Iterator[Row]:
        after = 0
        while rows := items.page(self._database, job_id, after, _AT_ONCE):
            yield from rows
            after = int(rows[-1]["item_id"] or 0)

    def _write(self, name: str, lines: Iterable[str]) -> None:
        handle, made = tempfile.mkstemp(prefix=f".{name}.", dir=self.path)  # of mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            os.replace(made, self.path / name)
        except BaseException:
            os.unlink(made)
            raise


def _pulled(row: Row) -> str:
    why = f"not taken: {row['reason']}" if row["code"] == "source" else f"{row['size']} bytes"
    return f"{row['item_id']}  {why}"


def _anonymized(row: Row) -> str:
    if row["code"] == "source":
        return ""
    why = f": {row['reason']} ({row['code']})" if row["reason"] else ""
    return f"{row['item_id']}  {row['status']}{why}"


def _pushed(row: Row) -> str:
    return f"{row['item_id']}  {row['target']}" if row["status"] == ItemStatus.DONE else ""


def _marked(path: Path | None, studies: set[str]) -> list[str]:
    """The studies of a job that reviewers marked."""
    try:
        lines = path.read_text("utf-8").splitlines() if path else []
    except (OSError, UnicodeDecodeError):
        return []
    return [study for study in dict.fromkeys(map(str.strip, lines)) if study in studies]


def _has_text(value: object) -> bool:
    return bool(str(value or "").strip())
