"""What workers do in tests of the engine; the file's content says it."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any
from unittest import mock

from anontui.server.items import Held, ItemStatus, Outcome
from anontui.server.worker import BEGUN, Chunk, Report, work


def obedient(chunk: Chunk) -> Report:
    """Die, sleep, fail or copy, as the first word of each source says."""
    parts = chunk.orders.parts
    outcomes: list[tuple[Held, Outcome]] = []
    for held in chunk.items:
        if not parts.is_dir():
            return Report(())
        if chunk.alone:
            (parts / f"{held.part}{BEGUN}").touch()
        word, _, rest = Path(held.source).read_text().partition(" ")
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "sleep":
            time.sleep(600)
        if word == "full":
            failure = "Could not move file to the destination: No space left on device"
            return Report(tuple(outcomes), failure)
        if word == "hopeless":
            return Report(tuple(outcomes), "Internal error", transient=False)
        outcomes.append((held, _copy(held, parts, word, rest)))
    return Report(tuple(outcomes))


def _copy(held: Held, parts: Path, word: str, rest: str) -> Outcome:
    if word == "reject":
        return Outcome(ItemStatus.REJECTED, "of_no_use", "of no use")
    if word == "slow":
        time.sleep(0.02)
    number, _, content = rest.partition(" ")
    (parts / held.part).write_text(content or word)
    return Outcome(ItemStatus.READY, target=f"P/1.1/1.2/1.3.{number}.dcm", study="1.1")


def pid_of(chunk: Chunk) -> Report:
    """Tell the worker's process id, and stay."""
    (chunk.orders.parts / chunk.items[0].part).write_text(str(os.getpid()))
    time.sleep(600)
    return Report(())


def refuse(chunk: Chunk) -> Report:
    """As a worker that lacks something."""
    raise ModuleNotFoundError("anontui")


def unsynced(chunk: Chunk) -> Report:
    """The real work, on a disk that cannot sync while there is a file ``broken``."""

    def fsync(handle: Any) -> None:
        if (chunk.orders.root.parent / "broken").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synced(handle)

    synced = os.fsync
    with mock.patch.object(os, "fsync", fsync):
        return work(chunk)
