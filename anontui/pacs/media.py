"""Files that somebody has: single ones, folders, and offline media with their DICOMDIR.

They are copied as they are into the inboxes of their studies, like those that arrive over
the network. A DICOMDIR (PS3.3 F, PS3.10 8.6) tells what should be there: what is not is told.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anontui.errors import PacsError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
)
from anontui.pacs.files import Head, read_head
from anontui.pacs.inbox import Inbox

DICOMDIR = "DICOMDIR"
_LARGEST_DIRECTORY = 256 << 20  # bytes
_MOST_RECORDS = 1_000_000
_TRIES = 3  # a study's folder may be taken away while a file is written into it


@dataclass
class Brought:
    """What became of files.

    Attributes
    ----------
    new, known
        How many instances were brought, and how many were there already.
    studies
        How many studies they are of.
    other, unreadable
        How many files are no DICOM images, and how many cannot be read.
    missing
        The files that a DICOMDIR names and that are not there, as it names them.
    """

    new: int = 0
    known: int = 0
    studies: int = 0
    other: int = 0
    unreadable: int = 0
    missing: list[str] = field(default_factory=list)


def bring(paths: Iterable[Path], inbox_of: Callable[[str], Inbox]) -> Events[Brought]:
    """Copy the DICOM files of files, folders and DICOMDIRs into the inboxes of their studies.

    Parameters
    ----------
    paths
        Files; folders, with all that is below; a DICOMDIR stands for the files that it names.
        Names that start with a dot and links to folders are passed over.
    inbox_of
        The inbox of a study by its UID; asked for each file, so that an inbox may be taken
        away meanwhile.

    Raises
    ------
    PacsError
        If one of the paths is not there, or a DICOMDIR cannot be understood.
    OSError
        If an inbox cannot be written.
    """
    found: list[Path] = []
    brought = Brought()
    for path in paths:
        for one in _files(path, brought):
            found.append(one)
            if len(found) % 100 == 0:
                yield Progress(0, None, "files", f"{len(found)} files found")
    found = list(dict.fromkeys(found))
    studies: set[str] = set()
    for number, path in enumerate(found):
        yield Progress(number, len(found), "files")
        try:
            head = _head(path)
        except ValueError:
            brought.other += 1
            continue
        except OSError:
            brought.unreadable += 1
            continue
        is_new = _copied(path, head, inbox_of)
        brought.new += is_new
        brought.known += not is_new
        studies.add(head.study)
    brought.studies = len(studies)
    if brought.missing:
        yield Warning(
            f"{len(brought.missing)} files that the DICOMDIR names are not there",
            "Copy the medium again, or look for its other discs.",
        )
    yield Progress(len(found), len(found), "files")
    yield Result(brought)


def _files(path: Path, brought: Brought) -> Iterator[Path]:
    if path.is_dir():
        yield from _below(path, brought)
    elif not path.exists():
        raise PacsError(f"There is no {path}", advice="Check its name.", transient=False)
    elif path.name.upper() == DICOMDIR:
        yield from _named_by(path, brought)
    else:
        yield path


def _below(top: Path, brought: Brought) -> Iterator[Path]:
    """The files below a folder; what a DICOMDIR in it names and is not there is noted."""
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            brought.unreadable += 1
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.name.upper() == DICOMDIR:
                for _ in _named_by(Path(entry.path), brought):
                    pass  # they are found anyway
            elif entry.is_file():
                yield Path(entry.path)


def _named_by(directory: Path, brought: Brought) -> Iterator[Path]:
    """The files that a DICOMDIR names, and that are there."""
    names = _Names(directory.parent)
    for parts in _references(directory):
        path = names.find(parts)
        if path is None:
            brought.missing.append("/".join(parts))
        else:
            yield path


def _references(directory: Path) -> Iterator[tuple[str, ...]]:
    """The Referenced File IDs (0004,1500) of a DICOMDIR; none leads out of its folder.

    Raises
    ------
    PacsError
        If it is none, or one does.
    """
    from pydicom import dcmread

    try:
        if directory.stat().st_size > _LARGEST_DIRECTORY:
            raise ValueError("it is too large")
        dataset = dcmread(directory, specific_tags=["DirectoryRecordSequence"])
        records = list(dataset.DirectoryRecordSequence)[:_MOST_RECORDS]
        found = []
        for record in records:
            value = record.get("ReferencedFileID")
            if value:
                names = [value] if isinstance(value, str) else value
                found.append(tuple(str(name) for name in names))
    except Exception as error:
        raise PacsError(
            f"{directory} cannot be read as a DICOMDIR",
            cause=getattr(error, "strerror", None) or type(error).__name__,
            advice="Import its folder's files without it: name the folders below it.",
            transient=False,
        ) from error
    for parts in found:
        if any(part in ("", ".", "..") or {"/", "\\", "\0", ":"} & set(part) for part in parts):
            raise PacsError(
                f"{directory} names files outside of its folder",
                advice="Do not trust this medium.",
                transient=False,
            )
        yield parts


class _Names:
    """Finds files by names whose case may have changed on the way, as on many a disc."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._listed: dict[Path, dict[str, str]] = {}

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """The file of these folders and name; None if it is not there."""
        path = self._top
        for part in parts:
            if path not in self._listed:
                names = os.listdir(path) if path.is_dir() and not path.is_symlink() else []
                self._listed[path] = {
                    name.upper().partition(";")[0].rstrip("."): name for name in names
                }
            name = self._listed[path].get(part.upper().rstrip("."))
            if name is None:
                return None
            path = path / name
        return path if path.is_file() else None


def _head(path: Path) -> Head:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("this is no file")
    return read_head(path)


def _copied(path: Path, head: Head, inbox_of: Callable[[str], Inbox]) -> bool:
    """Copy a file into the inbox of its study; False if it was there."""
    for tries_left in reversed(range(_TRIES)):
        try:
            inbox = inbox_of(head.study)
            if inbox.has(head.instance):
                return False
            with path.open("rb") as source, inbox.writing(head.instance) as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except FileNotFoundError:
            if not tries_left or not path.exists():
                raise
        else:
            return True
    raise AssertionError
