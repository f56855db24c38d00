"""The one small interface to an archive, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node
from anontui.pacs.query import Answer, Query

Tick = Callable[[], None]
"""Called often while something runs; may raise to stop it."""


@dataclass(frozen=True, repr=False)
class Wanted:
    """What to retrieve: a whole study, or some instances of one, by series."""

    study: str
    instances: tuple[tuple[str, str], ...] = ()  # series and SOP instance UIDs; empty: all


class Sending(Enum):
    """What became of a file that was to be sent."""

    SENT = "sent"
    THERE = "it was there already"
    FAILED = "failed"


@dataclass(frozen=True)
class Sent:
    """The end of one file: ``reason`` says without identity why it failed.

    ``transient`` tells whether a repeat may help.
    """

    path: Path
    what: Sending
    reason: str = ""
    transient: bool = True


class Archive(Protocol):
    """An archive that can be talked to. Not safe for two threads at once.

    Every method raises :class:`~anontui.errors.PacsError` with advice when the archive cannot
    be reached or refuses; ``transient`` on it tells whether a repeat may help.
    """

    @property
    def node(self) -> Node:
        """Which one it is."""
        ...

    def echo(self) -> float:
        """Ask whether it is there and knows us; returns how many seconds its answer took."""
        ...

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Yield what it has, each once; closing the iterator cancels the query."""
        ...

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """Bring instances into an inbox, by the best way that is offered.

        It may end short without an error: whoever needs all counts
        (:func:`anontui.pacs.fetch.fetch_study`).
        """
        ...

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send DICOM files, and yield what became of each; those that are there are skipped."""
        ...

    def close(self) -> None:
        """End all associations and connections."""
        ...


def open_archive(node: Node) -> Archive:
    """Return what talks to a node. Nothing is connected before something is asked.

    Each function goes the best way the node has: find by DIMSE, then DICOMweb; retrieve by
    WADO-RS, C-GET, then C-MOVE; send by DICOMweb, C-STORE, or to the bucket.

    Raises
    ------
    PacsError
        If the node has no way at all, or what it needs is not installed.
    """
    from anontui.pacs.ways import Ways

    return Ways(node)
