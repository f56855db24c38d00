"""``nodes.yml``: the archives that are known by name, with their secrets (mode 0600)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anontui.pacs.node import Node

NAME = "nodes.yml"


def read_nodes(path: Path) -> dict[str, Node]:
    """Read the nodes by name; none if there is no such file.

    Raises
    ------
    PacsError
        With the line, if something in it is wrong.
    """
    raise NotImplementedError


def write_nodes(path: Path, nodes: Mapping[str, Node]) -> None:
    """Replace the file by these nodes, atomically, mode 0600.

    Raises
    ------
    PacsError
        If a node is not as it must be, or the file cannot be written.
    """
    raise NotImplementedError
