"""The first stage of a job: which files it has."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anontui.server.places import Places, SourceKind, SourcePlace
from anontui.server.selection import selected_paths

SELECTION_NAME = "fileselection.txt"  # the clients' own bookkeeping, never data


@dataclass(frozen=True)
class File:
    """A file to de-identify: its path without links, and its size in bytes."""

    path: Path
    size: int


def collect(source: SourcePlace, places: Places, left_out: Counter[str]) -> Iterator[File]:
    """Yield the regular files of a source, links resolved, each once.

    What cannot be taken is counted in ``left_out`` by its reason. Names that start with a
    dot are not data. Links are followed to files on a share only; of a folder's links to
    other folders it is only counted that there are any.

    Raises
    ------
    OSError
        If the source's folder itself cannot be read.
    ProjectError
        If the source is not a proper file selection.
    """
    if source.kind is SourceKind.FILESELECTION:
        candidates = iter(selected_paths(source.path))
    else:
        candidates = _walk(source.path, places, left_out)
    folders: dict[Path, Path] = {}
    seen: set[Path] = set()
    for path in candidates:
        try:
            if path.parent not in folders:
                folders[path.parent] = Path(os.path.realpath(path.parent))
            real = folders[path.parent] / path.name
            state = real.lstat()
            if stat.S_ISLNK(state.st_mode):
                real = Path(os.path.realpath(real))
                state = real.lstat()
        except OSError:
            left_out["not found"] += 1
            continue
        if not places.allows(real):
            left_out["outside the shares"] += 1
        elif not stat.S_ISREG(state.st_mode):
            left_out["not a regular file"] += 1
        elif real not in seen:
            seen.add(real)
            yield File(real, state.st_size)


def _walk(top: Path, places: Places, left_out: Counter[str]) -> Iterator[Path]:
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if folder == top:
                raise
            left_out["in a folder that cannot be read"] += 1
            continue
        inner = []
        for entry in found:
            if entry.name.startswith(".") or entry.name == SELECTION_NAME:
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if places.allows(path):
                    inner.append(path)
            elif entry.is_symlink() and entry.is_dir():
                left_out["a link to a folder"] += 1
            else:
                yield path
        folders.extend(reversed(inner))
