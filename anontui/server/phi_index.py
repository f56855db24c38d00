"""Indexes of identities as files: ours and those of other de-identification programs.

Read are the PHI index of RSNA's DICOM Anonymizer (CSV, which is also what is written), the
index of its Java predecessor (xlsx), and the ``identity.db`` of dicom-pipeline. All of it
is identity: these files belong where nobody else reads them.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from anontui.errors import ProjectError
from anontui.server.database import Row
from anontui.server.identities import Entry, StudyFacts

COLUMNS = (
    "ANON-PatientID",
    "ANON-PatientName",
    "PHI-PatientName",
    "PHI-PatientID",
    "DateOffset",
    "PHI-StudyDate",
    "ANON-Accession",
    "PHI-Accession",
    "ANON-StudyInstanceUID",
    "PHI-StudyInstanceUID",
    "Number of Series",
    "Number of Instances",
)
"""The twelve of RSNA's PHI index, in its order."""
NEEDED = ("ANON-PatientID", "PHI-PatientID")
BIGGEST = 256 << 20  # bytes, also of what a spreadsheet unpacks to
_LONGEST_OFFSET = 36525  # days

# dicom-anon named its tables after attributes, and later versions more shortly
_PATIENTS = ("patient", "patientid", "patientsid")
_ACCESSIONS = ("accession_no", "accessionnumber")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def write_csv(rows: Iterable[Row]) -> bytes:
    """Return the table of identities as RSNA's PHI index.

    A text that a spreadsheet would take for a formula gets an apostrophe, which
    :func:`read_index` takes away again.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        values = (
            row["new_id"],
            row["new_name"] or row["new_id"],
            row["original_name"],
            row["original_id"],
            row["date_offset"],
            row["original_date"],
            row["new_accession"],
            row["original_accession"],
            row["new_uid"],
            row["original_uid"],
            row["series"],
            row["instances"],
        )
        writer.writerow([_guarded(value) if isinstance(value, str) else value for value in values])
    return text.getvalue().encode()


def read_index(path: Path) -> list[Entry]:
    """Read an index; its content tells which kind it is.

    Raises
    ------
    ProjectError
        If it cannot be read, or is none that we know.
    """
    try:
        if path.stat().st_size > BIGGEST:
            raise _unreadable("it is too large")
        with path.open("rb") as file:
            start = file.read(16)
        if start == b"SQLite format 3\0":
            return list(_identity_db(path))
        if start.startswith(b"PK\x03\x04"):
            return list(_table(_sheet(path)))
        with path.open(encoding="utf-8-sig", newline="") as text:
            return list(_table(csv.reader(text)))
    except OSError as error:
        raise _unreadable(error.strerror or type(error).__name__) from error
    except UnicodeDecodeError:
        raise _unreadable("it is not UTF-8") from None
    except (csv.Error, sqlite3.Error) as error:
        raise _unreadable(type(error).__name__) from None


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _plain(value: object) -> str:
    text = "" if value is None else str(value)
    return (text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text).strip()


def _table(rows: Iterator[Sequence[object]]) -> Iterator[Entry]:
    # the Java program's names differ by a letter from one version to the next
    names = [_plain(cell).replace("_", "-") for cell in next(rows, [])]
    if absent := [name for name in NEEDED if name not in names]:
        raise _unreadable(f"its first line names no column {absent[0]}")
    for row in rows:
        cells = dict(zip(names, map(_plain, row), strict=False))
        if not any(cells.values()):
            continue
        offset = cells.get("DateOffset", "")
        days = int(offset) if re.fullmatch(r"[+-]?[0-9]{1,5}", offset) else None
        yield Entry(
            cells.get("PHI-PatientID", ""),
            cells.get("ANON-PatientID", ""),
            cells.get("PHI-StudyInstanceUID", ""),
            cells.get("ANON-StudyInstanceUID", ""),
            StudyFacts(
                cells.get("PHI-PatientName", ""),
                cells.get("PHI-StudyDate", ""),
                cells.get("PHI-Accession", ""),
                cells.get("ANON-PatientName", ""),
                cells.get("ANON-StudyDate", ""),
                cells.get("ANON-Accession", ""),
                days if days is not None and abs(days) <= _LONGEST_OFFSET else None,
            ),
        )


def _sheet(path: Path) -> Iterator[Sequence[object]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(one.file_size for one in archive.infolist()) > BIGGEST:
                raise _unreadable("it is too large")
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            sheet = book.worksheets[0]
            yield from sheet.iter_rows(values_only=True)
    except ProjectError:
        raise
    except Exception as error:  # noqa: BLE001 - on hostile bytes openpyxl may raise anything
        raise _unreadable(f"its spreadsheet is broken: {type(error).__name__}") from None


def _identity_db(path: Path) -> Iterator[Entry]:
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {
            name: list(_pairs(connection, name))
            for (name,) in found.fetchall()
            if re.fullmatch(r"\w+", name) and _has_pairs(connection, name)
        }
    uids = [name for name in tables if name.endswith("uid")]
    if not tables.keys() & {*_PATIENTS, *_ACCESSIONS, *uids}:
        raise _unreadable("it has no table of patients, accession numbers or studies")
    for name, pairs in tables.items():
        for original, new in pairs:
            if name in _PATIENTS:
                yield Entry(original, new)
            elif name in _ACCESSIONS:
                yield Entry(facts=StudyFacts(accession=original, new_accession=new))
            elif name in uids:
                yield Entry(study=original, new_study=new)


def _has_pairs(connection: sqlite3.Connection, table: str) -> bool:
    columns = {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}")')}
    return {"original", "cleaned"} <= columns


def _pairs(connection: sqlite3.Connection, table: str) -> Iterator[tuple[str, str]]:
    select = f'SELECT original, cleaned FROM "{table}" ORDER BY rowid'  # noqa: S608 - only \w
    for original, new in connection.execute(select):
        if original not in (None, "") and new not in (None, ""):
            yield str(original).strip(), str(new).strip()


def _unreadable(cause: str) -> ProjectError:
    return ProjectError(
        "This index of identities cannot be read",
        cause=cause,
        advice="Give RSNA's PHI index (csv), its Java index (xlsx), or an identity.db.",
    )
