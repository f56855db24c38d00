"""The archives that a server knows by name: ``nodes.yml``, read again when it changes."""

from __future__ import annotations

from pathlib import Path

from anontui.errors import PacsError, SettingsError
from anontui.pacs.node import Node
from anontui.pacs.nodefile import NAME, read_nodes


def can_retrieve(node: Node) -> bool:
    """Whether an archive can be asked, and data be had from it."""
    return node.dimse is not None or node.web is not None


def ways_of(node: Node) -> list[str]:
    """How an archive is reached."""
    return list(addresses(node))


def addresses(node: Node) -> dict[str, str]:
    """Where an archive is, by each way; without secrets."""
    found = {}
    if node.dimse:
        found["DIMSE"] = f"{node.dimse.aet}@{node.dimse.host}:{node.dimse.port}"
    if node.web:
        found["DICOMweb"] = node.web.url
    if node.bucket:
        found["S3"] = f"{node.bucket.bucket}/{node.bucket.prefix}"
    return found


class Nodes:
    """The nodes of a data folder.

    Parameters
    ----------
    data
        The server's data folder.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self._read: tuple[tuple[int, ...], dict[str, Node]] | None = None

    def current(self) -> dict[str, Node]:
        """Return what the file says now, by name; nothing if there is none.

        Raises
        ------
        SettingsError
            If it cannot be read or understood; it names the file, the line and what to do.
        """
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(
                f"{self.path} cannot be read", cause=error.strerror or ""
            ) from error
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        if self._read is None or self._read[0] != version:
            try:
                self._read = (version, read_nodes(self.path))
            except PacsError as error:
                raise SettingsError(
                    error.message, advice=error.advice, cause=error.cause
                ) from error
        return self._read[1]
