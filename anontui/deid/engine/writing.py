"""Putting a result in its place, whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.deid.refusal import Reason, Refused
from anontui.errors import DeidError

_CHUNK = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HAS_NO_LINKS = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


@contextmanager
def new_file(target: str, *, sync: bool, replace: bool = True) -> Iterator[int]:
    """A descriptor to write to; at the end what was written takes the target's place.

    Parameters
    ----------
    target
        Where it goes; the folder must exist.
    sync
        Whether it is on the disk at the end.
    replace
        Whether a file that is there already may be replaced. If not, it stays, which is well
        if it is the same.

    Raises
    ------
    Refused
        If another file is there and must stay.
    DeidError
        If that cannot be done; there is then no target, or the old one.
    """
    folder, name = os.path.split(target)
    folder = folder or "."
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        file, left = -1 if replace else _unnamed(folder), ""
        if file >= 0:
            temporary = f"/proc/self/fd/{file}"
        else:
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
            left = temporary
        try:
            try:
                yield file
                if sync:
                    os.fsync(file)
                if not replace:
                    _link(temporary, target, file)
            finally:
                os.close(file)
            if replace:
                os.replace(temporary, target)
                left = ""
        finally:
            if left:
                with suppress(OSError):
                    os.unlink(left)
        if sync:
            sync_folder(Path(folder))
    except OSError as error:
        raise DeidError(
            "A de-identified file cannot be written",
            advice="Check that the target folder exists, is writable and has room, then go on.",
            cause=error.strerror or type(error).__name__,
        ) from error


_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_UNNAMED = getattr(os, "O_TMPFILE", 0) if os.path.isdir("/proc/self/fd") else 0


def _unnamed(folder: str) -> int:
    """A file without a name, of which nothing is left if we are killed; -1 if there are none."""
    if _UNNAMED:
        try:
            return os.open(folder, os.O_WRONLY | _UNNAMED | _FLAGS, 0o666)
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.EOPNOTSUPP, errno.EINVAL):
                raise
    return -1


def _link(made: str, target: str, file: int) -> None:
    """Give what was made its name, unless that is taken; unlike renaming, never takes it away."""
    try:
        # with the descriptor given, Python follows a link (which /proc's are)
        os.link(made, target, src_dir_fd=file if made.startswith("/proc/") else None)
        return
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _HAS_NO_LINKS:
            raise
        if not os.path.lexists(target):  # a file system that has no links
            os.replace(made, target)
            return
    if not _are_same(made, target):
        raise Refused(Reason.TARGET_EXISTS)


def _are_same(one: str, other: str) -> bool:
    if not os.path.isfile(other) or os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as first, open(other, "rb") as second:
        while data := first.read(_CHUNK):
            if data != second.read(_CHUNK):
                return False
    return True


def write_all(file: int, data: bytes) -> None:
    """Write every byte of ``data``."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, memoryview(data)[written:])


def copy_range(source: int, file: int, start: int, length: int) -> None:
    """Append a range of one file to another, inside the system where it can do that.

    Raises
    ------
    Refused
        If the source cannot be read, or ends before the range does.
    OSError
        If the other cannot be written.
    """
    if hasattr(os, "copy_file_range"):
        try:
            while length:
                done = os.copy_file_range(source, file, length, start)
                if not done:
                    break
                start, length = start + done, length - done
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
    while length:
        try:
            data = os.pread(source, min(length, _CHUNK), start)
        except OSError as error:
            raise Refused(Reason.UNREADABLE, error.strerror or "") from None
        if not data:
            raise Refused(Reason.UNREADABLE, "it became shorter")
        write_all(file, data)
        start, length = start + len(data), length - len(data)


def sync_disk(folder: str) -> None:
    """Wait until the file system that a folder is on has written everything.

    Raises
    ------
    OSError
        If it could not.
    """
    import ctypes

    try:
        sync = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):  # a system that has no such call
        if hasattr(os, "sync"):
            os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if sync(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(handle)
