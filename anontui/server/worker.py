"""What runs in a process of the engine, maybe on another machine: a chunk of files.

Plain data goes in and out. The engine's heavy libraries are loaded in the worker only.
"""

from __future__ import annotations

import hmac
import os
import pickle
import re
import signal
import threading
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.deid.earlier import NOTHING, Earlier
from anontui.deid.pseudonym import Pseudonym
from anontui.errors import DeidError
from anontui.server.items import Held, ItemStatus, Outcome
from anontui.server.layouts import DEFAULT, file_name
from anontui.server.notes import PROTOCOL, Boxes, Desk, Names, Notes
from anontui.server.projects import Project
from anontui.server.quarantine import FILTERS, Pardon
from anontui.server.templates import is_template

if TYPE_CHECKING:
    from anontui.deid import Deidentifier, Policy
    from anontui.deid import Outcome as Treated

SYNCERS = 8  # a disk syncs many files at once nearly as fast as one
BEGUN = ".begun"


@dataclass(frozen=True)
class Orders:
    """What is the same for all files of an attempt at a job. It holds secrets.

    Parameters
    ----------
    root
        The source's folder; while it is away, no file of it can be judged.
    parts
        The folder of the results. When it is gone, so is the attempt.
    policy
        The project's, pickled.
    key
        The secret from which new UIDs come.
    patient_id, patient_name
        The pseudonym.
    sop_classes
        If any, only these are wanted.
    ignore_opt_out
        Whether patients who opted out are treated like others.
    earlier
        What another program gave out before, as :func:`packed` makes it.
    pardons
        What a person released from quarantine, by source.
    without
        Filters that do not count.
    boxes
        What is blacked out in every image, as a person said: left, top, right, bottom.
    layout
        The names of the results.
    """

    root: Path
    parts: Path
    policy: bytes = field(repr=False)
    key: bytes = field(repr=False)
    patient_id: str
    patient_name: str
    sop_classes: frozenset[str] = frozenset()
    ignore_opt_out: bool = False
    earlier: bytes = field(default=b"", repr=False)
    pardons: tuple[tuple[str, Pardon], ...] = field(default=(), repr=False)
    without: frozenset[str] = frozenset()
    boxes: Boxes = ()
    layout: str = DEFAULT


@dataclass(frozen=True, repr=False)  # a cluster's logs show arguments
class Chunk:
    """Some files of one attempt; ``alone`` if one of them may have killed its worker.

    ``pseudonyms`` are those of patients that a worker lacked, by Patient ID.
    """

    orders: Orders
    items: tuple[Held, ...]
    alone: bool = False
    pseudonyms: Mapping[str, Pseudonym] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What became of a chunk's items; those that are not in it were not reached.

    ``failure`` says, without identity, what stops the whole job; ``transient`` whether it
    may pass. ``notes`` carry the originals, for the table of identities and nothing else.
    """

    outcomes: tuple[tuple[Held, Outcome], ...]
    failure: str = ""
    transient: bool = True
    notes: Notes = field(default=Notes(), repr=False)


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


def pickled_policy(project: Project) -> bytes:
    """Read a project's policy; the coordinator does not load what that takes.

    Raises
    ------
    DeidError
        If its file is wrong; it names the file and the line.
    """
    return pickle.dumps(project.read_policy())


def packed(earlier: Earlier) -> bytes:
    """Make what was given out before small enough to go with every chunk; nothing is empty."""
    return zlib.compress(pickle.dumps(earlier), 1) if earlier else b""


def work(chunk: Chunk) -> Report:
    """De-identify the files of a chunk, one after the other, and sync the results.

    Whatever happens is in the report: what is raised may be shown by a cluster's logs.
    """
    try:
        return _work(chunk)
    except Exception as error:  # noqa: BLE001 - a mistake of ours
        return Report((), f"Internal error ({type(error).__name__})", transient=False)


def _work(chunk: Chunk) -> Report:
    orders = chunk.orders
    names = _names(orders)
    if names is not None:
        names.known.update(chunk.pseudonyms)
    desk = Desk(
        lambda without, boxes: _deidentifier(replace(orders, without=without, boxes=boxes)),
        names,
        dict(orders.pardons),
    )
    outcomes: list[tuple[Held, Outcome]] = []
    failure = ""
    for held in chunk.items:
        part = orders.parts / held.part
        if not orders.parts.is_dir():
            return Report(())
        try:
            if chunk.alone:
                (orders.parts / f"{held.part}{BEGUN}").touch()
            treated = desk.treat(held.source, part)
        except (DeidError, OSError) as error:
            failure = f"Could not move file to the destination: {_cause(error)}"
            break
        if treated.code == "unreadable" and not orders.root.is_dir():
            failure = "The source cannot be read: its share is away"
            break
        if not desk.lacks_pseudonym(held.item_id):
            outcomes.append((held, _outcome(treated, orders, desk, held)))
    parts = [orders.parts / held.part for held, one in outcomes if one.status is ItemStatus.READY]
    try:
        _sync(parts)
    except OSError as error:
        for part in parts:
            with suppress(OSError):
                part.unlink()
        return Report((), f"Could not move file to the destination: {_cause(error)}")
    return Report(tuple(outcomes), failure, notes=desk.notes())


def _outcome(treated: Treated, orders: Orders, desk: Desk, held: Held) -> Outcome:
    if treated.status != "done":
        reason = treated.reason.partition(" (")[0].partition(": ")[0] or treated.status
        code = str(treated.code or "")
        study = desk.note_held(held.source, orders.patient_id) if code == PROTOCOL else ""
        return Outcome(ItemStatus(treated.status), code, reason, study=study)
    uids = (treated.study_instance_uid, treated.series_instance_uid, treated.sop_instance_uid)
    if not all(re.fullmatch(r"[0-9.]{1,64}", uid) for uid in uids):  # they become file names
        return Outcome(ItemStatus.QUARANTINED, "missing_uid", "without valid UIDs")
    study, series, instance = uids
    pseudonym = desk.pseudonym(treated, orders.patient_id)
    desk.note(treated, held.source, orders.parts / held.part, pseudonym)
    target = file_name(orders.layout, pseudonym, study, series, instance)
    patient = ""
    if desk.minds_conflicts:
        original = treated.original.patient_id if treated.original else ""
        patient = hmac.digest(orders.key, b"patient\0" + original.encode(), "sha256").hex()[:32]
    return Outcome(ItemStatus.READY, target=target, study=study, patient=patient)


_mine = threading.local()


def _deidentifier(orders: Orders) -> Deidentifier:
    """The engine of an attempt, which remembers what it saw from one chunk to the next."""
    from anontui.deid import Deidentifier

    made: dict[Orders, Deidentifier] = _mine.__dict__.setdefault("made", {})
    if orders not in made:
        policy = pickle.loads(orders.policy)  # noqa: S301 - it comes from the coordinator
        filters = policy.filters
        if orders.ignore_opt_out:
            filters = replace(filters, opt_out=frozenset())
        if orders.sop_classes:
            both = filters.sop_classes & orders.sop_classes or frozenset({"none of them"})
            wanted = both if filters.sop_classes else orders.sop_classes
            filters = replace(filters, sop_classes=wanted)
        filters = replace(filters, **dict.fromkeys(orders.without & FILTERS, False))
        pseudonym = Pseudonym(patient_id=orders.patient_id, patient_name=orders.patient_name)
        while len(made) > 1:
            del made[next(iter(made))]
        made[orders] = Deidentifier(
            _blacking_out(replace(policy, filters=filters), orders.boxes),
            orders.key,
            _names(orders) or pseudonym,
            earlier=_unpacked(orders.earlier),
        )
    return made[orders]


def _blacking_out(policy: Policy, boxes: Boxes) -> Policy:
    """The policy, with boxes that are blacked out besides what its own rule for an image says."""
    if not boxes:
        return policy
    from anontui.deid import Option
    from anontui.deid.rules.pixelrules import Box, PixelRule, PixelRules

    told = tuple(Box(*box) for box in boxes)
    is_on = Option.CLEAN_PIXEL_DATA in policy.options
    own = policy.pixel_rules.rules if is_on else ()
    rules = [replace(rule, boxes=rule.boxes + told) for rule in own]
    every = PixelRule("drawn by a person", {}, None, None, told)
    return replace(
        policy,
        options=policy.options | {Option.CLEAN_PIXEL_DATA},
        pixel_rules=PixelRules((*rules, every)),
    )


def _names(orders: Orders) -> Names | None:
    """The pseudonyms that this worker was told, if each patient gets another one."""
    if not is_template(orders.patient_id):
        return None
    orders = replace(orders, without=frozenset(), boxes=())
    told: dict[Orders, Names] = _mine.__dict__.setdefault("names", {})
    if orders not in told:
        while len(told) > 1:
            del told[next(iter(told))]
        told[orders] = Names()
    return told[orders]


def _unpacked(earlier: bytes) -> Earlier:
    unpickled = pickle.loads(zlib.decompress(earlier)) if earlier else None  # noqa: S301 - as above
    return unpickled if isinstance(unpickled, Earlier) else NOTHING


@cache
def _syncers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SYNCERS)


def _sync(paths: Iterable[Path]) -> None:
    for _ in _syncers().map(_sync_one, paths):
        pass


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cause(error: DeidError | OSError) -> str:
    if isinstance(error, DeidError):
        return error.cause or error.message
    return error.strerror or type(error).__name__
