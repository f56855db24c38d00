"""Writing a file so that a reader, or a crash, sees the old one or the new one, whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace the file at ``path`` by ``data``, atomically and durably.

    The new content goes to a temporary name in the same folder, is synced, and takes the
    old one's place in one step. A symbolic link is followed, so the link stays.

    Parameters
    ----------
    path
        Where to write; its folder must exist.
    data
        The whole content.
    mode
        Permission bits of the result. By default those of the file that is replaced; for
        a new file, what the process's umask gives.

    Raises
    ------
    OSError
        If the folder cannot be written; the old file is then untouched.
    """
    target = Path(os.path.realpath(path))
    if mode is None:
        try:
            mode = target.stat().st_mode & 0o7777
        except FileNotFoundError:
            mode = 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot sync a folder; the rename itself is done
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
