"""Reading and writing the files of a project folder, with errors a person can act on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from anontui import atomic
from anontui.errors import ProjectError

_MIB = 1024 * 1024


def read_bytes(path: Path, what: str, *, limit: int = 256 * _MIB) -> bytes:
    """Read a whole file.

    Parameters
    ----------
    path
        The file; a pipe, device or folder is refused, so that reading always ends.
    what
        What the user calls it, for the message ("mapping").
    limit
        The most bytes that it may have.

    Raises
    ------
    ProjectError
        If it is missing, unreadable, no regular file, or larger than ``limit``.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ProjectError(f"The {what} {path.name} is not a file", advice="Name a file.")
            if status.st_size > limit:
                raise ProjectError(
                    f"The {what} {path.name} is larger than {limit // _MIB} MiB",
                    advice="Check that it is the right file, or split it.",
                )
            return file.read()
    except FileNotFoundError:
        raise ProjectError(
            f"There is no {what} {path.name}", advice="Make it first, or check the name."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ProjectError(
            f"The {what} {path.name} cannot be read",
            advice="Close it in other programs and check that you may read it.",
            cause=reason(error),
        ) from None


def write_bytes(path: Path, data: bytes, what: str) -> None:
    """Replace a file atomically (see :func:`anontui.atomic.write_bytes`).

    Raises
    ------
    ProjectError
        If it cannot be written; the old file is then untouched.
    """
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise ProjectError(
            f"The {what} {path.name} cannot be written; nothing was changed on disk",
            advice="Close it in other programs and check that you may write in its folder.",
            cause=reason(error),
        ) from None


def delete(path: Path, what: str) -> None:
    """Delete a file.

    Raises
    ------
    ProjectError
        If there is none, or it cannot be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        raise ProjectError(f"There is no {what} {path.name}", advice="Check the folder.") from None
    except OSError as error:
        raise ProjectError(
            f"The {what} {path.name} cannot be deleted",
            advice="Check that you may write in its folder.",
            cause=reason(error),
        ) from None


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: a pipe would wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def reason(error: Exception) -> str:
    """Return the system's own words without the path (which may name a patient)."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
