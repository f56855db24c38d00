"""What the threads of one scan do: list folders, and look at the files in them."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from anontui.dicom import patterns, recognise
from anontui.dicom.crew import Crew
from anontui.dicom.recognise import FileKind
from anontui.events import Progress

_CHUNK = 32  # files a task: few enough that several threads share a folder
_OWN_NAME = "fileselection.txt"


class Found(NamedTuple):
    """The files of a folder, as columns: far fewer objects than a row for each."""

    names: list[str]
    kinds: list[FileKind]
    sizes: list[int]


class Files(NamedTuple):
    """The task of looking at some files of a folder."""

    folder: str
    names: list[str]


Task: TypeAlias = str | Files
"""A folder to list, or files to look at. A folder's path is empty or ends with a slash."""


class Walk:
    """The state that the threads of one scan share.

    Parameters
    ----------
    root
        The scanned folder, with a slash at its end.
    exclude
        Patterns of what to leave out.
    check
        Open the files; otherwise judge by name.
    """

    def __init__(self, root: str, exclude: Sequence[str], *, check: bool) -> None:
        self.found: defaultdict[str, Found] = defaultdict(lambda: Found([], [], []))
        self.warnings: list[tuple[str, str]] = []  # path and message
        self.root_error: OSError | None = None
        self.listed_folders = 0
        self._folders = 1
        self._listed = 0
        self._looked = 0
        self._dicom = 0
        self._lock = threading.Lock()
        self._root = root
        self._excluded = patterns.matcher(exclude)
        self._judge = recognise.look if check else _by_name

    def progress(self) -> Progress:
        """How far it is; how many files there are is known once every folder is listed."""
        total = self._listed if self.listed_folders == self._folders else None
        return Progress(self._looked, total, "files", f"{self._dicom} DICOM")

    def steps(self) -> int:
        """How much is done: listing a file is a step, and so is looking at it."""
        return self._listed + self._looked

    def do(self, task: Task, crew: Crew[Task]) -> None:
        """One task of the crew."""
        if isinstance(task, Files):
            self._look(task, crew)
        else:
            self._list(task, crew)

    def _list(self, folder: str, crew: Crew[Task]) -> None:
        names: list[str] = []
        excluded = self._excluded
        try:
            with os.scandir(self._root + folder) as entries:
                for entry in entries:
                    if crew.stopping:
                        return
                    name = entry.name
                    if name[0] == "." or name == _OWN_NAME:
                        continue
                    if excluded and excluded(folder + name):
                        continue
                    if self._is_file(entry, folder, crew):
                        names.append(name)
                    if len(names) == _CHUNK:
                        self._pass_on(folder, names, crew)
                        names = []
        except OSError as error:
            if not folder:
                self.root_error = error
            self._warn(folder, _because("a folder cannot be read", error))
        if names:
            self._pass_on(folder, names, crew)
        with self._lock:
            self.listed_folders += 1

    def _pass_on(self, folder: str, names: list[str], crew: Crew[Task]) -> None:
        with self._lock:
            self._listed += len(names)
        crew.add(Files(folder, names))

    def _is_file(self, entry: os.DirEntry[str], folder: str, crew: Crew[Task]) -> bool:
        """Whether this is a file to look at; all else is dealt with on the spot."""
        name = entry.name
        try:
            if not _is_portable(name):
                self._leave(folder, name, "a name cannot be part of a Windows path")
            elif entry.is_file():
                return True
            elif entry.is_dir(follow_symlinks=False):
                with self._lock:
                    self._folders += 1
                crew.add(f"{folder}{name}/")
            elif entry.is_dir():
                self._warn(folder + name, "a link to a folder is not followed")
            elif entry.is_symlink() and not os.path.exists(entry.path):
                self._leave(folder, name, "a link leads nowhere")
            else:
                self._add(folder, [name], [FileKind.OTHER], [0])
        except OSError as error:
            self._leave(folder, name, _because("a file cannot be read", error))
        return False

    def _look(self, task: Files, crew: Crew[Task]) -> None:
        path = self._root + task.folder
        judge = self._judge
        names, kinds, sizes = Found([], [], [])
        for name in task.names:
            if crew.stopping:
                return
            try:
                kind, size = judge(path + name)
            except OSError as error:
                self._leave(task.folder, name, _because("a file cannot be read", error))
                continue
            names.append(name)
            kinds.append(kind)
            sizes.append(size)
        self._add(task.folder, names, kinds, sizes)
        with self._lock:
            self._looked += len(task.names)
            self._dicom += kinds.count(FileKind.DICOM)

    def _leave(self, folder: str, name: str, message: str) -> None:
        """Count a file as unreadable, under a name that can be shown."""
        name = os.fsencode(name).decode("utf-8", "replace")
        self._add(folder, [name], [FileKind.UNREADABLE], [0])
        self._warn(folder + name, message)

    def _add(self, folder: str, names: list[str], kinds: list[FileKind], sizes: list[int]) -> None:
        with self._lock:
            found = self.found[folder]
            found.names.extend(names)
            found.kinds.extend(kinds)
            found.sizes.extend(sizes)

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append((path.rstrip("/"), message))


def _by_name(path: str) -> tuple[FileKind, int]:
    """The kind of a file that is not opened."""
    name = path.rpartition("/")[2].lower()
    if name == "dicomdir":
        return FileKind.DICOMDIR, 0
    extension = name.rpartition(".")[2] if "." in name else ""
    is_number = extension.isascii() and extension.isdigit()
    is_dicom = is_number or extension in ("", "dcm", "dicom")
    return FileKind.DICOM if is_dicom else FileKind.OTHER, 0


def _is_portable(name: str) -> bool:
    """Whether a selection and a UNC path can hold it: text without a backslash."""
    try:
        return "\\" not in name and (name.isascii() or bool(name.encode()))
    except UnicodeEncodeError:
        return False


def _because(message: str, error: OSError) -> str:
    return f"{message} ({error.strerror})" if error.strerror else message
