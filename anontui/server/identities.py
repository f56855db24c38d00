"""Who is who: originals and pseudonyms, in a file of their own that only its owner reads.

A row is written and synced **before** the file it is about is delivered: whatever happens,
a file at a destination can be traced back. Nothing in here goes into a log.

The file is not encrypted by us: the folder around it holds the key of the UIDs, pristine
files in quarantine and paths of sources, so that only an encrypted disk helps, and it helps
them all.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from anontui.deid.earlier import Earlier
from anontui.deid.pseudonym import Pseudonym
from anontui.errors import DeidError
from anontui.server.database import Database, Row
from anontui.server.templates import numbered
from anontui.server.users import now

ANY_PROJECT = ""
"""The project of what was imported for all of them."""

_OF = "(:projects IS NULL OR project IN (SELECT value FROM json_each(:projects)))"
_SELECT = """
    SELECT project, original_id, original_name, new_id, new_name, original_uid, new_uid,
        original_date, new_date, date_offset, original_accession, new_accession,
        (SELECT count(*) FROM series WHERE series.study = studies.study) AS series,
        (SELECT count(*) FROM instances JOIN series USING (series)
            WHERE series.study = studies.study) AS instances
    FROM patients LEFT JOIN studies USING (patient)
"""


@dataclass(frozen=True, repr=False)
class StudyFacts:
    """What only the headers tell of a study: before, and after de-identification.

    ``offset`` is how many days its dates moved, if they did.
    """

    patient_name: str = ""
    date: str = ""
    accession: str = ""
    new_patient_name: str = ""
    new_date: str = ""
    new_accession: str = ""
    offset: int | None = None


@dataclass(frozen=True, repr=False)
class Identity:
    """Who and what a file was, and is now.

    ``facts`` need not be there for each file of a study. Without a series it is of a study
    only: a file of it is held.
    """

    patient_id: str
    study: str
    series: str
    new_patient_id: str
    new_study: str
    new_series: str
    new_instance: str
    facts: StudyFacts | None = None


@dataclass(frozen=True, repr=False)
class Entry:
    """A line of somebody's index: a patient, a study (or another pair of UIDs), or both."""

    patient_id: str = ""
    new_patient_id: str = ""
    study: str = ""
    new_study: str = ""
    facts: StudyFacts = field(default_factory=StudyFacts)


@dataclass(frozen=True)
class Taken:
    """What an import did: new patients, and the numbers of entries that contradict the table."""

    patients: int
    values: int
    conflicts: tuple[int, ...]


class IdentitiesDatabase(Database):
    """``identities/identities.sqlite``: originals ↔ pseudonyms.

    A commit survives a killed server at once, and a power cut after :meth:`sync`, which
    costs a job one wait for the disk instead of one a chunk.
    """

    purpose = "the table of identities"
    migrations = (
        """
        CREATE TABLE patients (
            patient INTEGER PRIMARY KEY AUTOINCREMENT,
            project TEXT NOT NULL,
            original_id TEXT NOT NULL,
            original_name TEXT NOT NULL DEFAULT '',
            new_id TEXT NOT NULL,
            new_name TEXT NOT NULL DEFAULT '',
            created TEXT NOT NULL,
            UNIQUE (project, original_id, new_id)
        );
        CREATE INDEX patients_by_original ON patients (original_id);
        CREATE INDEX patients_by_new ON patients (new_id);
        CREATE TABLE studies (
            study INTEGER PRIMARY KEY AUTOINCREMENT,
            patient INTEGER NOT NULL REFERENCES patients (patient),
            original_uid TEXT NOT NULL,
            new_uid TEXT NOT NULL,
            original_date TEXT NOT NULL DEFAULT '',
            new_date TEXT NOT NULL DEFAULT '',
            date_offset INTEGER,
            original_accession TEXT NOT NULL DEFAULT '',
            new_accession TEXT NOT NULL DEFAULT '',
            UNIQUE (patient, original_uid, new_uid)
        );
        CREATE INDEX studies_by_new ON studies (new_uid);
        CREATE TABLE series (
            series INTEGER PRIMARY KEY AUTOINCREMENT,
            study INTEGER NOT NULL REFERENCES studies (study),
            original_uid TEXT NOT NULL,
            new_uid TEXT NOT NULL,
            UNIQUE (study, original_uid, new_uid)
        );
        CREATE TABLE instances (
            series INTEGER NOT NULL REFERENCES series (series),
            digest INTEGER NOT NULL,
            PRIMARY KEY (series, digest)
        ) WITHOUT ROWID;
        CREATE TABLE numbers (template TEXT PRIMARY KEY, last INTEGER NOT NULL);
        CREATE TABLE earlier (
            kind TEXT NOT NULL CHECK (kind IN ('uid', 'accession', 'offset')),
            original TEXT NOT NULL,
            new TEXT NOT NULL,
            PRIMARY KEY (kind, original)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX studies_by_original ON studies (original_uid)",
    )

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._log = path.with_name(f"{path.name}-wal")

    def sync(self) -> None:
        """Wait until all that was committed is on the disk.

        Raises
        ------
        OSError
            If it cannot be.
        """
        with suppress(FileNotFoundError):  # then nothing was written
            handle = os.open(self._log, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


class _NotKept(Exception):
    """Rolls a transaction back."""


class Identities:
    """The table; safe to use from many threads and processes."""

    def __init__(self, database: IdentitiesDatabase) -> None:
        self._database = database

    def record(self, project: str, files: Iterable[Identity]) -> None:
        """Add what files were and are; recording one again changes nothing.

        Raises
        ------
        sqlite3.Error
            If it cannot be written: then no file may be delivered.
        """
        with self._database.transaction() as connection:
            writer = _Writer(connection, project)
            for one in files:
                writer.add(one)

    def sync(self) -> None:
        """Have what was recorded survive a power cut; before anything is delivered.

        Raises
        ------
        OSError
            If it cannot: then no file may be delivered.
        """
        self._database.sync()

    def allocate(
        self, project: str, template: str, patient_ids: Sequence[str], *, keep: bool = True
    ) -> dict[str, Pseudonym]:
        """Return the pseudonyms of patients, new ones in the order given.

        A patient who has one in this project, or imported for all, keeps it. A number is
        never given twice, nor one whose pseudonym anybody has already.

        Parameters
        ----------
        project
            Whose patients they are.
        template
            A text with ``{n}`` or ``{n:06d}``; see :mod:`anontui.server.templates`.
        patient_ids
            Original Patient IDs, none of them empty.
        keep
            False looks what they would become, and gives out nothing (a practice run).
        """
        found: dict[str, Pseudonym] = {}
        with suppress(_NotKept), self._database.transaction() as connection:
            for patient_id in dict.fromkeys(patient_ids):
                known = _known(connection, project, patient_id)
                if known is None:
                    name = _next(connection, template)
                    _Writer(connection, project).patient(patient_id, name)
                    known = (name, "")
                found[patient_id] = Pseudonym(known[0], known[1] or known[0])
            if not keep:
                raise _NotKept
        return found

    def find(self, text: str) -> list[Row]:
        """Return the patients and studies that a text names, by anything original or new.

        Upper and lower case are alike, and ``*`` stands for any characters. The caller puts
        the look-up into the audit.
        """
        pattern = re.sub(r"([\\%_])", r"\\\1", text).replace("*", "%")
        named = " OR ".join(
            f"{column} LIKE :text ESCAPE '\\'"
            for column in (
                "original_id", "original_name", "new_id", "new_name", "original_uid", "new_uid",
                "original_accession", "new_accession",
            )
        )  # fmt: skip
        inner = (
            "EXISTS (SELECT 1 FROM series WHERE series.study = studies.study"
            " AND (series.original_uid LIKE :text ESCAPE '\\'"
            " OR series.new_uid LIKE :text ESCAPE '\\'))"
        )
        rows = self._rows(f"WHERE {named} OR {inner}", {"text": pattern})
        rows += self._database.rows(
            "SELECT kind, original, new FROM earlier WHERE kind <> 'offset' AND"
            " (original LIKE :text ESCAPE '\\' OR new LIKE :text ESCAPE '\\')"
            " AND original NOT IN (SELECT original_uid FROM studies)"
            " AND original NOT IN (SELECT original_accession FROM studies)",
            {"text": pattern},
        )
        return rows

    def all(self) -> list[Row]:
        """Return every patient with every study, in the order in which they came."""
        return self._rows("", {})

    def original_studies(self, project: str, new: Iterable[str]) -> list[str]:
        """Return the original StudyInstanceUIDs of new ones, each once."""
        rows = self._database.rows(
            "SELECT DISTINCT original_uid FROM studies JOIN patients USING (patient)"
            " WHERE project = :project AND new_uid IN (SELECT value FROM json_each(:new))"
            " ORDER BY study",
            {"project": project, "new": json.dumps(list(new))},
        )
        return [str(row["original_uid"]) for row in rows]

    def new_studies(self, new_patient: str) -> list[tuple[str, str]]:
        """The projects and new StudyInstanceUIDs that a pseudonym has."""
        rows = self._database.rows(
            "SELECT DISTINCT project, new_uid FROM studies JOIN patients USING (patient)"
            " WHERE new_id = :new ORDER BY study",
            {"new": new_patient},
        )
        return [(str(row["project"]), str(row["new_uid"])) for row in rows]

    def imported(
        self, studies: Iterable[str], projects: frozenset[str] | None = None
    ) -> dict[str, int]:
        """How many instances of original studies there are, of some projects or of all."""
        rows = self._database.rows(
            "SELECT studies.original_uid AS uid, count(*) AS n FROM studies"  # noqa: S608 - constants
            " JOIN patients USING (patient) JOIN series USING (study)"
            " JOIN instances USING (series)"
            f" WHERE studies.original_uid IN (SELECT value FROM json_each(:studies)) AND {_OF}"
            " GROUP BY uid, patients.project",
            {"studies": json.dumps(list(studies)), "projects": _list(projects)},
        )
        found: dict[str, int] = {}
        for row in rows:  # a study may be in several projects
            uid = str(row["uid"])
            found[uid] = max(found.get(uid, 0), int(row["n"] or 0))
        return found

    def totals(self, projects: frozenset[str] | None = None) -> dict[str, int]:
        """How many patients, studies, series and instances there are."""
        counts = ", ".join(
            f"(SELECT count(*) FROM {' JOIN '.join(tables)} WHERE {_OF}) AS {tables[0]}"  # noqa: S608 - constants
            for tables in (
                ("patients",),
                ("studies", "patients USING (patient)"),
                ("series", "studies USING (study)", "patients USING (patient)"),
                (
                    "instances",
                    "series USING (series)",
                    "studies USING (study)",
                    "patients USING (patient)",
                ),
            )
        )
        [row] = self._database.rows(f"SELECT {counts}", {"projects": _list(projects)})
        return {name: int(value or 0) for name, value in row.items()}

    def take(self, entries: Iterable[Entry], project: str = ANY_PROJECT) -> Taken:
        """Add an index from elsewhere, so that its pseudonyms go on being used.

        What contradicts the table or an earlier entry, or cannot stand in a file, is left
        out: nothing that was given out changes. Taking the same index again adds nothing.
        """
        with self._database.transaction() as connection:
            writer = _Writer(connection, project)
            conflicts = tuple(
                number for number, entry in enumerate(entries, 1) if not writer.take(entry)
            )
        return Taken(writer.patients, writer.values, conflicts)

    def earlier(self) -> Earlier:
        """Return the values that were given out before, by another program."""
        values: dict[str, dict[str, str]] = {"uid": {}, "accession": {}, "offset": {}}
        for row in self._database.rows("SELECT * FROM earlier"):
            values[str(row["kind"])][str(row["original"])] = str(row["new"])
        offsets = {patient: int(days) for patient, days in values["offset"].items()}
        return Earlier(values["uid"], values["accession"], offsets)

    def _rows(self, where: str, values: Row) -> list[Row]:
        return self._database.rows(f"{_SELECT} {where} ORDER BY patient, study", values)


def _list(projects: frozenset[str] | None) -> str | None:
    return None if projects is None else json.dumps(sorted(projects))


def _is_valid(entry: Entry, values: Iterable[tuple[str, str, str]]) -> bool:
    """Whether what is new in an entry can stand in a file."""
    try:
        if entry.new_patient_id:
            Pseudonym(entry.new_patient_id, entry.facts.new_patient_name)
    except DeidError:
        return False
    forms = {"uid": r"[0-9.]{1,64}", "accession": r"[ -\[\]-~]{1,16}", "offset": r"-?[0-9]+"}
    return all(re.fullmatch(forms[kind], new) for kind, _, new in values)


def _known(connection: sqlite3.Connection, project: str, patient_id: str) -> tuple[str, str] | None:
    row = connection.execute(
        "SELECT new_id, new_name FROM patients WHERE original_id = ? AND project IN (?, ?)"
        " ORDER BY project = ?, patient LIMIT 1",
        (patient_id, project, ANY_PROJECT, ANY_PROJECT),
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else None


def _next(connection: sqlite3.Connection, template: str) -> str:
    row = connection.execute("SELECT last FROM numbers WHERE template = ?", (template,)).fetchone()
    number = row[0] if row else 0
    taken = True
    while taken:
        number += 1
        name = numbered(template, number)
        sql = "SELECT 1 FROM patients WHERE new_id = ? LIMIT 1"
        taken = connection.execute(sql, (name,)).fetchone() is not None
    connection.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (template, number))
    return name


class _Writer:
    """Adds rows in an open transaction, remembering those of this transaction."""

    def __init__(self, connection: sqlite3.Connection, project: str) -> None:
        self._connection = connection
        self._project = project
        self._seen: dict[tuple[object, ...], int] = {}
        self.patients = 0
        self.values = 0

    def add(self, one: Identity) -> None:
        patient = self.patient(one.patient_id, one.new_patient_id)
        study = self._row("studies", "study", patient=patient, original_uid=one.study,
                          new_uid=one.new_study)  # fmt: skip
        if one.facts is not None:
            self._facts(patient, study, one.facts)
        if not one.series:
            return
        series = self._row("series", "series", study=study, original_uid=one.series,
                           new_uid=one.new_series)  # fmt: skip
        digest = int.from_bytes(sha256(one.new_instance.encode()).digest()[:8], "big", signed=True)
        self._connection.execute("INSERT OR IGNORE INTO instances VALUES (?, ?)", (series, digest))

    def patient(self, original: str, new: str) -> int:
        return self._row("patients", "patient", project=self._project, original_id=original,
                         new_id=new, created=None)  # fmt: skip

    def take(self, entry: Entry) -> bool:
        """Add an entry, unless it contradicts what is there; returns whether it did not."""
        facts = entry.facts
        values: list[tuple[str, str, str]] = []
        if entry.study and entry.new_study:
            values.append(("uid", entry.study, entry.new_study))
        if facts.accession and facts.new_accession:
            values.append(("accession", facts.accession, facts.new_accession))
        if entry.patient_id and facts.offset is not None:
            values.append(("offset", entry.patient_id, str(facts.offset)))
        if not (_is_valid(entry, values) and self._fits(entry, values)):
            return False
        for value in values:
            sql = "INSERT OR IGNORE INTO earlier (kind, original, new) VALUES (?, ?, ?)"
            self.values += self._connection.execute(sql, value).rowcount
        if entry.patient_id and entry.new_patient_id:
            patient = self.patient(entry.patient_id, entry.new_patient_id)
            study = 0
            if entry.study and entry.new_study:
                study = self._row("studies", "study", patient=patient, original_uid=entry.study,
                                  new_uid=entry.new_study)  # fmt: skip
            self._facts(patient, study, facts)
        return True

    def _fits(self, entry: Entry, values: Iterable[tuple[str, str, str]]) -> bool:
        connection = self._connection
        if entry.patient_id and entry.new_patient_id:
            known = _known(connection, self._project, entry.patient_id)
            if known is not None and known[0] != entry.new_patient_id:
                return False
            others = connection.execute(
                "SELECT 1 FROM patients WHERE new_id = ? AND original_id <> ? LIMIT 1",
                (entry.new_patient_id, entry.patient_id),
            )
            if others.fetchone():
                return False
        for kind, original, new in values:
            sql = "SELECT new FROM earlier WHERE kind = ? AND original = ?"
            row = connection.execute(sql, (kind, original)).fetchone()
            if row is not None and row[0] != new:
                return False
        return True

    def _row(self, table: str, key: str, **values: str | int | None) -> int:
        """The key of the row with these values; made if there is none."""
        names = (table, *values.values())
        if names not in self._seen:
            given = {name: value for name, value in values.items() if name != "created"}
            where = " AND ".join(f"{name} = :{name}" for name in given)
            select = f"SELECT {key} FROM {table} WHERE {where}"  # noqa: S608 - our own names
            row = self._connection.execute(select, given).fetchone()
            if row is None:
                new = values | ({"created": now()} if "created" in values else {})
                columns = ", ".join(new)
                marks = ", ".join(f":{name}" for name in new)
                insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - the same
                row = (self._connection.execute(insert, new).lastrowid,)
                self.patients += table == "patients"
            self._seen[names] = int(row[0] or 0)
        return self._seen[names]

    def _facts(self, patient: int, study: int, facts: StudyFacts) -> None:
        """Fill in what is not known yet."""
        self._connection.execute(
            "UPDATE patients SET original_name = coalesce(nullif(original_name, ''), ?),"
            " new_name = coalesce(nullif(new_name, ''), ?) WHERE patient = ?",
            (facts.patient_name, facts.new_patient_name, patient),
        )
        self._connection.execute(
            "UPDATE studies SET original_date = coalesce(nullif(original_date, ''), ?),"
            " new_date = coalesce(nullif(new_date, ''), ?),"
            " date_offset = coalesce(date_offset, ?),"
            " original_accession = coalesce(nullif(original_accession, ''), ?),"
            " new_accession = coalesce(nullif(new_accession, ''), ?) WHERE study = ?",
            (facts.date, facts.new_date, facts.offset, facts.accession, facts.new_accession, study),
        )
