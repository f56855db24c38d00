"""Where instances arrive: a folder of files that are whole, or not there.

A file's name is a hash of its SOP instance UID: it tells no original identifier, and whether
an instance is there is seen without opening anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import BinaryIO

from anontui.atomic import sync_folder

SUFFIX = ".dcm"
_PART = ".part"
_SYNCERS = 8  # a disk syncs many files at once nearly as fast as one


class Inbox:
    """A folder for the instances of one study, made if it does not exist (mode 0700).

    Safe to use from many threads; parts that a killed program left are overwritten.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path_of(self, instance: str) -> Path:
        """Where the instance of this SOP instance UID is, once it is there."""
        return Path(f"{self._start(instance)}{SUFFIX}")

    def has(self, instance: str) -> bool:
        """Whether an instance is there, whole."""
        return os.path.exists(f"{self._start(instance)}{SUFFIX}")

    def count(self) -> int:
        """How many instances are there."""
        return sum(name.endswith(SUFFIX) for name in os.listdir(self.folder))

    def files(self) -> list[Path]:
        """The files, in the order of their names."""
        return sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)

    @contextmanager
    def writing(self, instance: str, *, sync: bool = True) -> Iterator[BinaryIO]:
        """Write an instance: at the end of the block it is there, replacing nothing.

        If the block raises, nothing is. Without ``sync`` it survives a killed program, and a
        power cut only after :meth:`sync`.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        start = self._start(instance)
        part = f"{start}.{os.getpid()}-{get_ident()}{_PART}"
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(part, f"{start}{SUFFIX}")
            if sync:
                sync_folder(self.folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)

    def sync(self) -> None:
        """Have all that is there survive a power cut.

        Raises
        ------
        OSError
            If it cannot.
        """
        with ThreadPoolExecutor(_SYNCERS) as pool:
            for _ in pool.map(_sync, self.files()):
                pass
        sync_folder(self.folder)

    def remove_empty(self) -> None:
        """Remove files without content: a power cut leaves what was not synced so."""
        for path in self.files():
            if not path.stat().st_size:
                path.unlink()

    def _start(self, instance: str) -> str:
        """A file's path without its ending, as text: quicker than paths by the thousand."""
        return f"{self.folder}{os.sep}{sha256(instance.encode()).hexdigest()[:32]}"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
