"""What became of each file of a run, in a database that only this process sees.

It lies in a temporary file without a name, so that a run over millions of files needs no more
memory than one over ten.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from anontui.deid.refusal import Reason


class Row(NamedTuple):
    """What became of one file.

    ``path`` and ``output`` (empty if there is none) are the bytes of paths relative to input
    and output. What begins with ``old`` is identity, and so may the paths be; ``cleaned`` is
    what is left of cleaned texts, in JSON.
    """

    path: bytes
    status: str
    code: str = ""
    reason: str = ""
    output: bytes = b""
    patient: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    old_patient: str = ""
    old_study: str = ""
    cleaned: str = ""


class Batch(NamedTuple):
    """What a worker has done since it last told: files, elements by action, UIDs old and new."""

    rows: list[Row]
    counts: Counter[str]
    uids: list[tuple[str, str]]


_COLUMNS = ", ".join(f"{name} NOT NULL" for name in Row._fields)
_MARKS = ", ".join("?" * len(Row._fields))


class Records:
    """The rows of one run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        # no name: SQLite keeps it in a private file that is gone when it is closed
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; CREATE TABLE files ({_COLUMNS});"
            "CREATE TABLE uids (old PRIMARY KEY, new) WITHOUT ROWID;"
        )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, batch: Batch) -> None:
        """Take in what a worker has done."""
        self.counts.update(batch.counts)
        self._database.execute("BEGIN")
        # S608: the only text in the statement is our own column marks
        self._database.executemany(f"INSERT INTO files VALUES ({_MARKS})", batch.rows)  # noqa: S608 - marks only
        self._database.executemany("INSERT OR IGNORE INTO uids VALUES (?, ?)", batch.uids)
        self._database.execute("COMMIT")

    def conflicts(self, *, studies: bool) -> Iterator[set[bytes]]:
        """Turn what files contradict each other about into reasons not to deliver them.

        Parameters
        ----------
        studies
            Whether studies with several patients are such.

        Yields
        ------
        set of bytes
            Outputs to be taken back: those, and what one of several sources became that would
            be different files of one name.
        """
        if studies:
            yield self._take_back(
                "status = 'done' AND old_study IN (SELECT old_study FROM files "
                "WHERE status = 'done' AND old_study <> '' "
                "GROUP BY old_study HAVING count(DISTINCT old_patient) > 1)",
                Reason.PATIENT_CONFLICT,
            )
        yield self._take_back(
            "status = 'done' AND output IN (SELECT output FROM files WHERE code = 'target_exists')",
            Reason.TARGET_EXISTS,
        )

    def _take_back(self, which: str, reason: Reason) -> set[bytes]:
        found = self._database.execute(f"SELECT output FROM files WHERE {which}")  # noqa: S608 - names of ours
        outputs = {output for (output,) in found}
        empty = ", ".join(f"{name} = ''" for name in ("patient", "study", "series", "instance"))
        self._database.execute(
            f"UPDATE files SET status = ?, code = ?, reason = ?, cleaned = '', {empty} "  # noqa: S608 - names of ours
            f"WHERE {which}",
            (reason.status, reason.value, reason.words),
        )
        return outputs

    def rows(self) -> Iterator[Row]:
        """Every file, sorted by path."""
        cursor = self._database.execute("SELECT * FROM files ORDER BY path")
        return map(Row._make, cursor)

    def outputs(self) -> Iterator[str]:
        """The paths of all results, relative to the output."""
        cursor = self._database.execute(
            "SELECT DISTINCT output FROM files WHERE status = 'done' ORDER BY output"
        )
        return (os.fsdecode(output) for (output,) in cursor)

    def totals(self) -> list[tuple[str, str, int]]:
        """Status, reason's code (empty when done) and number of files, done first."""
        cursor = self._database.execute(
            "SELECT status, code, count(*) FROM files GROUP BY status, code "
            "ORDER BY status, count(*) DESC, code"
        )
        return list(cursor)

    def studies_without_patient(self) -> int:
        """How many studies were delivered whose files have no Patient ID."""
        cursor = self._database.execute(
            "SELECT count(DISTINCT old_study) FROM files WHERE status = 'done' AND old_patient = ''"
        )
        return int(cursor.fetchone()[0])

    def patients(self) -> Iterable[tuple[str, str]]:
        """Old and new Patient IDs."""
        return self._database.execute(
            "SELECT DISTINCT old_patient, patient FROM files "
            "WHERE status = 'done' AND old_patient <> '' ORDER BY 1"
        )

    def uids(self) -> Iterable[tuple[str, str]]:
        """Old and new UIDs."""
        return self._database.execute("SELECT old, new FROM uids ORDER BY 1")
