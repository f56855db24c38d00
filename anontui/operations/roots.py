"""What the paths in a mapping are relative to, and which folder here one means."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from anontui import unc
from anontui.errors import AnonTUIError, ProjectError, UsageError
from anontui.operations.paths import unc_of
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping
from anontui.project.source import Source


@dataclass(frozen=True)
class Root:
    """What the path sources of a mapping are relative to: its UNC path, and where that is here.

    Both are empty as far as they are not known.
    """

    unc: str
    local: Path | None

    @classmethod
    def of(cls, workspace: Workspace, mapping: Mapping) -> Root:
        """Return the root of a mapping; ``root_source_path`` may be a local path."""
        text = mapping.option("root_source_path")
        with suppress(UsageError):
            if unc.is_unc(text):
                return cls(unc.normalise(text), workspace.share_map().to_local(text))
            if local := unc.as_local(text):
                return cls(unc_of(workspace, local) or "", local)
        return cls("", None)

    def written(self, source: Source, place: Path) -> str:
        """Return a source as the mapping says it, relative where it can be.

        Parameters
        ----------
        source
            A UNC path, or one that is relative to the project folder.
        place
            Where that is here.
        """
        if unc.is_unc(source.value):
            if self.unc and unc.is_inside(source.value, self.unc):
                below = unc.normalise(source.value)[len(self.unc) + 1 :].replace("\\", "/")
                return str(Source(source.kind, below)) if below else str(source)
        elif self.local is not None:  # the project folder may be another root
            inside = place.is_relative_to(self.local) and place != self.local
            path = place.relative_to(self.local).as_posix() if inside else str(place)
            return str(Source(source.kind, path))
        return str(source)

    def key(self, text: str) -> str:
        """What two spellings of one source have in common."""
        try:
            source = Source.parse(text)
            if source.is_path:
                whole = unc.is_unc(source.value)
                path = source.value if whole else unc.join(self.unc, source.value)
                text = f"{source.kind}:{unc.normalise(path)}"
        except AnonTUIError:
            pass  # it cannot be compared otherwise, and is reported when jobs are planned
        return text.replace("\\", "/").casefold()


def local_folder(workspace: Workspace, mapping: Mapping, text: str) -> Path:
    r"""Find the folder that a person means.

    A UNC path is looked up in the share map. A relative path, with ``/`` or ``\``, is below
    the current folder, or else below the mapping's ``root_source_path``.

    Raises
    ------
    UsageError
        If there is no such folder here.
    """
    if unc.is_unc(text) and not os.path.isdir(text):
        local = workspace.share_map().to_local(text)
        if local is None:
            raise UsageError(
                "This share is not known here",
                advice="Name the folder where it is mounted: anontui paths add SHARE FOLDER",
            )
        candidates = [local]
    else:
        root = Root.of(workspace, mapping).local
        candidates = [
            place / spelling
            for place in (workspace.folder, root)
            if place is not None
            for spelling in dict.fromkeys((text, text.replace("\\", "/")))
        ]
    for candidate in candidates:
        if candidate.is_dir():
            return Path(os.path.abspath(candidate))
    raise UsageError(
        "There is no such folder",
        advice="Write it relative to the current folder or to root_source_path, or in full.",
    )


def is_relative(source: str) -> bool:
    """True if a source as written is a path that is relative to something."""
    try:
        found = Source.parse(source)
    except ProjectError:
        return False
    return found.is_path and not unc.is_unc(found.value) and unc.as_local(found.value) is None
