"""Hearing at once of what other programs do in the project folder.

The system tells of changes on this computer's own disks; what others do on a share it often
does not, so whoever listens looks by itself now and then as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message


class FolderChanged(Message):
    """Some file of the folder was written, renamed or deleted."""

    bubble = False


def watch_folder(folder: Path, post: Callable[[Message], object]) -> None:
    """Post :class:`FolderChanged` from a thread of its own, until the process ends."""

    def watch() -> None:
        from watchfiles import watch as changes

        try:
            for _ in changes(folder, recursive=False, step=50, raise_interrupt=False):
                post(FolderChanged())
        except (OSError, RuntimeError):
            return  # too many are watched, or the folder is gone

    threading.Thread(target=watch, name="watch-folder", daemon=True).start()
