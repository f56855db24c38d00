"""A file that other programs may change while it is edited here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from anontui.errors import FileChangedError, ProjectError
from anontui.project import files


class WatchedFile:
    """A file, and what was read from it or written to it last.

    Parameters
    ----------
    path, what
        The file, and what the user calls it.
    content
        What it is taken to hold until it is read or written.
    """

    def __init__(self, path: Path, what: str, content: bytes) -> None:
        self.path = path
        self._what = what
        self._digest = _digest(content)
        self._stat: tuple[int, ...] | None = None

    def read(self) -> bytes:
        """Read it without taking note (errors as :func:`files.read_bytes`)."""
        return files.read_bytes(self.path, self._what)

    def note(self, content: bytes, stat: tuple[int, ...] | None) -> None:
        """Take note that ``content`` was there when the file had this :meth:`stat`."""
        self._digest, self._stat = _digest(content), stat

    def stat(self) -> tuple[int, ...] | None:
        """Return what changes when the file is written; None if there is none."""
        try:
            stat = os.stat(self.path)
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def changed(self) -> bool:
        """Whether another program wrote it; cheap while it is untouched.

        A file that is gone or cannot be read does not count: there is nothing to take over.
        """
        stat = self.stat()
        if stat is None or stat == self._stat:
            return False
        try:
            changed = _digest(self.read()) != self._digest
        except ProjectError:
            return False
        if not changed:
            self._stat = stat
        return changed

    def write(self, content: bytes, *, overwrite: bool) -> None:
        """Write it, atomically.

        Raises
        ------
        FileChangedError
            If another program wrote it (its content is compared), unless ``overwrite``.
        ProjectError
            If it cannot be written.
        """
        if not overwrite and self.stat() is not None:
            there = self.read()
            if there != content and _digest(there) != self._digest:
                raise FileChangedError(
                    f"{self.path.name} was changed by another program",
                    advice="Reload it (undo brings your version back), or save over it.",
                )
        files.write_bytes(self.path, content, self._what)
        self.note(content, self.stat())


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
