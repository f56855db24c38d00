"""The files of a folder, in an order that never changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anontui.deid.refusal import Reason


class Found(NamedTuple):
    """A file to treat, or something that is none, with what stands against it.

    ``path`` is relative to the folder, as the system writes it.
    """

    path: str
    reason: Reason | None = None
    detail: str = ""


def files_below(root: str, leave_out: str = "") -> Iterator[Found]:
    """Yield the files below a folder, each folder's sorted by name.

    Names that begin with a dot are left out. Links to folders are not followed, and links to
    files only if they stay below the folder.

    Parameters
    ----------
    root
        The folder.
    leave_out
        A folder that is left out, links resolved; empty for none.
    """
    real_root = os.path.realpath(root)
    pending = [""]  # folders, the next one last; each ends with a separator
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root + os.sep + folder) as listed:
                entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Found(folder.rstrip(os.sep), Reason.UNREADABLE, _because(error))
            continue
        folders = []
        for entry in entries:
            path = folder + entry.name
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not leave_out or os.path.realpath(entry.path) != leave_out:
                        folders.append(path + os.sep)
                elif not entry.is_symlink():
                    yield Found(path)  # what is no regular file is told by whoever opens it
                elif not entry.is_file() or not _is_below(entry.path, real_root):
                    yield Found(path, Reason.NOT_A_FILE, "a link that is not followed")
                else:
                    yield Found(path)
            except OSError as error:
                yield Found(path, Reason.UNREADABLE, _because(error))
        pending += reversed(folders)


def _is_below(path: str, real_root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(real_root)


def _because(error: OSError) -> str:
    return error.strerror or type(error).__name__
