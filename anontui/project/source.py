"""Where a job's data comes from: ``<kind>:<value>``, one cell of the mapping."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from anontui.errors import ProjectError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SourceKind(StrEnum):
    """The four kinds of source, as the mapping and the web API write them."""

    FOLDER = "folder"
    FILESELECTION = "fileselection"
    STUDY_INSTANCE_UID = "study_instance_uid"
    ACCESSION_NUMBER = "accession_number"


@dataclass(frozen=True, slots=True)
class Source:
    """One source; ``value`` is a path, a UID or an accession number by its kind."""

    kind: SourceKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def is_path(self) -> bool:
        """Whether the data is on a share (and not in a PACS)."""
        return self.kind in (SourceKind.FOLDER, SourceKind.FILESELECTION)

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read a source as a person wrote it; spaces around its parts are dropped.

        Raises
        ------
        ProjectError
            If the kind is none of the four, or the value is missing or holds a line break.
            The message does not repeat the text, which may be a patient's folder.
        """
        key, colon, value = (part.strip() for part in text.partition(":"))
        kinds = ", ".join(f"{kind}:" for kind in SourceKind)
        if key.lower() not in _KINDS or not colon:
            raise ProjectError(
                "The source does not start with a known kind",
                advice=f"Start it with one of {kinds}.",
            )
        if not value:
            raise ProjectError(
                "The source has nothing after the colon",
                advice=f"Write what the {key.lower()} is.",
            )
        if _CONTROL.search(value):
            raise ProjectError(
                "The source holds a line break or another control character",
                advice="Write it on one line.",
            )
        return cls(_KINDS[key.lower()], value)


_KINDS = {kind.value: kind for kind in SourceKind}
