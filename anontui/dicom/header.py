"""The few facts of a file that the app shows, read straight from its first elements.

Data elements are sorted by tag (PS3.5 section 7.1) and all that is wanted comes before
(0020,000F). So this reads element headers up to there and jumps over all other values,
several times faster than reading a data set. It looks at the bytes to learn how they are
encoded, because the transfer syntax of real files is now and then wrong.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from anontui.dicom.crew import Crew
from anontui.dicom.recognise import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    FILE_META,
    HEAD,
    IMPLICIT_LITTLE,
    UNDEFINED,
    VRS,
    Element,
    Encoding,
    first_element,
    read_element,
)
from anontui.dicom.scan import Scan
from anontui.events import Events, Progress, Result

_MODALITY, _PATIENT_ID, _STUDY, _SERIES = 0x00080060, 0x00100020, 0x0020000D, 0x0020000E
_WANTED = frozenset({_MODALITY, _PATIENT_ID, _STUDY, _SERIES})
_TRANSFER_SYNTAX = 0x00020010
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DELIMITERS = frozenset({0xFFFEE00D, 0xFFFEE0DD})  # of an item, of a sequence

# A hostile file must neither keep us busy nor fill the memory.
_LONGEST_META = 1 << 16
_MOST_ELEMENTS = 100_000
_LONGEST_VALUE = 1024
_MOST_INFLATED = 1 << 20

_KEY = secrets.token_bytes(32)
_CHUNK = 16  # files a task


def _patient_key(patient_id: bytes) -> str:
    return hashlib.blake2b(patient_id, key=_KEY, digest_size=16).hexdigest()


NO_PATIENT = _patient_key(b"")
"""The key of files whose Patient ID is empty or missing."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What one file tells; an element that is missing gives an empty text.

    Attributes
    ----------
    modality
        Modality (0008,0060).
    study_instance_uid
        Study Instance UID (0020,000D).
    series_instance_uid
        Series Instance UID (0020,000E).
    patient_key
        Equal for equal Patient IDs (0010,0020), and nothing else can be learnt from it: a
        keyed hash, with a key that lives as long as this process. :data:`NO_PATIENT` where
        there is none.
    """

    modality: str
    study_instance_uid: str
    series_instance_uid: str
    patient_key: str


@dataclass(frozen=True, slots=True)
class FolderSummary:
    """What a scanned folder holds.

    Attributes
    ----------
    files, dicom, size
        Number of all files and of DICOM files, and the bytes in the latter.
    looked
        How many DICOM files the rest is based on.
    patients, studies, series
        How many different ones these files name.
    modalities
        Number of these files by modality, most first.
    """

    files: int
    dicom: int
    size: int
    looked: int
    patients: int
    studies: int
    series: int
    modalities: Mapping[str, int]


def facts(path: str | os.PathLike[str]) -> HeaderFacts | None:
    """The facts of the DICOM file at ``path``; ``None`` when it cannot be read as one."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return _facts(file, os.fstat(file.fileno()).st_size)
    except (OSError, zlib.error):
        return None


def summarise(scan: Scan, folder: Path, *, limit: int | None = None) -> Events[FolderSummary]:
    """Count the patients, studies, series and modalities of a scanned folder.

    Parameters
    ----------
    scan
        The result of scanning ``folder``.
    folder
        The folder that was scanned.
    limit
        Look at no more files than this, evenly spread over all.
    """
    paths = [file.path for file in scan.dicom]
    if limit is not None and limit < len(paths):
        paths = [paths[number * len(paths) // limit] for number in range(limit)]
    found: list[HeaderFacts | None] = []

    def look(chunk: list[str], crew: Crew[list[str]]) -> None:
        for path in chunk:
            if crew.stopping:
                return
            found.append(facts(folder / path))

    chunks = [paths[at : at + _CHUNK] for at in range(0, len(paths), _CHUNK)]
    with closing(Crew(look, chunks, lambda: len(found)).run()) as ticks:
        for _ in ticks:
            yield Progress(len(found), len(paths), "files")
    known = [each for each in found if each]
    modalities = Counter(each.modality for each in known if each.modality)
    yield Result(
        FolderSummary(
            files=len(scan.files),
            dicom=len(scan.dicom),
            size=scan.dicom_size,
            looked=len(paths),
            patients=len({each.patient_key for each in known}),
            studies=len({each.study_instance_uid for each in known} - {""}),
            series=len({each.series_instance_uid for each in known} - {""}),
            modalities=dict(modalities.most_common()),
        )
    )


def _facts(file: BinaryIO, size: int) -> HeaderFacts | None:
    start = first_element(file.read(HEAD), size)
    if start is None:
        return None
    values = _wanted_values(*_data_set(file, *start))
    return HeaderFacts(
        modality=_text(values.get(_MODALITY, b"")),
        study_instance_uid=_text(values.get(_STUDY, b"")),
        series_instance_uid=_text(values.get(_SERIES, b"")),
        patient_key=_patient_key(values.get(_PATIENT_ID, b"")),
    )


def _data_set(file: BinaryIO, at: int, encoding: Encoding) -> tuple[BinaryIO, int]:
    """Where the data set starts, behind the file meta information, and in what (PS3.10, 7.1)."""
    syntax = b""
    while at < _LONGEST_META and (element := _element(file, at, encoding)):
        if element.group != FILE_META:
            break
        at += element.value_at
        if element.tag == _TRANSFER_SYNTAX:
            syntax = _value(file, at, element.length)
        at += element.length
    if syntax != _DEFLATED:
        return file, at
    file.seek(at)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress
    return BytesIO(inflate(file.read(_MOST_INFLATED), _MOST_INFLATED)), 0


def _wanted_values(file: BinaryIO, at: int) -> dict[int, bytes]:
    """The wanted elements of the data set at ``at``, not those inside its sequences."""
    values: dict[int, bytes] = {}
    encoding = _encoding(file, at)
    outside: list[Encoding] = []  # of each open sequence or item of undefined length
    for _ in range(_MOST_ELEMENTS):
        element = _element(file, at, encoding)
        if element is None or (not outside and element.tag > _SERIES):
            break
        at += element.value_at
        if element.tag in _DELIMITERS:
            if outside:
                encoding = outside.pop()
        elif element.length == UNDEFINED:
            outside.append(encoding)
            if element.vr == b"UN":
                encoding = IMPLICIT_LITTLE  # PS3.5 section 6.2.2, note 3
        else:
            if element.tag in _WANTED and not outside:
                values[element.tag] = _value(file, at, element.length)
            at += element.length
    return values


def _encoding(file: BinaryIO, at: int) -> Encoding:
    file.seek(at)
    head = file.read(6)
    if int.from_bytes(head[:2], "big") < int.from_bytes(head[:2], "little"):
        return EXPLICIT_BIG
    return EXPLICIT_LITTLE if head[4:] in VRS else IMPLICIT_LITTLE


def _element(file: BinaryIO, at: int, encoding: Encoding) -> Element | None:
    """The header of the element at ``at``; its ``value_at`` counts from there."""
    file.seek(at)
    return read_element(file.read(12), 0, encoding)


def _value(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(min(length, _LONGEST_VALUE)).strip(b" \0")


def _text(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)
