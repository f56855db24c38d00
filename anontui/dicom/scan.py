"""Walking through a folder to find the DICOM files in it.

Left alone are names that start with a dot, the project's own ``fileselection.txt``, what
the exclude patterns match, and folders behind symbolic links (which may lead in circles;
they are reported). Links to files are followed. Pipes, sockets and devices are never
opened. What cannot be read becomes a warning; only the scanned folder itself must be there.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from anontui.dicom import patterns, recognise
from anontui.dicom.crew import TICK, Crew
from anontui.dicom.recognise import FileKind, kind_of
from anontui.errors import ScanError
from anontui.events import Events, Progress, Result, Warning

__all__ = ["FileKind", "Scan", "ScanWarning", "ScannedFile", "kind_of", "scan"]

_CHUNK = 16  # files a task: few enough that several threads share a small folder
_OWN_NAMES = frozenset({"fileselection.txt"})
_NUMBER = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """One file.

    Attributes
    ----------
    path
        Relative to the scanned folder, with ``/``.
    kind
        What it is.
    size
        In bytes; 0 where the file was not opened.
    """

    path: str
    kind: FileKind
    size: int


@dataclass(frozen=True, slots=True)
class ScanWarning:
    """Something in the folder that could not be looked at.

    The path may name a patient, so it is kept apart from the message, for the screen only.
    """

    path: str
    message: str


@dataclass(frozen=True)
class Scan:
    """What is in a folder, in the order a person expects: ``a2`` before ``a10``.

    Attributes
    ----------
    files
        Folder by folder; a folder's own files come before those of its subfolders.
    folders
        How many folders were read, the scanned one included.
    warnings
        What could not be looked at.
    """

    files: tuple[ScannedFile, ...]
    folders: int
    warnings: tuple[ScanWarning, ...]

    @cached_property
    def dicom(self) -> tuple[ScannedFile, ...]:
        """The files to select."""
        return tuple(file for file in self.files if file.kind is FileKind.DICOM)

    @cached_property
    def dicom_size(self) -> int:
        """All DICOM files together, in bytes."""
        return sum(file.size for file in self.dicom)

    @cached_property
    def counts(self) -> Counter[FileKind]:
        """How many files there are of each kind."""
        return Counter(file.kind for file in self.files)


def scan(
    folder: Path, *, threads: int | None = None, exclude: Sequence[str] = (), check: bool = True
) -> Events[Scan]:
    """Find the files in ``folder`` and below, and which of them are DICOM.

    Parameters
    ----------
    folder
        Where to look; when it is a symbolic link itself it is followed.
    threads
        How many threads look; by default as many as the speed of the folder asks for.
    exclude
        Patterns of what to leave out, see :mod:`anontui.dicom.patterns`.
    check
        Open each file; otherwise judge by name alone: DICOM is what ends in ``.dcm``,
        ``.dicom`` or digits, or has no extension.

    Raises
    ------
    ScanError
        If the folder is missing or cannot be read. Raised at the first step, as all here.
    """
    walk = _Walk(os.path.join(folder, ""), exclude, check)
    with closing(Crew(walk.do, [_Folder("")], threads).run()) as ticks:
        for _ in ticks:
            yield walk.progress()
    if walk.root_error:
        raise ScanError(
            "This folder cannot be read",
            advice="Check that it exists and that you may read it.",
            cause=walk.root_error.strerror or "",
        )
    files: list[ScannedFile] = []
    reported = monotonic()
    for folder_path in sorted(walk.found, key=lambda path: (_natural(path), path)):
        files += _sorted_files(folder_path, walk.found[folder_path])
        if monotonic() - reported > TICK:
            yield walk.progress()
            reported = monotonic()
    yield walk.progress()
    for message, count in Counter(warning.message for warning in walk.warnings).items():
        yield Warning(f"{count} × {message}" if count > 1 else message)
    warnings = sorted(walk.warnings, key=lambda warning: (_natural(warning.path), warning.path))
    yield Result(Scan(tuple(files), walk.folders, tuple(warnings)))


@dataclass(frozen=True, slots=True)
class _Folder:
    """The task of listing a folder; its path is empty or ends with a slash."""

    path: str


@dataclass(frozen=True, slots=True)
class _Files:
    """The task of looking at a few files of a folder."""

    folder: str
    names: list[str]


_Task: TypeAlias = _Folder | _Files
_Found: TypeAlias = tuple[str, FileKind, int]


class _Walk:
    """What the threads of a scan share."""

    def __init__(self, root: str, exclude: Sequence[str], check: bool) -> None:
        self.found: defaultdict[str, list[_Found]] = defaultdict(list)
        self.warnings: list[ScanWarning] = []
        self.folders = 0
        self.root_error: OSError | None = None
        self._root = root
        self._excluded = patterns.matcher(exclude)
        self._judge = recognise.look if check else _by_name
        self._lock = threading.Lock()  # for the counts; the lists need none
        self._unlisted = 1
        self._listed_files = 0
        self._done = 0
        self._dicom = 0

    def progress(self) -> Progress:
        """How far it is; how many files there are is known when every folder is listed."""
        total = None if self._unlisted else self._listed_files
        return Progress(self._done, total, "files", f"{self._dicom} DICOM")

    def do(self, task: _Task, crew: Crew[_Task]) -> None:
        """One task of the crew."""
        if isinstance(task, _Folder):
            self._list(task.path, crew)
        else:
            self._look(task, crew)

    def _list(self, folder: str, crew: Crew[_Task]) -> None:
        names: list[str] = []
        try:
            with os.scandir(self._root + folder) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name.lower() in _OWN_NAMES:
                        continue
                    if self._excluded and self._excluded(folder + name):
                        continue
                    if not self._is_file(entry, folder, crew):
                        continue
                    names.append(name)
                    if len(names) == _CHUNK:
                        self._pass_on(folder, names, crew)
                        names = []
                    if crew.stopping:
                        return
        except OSError as error:
            if not folder:
                self.root_error = error
            self._warn(folder, _because("a folder cannot be read", error))
        if names:
            self._pass_on(folder, names, crew)
        with self._lock:
            self.folders += 1
            self._unlisted -= 1

    def _pass_on(self, folder: str, names: list[str], crew: Crew[_Task]) -> None:
        with self._lock:
            self._listed_files += len(names)
        crew.add(_Files(folder, names))
        crew.step(len(names))

    def _is_file(self, entry: os.DirEntry[str], folder: str, crew: Crew[_Task]) -> bool:
        """Whether this is a file to look at; all else is dealt with on the spot."""
        name = entry.name
        try:
            if not _is_portable(name):
                self._leave(folder, name, "a name cannot be part of a Windows path")
            elif entry.is_file():
                return True
            elif entry.is_dir(follow_symlinks=False):
                with self._lock:
                    self._unlisted += 1
                crew.add(_Folder(f"{folder}{name}/"))
            elif entry.is_dir():
                self._warn(folder + name, "a link to a folder is not followed")
            elif entry.is_symlink() and not os.path.exists(entry.path):
                self._leave(folder, name, "a link leads nowhere")
            else:
                self.found[folder].append((name, FileKind.OTHER, 0))
        except OSError as error:
            self._leave(folder, name, _because("a file cannot be read", error))
        return False

    def _look(self, task: _Files, crew: Crew[_Task]) -> None:
        path = self._root + task.folder
        files: list[_Found] = []
        dicom = 0
        for name in task.names:
            if crew.stopping:
                return
            try:
                kind, size = self._judge(path + name)
            except OSError as error:
                self._leave(task.folder, name, _because("a file cannot be read", error))
                continue
            files.append((name, kind, size))
            dicom += kind is FileKind.DICOM
        self.found[task.folder] += files
        with self._lock:
            self._done += len(task.names)
            self._dicom += dicom
        crew.step(len(task.names))

    def _leave(self, folder: str, name: str, message: str) -> None:
        """Count a file as unreadable, under a name that can be shown."""
        name = os.fsencode(name).decode("utf-8", "replace")
        self.found[folder].append((name, FileKind.UNREADABLE, 0))
        self._warn(folder + name, message)

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(ScanWarning(path.rstrip("/"), message))


def _by_name(path: str) -> tuple[FileKind, int]:
    name = path.rpartition("/")[2].lower()
    if name == "dicomdir":
        return FileKind.DICOMDIR, 0
    extension = name.rpartition(".")[2] if "." in name else ""
    looks_like = extension in ("", "dcm", "dicom") or (extension.isascii() and extension.isdigit())
    return FileKind.DICOM if looks_like else FileKind.OTHER, 0


def _is_portable(name: str) -> bool:
    """Whether a selection and a UNC path can hold it: text, without a backslash."""
    if "\\" in name:
        return False
    try:
        return name.isascii() or bool(name.encode())
    except UnicodeEncodeError:
        return False


def _because(message: str, error: OSError) -> str:
    return f"{message} ({error.strerror})" if error.strerror else message


def _sorted_files(folder: str, found: list[_Found]) -> Iterator[ScannedFile]:
    found.sort()
    skip = _common_start(found[0][0], found[-1][0]) if found else 0
    found.sort(key=lambda item: _natural(item[0][skip:]))
    return (ScannedFile(folder + name, kind, size) for name, kind, size in found)


def _common_start(first: str, last: str) -> int:
    """How many characters sorted names have in common, up to the first number that differs."""
    return len(os.path.commonprefix((first, last)).rstrip("0123456789"))


def _natural(path: str) -> list[str | int]:
    """Sorts numbers by value, ignores case, and keeps what is in a folder together."""
    parts: list[str | int] = [*_NUMBER.split(path.replace("/", "\0").lower())]
    parts[1::2] = map(int, parts[1::2])
    return parts
