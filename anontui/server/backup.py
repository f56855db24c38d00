"""A copy of everything that a server keeps, made while it works.

The databases are copied as SQLite itself copies them, each as of one moment; the ledger
first, so that what it knows of is in those copied after it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.errors import CannotStart
from anontui.server.folder import DataFolder

_SQLITE = b"SQLite format 3\0"
_PASSING = (
    "staging",
    "lock",
    "server.json",
    "start.log",
)  # of the server that runs, not of its data


def back_up(folder: DataFolder, target: Path) -> int:
    """Copy a data folder to ``target``, whole or not at all; only its owner can read it.

    The log, and what belongs to the process that runs, are left out. To go back, start a
    server with the copy as its data folder.

    Returns
    -------
    int
        The size of the copy in bytes.

    Raises
    ------
    CannotStart
        If there is no such server, ``target`` exists, or it cannot be written.
    """
    target = target.absolute()
    if not folder.ledger.exists():
        raise CannotStart(
            f"There is no server's data in {folder.path}", advice="Name its folder with --data."
        )
    if os.path.lexists(target):
        raise CannotStart(f"{target} is there already", advice="Choose a new name.")
    if Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder.path)):
        raise CannotStart(
            f"{target} lies in the data folder itself", advice="Choose a place outside it."
        )
    made: Path | None = None
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
        size = sum(_copy(source, made / name) for source, name in _files(folder))
        for place, _, _ in os.walk(made, topdown=False):
            os.chmod(place, 0o700)
            sync_folder(Path(place))
        os.rename(made, target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        raise CannotStart(
            f"The backup {target} cannot be made",
            cause=getattr(error, "strerror", None) or str(error),
            advice="Check that there is room, and that you may write there.",
        ) from error
    return size


def _files(folder: DataFolder) -> Iterator[tuple[Path, Path]]:
    """Every file, the ledger first, and its name in the copy."""
    yield folder.ledger, Path(folder.ledger.name)
    for place, folders, names in os.walk(folder.path):
        here = Path(place).relative_to(folder.path)
        if here == Path():
            folders[:] = [name for name in folders if name not in _PASSING]
            names = [name for name in names if not _is_passing(folder, name)]
        for name in names:
            path = Path(place, name)
            if not name.endswith(("-wal", "-shm", "-journal")) and path.is_file():
                yield path, here / name


def _is_passing(folder: DataFolder, name: str) -> bool:
    return name in (*_PASSING, folder.ledger.name) or name.startswith(folder.log.name)


def _copy(source: Path, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)  # below a folder closed to others
    with suppress(FileNotFoundError), source.open("rb") as file:  # it may be gone by now
        is_database = file.read(len(_SQLITE)) == _SQLITE
        file.seek(0)
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "r+b") as copy:
            if is_database:
                _copy_database(source, target)
            else:
                shutil.copyfileobj(file, copy)
                copy.flush()
            os.fsync(copy.fileno())
            return target.stat().st_size
    return 0


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source, timeout=10)) as old:
        with closing(sqlite3.connect(target)) as new:
            old.backup(new)
            [(found,)] = new.execute("PRAGMA quick_check").fetchall()
        if found != "ok":
            raise sqlite3.DatabaseError(f"{source.name} is damaged")
