"""Lists of studies, as people bring them: StudyInstanceUIDs or accession numbers, and remarks.

A ``.txt``, ``.csv`` or ``.xlsx`` file. Where its first row that is no comment names columns
(``study instance uid``, ``accession number``, ``pseudonym``, ``comment``, ``protocol series``)
those count, else the first column does. Rows that start with ``#`` are comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import ProjectError
from anontui.project import files
from anontui.project.dialect import DELIMITERS, decode, lines_of, read_fields
from anontui.project.spreadsheet import SheetRow, read_sheet
from anontui.project.table import split_records

_TEXT_LIMIT = 64 * 1024 * 1024
_MOST = 100_000
_STUDY, _ACCESSION = "study", "accession"
_PSEUDONYM, _COMMENT, _PROTOCOL = "pseudonym", "comment", "protocol"
_HEADERS = {
    "studyinstanceuid": _STUDY,
    "studyuid": _STUDY,
    "study": _STUDY,
    "uid": _STUDY,
    "accessionnumber": _ACCESSION,
    "accession": _ACCESSION,
    "accnr": _ACCESSION,
    "pseudonym": _PSEUDONYM,
    "pseudoid": _PSEUDONYM,
    "comment": _COMMENT,
    "comments": _COMMENT,
    "remark": _COMMENT,
    "protocol": _PROTOCOL,
    "protocolseries": _PROTOCOL,
    "hasprotocolseries": _PROTOCOL,
    "hasprotocol": _PROTOCOL,
}
_UID = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)+")
_NO = frozenset({"", "0", "no", "n", "false", "-", "nee", "none"})
_PREFIXES = {"study_instance_uid:": _STUDY, "accession_number:": _ACCESSION}


@dataclass(frozen=True, slots=True, repr=False)
class ListedStudy:
    """A study of a list: ``row`` from 1, and its UID or its accession number.

    ``protocol`` is true if a reviewer marked it as having a protocol series.
    """

    row: int
    study: str = ""
    accession: str = ""
    pseudonym: str = ""
    comment: str = ""
    protocol: bool = False


@dataclass(frozen=True, repr=False)
class StudyList:
    """The studies of a file in their order, each once, and which rows gave none, and why."""

    studies: tuple[ListedStudy, ...]
    passed_over: tuple[tuple[int, str], ...] = ()


def read_study_list(path: Path) -> StudyList:
    """Read a list of studies.

    In a file without names of columns a number of four or more parts with dots between is a
    StudyInstanceUID, everything else an accession number; the prefixes ``study_instance_uid:``
    and ``accession_number:`` say it outright.

    Raises
    ------
    ProjectError
        If it cannot be read, names no column of studies, or holds no study.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        rows: Iterable[SheetRow] = read_sheet(path)
    elif suffix in (".csv", ".txt"):
        rows = _text_rows(files.read_bytes(path, "list of studies", limit=_TEXT_LIMIT))
    else:
        raise ProjectError(
            f"Lists of studies of the type {suffix or '(none)'} cannot be read",
            advice="Save it as .xlsx, .csv or .txt.",
        )
    found = _read(rows)
    if not found.studies:
        raise ProjectError(
            f"{path.name} names no study",
            cause=f"{len(found.passed_over)} rows are no UID and no accession number",
            advice="Write a StudyInstanceUID or an accession number in each row.",
        )
    return found


def _text_rows(data: bytes) -> Iterator[SheetRow]:
    text, _ = decode(data, "list of studies")
    lines = lines_of(text)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    delimiter = max(DELIMITERS, key=first.count)
    number = 1
    for record in split_records(lines, delimiter, "list of studies") if lines else ():
        yield SheetRow(number, read_fields(record, delimiter))
        number += len(lines_of(record))


def _read(rows: Iterable[SheetRow]) -> StudyList:
    columns: dict[str, int] | None = None
    found: dict[tuple[str, str], ListedStudy] = {}
    passed: list[tuple[int, str]] = []
    for row in rows:
        if not any(map(str.strip, row.cells)) or row.cells[0].lstrip().startswith("#"):
            continue
        if columns is None:
            named = _named(row.cells)
            columns = named or {"": 0}
            if named:
                continue
        one, why = _study(row, columns)
        if one is None:
            passed.append((row.number, why))
            continue
        first = found.setdefault((one.study, one.accession), one)
        if first is not one:
            passed.append((row.number, f"the same as row {first.row}"))
        if len(found) > _MOST:
            raise ProjectError(
                f"The list has more than {_MOST} studies", advice="Split it into several."
            )
    return StudyList(tuple(found.values()), tuple(passed))


def _named(cells: list[str]) -> dict[str, int]:
    """Where each known column is; empty if the row names none."""
    kinds = [_HEADERS.get(re.sub(r"[\s_.-]", "", cell).lower()) for cell in cells]
    if not any(kinds):
        return {}
    columns: dict[str, int] = {}
    for at, kind in enumerate(kinds):
        if kind is not None and columns.setdefault(kind, at) != at:
            raise ProjectError(
                f"Two columns of the list of studies mean {kind}", advice="Rename one of them."
            )
    if _STUDY not in columns and _ACCESSION not in columns:
        raise ProjectError(
            "The list of studies has no column 'study instance uid' or 'accession number'",
            advice="Write that name above the column.",
        )
    return columns


def _study(row: SheetRow, columns: dict[str, int]) -> tuple[ListedStudy | None, str]:
    """The study of a row, or why there is none."""

    def cell(kind: str) -> str:
        at = columns.get(kind, len(row.cells))
        return row.cells[at].strip() if at < len(row.cells) else ""

    study, accession = cell(_STUDY), cell(_ACCESSION)
    at = columns.get(_STUDY if study else _ACCESSION, 0)
    if "" in columns:
        study, accession = _told_apart(cell(""))
    if not study and not accession:
        return None, "it names no study"
    if at in row.doubtful:
        return None, "a number of which Excel may have dropped digits"
    if study and not is_study_uid(study):
        return None, "this is no StudyInstanceUID"
    if not study and not is_accession(accession):
        return None, "this is no accession number"
    return (
        ListedStudy(
            row.number,
            study,
            "" if study else accession,
            cell(_PSEUDONYM),
            " ".join(cell(_COMMENT).split()),
            cell(_PROTOCOL).lower() not in _NO,
        ),
        "",
    )


def _told_apart(text: str) -> tuple[str, str]:
    for prefix, kind in _PREFIXES.items():
        if text.lower().startswith(prefix):
            rest = text[len(prefix) :].strip()
            return (rest, "") if kind == _STUDY else ("", rest)
    return (text, "") if text.count(".") >= 3 and is_study_uid(text) else ("", text)


def is_study_uid(text: str) -> bool:
    """True if this can be a StudyInstanceUID (PS3.5 9.1)."""
    return _UID.fullmatch(text) is not None


def is_accession(text: str) -> bool:
    """True if this can be one accession number: printable, no wildcard."""
    return 0 < len(text) <= 64 and text.isprintable() and not re.search(r"[*?\\]", text)
