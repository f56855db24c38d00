"""What runs in a process of the engine: de-identifying a chunk of files.

Plain data goes in and out. The engine's heavy libraries are loaded in the worker only.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """A file of a job, and where its de-identified form is to go."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Chunk:
    """Some files of one attempt at a job."""

    items: tuple[Item, ...]
    key: bytes
    patient_id: str
    patient_name: str


@dataclass(frozen=True)
class Treated:
    """What became of an item: its new UIDs, or the reason (no identity) why it has none."""

    item: Item
    uids: tuple[str, str, str] | None  # study, series, SOP instance
    reason: str = ""


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


def work(chunk: Chunk) -> list[Treated]:
    """De-identify the files of a chunk, one after the other.

    A chunk whose staging folder is gone belongs to a void attempt: the rest is skipped.

    Raises
    ------
    DeidError
        If the staging folder cannot be written (a full disk).
    """
    from anontui.deid import Policy, Pseudonym, deidentify_file

    policy = Policy.basic()
    pseudonym = Pseudonym(patient_id=chunk.patient_id, patient_name=chunk.patient_name)
    treated = []
    for item in chunk.items:
        if not item.target.parent.is_dir():
            treated.append(Treated(item, None, "not reached"))
            continue
        outcome = deidentify_file(
            item.source,
            item.target,
            policy=policy,
            key=chunk.key,
            pseudonym=pseudonym,
            sync=False,  # it is synced where it is delivered
        )
        uids = (
            outcome.study_instance_uid,
            outcome.series_instance_uid,
            outcome.sop_instance_uid,
        )
        if outcome.status != "done":
            reason = outcome.reason.partition(" (")[0] or outcome.status
            treated.append(Treated(item, None, reason))
        elif all(re.fullmatch(r"[0-9.]{1,64}", uid) for uid in uids):  # they become file names
            treated.append(Treated(item, uids))
        else:
            treated.append(Treated(item, None, "without valid UIDs"))
    return treated
