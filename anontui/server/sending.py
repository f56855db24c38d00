"""Deliver to an archive: what became of each file is told once the archive was counted."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path

from anontui.pacs.archive import Sent
from anontui.pacs.node import Node
from anontui.pacs.ways import Ways
from anontui.server.beside import Tell, Tick, beside


def send(node: Node, files: Mapping[Path, str], tick: Tick) -> Generator[Sent, None, None]:
    """Send files to an archive, and yield what became of each; what is there is not sent again.

    Parameters
    ----------
    node
        The archive.
    files
        The files, with the names that they get where there are names.
    tick
        Called several times a second, whatever the archive does; may raise to stop.

    Raises
    ------
    PacsError
        If it cannot be reached.
    """

    def do(tell: Tell[Sent], look: Tick) -> None:
        archive = Ways(node, files.__getitem__)
        try:
            for sent in archive.send(files, look):
                tell(sent)
        finally:
            archive.close()

    return beside(do, tick)
