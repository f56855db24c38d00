"""The secret key in a file of its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from anontui.errors import DeidError

KEY_BYTES = 32
_SHORTEST, _LONGEST = 16, 4096


def new_key() -> bytes:
    """A random key, for one run."""
    return os.urandom(KEY_BYTES)


def key_from(path: Path) -> tuple[bytes, bool]:
    """Read the key of a file; if there is no such file, make it with a random key.

    Returns
    -------
    bytes, bool
        The key, all the bytes of the file, and whether it is new.

    Raises
    ------
    DeidError
        If the file cannot be read or made, others can read it, or it is no key.
    """
    try:
        return _read(path), False
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(path, error) from error
    key = new_key()
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(key)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise _unusable(path, error) from error
    return key, True


def _read(path: Path) -> bytes:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode) or not _SHORTEST <= state.st_size <= _LONGEST:
        raise DeidError(
            f"{path} is not a key",
            advice=f"A key is a file of {_SHORTEST} to {_LONGEST} random bytes; "
            "name one that does not exist and it is made.",
        )
    if os.name == "posix" and state.st_mode & 0o077:
        raise DeidError(
            f"Others than its owner may read or write the key {path}",
            advice=f"Run: chmod 600 {path}",
        )
    return path.read_bytes()


def _unusable(path: Path, error: OSError) -> DeidError:
    return DeidError(
        f"The key {path} cannot be read or made",
        cause=error.strerror or type(error).__name__,
        advice="Name a file in a folder that only you can read.",
    )
