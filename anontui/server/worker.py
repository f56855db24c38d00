"""What runs in a process of the engine: de-identifying a chunk of files.

Plain data goes in and out. The engine's heavy libraries are loaded in the worker only.
"""

from __future__ import annotations

import hmac
import os
import pickle
import re
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.deid import Deidentifier


@dataclass(frozen=True)
class Item:
    """A file of a job, and where its de-identified form is to go."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Chunk:
    """Some files of one attempt at a job; ``policy`` is the project's, pickled once."""

    items: tuple[Item, ...]
    policy: bytes
    key: bytes
    patient_id: str
    patient_name: str


@dataclass(frozen=True)
class Treated:
    """What became of an item: its new UIDs, or the reason (no identity) why it has none.

    ``patient`` is the same for files of the same Patient ID, and tells nothing of it.
    """

    item: Item
    uids: tuple[str, str, str] | None  # study, series, SOP instance
    reason: str = ""
    patient: str = ""


def obey(lifeline: Connection) -> None:
    """Prepare this worker: it ends when the other end of ``lifeline`` is closed.

    That is when the engine stops, and also when the server was killed. Signals of the
    terminal are the server's business.
    """
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)


@lru_cache(maxsize=2)
def _deidentifier(policy: bytes, key: bytes, patient_id: str, patient_name: str) -> Deidentifier:
    """The engine of an attempt, which remembers what it saw from one chunk to the next."""
    from anontui.deid import Deidentifier, Pseudonym

    obeyed = pickle.loads(policy)  # noqa: S301 - it comes from the coordinator, through its pipe
    return Deidentifier(obeyed, key, Pseudonym(patient_id=patient_id, patient_name=patient_name))


def work(chunk: Chunk) -> list[Treated]:
    """De-identify the files of a chunk, one after the other.

    A chunk whose staging folder is gone belongs to a void attempt: the rest is skipped.

    Raises
    ------
    DeidError
        If the staging folder cannot be written (a full disk).
    """
    deidentifier = _deidentifier(chunk.policy, chunk.key, chunk.patient_id, chunk.patient_name)
    treated = []
    for item in chunk.items:
        if not item.target.parent.is_dir():
            treated.append(Treated(item, None, "not reached"))
            continue
        # it is synced where it is delivered
        outcome = deidentifier.file(item.source, item.target, sync=False)
        uids = (
            outcome.study_instance_uid,
            outcome.series_instance_uid,
            outcome.sop_instance_uid,
        )
        if outcome.status != "done":
            reason = outcome.reason.partition(" (")[0] or outcome.status
            treated.append(Treated(item, None, reason))
        elif all(re.fullmatch(r"[0-9.]{1,64}", uid) for uid in uids):  # they become file names
            original = outcome.original.patient_id if outcome.original else ""
            patient = hmac.digest(chunk.key, b"patient\0" + original.encode(), "sha256").hex()
            treated.append(Treated(item, uids, patient=patient))
        else:
            treated.append(Treated(item, None, "without valid UIDs"))
    return treated
