"""Bringing whole studies: counted, and only what is missing asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anontui.pacs.archive import Archive, Tick
from anontui.pacs.inbox import Inbox
from anontui.pacs.query import Instance, Study

Told = Callable[[int, int], None]
"""Told how many instances are there, of how many."""


@dataclass(frozen=True)
class Fetched:
    """A study that is there, whole.

    ``instances`` are in the inbox, ``came`` of them in this call; ``left_out`` are of SOP
    classes that are not wanted.
    """

    instances: int
    came: int
    left_out: int


def fetch_study(
    archive: Archive,
    study: str,
    inbox: Inbox,
    tick: Tick,
    told: Told,
    *,
    sop_classes: Sequence[str] = (),
    patience: float = 1.0,
) -> Fetched:
    """Bring all instances of a study into an inbox, or raise.

    Parameters
    ----------
    archive, study, inbox
        From where, which (its StudyInstanceUID), to where; what is there already is not
        asked for again.
    tick
        Called often, may raise to stop.
    told
        Told the progress.
    sop_classes
        UIDs of the only SOP classes that are wanted, beside those of the node; all if empty.
    patience
        Seconds to wait for more, before what is missing is asked for again.

    Raises
    ------
    PacsError
        If not all came; a later call goes on where this one stopped.
    NoSuchStudy
        If the archive has nothing of it that is wanted.
    OSError
        If the inbox cannot be written.
    """
    raise NotImplementedError


def instances_of(archive: Archive, study: str, tick: Tick) -> list[Instance]:
    """Ask which instances of a study an archive has, each once.

    Raises
    ------
    PacsError
        If it cannot be asked.
    """
    raise NotImplementedError


def studies_of(archive: Archive, accession: str, tick: Tick) -> list[Study]:
    """Ask for all studies of an accession number, in the order of their dates; may be empty.

    Raises
    ------
    PacsError
        If it cannot be asked, or this is no accession number.
    """
    raise NotImplementedError
