"""Where the server may read and write: below its shares, and nowhere else."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from anontui.errors import CallRefused, UsageError
from anontui.unc import ShareMap, normalise

_LONGEST_NAME = 60  # letters of up to 4 bytes; file systems take 255 bytes
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class SourceKind(StrEnum):
    """What a job's ``source_path`` names."""

    FOLDER = "folder"
    FILESELECTION = "fileselection"


@dataclass(frozen=True)
class SourcePlace:
    """A source on this machine, links resolved: ``path`` is a folder or a selection file."""

    kind: SourceKind
    path: Path

    @property
    def folder(self) -> Path:
        """The folder that holds all of the source's files."""
        return self.path if self.kind is SourceKind.FOLDER else self.path.parent


class Places:
    """The map from UNC paths to what may be touched here.

    Parameters
    ----------
    shares
        The shares; everything below their local folders, links resolved, is allowed.
    data
        The server's own data folder, which is not, wherever it lies.
    """

    def __init__(self, shares: ShareMap, data: Path) -> None:
        self._shares = shares
        self._roots = [Path(os.path.realpath(local)) for _, local in shares.pairs]
        self._data = Path(os.path.realpath(data))

    def source(self, text: str) -> SourcePlace:
        r"""Return the place of a ``source_path``: ``\\…``, ``folder:\\…`` or ``fileselection:\\…``.

        Raises
        ------
        CallRefused
            If it is of another kind, not a UNC path, or not on a share of this server.
        """
        kind, colon, unc = text.partition(":")
        if not colon:
            kind, unc = SourceKind.FOLDER, text
        if kind not in tuple(SourceKind):
            raise refused("source_path", "source_path is neither a folder nor a fileselection")
        return SourcePlace(SourceKind(kind), self._place("source_path", unc))

    def destination(self, text: str) -> Path:
        """Return the place of a ``destination_path``; it need not exist yet.

        Raises
        ------
        CallRefused
            If it is not a UNC path, or not on a share of this server.
        """
        return self._place("destination_path", text)

    def pair(self, source: str, destination: str) -> tuple[SourcePlace, Path]:
        """Return both places of a job.

        Raises
        ------
        CallRefused
            Also if one lies inside the other, or they are the same.
        """
        read, write = self.source(source), self.destination(destination)
        if write.is_relative_to(read.folder) or read.folder.is_relative_to(write):
            raise refused(
                "destination_path",
                "The destination lies inside the source, or the source inside the destination",
            )
        return read, write

    def allows(self, real: Path) -> bool:
        """True if a path without links lies below a share and not in the data folder."""
        return not real.is_relative_to(self._data) and any(
            real.is_relative_to(root) for root in self._roots
        )

    def _place(self, field: str, unc: str) -> Path:
        try:
            unc = normalise(unc)
        except UsageError as error:
            raise refused(field, f"{field}: {error.message}") from error
        local = self._shares.to_local(unc)
        if local is None:
            raise refused(field, f"{unc} is not on a share of this server")
        real = Path(os.path.realpath(local))
        if not self.allows(real):
            raise refused(field, f"{unc} leads to a place that this server does not open")
        return real


def safe_name(pseudonym: str) -> str:
    """Return ``pseudonym`` as the name of one folder on any system, never empty.

    Two pseudonyms never share a name: one that had to change carries a hash of itself.
    """
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", pseudonym)[:_LONGEST_NAME].strip(" .")
    if name and name == pseudonym and not _DEVICES.match(name):
        return name
    return f"{name[:40]}_{sha256(pseudonym.encode()).hexdigest()[:8]}"


def refused(field: str, message: str) -> CallRefused:
    """Return the refusal of a call because of one of its parameters."""
    return CallRefused(message, errors={field: message})
