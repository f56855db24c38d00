"""The first stage of a job: which files it has."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from anontui.server.items import Found
from anontui.server.places import Places, SourceKind, SourcePlace
from anontui.server.selection import selected_paths

SELECTION_NAME = "fileselection.txt"  # the clients' own bookkeeping, never data


def collect(source: SourcePlace, places: Places, tick: Callable[[], None]) -> Iterator[Found]:
    """Yield the regular files of a source, links resolved, each once.

    What cannot be taken comes with its reason. Names that start with a dot are not data.
    Links are followed to files on a share only; of a folder's links to other folders it is
    only told that they are there. ``tick`` is called often, and may raise to stop.

    Raises
    ------
    OSError
        If the source's folder itself cannot be read.
    ProjectError
        If the source is not a proper file selection.
    """
    if source.kind is SourceKind.FILESELECTION:
        candidates: Iterator[Path | Found] = iter(selected_paths(source.path))
    else:
        candidates = _walk(source.path, places, tick)
    folders: dict[Path, Path] = {}
    seen: set[Path] = set()
    for path in candidates:
        tick()
        if isinstance(path, Found):
            yield path
            continue
        try:
            if path.parent not in folders:
                folders[path.parent] = Path(os.path.realpath(path.parent))
            real = folders[path.parent] / path.name
            state = real.lstat()
            if stat.S_ISLNK(state.st_mode):
                real = Path(os.path.realpath(real))
                state = real.lstat()
        except OSError:
            yield Found(path, reason="not found")
            continue
        if not places.allows(real):
            yield Found(path, reason="outside the shares")
        elif not stat.S_ISREG(state.st_mode):
            yield Found(path, reason="not a regular file")
        elif real not in seen:
            seen.add(real)
            yield Found(real, state.st_size)


def _walk(top: Path, places: Places, tick: Callable[[], None]) -> Iterator[Path | Found]:
    folders = [top]
    while folders:
        tick()
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if folder == top:
                raise
            yield Found(folder, reason="in a folder that cannot be read")
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
                yield Found(path, reason="a link to a folder")
            else:
                yield path
        folders.extend(reversed(inner))
