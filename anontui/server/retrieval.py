"""Collect from an archive: the studies of a job, counted complete, into a folder of its own."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import NoSuchStudy
from anontui.pacs.archive import Archive
from anontui.pacs.fetch import fetch_study, studies_of
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node
from anontui.pacs.ways import Ways
from anontui.server.beside import LOOK_EVERY, Tell, Tick, beside
from anontui.server.incoming import study_key
from anontui.server.routes import ACCESSION


@dataclass(frozen=True)
class Progress:
    """How many instances are there, of how many that are known of."""

    done: int
    total: int


def retrieve(
    node: Node,
    wanted: str,
    folder: Path,
    sop_classes: tuple[str, ...],
    tick: Tick,
) -> Generator[Progress, None, None]:
    """Have the folder hold all instances of the wanted studies, and yield the progress.

    What an earlier call brought is not asked for again. It ends when all is there, counted.

    Parameters
    ----------
    node
        The archive.
    wanted
        A StudyInstanceUID, or ``accession_number:`` and a number, for all its studies.
    folder
        Where each study gets a folder.
    sop_classes
        UIDs of the only SOP classes that are wanted; all if empty.
    tick
        Called several times a second, whatever the archive does; may raise to stop.

    Raises
    ------
    NoSuchStudy
        If the archive does not have it.
    PacsError
        If not all came.
    OSError
        If the folder cannot be written.
    """

    def do(tell: Tell[Progress], look: Tick) -> None:
        archive = Ways(node)
        try:
            done = total = 0
            for study in _studies(archive, wanted, look):

                def told(there: int, of: int, before: tuple[int, int] = (done, total)) -> None:
                    tell(Progress(before[0] + there, before[1] + of))

                inbox = Inbox(folder / study_key(study))
                with _turn(node, look):
                    fetched = fetch_study(
                        archive, study, inbox, look, told, sop_classes=sop_classes
                    )
                done += fetched.instances
                total += fetched.instances
            tell(Progress(done, total))
        finally:
            archive.close()

    return beside(do, tick)


_ports: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)


@contextmanager
def _turn(node: Node, tick: Tick) -> Iterator[None]:
    """Wait for one's turn where an archive sends to a port of ours: one study at a time."""
    if node.web or not node.dimse or not node.dimse.move_port:
        yield
        return
    lock = _ports[node.dimse.move_port]
    while not lock.acquire(timeout=LOOK_EVERY):
        tick()
    try:
        yield
    finally:
        lock.release()


def _studies(archive: Archive, wanted: str, tick: Tick) -> list[str]:
    if not wanted.startswith(ACCESSION):
        return [wanted]
    found = studies_of(archive, wanted.removeprefix(ACCESSION).strip(), tick)
    if not found:
        raise NoSuchStudy("The archive has no study of this accession number")
    return [one.study for one in found]
