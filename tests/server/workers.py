"""What workers do in tests of the engine; the file's content says it."""

from __future__ import annotations

import os
import signal
import time

from anontui.errors import DeidError
from anontui.server.worker import Chunk, Treated


def obedient(chunk: Chunk) -> list[Treated]:
    """Die, sleep, fail or copy, as the first word of each source says."""
    treated = []
    for item in chunk.items:
        word = item.source.read_text().partition(" ")[0]
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "sleep":
            time.sleep(600)
        if word == "full":
            raise DeidError("It cannot be written", cause="No space left on device")
        if word == "reject":
            treated.append(Treated(item, None, "of no use"))
            continue
        if not item.target.parent.is_dir():
            continue
        item.target.write_text(item.source.read_text())
        number = item.source.stem.strip("f").lstrip("0") or "0"
        treated.append(Treated(item, ("1.1", "1.2", f"1.3.{number}")))
    return treated


def pid_of(chunk: Chunk) -> list[Treated]:
    """Tell the worker's process id, and stay."""
    chunk.items[0].target.write_text(str(os.getpid()))
    time.sleep(600)
    return []
