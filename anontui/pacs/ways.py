"""All ways to one archive as one: each function goes the best way that the archive offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from anontui.pacs.archive import Sent, Tick, Wanted
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node
from anontui.pacs.query import Answer, Query


class Ways:
    """An :class:`~anontui.pacs.archive.Archive` over all that a node has.

    A way that the archive refuses (:class:`~anontui.errors.NotOffered`) falls to the next one.

    Parameters
    ----------
    node
        Which archive.
    name_of
        The name of a file's object in a bucket; study/series/instance.dcm by its UIDs if None.
    """

    def __init__(self, node: Node, name_of: Callable[[Path], str] | None = None) -> None:
        self.node = node
        self._name_of = name_of

    @property
    def can_find(self) -> bool:
        """Whether it can be asked what it has."""
        return self.node.dimse is not None or self.node.web is not None

    @property
    def can_retrieve(self) -> bool:
        """Whether instances can be had from it."""
        return self.can_find

    @property
    def can_send(self) -> bool:
        """Whether instances can be sent to it."""
        return self.can_find or self.node.bucket is not None

    def echo(self) -> float:
        """Ask whether it is there and knows us; returns the seconds of the slowest way."""
        raise NotImplementedError

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Yield what it has, of the node's modalities only."""
        raise NotImplementedError

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """Bring instances into an inbox."""
        raise NotImplementedError

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send files study by study, skip what is there, and count what is there afterwards."""
        raise NotImplementedError

    def close(self) -> None:
        """End all associations and connections."""
        raise NotImplementedError
