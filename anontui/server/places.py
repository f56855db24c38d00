"""Where the server may read and write: below its shares, and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
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
    sources, destinations
        UNC paths below which may be read and written; by default all shares.
    """

    def __init__(
        self,
        shares: ShareMap,
        data: Path,
        sources: Sequence[str] = (),
        destinations: Sequence[str] = (),
    ) -> None:
        self._shares = shares
        self._data = Path(os.path.realpath(data))
        self._shared = [Path(os.path.realpath(local)) for _, local in shares.pairs]
        self._read = self._roots(sources)
        self._written = self._roots(destinations)

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
        return SourcePlace(SourceKind(kind), self._place("source_path", unc, self._read))

    def destination(self, text: str) -> Path:
        """Return the place of a ``destination_path``; it need not exist yet.

        Raises
        ------
        CallRefused
            If it is not a UNC path, or not on a share of this server.
        """
        return self._place("destination_path", text, self._written)

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
        """True if a path without links may be read or written, and is not in the data folder."""
        return self._is_below(real, self._read) or self._is_below(real, self._written)

    def _roots(self, uncs: Sequence[str]) -> Sequence[Path]:
        if not uncs:
            return self._shared
        locals_ = filter(None, map(self._shares.to_local, uncs))
        reals = [Path(os.path.realpath(local)) for local in locals_]
        return [real for real in reals if self._is_below(real, self._shared)]

    def _is_below(self, real: Path, roots: Iterable[Path]) -> bool:
        return not real.is_relative_to(self._data) and any(map(real.is_relative_to, roots))

    def _place(self, field: str, unc: str, roots: Sequence[Path]) -> Path:
        try:
            unc = normalise(unc)
        except UsageError as error:
            raise refused(field, f"{field}: {error.message}") from error
        local = self._shares.to_local(unc)
        if local is None:
            raise refused(field, f"{unc} is not on a share of this server")
        real = Path(os.path.realpath(local))
        if not self._is_below(real, self._shared):
            raise refused(field, f"{unc} leads to a place that this server does not open")
        if not self._is_below(real, roots):
            raise refused(field, f"{unc} is not a place of this project")
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
