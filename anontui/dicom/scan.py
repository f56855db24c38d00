"""Walking through a folder to find the DICOM files in it.

Left alone are names that start with a dot, the project's own ``fileselection.txt``, what
the exclude patterns match, and folders behind symbolic links (which may lead in circles;
they are reported). Links to files are followed. Pipes, sockets and devices are never
opened. What cannot be read becomes a warning; only the scanned folder itself must be there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from anontui import events
from anontui.dicom.crew import TICK, Crew
from anontui.dicom.order import natural_order
from anontui.dicom.recognise import FileKind, kind_of
from anontui.dicom.walk import Task, Walk
from anontui.errors import ScanError
from anontui.events import Events, Result

__all__ = ["FileKind", "Scan", "ScanWarning", "ScannedFile", "kind_of", "scan"]


class ScannedFile(NamedTuple):
    """One file; a tuple, because a scan makes very many of them.

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
    """What is in a folder.

    Attributes
    ----------
    files
        Folder by folder, a folder's own files before those of its subfolders, each in the
        order a person expects: ``a2`` before ``a10``.
    folders
        How many folders there are, the scanned one included.
    warnings
        What could not be looked at, in the order of the paths.
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
        """Size of all DICOM files together, in bytes."""
        return sum(file.size for file in self.dicom)

    @cached_property
    def counts(self) -> Counter[FileKind]:
        """How many files there are of each kind; 0 for a kind that there is none of."""
        return Counter(file.kind for file in self.files)


def scan(
    folder: Path, *, threads: int | None = None, exclude: Sequence[str] = (), check: bool = True
) -> Events[Scan]:
    """Find the files in ``folder`` and below, and which of them are DICOM.

    Warnings come just before the result, one for each kind of trouble, and name no path;
    the paths are in :attr:`Scan.warnings`.

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
        If the folder cannot be listed. Like all work, that happens at the first step.
    """
    walk = Walk(os.path.join(folder, ""), exclude, check=check)
    crew: Crew[Task] = Crew(walk.do, [""], walk.steps, threads)
    with closing(crew.run()) as ticks:
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
    folders = list(walk.found)
    for index in natural_order(folders):
        path = folders[index]
        names, kinds, sizes = walk.found[path]
        files += [ScannedFile(path + names[i], kinds[i], sizes[i]) for i in natural_order(names)]
        if monotonic() - reported > TICK:
            yield walk.progress()
            reported = monotonic()
    yield walk.progress()
    for message, count in Counter(message for _, message in walk.warnings).items():
        yield events.Warning(f"{count} × {message}" if count > 1 else message)
    order = natural_order([path for path, _ in walk.warnings])
    warnings = tuple(ScanWarning(*walk.warnings[index]) for index in order)
    yield Result(Scan(tuple(files), walk.listed_folders, warnings))
