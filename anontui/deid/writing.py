"""Putting a result in its place, whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.errors import DeidError

_CHUNK = 1 << 20
_CANNOT_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


@contextmanager
def new_file(target: str, *, sync: bool) -> Iterator[int]:
    """A descriptor to write to; at the end what was written takes the target's place.

    Raises
    ------
    DeidError
        If that cannot be done; there is then no target, or the old one.
    """
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
        try:
            try:
                yield file
                if sync:
                    os.fsync(file)
            finally:
                os.close(file)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        if sync:
            sync_folder(Path(folder or "."))
    except OSError as error:
        raise DeidError(
            "A de-identified file cannot be written",
            advice="Check that the target folder exists, is writable and has room, then go on.",
            cause=error.strerror or type(error).__name__,
        ) from error


_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def write_all(file: int, data: bytes) -> None:
    """Write every byte of ``data``."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, memoryview(data)[written:])


def copy_range(source: int, file: int, start: int, length: int) -> None:
    """Append a range of one file to another, inside the system where it can do that.

    Raises
    ------
    OSError
        If the source ends before the range does.
    """
    if hasattr(os, "copy_file_range"):
        try:
            while length:
                done = os.copy_file_range(source, file, length, start)
                if not done:
                    break
                start, length = start + done, length - done
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
    while length:
        data = os.pread(source, min(length, _CHUNK), start)
        if not data:
            raise OSError(errno.EIO, "the source became shorter")
        write_all(file, data)
        start, length = start + len(data), length - len(data)
